import math
from dataclasses import fields, replace

import numpy as np
import pytest
from drawn import chain, clump, disc
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import cnr_text, measure_cells, outline_uncertainty_px


def concentric(cell_radius, nucleus_radius, size=161):
    centre = ((size - 1) / 2, (size - 1) / 2)
    classes = disc((size, size), centre, cell_radius).astype(np.uint8)
    classes[disc((size, size), centre, nucleus_radius)] = 2
    return classes


def only(classes, **options):
    (measure,) = measure_cells(classes, classes > 0, **options)
    return measure


@pytest.mark.parametrize(
    ("cell_um", "nucleus_um", "error"), [(6.5, 3.75, -0.089), (4.5, 3.75, -0.27), (4.0, 3.5, -0.40)]
)
def test_the_cnr_of_an_outline_two_pixels_too_small(cell_um, nucleus_um, error):
    px = 10.2
    # the centre of an image of even size lies between pixels
    true = only(concentric(cell_um * px, nucleus_um * px, size=160))
    small = only(concentric(cell_um * px - 2, nucleus_um * px, size=160))
    assert small.cnr / true.cnr - 1 == pytest.approx(error, abs=0.006)
    # the analytic value of the discs
    analytic = (cell_um * px - 2) ** 2 - (nucleus_um * px) ** 2
    analytic /= (cell_um * px) ** 2 - (nucleus_um * px) ** 2
    assert analytic - 1 == pytest.approx(error, abs=0.01)


def test_measures_are_equal_when_all_is_and_nan_is_nan():
    classes = concentric(20, 9)
    here, there = (measure_cells(classes, classes > 0, pixel_size=um)[0] for um in (None, None))
    for one in fields(here):
        value = getattr(here, one.name)
        if isinstance(value, float):
            nan = replace(here, **{one.name: float("nan")})
            assert nan == replace(there, **{one.name: -float("nan")})
            assert (nan == here) == math.isnan(value)
            assert replace(here, **{one.name: 0.125}) != here
    assert here == there
    assert hash(here) == hash(there)
    assert replace(here, flags=(Flag.EDITED,)) != here
    assert here != "a cell"


def test_known_discs_to_the_pixel():
    classes = concentric(50, 20)
    one = only(classes, pixel_size=0.25)
    # Gauss's circle problem: lattice points in discs of radius 50 and 20
    assert (one.cytoplasm_px + one.nucleus_px, one.nucleus_px) == (7845, 1257)
    assert one.cnr == (7845 - 1257) / 1257
    assert (one.y, one.x) == (80, 80)
    assert one.nucleus_um2 == 1257 / 16
    assert one.flags == ()


def test_range_of_concentric_discs():
    big, small = 66.0, 38.0
    one = only(concentric(big, small))

    def cnr(cell, nucleus):
        return (cell / nucleus) ** 2 - 1

    low = math.hypot(cnr(big, small) - cnr(big - 1, small), cnr(big, small) - cnr(big, small + 1))
    high = math.hypot(cnr(big + 1, small) - cnr(big, small), cnr(big, small - 1) - cnr(big, small))
    assert one.cnr - one.cnr_low == pytest.approx(low, rel=0.15)
    assert one.cnr_high - one.cnr == pytest.approx(high, rel=0.15)


@pytest.mark.parametrize("pixel_size", [None, 0.2, 0.03])
def test_range_against_its_definition(pixel_size):
    rng = np.random.default_rng(4)
    noise = ndi.gaussian_filter(rng.normal(size=(60, 60)), 3)
    y, x = np.indices(noise.shape)
    bowl = 1 - np.hypot(y - 30, x - 30) / 24
    classes = (bowl + noise > 0).astype(int) + (bowl + noise > 0.5)
    cells, _ = ndi.label(classes > 0)
    number = int(np.bincount(cells.ravel())[1:].argmax()) + 1
    edge = np.flatnonzero((cells == number).any(axis=0))[-1] - 1
    cells[:, edge:][cells[:, edge:] == number] = cells.max() + 1  # a neighbour beside it
    d = outline_uncertainty_px(pixel_size)
    one = next(m for m in measure_cells(classes, cells, pixel_size=pixel_size) if m.cell == number)
    own, nucleus = cells == number, (cells == number) & (classes == 2)

    def near(mask):
        points = np.argwhere(mask)
        return np.array(
            [
                [((points - (i, j)) ** 2).sum(axis=1).min() <= d**2 for j in range(own.shape[1])]
                for i in range(own.shape[0])
            ]
        )

    c, n = (own & ~nucleus).sum(), nucleus.sum()
    outer = ((near(own) & ((cells == 0) | own)) & ~nucleus).sum() / n
    inner = (own & ~near(~own) & ~nucleus).sum() / n
    grown, shrunk = near(nucleus) & own, nucleus & ~near(~nucleus)
    n_out, n_in = (own & ~grown).sum() / grown.sum(), (own & ~shrunk).sum() / shrunk.sum()
    assert one.cnr == c / n
    assert one.cnr_low == pytest.approx(max(0, c / n - math.hypot(c / n - inner, c / n - n_out)))
    assert one.cnr_high == pytest.approx(c / n + math.hypot(outer - c / n, n_in - c / n))


def test_lower_bound_is_never_negative_and_a_tiny_nucleus_has_no_upper_one():
    thin = only(concentric(20, 19))
    assert thin.cnr_low == 0
    tiny = np.zeros((9, 9), int)
    tiny[2:7, 2:7] = 1
    tiny[4, 4] = 2
    assert only(tiny).cnr_high == math.inf
    assert cnr_text(only(tiny)) == "24.00 (0.00–∞)"


def test_outline_uncertainty():
    assert outline_uncertainty_px(None) == 1
    assert outline_uncertainty_px(0.2) == 1
    assert outline_uncertainty_px(0.05) == 2


@pytest.mark.parametrize(
    "move", [np.rot90, np.fliplr, np.flipud, lambda a: np.rot90(a, 2), lambda a: np.pad(a, ((5, 0), (0, 9)))]
)
def test_turns_flips_and_moves_change_nothing(move):
    positions, radii = chain(3, reach=0.9, seed=1)
    classes, cells = clump(positions, radii, [1, 3, 2], px_per_um=5)
    before = measure_cells(classes, cells, pixel_size=0.2)
    after = measure_cells(move(classes), move(cells), pixel_size=0.2)
    for a, b in zip(before, after, strict=True):
        for name in ("cell", "cnr", "cnr_low", "cnr_high", "cytoplasm_px", "nucleus_um2", "flags"):
            assert getattr(a, name) == getattr(b, name)
    marks = np.zeros_like(cells)
    marks[round(before[0].y), round(before[0].x)] = 1
    assert np.argwhere(move(marks))[0] == pytest.approx((after[0].y, after[0].x), abs=0.6)


def test_areas_add_up_and_scale_and_ratios_agree():
    positions, radii = chain(5, reach=0.9, seed=6)
    classes, _ = clump(positions, radii, [1, 2, 3, 4, 5], px_per_um=6)
    classes[0, 0] = 1
    cells = label_cells(classes)
    fine, coarse = (measure_cells(classes, cells, pixel_size=p) for p in (0.1, 0.2))
    assert sum(m.cytoplasm_px for m in fine) == (classes == 1).sum()
    assert sum(m.nucleus_px for m in fine) == (classes == 2).sum()
    for a, b in zip(fine, coarse, strict=True):
        assert b.cytoplasm_um2 == pytest.approx(4 * a.cytoplasm_um2)
        assert b.nucleus_um2 == pytest.approx(4 * a.nucleus_um2)
        if not a.withheld:
            assert a.cnr * a.nc_ratio == pytest.approx(1)
            assert a.nucleus_fraction == pytest.approx(1 / (1 + a.cnr))
            assert a.cnr_low < a.cnr < a.cnr_high


def test_withheld_is_nan_with_its_flag_and_keeps_its_areas():
    classes = concentric(20, 20, size=61)
    one = only(classes, pixel_size=0.2)
    assert one.withheld
    assert one.flags == (Flag.RIM_NOT_RESOLVED,)
    assert all(math.isnan(getattr(one, n)) for n in ("cnr", "cnr_low", "cnr_high", "nc_ratio"))
    assert math.isnan(one.nucleus_fraction)
    assert one.nucleus_px == (classes > 0).sum()
    assert one.nucleus_um2 > 0
    assert cnr_text(one) == cnr_text(one, short=True) == "≤ 0.24"


@pytest.mark.parametrize(("pixel_size", "rim"), [(0.1, 4.0), (0.2, 2.0), (0.4, 2.0), (None, 4.0)])
def test_the_limit_of_an_unresolved_rim_is_the_cnr_of_the_widest_one_that_is_missed(pixel_size, rim):
    for radius in (12, 20, 31):
        at_most = only(concentric(radius, radius, size=2 * radius + 15), pixel_size=pixel_size).cnr_at_most
        disc_with_rim = ((radius + rim) / radius) ** 2 - 1
        assert 0.99 * disc_with_rim <= at_most <= 1.2 * disc_with_rim
        rimmed = only(concentric(radius + rim, radius, size=2 * radius + 15), pixel_size=pixel_size)
        assert rimmed.cnr <= at_most
        assert math.isnan(rimmed.cnr_at_most)


def test_the_limit_is_as_high_beside_the_image_edge_and_lower_where_a_neighbour_lies():
    nucleus = concentric(12, 12, size=27)
    framed = np.pad(nucleus, 10)
    assert only(nucleus).cnr_at_most == only(framed).cnr_at_most
    classes, cells = framed.copy(), (framed > 0).astype(int)
    classes[:, 36:46] = 1
    cells[:, 36:46] = 2
    one, _ = measure_cells(classes, cells)
    assert 0 < one.cnr_at_most < only(framed).cnr_at_most


def test_binary():
    classes = (concentric(20, 10, size=61) > 0).astype(int)
    one = only(classes, binary=True)
    assert math.isnan(one.cnr)
    assert one.flags == ()
    assert one.cytoplasm_px == classes.sum()
    assert math.isnan(one.cytoplasm_um2)
    assert only(classes).flags == (Flag.NO_NUCLEUS,)


def test_gaps_in_the_numbers_and_no_cells():
    classes = np.zeros((20, 20), int)
    assert measure_cells(classes, classes) == []
    classes[5:8, 5:8] = 1
    classes[6, 6] = 2
    assert [m.cell for m in measure_cells(classes, (classes > 0) * 40)] == [40]


def test_a_label_over_background_only_is_withheld():
    classes, cells = np.zeros((9, 9), int), np.zeros((9, 9), int)
    cells[4, 4] = 1
    (one,) = measure_cells(classes, cells)
    assert one.withheld
    assert (one.y, one.x, one.cytoplasm_px) == (4, 4, 0)
