"""Numbers of cells come from any program: a large one costs no memory, and counts as any other."""

import tracemalloc

import numpy as np
import pytest

from napari_leukocyte.core.cells.boxes import boxes_by_number, sizes_by_number
from napari_leukocyte.core.cells.checks import check_cell_labels
from napari_leukocyte.core.cells.keep import keep_cells
from napari_leukocyte.core.cells.live import LiveCells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.scoring.cnr_error import match_cells

LARGE = 2_000_000_000


@pytest.fixture
def two(disc_map):
    classes = disc_map((60, 120), (30, 30, 20, 10), (30, 90, 20, 10))
    cells = (classes > 0).astype(np.int32)
    cells[:, 60:] *= 2
    return classes, cells


def test_large_numbers_are_measured_matched_and_kept_in_little_memory(two):
    classes, cells = two
    large = np.where(cells == 2, LARGE, cells).astype(np.int32)
    tracemalloc.start()
    measured = measure_cells(classes, large, pixel_size=0.1)
    live = LiveCells(classes, large, pixel_size=PixelSize(0.1, "typed"))
    matching = match_cells(large, cells)
    centre = keep_cells(large, "centre")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert [measure.cell for measure in measured] == [1, LARGE]
    assert [measure.cnr for measure in measured] == [measure.cnr for measure in measure_cells(classes, cells)]
    assert set(live.boxes) == {1, LARGE}
    assert matching.pairs == ((1, 1), (LARGE, 2))
    assert set(np.unique(centre)) == {0, 1}
    assert boxes_by_number(large)[LARGE] == boxes_by_number(cells)[2]
    assert sizes_by_number(large) == {1: int((cells == 1).sum()), LARGE: int((cells == 2).sum())}


def test_a_number_beyond_what_labels_hold_is_refused_and_not_turned_into_another(two):
    _, cells = two
    with pytest.raises(LeukocyteError, match="holds the number 4000000000"):
        check_cell_labels(np.where(cells == 2, np.uint32(4_000_000_000), cells.astype(np.uint32)))
