"""The Segment dock as a person uses it: real mouse clicks on real buttons, real strokes on the canvas."""

import numpy as np
import pytest
from driving import LONG, block, click, paint
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QTabBar

from napari_leukocyte.plugin.cnr_text import CNR
from napari_leukocyte.plugin.layers import CELLS, CLASSES


def smear(shape=(120, 140), *, centre=(60, 70), radius=30, background=250):
    """Light ground, a grey cell with a dark nucleus: what the hand-made network knows."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - centre[0], x - centre[1])
    grey = np.where(distance <= radius / 2, 20, np.where(distance <= radius, 140, background))
    return np.repeat(grey[..., None], 3, axis=-1).astype(np.uint8)


@pytest.fixture
def viewer(make_napari_viewer, monkeypatch):
    from napari_leukocyte.plugin.segment_job import SegmentJob

    monkeypatch.setattr(SegmentJob, "_loaded", {})
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    return viewer


@pytest.fixture
def dock(viewer, model, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    dock.use_weight_file(model)
    dock.pixel_size.value = 0.3
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    return dock


def press_segment_and_wait(dock, qtbot):
    click(dock.segment_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)


def layer_names(viewer):
    return [layer.name for layer in viewer.layers]


def test_one_press_gives_classes_cells_and_the_cnr_on_the_canvas(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert layer_names(viewer) == ["smear", CLASSES, CELLS, CNR]
    assert viewer.layers.selection.active is viewer.layers[CLASSES]
    (measure,) = dock.session.state.measures
    assert measure.cnr == pytest.approx(3, rel=0.15)  # radii 30 and 15
    assert list(viewer.layers[CNR].features["cnr"]) == [f"{measure.cnr:.2f}"]
    assert dock.status.text().startswith("Done on ")
    assert "typed" in dock.pixel_note.text() or "as typed" in dock.pixel_note.text()


def test_keys_reach_the_canvas_after_a_run(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    focused = viewer.window._qt_window.focusWidget()  # also where no window manager makes windows active
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_2)  # napari's own key for the brush
    assert viewer.layers[CLASSES].mode == "paint"


def test_the_cnr_follows_a_painted_stroke_and_its_undo(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    layer = viewer.layers[CLASSES]
    viewer.reset_view()
    before = list(viewer.layers[CNR].features["cnr"])
    layer.mode, layer.selected_label, layer.brush_size = "paint", 1, 14
    paint(viewer, (60, 60), (60, 80))
    qtbot.waitUntil(lambda: list(viewer.layers[CNR].features["cnr"]) != before, timeout=LONG)
    assert dock.session.state.edited
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: list(viewer.layers[CNR].features["cnr"]) == before, timeout=LONG)


@pytest.fixture
def edited(viewer, dock, qtbot):
    """A segmented image with a painted corner: its class-map layer, and what it held after painting."""
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(0, 9, 0, 9), 2)
    painted = layer.data.copy()
    click(dock.segment_button)
    assert not dock.job.running
    assert dock.question.isVisible()
    return layer, painted


def test_segmenting_over_edits_asks_and_keeps_them_by_default(viewer, dock, qtbot, edited):
    layer, painted = edited
    assert dock.keep_edits_button.isDefault()
    click(dock.keep_edits_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert layer in viewer.layers
    np.testing.assert_array_equal(layer.data, painted)
    assert not viewer.layers[CLASSES].data[:9, :9].any()
    assert not dock.question.isVisible()


def test_replaced_edits_come_back_with_undo(viewer, dock, qtbot, edited):
    layer, painted = edited
    click(dock.replace_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert not layer.data[:9, :9].any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, painted)


def test_a_dismissed_question_changes_nothing(viewer, dock, edited):
    layer, painted = edited
    click(dock.dismiss_button)
    assert not dock.job.running
    assert not dock.question.isVisible()
    np.testing.assert_array_equal(layer.data, painted)


def test_of_a_multiscale_image_the_region_in_view_is_segmented(viewer, dock, qtbot):
    full = np.full((800, 1000, 3), 250, np.uint8)
    full[500:620, 600:740] = smear()
    viewer.add_image([full, full[::2, ::2]], multiscale=True, rgb=True, name="slide", scale=(0.3, 0.3), units="um")
    viewer.scene.camera.center = (0, 560 * 0.3, 670 * 0.3)
    viewer.scene.camera.zoom *= 4
    press_segment_and_wait(dock, qtbot)
    region = dock.session.image_layer
    assert region is not None, dock.status.text()
    assert region.name.startswith("slide [")
    assert region.data.shape[0] < 800
    (measure,) = dock.session.state.measures
    where = viewer.layers[CLASSES].data_to_world((measure.y, measure.x))
    assert where == pytest.approx((560 * 0.3, 670 * 0.3), abs=0.5)


@pytest.fixture
def folder(tmp_path):
    """Crops of mixed sizes among garbage."""
    for i, shape in enumerate([(120, 140), (100, 100), (90, 130), (150, 110)]):
        image = smear(shape, centre=(shape[0] / 2, shape[1] / 2), radius=24 + 2 * i)
        Image.fromarray(image).save(tmp_path / f"crop{i}.png")
    (tmp_path / "notes.txt").write_text("not an image at all")
    (tmp_path / "broken.png").write_text("no image either")
    Image.fromarray(np.full((50, 50, 3), 200, np.uint8)).save(tmp_path / "blank.png")
    return tmp_path


def open_folder(dock, folder, qtbot):
    dock.open_folder(folder)
    qtbot.waitUntil(lambda: dock._opener is None, timeout=LONG)


def test_a_folder_becomes_a_list_in_the_same_few_layers(viewer, dock, qtbot, folder):
    open_folder(dock, folder, qtbot)
    assert len(dock.session.images) == 5
    assert "broken.png" in dock.status.text()
    assert dock.scope.value == "all 5 images"
    press_segment_and_wait(dock, qtbot)
    assert sorted(dock.session.states) == [1, 2, 3, 4]
    assert "blank.png" in dock.status.text()
    assert "4 of 5" in dock.status.text()
    click(dock.next_button)
    assert layer_names(viewer) == ["crop0.png", CLASSES, CELLS, CNR]
    assert "2 of 5" in dock.position.text()
    click(dock.next_button)
    assert layer_names(viewer) == ["crop1.png", CLASSES, CELLS, CNR]
    assert viewer.layers[CLASSES].data.shape == (100, 100)


def test_a_folder_without_images_is_one_sentence(viewer, dock, qtbot, tmp_path):
    open_folder(dock, tmp_path, qtbot)
    assert str(tmp_path.name) in dock.status.text()
    assert not dock.session.images


def test_cancel_keeps_what_is_done(viewer, dock, qtbot):
    planes = 200  # far more than are done until the click
    viewer.add_image(np.stack([smear(centre=(60, 40 + i % 60)) for i in range(planes)]), rgb=True, name="stack")
    dock.scope.value = f"all {planes} images"
    cancel = [lambda: click(dock.cancel_button)]
    dock.session.changed.connect(lambda *_: cancel and cancel.pop()())  # at the first result
    click(dock.segment_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    done = len(dock.session.states)
    assert 1 <= done < planes
    assert dock.status.text().startswith(f"Cancelled: {done} of {planes}")
    assert viewer.layers[CLASSES].data.shape == (planes, 120, 140)
    press_segment_and_wait(dock, qtbot)
    assert len(dock.session.states) == planes


def test_a_second_press_while_it_runs_changes_nothing(viewer, dock, qtbot):
    viewer.add_image(np.stack([smear()] * 8), rgb=True, name="stack")
    dock.scope.value = "all 8 images"
    click(dock.segment_button)
    worker = dock.job.worker
    assert not dock.segment_button.isEnabled()
    click(dock.segment_button)
    dock.segment()  # from a script or a shortcut
    assert dock.job.worker is worker
    assert "running" in dock.status.text()
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert len(dock.session.states) == 8


def test_an_image_deleted_during_the_run_is_no_error(viewer, dock, qtbot):
    layer = viewer.add_image(np.stack([smear()] * 6), rgb=True, name="stack")
    dock.scope.value = "all 6 images"
    click(dock.segment_button)
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert "closed" in dock.status.text()
    assert layer_names(viewer) == []


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((60, 60, 3), 128, np.uint8), "nothing to find"),
        (np.full((60, 60, 3), np.nan, np.float32), "not a number"),
        (np.zeros((60, 1), np.uint8), "1"),
    ],
    ids=["constant", "nan", "one pixel wide"],
)
def test_an_image_that_cannot_be_segmented_is_a_sentence(viewer, dock, qtbot, array, words):
    viewer.add_image(array, name="bad")
    press_segment_and_wait(dock, qtbot)
    assert words in dock.status.text()
    assert layer_names(viewer) == ["bad"]


def test_a_damaged_weight_file_is_a_sentence(viewer, dock, qtbot, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"garbage" * 50)
    dock.use_weight_file(bad)
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert "damaged" in dock.status.text()
    assert layer_names(viewer) == ["smear"]


def test_three_classes_from_a_binary_model_are_refused_and_binary_works(viewer, dock, qtbot, binary_model):
    dock.use_weight_file(binary_model)
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert "binary" in dock.status.text()
    dock.mode.value = "binary"
    press_segment_and_wait(dock, qtbot)
    assert set(np.unique(viewer.layers[CLASSES].data)) == {0, 1}
    assert list(viewer.layers[CNR].features["cnr"]) == ["–"]


def test_the_active_contour_is_one_of_the_methods(viewer, dock, qtbot):
    QTest.keyClicks(dock.model.native, "Active")  # the list goes to the entry that begins so
    viewer.add_image(smear(radius=40), name="smear")
    dock.pixel_size.value = 0.2
    press_segment_and_wait(dock, qtbot)
    assert dock.status.text() == "Done on cpu."
    assert dock.session.state.result.provenance["model"] == "active-contour"
    (measure,) = dock.session.state.measures
    assert measure.cnr == pytest.approx(3, rel=0.15)  # radii 40 and 20


def test_an_unexpected_error_is_a_sentence_and_the_dock_lives_on(viewer, dock, qtbot, monkeypatch, caplog):
    from napari_leukocyte.core.segmentation import segment

    viewer.add_image(smear(), name="smear")

    def fail(*args, **kwargs):
        raise ZeroDivisionError("by chance")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "label_cells", fail)
        press_segment_and_wait(dock, qtbot)
    assert "unexpected" in dock.status.text()
    assert "ZeroDivisionError" in caplog.text
    press_segment_and_wait(dock, qtbot)
    assert dock.status.text().startswith("Done on ")


def test_an_unknown_pixel_size_is_estimated_and_shown_as_such(viewer, dock, qtbot):
    dock.pixel_size.value = 0
    viewer.add_image(smear(), name="smear")
    assert "unknown" in dock.pixel_note.text()
    press_segment_and_wait(dock, qtbot)
    assert "estimated from 1 cell" in dock.pixel_note.text()
    assert np.isnan(dock.session.state.measures[0].nucleus_um2)


def test_a_typical_cell_gives_the_pixel_size(dock):
    dock.cell_diameter.value = 130
    assert dock.parameters().pixel_size == pytest.approx(0.1)
    dock.cell_diameter.value = 0
    assert dock.parameters().pixel_size is None


def test_a_second_dock_does_not_write_the_badges_twice(viewer, dock, qtbot):
    from napari_leukocyte.plugin.segment_widget import SegmentWidget

    other = SegmentWidget(viewer)
    qtbot.addWidget(other)
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert layer_names(viewer).count(CNR) == 1


def test_the_tabs_of_the_docks_show_short_names(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    names = ["Segment", "Measure", "Compare"]

    def titles():
        return [sorted(bar.tabText(i) for i in range(bar.count())) for bar in window.findChildren(QTabBar)]

    for n, name in enumerate(names, start=1):
        viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
        if n > 1:
            qtbot.waitUntil(lambda n=n: sorted(names[:n]) in titles(), timeout=LONG)
