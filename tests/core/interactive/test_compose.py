"""The rules, with answers set by hand."""

import numpy as np
import pytest

from napari_leukocyte.core.interactive.compose import Discs, compose
from napari_leukocyte.core.interactive.stroke import Stroke, covered

SHAPE = (60, 90)


def disc(y, x, radius):
    rows, columns = np.indices(SHAPE)
    return np.hypot(rows - y, columns - x) <= radius


def cell(y, x, radius=12, nucleus=6):
    return disc(y, x, radius).astype(np.uint8) + disc(y, x, nucleus)


def says(classes):
    """A network that is sure of a map."""
    return np.stack([classes == c for c in range(3)]).astype(np.float32)


def gesture(kind, *points, radius=1.5):
    stroke = Stroke(kind, points, radius)
    return Discs(kind, covered(stroke.line, radius, SHAPE), covered(stroke.line, 0, SHAPE), stroke.is_click)


def labelled(*cells):
    classes, labels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.int32)
    for number, own in enumerate(cells, start=1):
        classes = np.where(own > 0, own, classes)
        labels[own > 0] = number
    return classes, labels


LEFT, RIGHT = cell(30, 20), cell(30, 65)
EMPTY = labelled()


def test_a_cell_appears_and_its_neighbour_does_not():
    new, labels = compose(*EMPTY, says(LEFT + RIGHT), gesture("cell", (30, 20)), new_cell=4)
    assert np.array_equal(new, LEFT)
    assert set(np.unique(labels)) == {0, 4}


def test_of_two_in_contact_one_appears():
    left, right = cell(30, 30), cell(30, 52)
    both = np.maximum(left, right)
    new, _ = compose(*EMPTY, says(both), gesture("cell", (30, 30)), new_cell=1)
    assert (new[left > 0] > 0).mean() > 0.95
    assert (new[(right > 0) & (left == 0)] > 0).mean() < 0.05


def test_a_cell_stops_where_another_begins():
    classes, labels = labelled(cell(30, 30))
    new, owners = compose(
        classes, labels, says(np.maximum(classes, cell(30, 50))), gesture("cell", (30, 55)), new_cell=2
    )
    assert np.array_equal(owners == 1, labels == 1)
    assert np.array_equal(new[labels == 1], classes[labels == 1])
    assert (owners[disc(30, 55, 5)] == 2).all()


def test_a_badly_outlined_cell_is_outlined_anew():
    wide = cell(30, 20, radius=17, nucleus=9)
    for shown in (wide, cell(30, 20, radius=8, nucleus=3), np.where(np.indices(SHAPE)[1] < 20, LEFT, 0)):
        new, labels = compose(*labelled(shown), says(LEFT), gesture("cell", (30, 24)), new_cell=2)
        assert np.array_equal(new, LEFT)
        assert set(np.unique(labels)) == {0, 1}


def test_where_the_network_sees_none_the_disc_is_a_cell():
    new, labels = compose(*EMPTY, says(EMPTY[0]), gesture("cell", (30, 20), radius=3), new_cell=1)
    assert np.array_equal(new > 0, disc(30, 20, 3))
    assert np.array_equal(labels, new > 0)


def test_granules_leave_the_nucleus_and_the_rest_stays():
    granules, other = disc(30, 29, 2), disc(22, 20, 1)
    shown = np.where(granules | other, 2, LEFT).astype(np.uint8)
    new, _ = compose(*labelled(shown), says(LEFT), gesture("cytoplasm", (30, 29), radius=0.5), new_cell=2)
    assert (new[granules] == 1).all()
    assert (new[other & (LEFT == 1)] == 2).all()  # not connected with the gesture


def test_a_lobe_beyond_the_cell_comes_with_its_cytoplasm():
    half = np.where(np.indices(SHAPE)[1] < 18, LEFT, 0).astype(np.uint8)
    new, labels = compose(*labelled(half), says(LEFT), gesture("nucleus", (30, 22)), new_cell=2)
    assert np.array_equal(new, LEFT)
    assert set(np.unique(labels)) == {0, 1}


def test_a_leak_is_taken_off_and_the_cell_stays():
    leak = disc(30, 36, 7)
    shown = np.where(leak & (LEFT == 0), 1, LEFT).astype(np.uint8)
    classes, labels = labelled(shown, RIGHT)
    new, owners = compose(classes, labels, says(LEFT), gesture("background", (30, 38)), new_cell=3)
    assert np.array_equal(new, np.where(RIGHT, RIGHT, LEFT))
    assert np.array_equal(owners == 2, labels == 2)


@pytest.mark.parametrize("seen", [0.0, 0.2])
def test_a_click_takes_a_false_cell_away_whole(seen):
    kept = disc(30, 9, 12 * seen) & (LEFT > 0)  # what the network still holds for a cell
    classes, labels = labelled(LEFT, RIGHT)
    new, _ = compose(classes, labels, says(np.where(kept, 1, 0)), gesture("background", (30, 20)), new_cell=3)
    assert np.array_equal(new, RIGHT)


@pytest.mark.parametrize("radius", [0.5, 2, 4])
def test_a_click_inside_takes_a_cell_away_whole_that_the_network_is_sure_of(radius):
    classes, labels = labelled(LEFT, RIGHT)
    for y, x in np.argwhere(disc(30, 20, 5))[::7]:
        new, owners = compose(classes, labels, says(classes), gesture("background", (y, x), radius=radius), new_cell=3)
        assert np.array_equal(new, RIGHT)
        assert np.array_equal(owners, np.where(RIGHT > 0, 2, 0))


@pytest.mark.parametrize("binary", [False, True])
def test_a_click_on_a_red_cell_that_grew_together_with_a_cell_takes_only_that(binary):
    """The network holds both for one cell, and is sure."""
    red = disc(30, 41, 11) & (LEFT == 0)
    classes, labels = labelled(np.where(red, 1, LEFT).astype(np.uint8))
    classes[28:30, 46:48] = 2  # dirt
    if binary:
        classes = np.minimum(classes, 1)
    click = gesture("background", (30, 42))
    new, _ = compose(classes, labels, says(classes), click, new_cell=2, binary=binary, pixel_size=0.4)
    assert (new[red] > 0).mean() < 0.1
    assert (new[LEFT > 0] > 0).mean() > 0.95
    on_the_cell = gesture("background", (30, 20))
    new, _ = compose(classes, labels, says(classes), on_the_cell, new_cell=2, binary=binary, pixel_size=0.4)
    assert not new.any() if not binary else (new[red] > 0).mean() > 0.9


def test_a_click_in_the_outer_half_leaves_the_cell_where_it_is():
    """It may be on a leak that the network does not see; the disc goes."""
    classes, labels = labelled(LEFT)
    click = gesture("background", (30, 28), radius=1)
    new, _ = compose(classes, labels, says(classes), click, new_cell=2)
    assert np.array_equal(new, np.where(click.covered, 0, LEFT))


def test_a_click_on_its_rim_takes_no_cell_away():
    classes, labels = labelled(LEFT)
    for angle in np.linspace(0, 2 * np.pi, 9):
        click = gesture("background", (30 + 11 * np.sin(angle), 20 + 11 * np.cos(angle)))
        new, _ = compose(classes, labels, says(classes), click, new_cell=2)
        assert np.array_equal(new, np.where(click.covered, 0, LEFT))


def test_a_stroke_takes_no_whole_cell():
    stroke = gesture("background", (30, 18), (30, 22))
    new, _ = compose(*labelled(LEFT), says(np.where(disc(30, 12, 3), 1, 0)), stroke, new_cell=3)
    assert new.any()


def test_background_on_nothing_changes_nothing():
    new, labels = compose(*labelled(LEFT), says(LEFT), gesture("background", (30, 60)), new_cell=3)
    assert np.array_equal(new, LEFT)
    assert np.array_equal(labels, labelled(LEFT)[1])


def test_where_the_network_does_not_obey_the_disc_does():
    for kind, value in (("nucleus", 2), ("cytoplasm", 1), ("background", 0)):
        for at in ((30, 20), (30, 31)):
            stroke = gesture(kind, at, (at[0] + 1, at[1]), radius=2)
            new, _ = compose(*labelled(LEFT), says(LEFT), stroke, new_cell=2)
            assert (new[stroke.covered] == value).all()
            assert np.array_equal(new[~stroke.covered], LEFT[~stroke.covered])


def test_a_binary_map_gets_no_nucleus():
    new, _ = compose(*EMPTY, says(LEFT), gesture("cell", (30, 20)), new_cell=1, binary=True)
    assert np.array_equal(new, LEFT > 0)
