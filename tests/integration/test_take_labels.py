"""Labels of other tools, open as layers, become class maps by mouse, and how they are read is shown and changed."""

import numpy as np
import pytest
from driving import LONG, block, click, open_dock

from napari_leukocyte.plugin.canvas.layers import CLASSES

SHAPE = (100, 160)


@pytest.fixture
def classes(disc_map):
    return disc_map(SHAPE, (50, 40, 30, 14), (50, 120, 28, 12))


@pytest.fixture
def dock(viewer, qtbot, request):
    return open_dock(viewer, qtbot, request.param)


def settled(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.labels._reader.running, timeout=LONG)


@pytest.mark.parametrize("dock", ["Segment", "Correct"], indirect=True)
def test_numbered_cells_with_numbered_nuclei_are_measured_and_corrected(viewer, dock, qtbot, classes):
    assert not dock.labels.isVisible()  # there are none
    viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear")
    half = np.where(np.arange(SHAPE[1]) < 80, 3, 9)
    cells = viewer.add_labels(np.where(classes > 0, half, 0), name="cp_masks")
    nuclei = viewer.add_labels(np.where(classes == 2, half + 20, 0), name="nuclei")
    assert dock.labels.isVisible()
    dock.labels.cells.setCurrentIndex(dock.labels.cells.findText("cp_masks"))
    dock.labels.nuclei.setCurrentIndex(dock.labels.nuclei.findText("nuclei"))
    click(dock.labels.button)
    settled(dock, qtbot)
    session = dock.session
    assert "cp_masks: 2 cells, read as each number a cell" in dock.status.text()
    np.testing.assert_array_equal(viewer.layers[CLASSES].data, classes)
    assert [one.cell for one in session.state.measures] == [3, 9]
    assert all(2 < one.cnr < 6 for one in session.state.measures)
    assert not cells.visible
    assert not nuclei.visible
    # what is corrected stays
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    click(dock.labels.button)
    settled(dock, qtbot)
    assert "edits, which stay" in dock.status.text()
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()


@pytest.mark.parametrize("dock", ["Segment"], indirect=True)
def test_a_doubtful_reading_is_asked_about_and_can_be_changed(viewer, dock, qtbot, classes):
    viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear")
    viewer.add_labels(np.where(classes > 0, np.where(np.arange(SHAPE[1]) < 80, 1, 2), 0), name="two")
    click(dock.labels.button)
    settled(dock, qtbot)
    assert "numbers of cells" in dock.status.text()
    assert dock.labels.read_as.isVisible()
    assert not dock.session.states
    for word, most in (("cells", 1), ("as-found", 2)):
        combo = dock.labels.read_as.combo
        combo.setCurrentIndex(combo.findData(word))
        combo.activated.emit(combo.currentIndex())
        settled(dock, qtbot)
        assert viewer.layers[CLASSES].data.max() == most
        assert "2 cells, read as" in dock.status.text()
    assert not dock.session.state.edited


@pytest.mark.parametrize("dock", ["Segment"], indirect=True)
def test_labels_of_another_image_are_one_sentence(viewer, dock, qtbot, classes):
    viewer.add_image(np.full((60, 70, 3), 200, np.uint8), name="smear")
    viewer.add_labels(classes.astype(np.int32), name="other")
    click(dock.labels.button)
    settled(dock, qtbot)
    assert "160 x 100 px, and smear 70 x 60 px" in dock.status.text()
    assert not dock.session.states
