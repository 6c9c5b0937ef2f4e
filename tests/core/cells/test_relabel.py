import numpy as np
import pytest
from drawn import disc

from napari_leukocyte.core.cells.relabel import relabel

SHAPE = (60, 100)


@pytest.fixture
def two():
    """Labels 3 and 5: two discs with a gap of background between them."""
    cells = np.zeros(SHAPE, np.int32)
    cells[disc(SHAPE, (30, 25), 15)] = 3
    cells[disc(SHAPE, (30, 70), 15)] = 5
    return cells


def edited(cells, *, add=None, erase=None):
    classes = (cells > 0).astype(np.uint8)
    if add is not None:
        classes[add] = 1
    if erase is not None:
        classes[erase] = 0
    return classes


def test_new_pixels_join_the_cell_that_they_touch(two):
    rim = disc(SHAPE, (30, 25), 18)
    labels = relabel(two, edited(two, add=rim), next_number=6)
    assert (labels[rim] == 3).all()
    np.testing.assert_array_equal(labels == 5, two == 5)


def test_pixels_between_two_cells_go_to_the_nearest(two):
    bridge = np.zeros(SHAPE, bool)
    bridge[28:33, 38:58] = True
    labels = relabel(two, edited(two, add=bridge), next_number=6)
    assert set(np.unique(labels)) == {0, 3, 5}
    middle = labels[30, 40:55]
    assert list(middle) == sorted(middle)  # 3s, then 5s
    assert abs(int((middle == 3).sum()) - int((middle == 5).sum())) <= 2


def test_what_touches_nothing_is_a_new_cell(two):
    blob = disc(SHAPE, (8, 50), 4)
    labels = relabel(two, edited(two, add=blob), next_number=6)
    assert (labels[blob] == 6).all()


def test_two_new_blobs_at_once_are_two_cells(two):
    a, b = disc(SHAPE, (5, 45), 3), disc(SHAPE, (5, 55), 3)
    labels = relabel(two, edited(two, add=a | b), next_number=6)
    assert {int(labels[5, 45]), int(labels[5, 55])} == {6, 7}


def test_a_cut_cell_becomes_two_and_the_larger_keeps_the_number(two):
    cut = np.zeros(SHAPE, bool)
    cut[:, 20:22] = True
    labels = relabel(two, edited(two, erase=cut), next_number=6)
    assert labels[30, 30] == 3
    assert labels[30, 12] == 6
    np.testing.assert_array_equal(labels == 5, two == 5)


def test_crumbs_of_an_eraser_are_no_cells(two):
    left = disc(SHAPE, (30, 25), 9)
    left[30, 37:40] = True  # three pixels that the eraser missed
    labels = relabel(two, edited(two, erase=(two == 3) & ~left), next_number=6)
    assert set(np.unique(labels)) == {0, 3, 5}


def test_a_cell_erased_altogether_is_gone(two):
    labels = relabel(two, edited(two, erase=two == 3), next_number=6)
    assert set(np.unique(labels)) == {0, 5}


def test_a_joined_cell_in_two_pieces_stays_one(two):
    joined = np.where(two == 5, 3, two)
    dent = disc(SHAPE, (30, 85), 4)
    labels = relabel(joined, edited(joined, erase=dent), next_number=6)
    assert set(np.unique(labels)) == {0, 3}


def test_classes_alone_change_no_label(two):
    nucleus = edited(two)
    nucleus[disc(SHAPE, (30, 25), 6)] = 2
    np.testing.assert_array_equal(relabel(two, nucleus, next_number=6), two)


def test_touching_cells_pasted_at_once_are_told_apart():
    cells = np.zeros((80, 160), np.int32)
    classes = np.zeros(cells.shape, np.uint8)
    for x in (50, 106):
        classes[disc(cells.shape, (40, x), 29)] = 1
        classes[disc(cells.shape, (40, x), 15)] = 2
    labels = relabel(cells, classes, next_number=9)
    assert labels[40, 50] != labels[40, 106]
    assert set(np.unique(labels)) == {0, 9, 10}


def test_a_part_gives_the_same_as_the_whole(two):
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, x = rng.integers(5, 55), rng.integers(5, 95)
        spot = disc(SHAPE, (y, x), rng.integers(2, 8))
        classes = edited(two, **{("add" if rng.random() < 0.5 else "erase"): spot})
        whole = relabel(two, classes, next_number=6)
        part = (slice(8, 52), slice(4, 90))
        inside = np.zeros(SHAPE, bool)
        inside[9:51, 5:89] = True
        if (spot & ~inside).any():
            continue
        np.testing.assert_array_equal(relabel(two[part], classes[part], next_number=6), whole[part])
