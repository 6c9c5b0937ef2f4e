"""What the benchmark of giant platelets draws, and what it counts."""

import numpy as np
import pytest

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from platelets import Found, found, giant_platelet, line, small_lymphocyte, smears

PIXEL_SIZE = 0.1


def result(*, nucleus=30, marks=None):
    y, x = np.ogrid[:200, :200]
    classes = np.zeros((200, 200), np.uint8)
    if nucleus:
        classes[np.hypot(y - 100, x - 100) <= 50] = 1
        classes[np.hypot(y - 100, x - 100) <= nucleus] = 2
    cells = label_cells(classes, pixel_size=PIXEL_SIZE)
    return Segmentation(classes, cells, False, PixelSize(PIXEL_SIZE), "all", (), {}, marks=marks or {})


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (result(), Found(cell=True, cnr=True, marked=False)),
        (result(marks={1: Flag.NOT_A_WBC_PLATELET}), Found(cell=True, cnr=False, marked=True)),
        (result(nucleus=0), Found(cell=False, cnr=False, marked=False)),
    ],
)
def test_a_cnr_counts_where_nothing_withholds_it(made, expected):
    assert found(made) == expected


def test_shares_are_of_the_pictures():
    cnr, marked, nothing = Found(True, True, False), Found(True, False, True), Found(False, False, False)
    pictures = [cnr, marked, nothing, cnr]
    assert line("x", pictures) == "x: 3 of 4 taken for a cell, 1 marked as a giant platelet, 2 get a CNR (50.0 %)"


def test_platelets_are_no_cells_and_lymphocytes_are_small():
    for smear in smears(giant_platelet, 2):
        assert not smear.classes.any()
    for smear in smears(small_lymphocyte, 2):
        areas = np.bincount(smear.cells.ravel())[1:] * smear.pixel_size**2
        assert len(areas) == 1
        assert 40 < areas[0] < 110
