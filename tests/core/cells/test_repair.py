import numpy as np
import pytest
from drawn import disc
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.repair import cut, extended, find_hole, find_indent, trace

SHAPE = (60, 60)


@pytest.mark.parametrize("turn", np.linspace(0, np.pi, 12, endpoint=False))
def test_a_line_through_the_middle_parts_a_disc_at_any_angle(turn):
    own = disc(SHAPE, (30, 30), 20)
    ends = [(30 + s * 25 * np.sin(turn), 30 + s * 25 * np.cos(turn)) for s in (-1, 1)]
    pieces = cut(own, trace(ends, SHAPE))
    assert pieces.max() == 2
    np.testing.assert_array_equal(pieces > 0, own)
    assert (pieces == 1).sum() == pytest.approx((pieces == 2).sum(), rel=0.15)
    for number in (1, 2):
        assert ndi.label(pieces == number, np.ones((3, 3)))[1] == 1


def test_a_line_that_ends_inside_parts_nothing_until_it_is_extended():
    own = disc(SHAPE, (30, 30), 20)
    short = [(30.0, 25.0), (30.0, 35.0)]
    assert cut(own, trace(short, SHAPE)).max() == 1
    assert cut(own, trace(extended(short, 60), SHAPE)).max() == 2


def test_a_line_that_grazes_the_cell_cuts_no_sliver_off():
    own = disc(SHAPE, (30, 30), 20)
    assert cut(own, trace([(10, 20), (10, 40)], SHAPE)).max() == 1


def test_a_zigzag_cuts_several_pieces():
    own = np.ones(SHAPE, bool)
    pieces = cut(own, trace([(0, 20), (59, 20)], SHAPE) | trace([(0, 40), (59, 40)], SHAPE))
    assert pieces.max() == 3


def test_an_extended_line_keeps_its_direction_and_its_corners():
    line = extended([(0, 0), (0, 10), (0, 20)], 5)
    np.testing.assert_allclose(line, [(0, -5), (0, 0), (0, 10), (0, 20), (0, 25)], atol=1e-9)


def test_a_single_point_has_no_direction():
    assert extended([(3, 4)], 5) == [(3.0, 4.0)]
    assert extended([(3, 4), (3, 4)], 5) == [(3.0, 4.0), (3.0, 4.0)]


def test_a_line_off_the_image_leaves_no_pixels():
    assert not trace([(-9, -9), (-3, 70)], SHAPE).any()


def test_a_hole_is_found_and_another_cell_in_it_is_not():
    ring = disc(SHAPE, (30, 30), 20) & ~disc(SHAPE, (30, 30), 8)
    inner = disc(SHAPE, (30, 30), 3)
    nothing = np.zeros(SHAPE, bool)
    np.testing.assert_array_equal(find_hole(ring, nothing), disc(SHAPE, (30, 30), 8))
    np.testing.assert_array_equal(find_hole(ring, inner), disc(SHAPE, (30, 30), 8) & ~inner)
    assert not find_hole(disc(SHAPE, (30, 30), 20), nothing).any()


def test_the_deepest_indent_is_closed_by_a_straight_line():
    whole = disc(SHAPE, (30, 30), 22)
    bite, nibble = disc(SHAPE, (30, 50), 8), disc(SHAPE, (8, 30), 4)
    own = whole & ~bite & ~nibble
    found = find_indent(own, np.zeros(SHAPE, bool))
    assert found[30, 44]
    assert not found[10:13, 30].any()
    assert not (found & own).any()
    assert found.sum() < (bite & whole).sum()  # a chord, not the disc's own outline


def test_a_smooth_outline_has_no_indent_and_a_neighbour_is_none():
    own = disc(SHAPE, (30, 30), 20)
    assert not find_indent(own, np.zeros(SHAPE, bool)).any()
    bite = disc(SHAPE, (30, 48), 8)
    assert not find_indent(own & ~bite, bite).any()
    assert not find_indent(np.zeros(SHAPE, bool), own).any()
