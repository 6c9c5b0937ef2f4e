"""Whatever is shown has been measured beside the window, by whichever door it came; its thread measures only edits."""

import numpy as np
import pytest
from driving import LONG, block, click, open_dock
from PIL import Image
from qtpy.QtWidgets import QFileDialog

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.canvas.layers import CLASSES

SHAPE = (100, 160)
NAMES = ("a.png", "b.png", "c.png")


@pytest.fixture
def classes(disc_map):
    return disc_map(SHAPE, (50, 40, 30, 14), (50, 120, 28, 12))


@pytest.fixture
def paths(tmp_path, classes):
    """Images of two cells each, as the hand-made network knows them."""
    (tmp_path / "images").mkdir()
    for name in NAMES:
        grey = np.array([250, 140, 20], np.uint8)[classes]
        Image.fromarray(np.repeat(grey[..., None], 3, axis=-1)).save(tmp_path / "images" / name)
    return [tmp_path / "images" / name for name in NAMES]


def all_are_measured_beside(session, measured_here):
    """Show one image after the other: whether cells were measured for it, and all of them beside the window."""
    for index in range(len(session.images)):
        session.show(index)
    beside = [not here for here in measured_here]
    measured_here.clear()
    return bool(beside) and all(beside)


def test_a_list_that_is_segmented_saved_and_opened_again(viewer, qtbot, paths, model, tmp_path, measured_here):
    measure, dock = (open_dock(viewer, qtbot, name) for name in ("Measure", "Segment"))
    dock.form.use_weight_file(model)
    dock.form.pixel_size.value = 0.3
    dock.form.keep.value = "All cells"
    dock.open_paths([paths[0].parent])
    qtbot.waitUntil(lambda: not dock.opener.running, timeout=LONG)
    click(dock.segment_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert measure.table.model().rowCount() == 6
    assert all_are_measured_beside(dock.session, measured_here)
    measure.save(tmp_path / "out")
    qtbot.waitUntil(lambda: not measure.output.writer.running, timeout=LONG)
    measured_here.clear()
    dock.open_paths([tmp_path / "out"])
    qtbot.waitUntil(lambda: not dock.opener.running and len(dock.session.states) == 3, timeout=LONG)
    assert measure.table.model().rowCount() == 6
    assert all_are_measured_beside(dock.session, measured_here)
    viewer.layers[CLASSES].data_setitem(block(48, 52, 38, 42), 1)
    dock.session.flush()
    assert measured_here == [True]


def test_labels_of_another_tool(viewer, qtbot, classes, measured_here):
    dock = open_dock(viewer, qtbot, "Segment")
    viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear")
    viewer.add_labels(classes.astype(np.int32), name="masks")
    click(dock.labels.button)
    qtbot.waitUntil(lambda: not dock.labels._reader.running, timeout=LONG)
    assert len(dock.session.state.measures) == 2
    assert all_are_measured_beside(dock.session, measured_here)


def test_masks_that_are_imported_accepted_and_drafted(
    viewer, qtbot, paths, classes, tmp_path, monkeypatch, measured_here
):
    (tmp_path / "masks").mkdir()
    masks = [tmp_path / "masks" / name for name in NAMES]
    for path in masks:
        Image.fromarray(classes).save(path)
    dock = open_dock(viewer, qtbot, "Correct")

    def settle():
        qtbot.waitUntil(lambda: not dock.disk.busy, timeout=LONG)

    session = dock.session
    session.open_files(list(sources_from_files(paths)))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path) for path in masks], ""))
    click(dock.import_button)
    settle()
    assert len(session.states) == 3
    assert all_are_measured_beside(session, measured_here)
    dock.new_set(tmp_path / "set")
    settle()
    dock.corrections.accept(0)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    settle()
    dock.save_work()
    settle()
    measured_here.clear()
    session.reopen()
    settle()
    assert list(session.states) == [0]
    assert all_are_measured_beside(session, measured_here)
    click(dock.recovery.restore_button)
    settle()
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()
    assert all_are_measured_beside(session, measured_here)
    dock.end()
