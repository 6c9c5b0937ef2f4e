"""Layers are taken away in any order, by the user and at once, and others are shown in those that are there."""

from itertools import permutations

import numpy as np
import pytest
from driving import LONG, block, click, open_dock, paint
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_leukocyte.core.cells.short_text import short_cnr
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.canvas.layers import CELLS, CLASSES, TRUTH
from napari_leukocyte.plugin.cnr_text import CNR
from napari_leukocyte.plugin.session import get_session

SHAPE = (100, 120)
OURS = (CLASSES, CELLS, CNR)
ORDERS = list(permutations(("smear", *OURS)))


def names(viewer):
    return [layer.name for layer in viewer.layers]


def settle(viewer):
    """Let what waits for the end of napari's event be done, and the canvas draw what is left."""
    QApplication.processEvents()
    viewer.window._qt_viewer.canvas.native.repaint()
    QApplication.processEvents()


@pytest.fixture
def show(viewer, qtbot, segmentation, disc_map):
    """Show a segmented image of the user's, or a stack of two, in a window with a dock that follows layers."""
    open_dock(viewer, qtbot, "Measure")

    def show_one(*, planes=0):
        session = get_session(viewer)
        shape = (planes, *SHAPE, 3) if planes else (*SHAPE, 3)
        session.open_layer(viewer.add_image(np.full(shape, 200, np.uint8), name="smear", rgb=True))
        for index in range(planes or 1):
            session.put(index, segmentation(disc_map(SHAPE, (50, 60, 30, 15 + index))))
        viewer.reset_view()
        settle(viewer)
        return session

    return show_one


@pytest.mark.parametrize("planes", [0, pytest.param(2, marks=pytest.mark.slow)], ids=["image", "stack"])
def test_one_layer_is_deleted_and_what_depended_on_it_goes(viewer, show, planes):
    left = {
        "smear": [],
        CLASSES: ["smear"],  # no outlines and numbers of what is not there
        CELLS: ["smear", CLASSES, CNR],
        CNR: ["smear", CLASSES, CELLS],
    }
    for name, others in left.items():
        session = show(planes=planes)
        viewer.layers.remove(name)
        settle(viewer)
        assert names(viewer) == others
        assert bool(session.problem()) == (name == CLASSES)
        viewer.layers.clear()
        settle(viewer)
        assert names(viewer) == []
        assert session.images == []


@pytest.mark.parametrize(
    "orders", [ORDERS[5::12], pytest.param(ORDERS, marks=pytest.mark.slow)], ids=["some orders", "every order"]
)
def test_all_layers_are_deleted_one_after_the_other(viewer, show, orders):
    for order in orders:
        session = show()
        for name in order:
            if name in viewer.layers:  # or it went with another
                viewer.layers.remove(name)
                settle(viewer)
        assert names(viewer) == [], order
        assert session.images == []


@pytest.mark.parametrize("planes", [pytest.param(0, marks=pytest.mark.slow), 2], ids=["image", "stack"])
def test_all_layers_are_deleted_at_once(viewer, show, planes):
    def select_all_and_trash():
        viewer.layers.select_all()
        click(viewer.window._qt_viewer.layerButtons.deleteButton)

    def delete_slice():
        del viewer.layers[:]

    def close_the_list_from_a_script():  # and go on before napari is back in its event loop
        viewer.layers.remove("smear")
        get_session(viewer).open_layer(viewer.add_image(np.full((*SHAPE, 3), 90, np.uint8), name="other"))
        settle(viewer)
        assert names(viewer) == ["other"]
        viewer.layers.clear()

    for delete in (viewer.layers.clear, select_all_and_trash, delete_slice, close_the_list_from_a_script):
        session = show(planes=planes)
        paint(viewer, (15, 15), (15, 45))
        delete()
        settle(viewer)
        assert names(viewer) == []
        assert session.images == []


def test_painted_image_is_deleted_and_then_its_class_map(viewer, show):
    show()
    viewer.layers[CLASSES].mode = "paint"
    paint(viewer, (15, 15), (15, 45))
    painted = viewer.layers[CLASSES].data.copy()
    viewer.layers.remove("smear")
    settle(viewer)
    (aside,) = viewer.layers
    assert aside.name == f"{CLASSES} of smear (edited)"
    np.testing.assert_array_equal(aside.data, painted)
    viewer.layers.remove(aside)
    settle(viewer)
    session = show()
    assert names(viewer) == ["smear", *OURS]
    assert not session.state.edited


def test_everything_is_deleted_during_a_run(viewer, qtbot, model):
    dock = open_dock(viewer, qtbot, "Segment")
    for _ in range(2):
        viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear")
        dock.form.use_weight_file(model)
        click(dock.segment_button)
        viewer.layers.clear()
        qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
        settle(viewer)
        assert "closed" in dock.status.text()
        assert names(viewer) == []


@pytest.mark.slow
def test_the_truth_is_deleted_with_its_outlines_on_screen(viewer, qtbot, show, disc_map):
    session = show()
    dock = open_dock(viewer, qtbot, "Compare")
    for _ in range(2):
        viewer.add_labels(disc_map(SHAPE, (50, 60, 28, 14)), name="experts")
        dock.truth.setCurrentIndex(dock.truth.findText("experts"))
        dock.truth.activated.emit(dock.truth.currentIndex())
        qtbot.waitUntil(lambda: not dock.loader.running, timeout=LONG)
        for name in dock.boxes:
            session.commanded.emit(name)
        settle(viewer)
        assert TRUTH in viewer.layers
        viewer.layers.select_all()
        viewer.layers.selection.remove(viewer.layers["smear"])
        viewer.layers.remove_selected()
        settle(viewer)
        assert names(viewer) == ["smear"]
        for name in dock.boxes:
            session.commanded.emit(name)
        viewer.layers.clear()
        session = show()


@pytest.fixture
def files(tmp_path, viewer, qtbot, segmentation, disc_map):
    """A list of segmented files: two in colour, one of them larger, and one in gray."""
    open_dock(viewer, qtbot, "Measure")
    session = get_session(viewer)
    shapes = [(*SHAPE, 3), (140, 90, 3), SHAPE]
    for index, shape in enumerate(shapes):
        Image.fromarray(np.full(shape, 90 + index, np.uint8)).save(tmp_path / f"{index}.png")
    session.open_files(list(sources_from_files(sorted(tmp_path.glob("*.png")))))
    for index, shape in enumerate(shapes):
        session.put(index, segmentation(disc_map(shape[:2], (50, 45, 30, 10 + 2 * index))))
    session.show(0)
    return session


def test_a_step_exchanges_what_the_layers_hold(viewer, files):
    before = list(viewer.layers)
    viewer.layers[CLASSES].brush_size = 7
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    for index in (1, 0, 1):
        files.show(index)
        assert list(viewer.layers) == before
        state = files.states[index]
        assert viewer.layers[0].name == f"{index}.png"
        assert viewer.layers[0].data.shape[:2] == state.classes.shape
        np.testing.assert_array_equal(viewer.layers[CLASSES].data, state.classes)
        np.testing.assert_array_equal(viewer.layers[CELLS].data, state.cells)
        assert list(viewer.layers[CNR].features["cnr"]) == [short_cnr(m) for m in state.measures]
        assert not viewer.layers[CELLS].editable
        assert {str(unit) for layer in viewer.layers for unit in layer.units} == {"pixel"}
        viewer.layers[CLASSES].undo()  # nothing of the image before comes back
        np.testing.assert_array_equal(viewer.layers[CLASSES].data, state.classes)
    files.show(0)
    assert files.state.edited
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()


def test_a_step_to_another_kind_of_image_or_to_one_without_a_class_map(viewer, files):
    files.show(2)
    assert names(viewer) == ["2.png", *OURS]
    assert not viewer.layers[0].rgb
    np.testing.assert_array_equal(viewer.layers[CLASSES].data, files.states[2].classes)
    kept = files.states.pop(1)
    files.show(1)
    settle(viewer)
    assert names(viewer) == ["1.png"]
    files.states[1] = kept
    files.show(1)
    settle(viewer)
    assert names(viewer) == ["1.png", *OURS]


@pytest.mark.slow
def test_a_layer_of_a_file_that_was_deleted_comes_back_with_the_next_step(viewer, files):
    for name in ("0.png", CLASSES, CELLS, CNR):
        viewer.layers.remove(name)
        settle(viewer)
        files.show(1)
        settle(viewer)
        assert sorted(names(viewer)) == sorted(["1.png", *OURS])
        files.show(0)
