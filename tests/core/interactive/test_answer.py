"""What a click leads to, and which earlier gestures still count."""

import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.interactive.answer import answer, still_followed
from napari_leukocyte.core.interactive.session import GestureSession
from napari_leukocyte.core.interactive.stroke import Stroke
from napari_leukocyte.core.synthetic.smear import draw_field


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=2, size=(260, 330), px_per_um=5, n_cells=6)


@pytest.fixture(scope="module")
def shipped(field):
    return GestureSession(field.image, pixel_size=0.2)


def nothing(field):
    return np.zeros(field.classes.shape, np.uint8), np.zeros(field.classes.shape, np.int32)


def middle(field, cell):
    return np.argwhere((field.cells == cell) & (field.classes == 2)).mean(axis=0)


def test_the_outlines_are_those_of_the_cell_and_of_its_nucleus(field, shipped):
    found = answer(shipped, *nothing(field), Stroke("cell", middle(field, 2)), (), new_cell=4)
    assert found.found
    assert found.change.cell == 4
    own = np.zeros(field.cells.shape, bool)
    own[found.change.box] = found.change.cells == 4
    cell, nucleus = found.outlines[0], found.outlines[-1]
    rows, columns = np.nonzero(own)
    assert cell.min(axis=0) == pytest.approx((rows.min() - 0.5, columns.min() - 0.5))
    assert cell.max(axis=0) == pytest.approx((rows.max() + 0.5, columns.max() + 0.5))
    assert (nucleus.min(axis=0) >= cell.min(axis=0)).all()
    assert (nucleus.max(axis=0) <= cell.max(axis=0)).all()


def test_a_click_on_the_ground_finds_nothing(field, shipped):
    ground = ndimage.distance_transform_edt(field.image.min(axis=-1) > 150)
    found = answer(
        shipped, *nothing(field), Stroke("cell", np.unravel_index(ground.argmax(), ground.shape)), (), new_cell=1
    )
    assert not found.found
    assert found.outlines == ()


def test_a_background_click_inside_takes_a_cell_away_whole(field, shipped):
    """Drawn cells, of which the network is sure; whoever clicks knows better."""
    rng = np.random.default_rng(3)
    for cell in range(1, int(field.cells.max()) + 1):
        depth = ndimage.distance_transform_edt(np.pad(field.cells == cell, 1))[1:-1, 1:-1]
        inside = np.argwhere(depth > 0.5 * depth.max())
        click = Stroke("background", inside[rng.integers(len(inside))])
        change = answer(shipped, field.classes, field.cells, click, (), new_cell=9).change
        left = field.cells.copy()
        left[change.box] = change.cells
        assert np.array_equal(left, np.where(field.cells == cell, 0, field.cells))
        assert change.cell == 0


def test_a_gesture_counts_while_the_map_says_what_it_says(field):
    nucleus = np.argwhere((field.cells == 2) & (field.classes == 2))[200]
    strokes = [Stroke("cell", nucleus), Stroke("nucleus", nucleus), Stroke("background", (1, 1))]

    def left(classes, **options):
        known = still_followed(strokes, classes, near=Stroke("cell", nucleus), um=0.2, binary=False, **options)
        return [stroke.kind for stroke in known]

    assert left(field.classes) == ["cell", "nucleus", "background"]
    assert left(nothing(field)[0]) == ["background"]
    assert left(np.ones_like(field.classes)) == ["cell"]
    far = Stroke("cell", middle(field, 2) + np.array([1000, 0]))
    assert still_followed(strokes, field.classes, near=far, um=0.2, binary=False) == []
