"""The optional columns, on shapes whose figures are known."""

import math

import numpy as np
import pytest
from drawn import disc, ellipse
from skimage.measure import regionprops

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS, cell_shapes, mask_shape

SHAPE = (201, 201)
CENTRE = (100, 100)


def rectangle(height, width):
    mask = np.zeros(SHAPE, bool)
    mask[20 : 20 + height, 30 : 30 + width] = True
    return mask


@pytest.mark.parametrize("radius", [12, 30, 80])
def test_a_disc(radius):
    found = mask_shape(disc(SHAPE, CENTRE, radius))
    for name in ("diameter", "feret_max", "feret_min"):
        assert found[name] == pytest.approx(2 * radius, abs=1.1)
    assert found["circularity"] == pytest.approx(1, abs=0.06)
    assert found["solidity"] == 1
    assert found["eccentricity"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("angle", [0, 0.4, math.pi / 4, 1.3])
def test_an_ellipse_in_any_direction(angle):
    found = mask_shape(ellipse(SHAPE, CENTRE, (80, 40), angle))
    assert found["diameter"] == pytest.approx(2 * math.sqrt(80 * 40), abs=0.5)
    assert found["feret_max"] == pytest.approx(160, abs=1.1)
    assert found["feret_min"] == pytest.approx(80, abs=1.1)
    assert found["eccentricity"] == pytest.approx(math.sqrt(1 - (40 / 80) ** 2), abs=0.005)
    perimeter = 2 * math.pi * math.sqrt((80**2 + 40**2) / 2)  # Euler's first approximation, 2 % too long here
    assert found["circularity"] == pytest.approx(4 * math.pi * math.pi * 80 * 40 / perimeter**2, rel=0.06)
    assert found["solidity"] > 0.99


def test_a_rectangle_lies_between_its_sides_and_its_diagonal():
    found = mask_shape(rectangle(40, 100))
    assert found["feret_min"] == pytest.approx(40)
    assert found["feret_max"] == pytest.approx(math.hypot(40, 100), abs=0.6)
    assert found["diameter"] == pytest.approx(2 * math.sqrt(4000 / math.pi))


def test_solidity_says_what_is_bitten_off():
    notched = rectangle(100, 100)
    notched[70:120, 30:80] = False
    assert mask_shape(notched)["solidity"] == pytest.approx(7500 / 8750, abs=0.01)  # the hull cuts the corner off


def test_figures_of_scikit_image_are_scikit_image_s():
    mask = ellipse(SHAPE, CENTRE, (50, 30), 0.7)
    (region,) = regionprops(mask.astype(np.uint8))
    found = mask_shape(mask)
    assert found["diameter"] == region.equivalent_diameter_area
    assert found["eccentricity"] == pytest.approx(region.eccentricity)
    assert found["feret_max"] == pytest.approx(region.feret_diameter_max, abs=0.5)


@pytest.mark.parametrize("mask", [np.zeros((3, 3), bool), np.ones((1, 1), bool), np.ones((1, 4), bool)])
def test_nothing_and_next_to_nothing(mask):
    found = mask_shape(mask)
    assert bool(found) == mask.any()
    assert all(math.isfinite(value) for value in found.values())


@pytest.fixture
def maps():
    """Cell 1 with a nucleus of two lobes; cell 5 without a nucleus; both of known size."""
    classes, cells = np.zeros((200, 400), np.uint8), np.zeros((200, 400), np.int32)
    cells[disc(cells.shape, (100, 100), 60)] = 1
    cells[disc(cells.shape, (100, 300), 40)] = 5
    classes[cells > 0] = 1
    for x in (80, 120):
        classes[disc(cells.shape, (100, x), 15)] = 2
    return classes, cells


def test_lobes_count_together_and_lengths_come_in_um_where_the_pixel_size_is_known(maps):
    found = cell_shapes(*maps, pixel_size=0.1)
    assert set(found) == {1, 5}
    assert set(found[1]) <= set(SHAPE_COLUMNS)
    assert found[1]["nucleus_feret_max_px"] == pytest.approx(70, abs=1.1)  # from the one's end to the other's
    assert found[1]["cell_diameter_um"] == pytest.approx(12, abs=0.05)
    assert not [name for name in found[5] if name.startswith("nucleus")]
    unknown = cell_shapes(*maps)
    assert not [name for name in unknown[1] if name.endswith("_um")]
    assert unknown[1]["cell_diameter_px"] == found[1]["cell_diameter_px"]


def test_a_binary_map_has_no_nuclei_and_a_part_of_a_cell_no_shape(maps):
    classes, cells = maps
    assert not [name for name in cell_shapes(np.minimum(classes, 1), cells, binary=True)[1] if "nucleus" in name]
    found = cell_shapes(classes, cells, flags={1: {Flag.CUT_BY_EDGE}, 5: {Flag.TOUCHING}})
    assert found[1] == {}
    assert "cell_solidity" in found[5]
