import numpy as np
import pytest

from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.discs import Discs
from napari_leukocyte.core.segmentation.red_cells import outlines, red_cells
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty


def discs(*diameters):
    """Discs somewhere, all of them clear."""
    radius = np.array(diameters, float) / 2
    return Discs(np.zeros(len(radius)), np.zeros(len(radius)), radius, np.ones(len(radius)))


def test_the_commonest_size_wins():
    found = red_cells(discs(30, 31, 29, 30, 60, 12))
    assert (found.diameter, found.count) == (pytest.approx(30), 4)
    assert found.share == pytest.approx(120 / 192)


def test_granules_do_not_outvote_red_cells():
    assert red_cells(discs(*[40] * 4, *[8] * 12)).diameter == pytest.approx(40)


def test_only_sizes_near_what_is_expected():
    assert red_cells(discs(30, 30, 30, 60), near=65).diameter == pytest.approx(60)
    assert red_cells(discs(30, 30, 30), near=65) is None


def test_without_discs_there_are_none():
    assert red_cells(discs()) is None
    assert red_cells(discs(), near=30) is None


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize(("difficulty", "px_per_um"), [(2, 4.0), (3, 8.0), (7, 12.0)])
def test_drawn_smears(difficulty, px_per_um, grey):
    """Red cells are drawn 6.6 to 7.9 um wide; overlaps make them look a little smaller."""
    image = draw_difficulty(difficulty, seed=1, size=(400, 400), px_per_um=px_per_um).image
    if grey:
        image = image.mean(axis=-1).astype(np.uint8)
    found = red_cells(outlines(image, find_conversion(image, rgb=not grey)))
    assert found.count >= 5
    assert found.diameter / px_per_um == pytest.approx(7.1, rel=0.08)
