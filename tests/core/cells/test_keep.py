import numpy as np
import pytest

from napari_leukocyte.core.cells.keep import keep_cells, keep_maps, resolve_keep
from napari_leukocyte.core.errors import LeukocyteError

CELLS = np.array(
    [
        [1, 1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 3, 3, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 5, 0, 0, 0, 0, 0],
        [0, 5, 0, 0, 0, 0, 9],
    ]
)


def test_all_renumbers_in_order():
    kept = keep_cells(CELLS, "all")
    assert kept.dtype == np.int32
    assert np.array_equal(kept > 0, CELLS > 0)
    assert (kept[0, 0], kept[1, 4], kept[3, 1], kept[4, 6]) == (1, 2, 3, 4)


def test_whole_drops_what_touches_the_edge():
    assert np.array_equal(keep_cells(CELLS, "whole"), CELLS // 3 * (CELLS < 5))


def test_centre_takes_the_nearest_pixel_not_the_nearest_centroid():
    cells = np.zeros((21, 21), int)
    cells[10, 12:21] = 1  # its end is 2 px from the centre
    cells[6:8, 9:12] = 2
    assert np.array_equal(keep_cells(cells, "centre"), (cells == 1).astype(int))


def test_centre_ties_go_to_the_larger_then_to_the_lower_number():
    cells = np.array([[0, 1, 0, 2, 2]])
    assert keep_cells(cells, "centre").tolist() == [[0, 0, 0, 1, 1]]
    assert keep_cells([[0, 1, 0, 2, 0]], "centre").tolist() == [[0, 1, 0, 0, 0]]
    even = np.array([[3, 3, 2, 2]])  # the centre lies between two pixels
    assert keep_cells(even, "centre").tolist() == [[0, 0, 1, 1]]


def test_a_touching_neighbour_is_dropped_too():
    assert keep_cells([[0, 0, 1, 1, 1, 2, 2]], "centre").tolist() == [[0, 0, 1, 1, 1, 0, 0]]


@pytest.mark.parametrize("keep", ["auto", "all", "whole", "centre"])
def test_no_cell(keep):
    assert not keep_cells(np.zeros((4, 4), int), keep).any()


@pytest.mark.parametrize(
    ("shape", "pixel_size", "rule"),
    [
        ((480, 480), 1 / 10.2, "centre"),
        ((500, 500), 0.1, "centre"),
        ((500, 501), 0.1, "all"),
        ((120, 120), 0.5, "all"),
        ((300, 256), None, "centre"),
        ((512, 512), None, "centre"),
        ((480, 640), None, "all"),
    ],
)
def test_auto(shape, pixel_size, rule):
    assert resolve_keep("auto", shape, pixel_size=pixel_size) == rule
    for other in ("all", "whole", "centre"):
        assert resolve_keep(other, shape, pixel_size=pixel_size) == other


def test_auto_acts_as_its_rule():
    assert np.array_equal(keep_cells(CELLS, "auto"), keep_cells(CELLS, "centre"))
    assert np.array_equal(keep_cells(CELLS, "auto", pixel_size=10), keep_cells(CELLS, "all"))


def test_unknown_rule():
    with pytest.raises(LeukocyteError, match="middle"):
        resolve_keep("middle", (5, 5))


@pytest.mark.parametrize("rule", ["all", "whole", "centre"])
def test_maps_lose_the_same_cells_and_keep_their_numbers(rule):
    classes, cells = keep_maps((CELLS > 0).astype(np.uint8), CELLS.astype(np.int32), rule)
    stays = keep_cells(CELLS, rule) > 0
    assert np.array_equal(cells, np.where(stays, CELLS, 0))
    assert np.array_equal(classes > 0, stays)
