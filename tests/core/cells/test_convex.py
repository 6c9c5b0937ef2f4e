import numpy as np
import pytest
from drawn import disc
from skimage.draw import polygon2mask

from napari_leukocyte.core.cells.convex import join_ends
from napari_leukocyte.core.cells.labels import label_cells

SHAPE = (120, 160)
ANGULAR = polygon2mask(SHAPE, [(25, 26), (22, 88), (50, 136), (95, 134), (98, 71), (70, 24)])
LOBES = disc(SHAPE, (47, 46), 16) | disc(SHAPE, (76, 114), 16)


@pytest.mark.parametrize("turn", range(4))
def test_an_angular_cell_with_a_lobe_at_each_end_is_one_cell(turn):
    classes = np.rot90(np.where(LOBES, 2, ANGULAR), turn).astype(np.uint8)
    assert label_cells(classes, pixel_size=0.11).max() == 1


def test_two_round_cells_pressed_together_stay_two():
    cells = disc(SHAPE, (60, 50), 34) | disc(SHAPE, (60, 108), 34)
    nuclei = disc(SHAPE, (60, 40), 18) | disc(SHAPE, (60, 118), 18)
    for classes in (np.where(nuclei, 2, cells), cells):
        assert label_cells(classes.astype(np.uint8), pixel_size=0.11).max() == 2


def test_only_neighbours_without_a_neck_are_joined():
    cells = np.zeros((60, 200), np.int32)
    cells[10:50, 10:40], cells[10:50, 40:60] = 1, 2
    cells[10:50, 90:120] = 3  # apart from the others
    cells[disc(cells.shape, (30, 138), 20) & (cells == 0)] = 4  # beside 3, with a neck
    joined = join_ends(cells)
    assert joined.max() == 3
    assert np.array_equal(joined == 1, (cells == 1) | (cells == 2))
    assert np.array_equal(joined == 2, cells == 3)
    assert np.array_equal(joined == 3, cells == 4)


@pytest.mark.parametrize(("arm", "left"), [(34, 2), (4, 1)])
def test_an_angle_is_two_cells_however_broad_the_passage(arm, left):
    cells = np.zeros((90, 90), np.int32)
    cells[10:70, 10:40] = 1
    cells[40:70, 40 : 40 + arm] = 2  # solidity of both: 0.84 with the long arm, 0.98 with the short one
    assert join_ends(cells).max() == left


def test_more_than_two_pieces_of_one_cell_become_one():
    cells = np.zeros((60, 60), np.int32)
    cells[10:50, 10:24], cells[10:50, 24:36], cells[10:50, 36:50] = 1, 2, 3
    assert np.array_equal(join_ends(cells), cells > 0)
