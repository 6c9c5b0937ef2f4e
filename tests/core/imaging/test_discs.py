import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.imaging import discs
from napari_leukocyte.core.imaging.discs import find_discs

SHAPE = (200, 260)
THICK = 0.2


def drawn(discs, shape=SHAPE):
    """Optical density of (y, x, radius), with soft outlines as in a photograph; overlaps add up."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    density = sum(THICK * (np.hypot(rows - y, columns - x) < radius) for y, x, radius in discs)
    return ndimage.gaussian_filter((density + np.zeros(shape)).astype(np.float32), 1.0)


def holding(found, y, x):
    """Radii of the discs found with their middle near a place."""
    return found.radius[np.hypot(found.y - y, found.x - x) < 3]


@pytest.mark.parametrize("radius", [9, 15, 25, 40, 70])
def test_any_size(radius):
    found = find_discs(drawn([(100, 120, radius)]))
    assert len(found) == 1
    assert holding(found, 100, 120) == pytest.approx([radius], rel=0.05)
    assert found.support[0] > 0.9


def test_what_overlaps_is_told_apart():
    places = [(60, 60, 20), (60, 88, 20), (75, 112, 20)]
    found = find_discs(drawn(places))
    for y, x, radius in places:
        assert holding(found, y, x) == pytest.approx([radius], rel=0.08)


def test_a_bright_middle_is_part_of_its_disc():
    density = drawn([(100, 120, 25)]) - drawn([(100, 120, 11)])
    found = find_discs(density)
    assert found.radius == pytest.approx([25], rel=0.05)


def test_what_the_frame_cuts_counts_when_most_of_it_is_seen():
    assert holding(find_discs(drawn([(12, 120, 25)])), 12, 120) == pytest.approx([25], rel=0.05)
    assert not len(find_discs(drawn([(-12, 120, 25)])))


def test_what_is_no_dark_disc():
    assert not len(find_discs(1 - drawn([(100, 120, 25)])))
    stripes = np.tile(drawn([(100, 130, 1000)], (1, 260)), (200, 1))
    stripes[60:90] += THICK
    assert not len(find_discs(ndimage.gaussian_filter(stripes, 1.0)))
    assert not len(find_discs(np.zeros(SHAPE, np.float32)))
    assert not len(find_discs(np.zeros((5, 5), np.float32)))


def test_moved_keeps_all_but_the_place():
    found = find_discs(drawn([(100, 120, 25)])).moved(10, 20)
    assert holding(found, 110, 140) == pytest.approx([25], rel=0.05)


@pytest.mark.parametrize("radius", [7.1, 8.0, 11.3, 17.9])
def test_votes_are_spread_as_by_a_gaussian_filter(radius):
    votes = np.random.default_rng(0).random((60, 70)).astype(np.float32)
    expected = ndimage.gaussian_filter(votes, 0.13 * radius, truncate=2.5)
    for axis in (0, 1):
        ndimage.correlate1d(votes, discs._blur(0.13 * radius), axis, output=votes)
    np.testing.assert_array_equal(votes, expected)
