"""From cell to cell by keys: through an image, and on through the list."""

import numpy as np
import pytest
from driving import LONG, open_dock, press
from PIL import Image
from qtpy.QtCore import Qt

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.synthetic.smear import draw_field

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=2, size=(260, 330), px_per_um=5, n_cells=6)


@pytest.fixture
def opened(viewer, field, segmentation, tmp_path, qtbot):
    """A Measure dock beside four images; the second has no map, the file of the third is gone."""
    paths = [tmp_path / f"{name}.png" for name in "abcd"]
    for path in paths:
        Image.fromarray(field.image).save(path)
    dock = open_dock(viewer, qtbot, "Measure")
    session = dock.session
    session.open_files(list(sources_from_files(paths)))
    few = np.where(field.cells > 2, 0, field.classes)
    for index, classes in ((0, field.classes), (2, few), (3, few)):
        session.put(index, segmentation(classes, pixel_size=0.2))
    paths[2].unlink()
    yield dock
    qtbot.waitUntil(lambda: not dock.gestures.hand.engine.busy, timeout=LONG)
    dock.end()


def cells_of(session, index):
    return [measure.cell for measure in session.states[index].measures]


def test_the_next_cell_goes_on_to_the_next_image_and_the_end_of_the_list_is_said(viewer, opened):
    session = opened.session
    expected = [(index, cell) for index in (0, 3) for cell in cells_of(session, index)]
    seen = []
    for _ in expected:
        press(viewer, Qt.Key.Key_U, SHIFT)
        seen.append(session.selection)
        assert session.index == session.selection[0]
        if seen[-1] == (3, cells_of(session, 3)[0]):
            assert "c.png" in opened.status.text()  # could not be read
            assert "d.png: Cell" in opened.status.text()
    assert seen == expected
    measure = session.state.live.measure_of(seen[-1][1])
    middle = session.classes_layer.data_to_world((measure.y, measure.x))
    assert viewer.scene.camera.center[-2:] == pytest.approx(middle, abs=0.3)
    press(viewer, Qt.Key.Key_U, SHIFT)
    assert session.selection == expected[-1]
    assert "the last cell of 4 images" in opened.status.text()
    assert "1 has no class map yet" in opened.status.text()
    press(viewer, Qt.Key.Key_U, SHIFT)
    assert session.selection == expected[0]


def test_a_doubtful_cell_that_is_deleted_is_followed_by_the_next_doubtful_one(viewer, opened):
    from napari_leukocyte.core.cells.order import doubtful_first

    session = opened.session
    session.show(3)
    session.show(0)
    doubtful = doubtful_first(session.states[0].measures)
    assert len(doubtful) > 1
    press(viewer, Qt.Key.Key_U)
    press(viewer, Qt.Key.Key_U)
    assert session.selection == (0, doubtful[1])
    press(viewer, Qt.Key.Key_Delete)
    assert session.selection is None
    press(viewer, Qt.Key.Key_U)
    assert session.selection == ((0, doubtful[2]) if len(doubtful) > 2 else (3, session.selection[1]))
