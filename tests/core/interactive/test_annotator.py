"""The simulated annotators of benchmarks/gestures.py: they measure nothing if they do not do what people do."""

import numpy as np
import pytest

from annotator import Brush, Discs, largest_error, middle_line
from damaged_maps import DAMAGES
from gestures import GOAL, correct, iou

SHAPE = (140, 160)


def disc(shape, centre, radius):
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


@pytest.fixture
def truth():
    """A cell of radius 40 with a nucleus of radius 20."""
    truth = np.zeros(SHAPE, np.uint8)
    truth[disc(SHAPE, (70, 80), 40)] = 1
    truth[disc(SHAPE, (66, 76), 20)] = 2
    return truth


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_missed_cell_is_eight_actions_and_both_its_outlines(truth, rng):
    step = Brush(whole=False, off=0.0).step(np.zeros_like(truth), truth, rng)
    assert step.actions == 8
    assert 2 * np.pi * (38 + 18) * 0.9 < step.traced < 2 * np.pi * (38 + 18) * 1.2
    assert iou(step.classes > 0, truth > 0) > 0.97
    assert iou(step.classes == 2, truth == 2) > 0.95
    two = truth.copy()
    two[disc(SHAPE, (90, 95), 8)] = 2
    two[disc(SHAPE, (80, 88), 6)] = 1
    assert Brush(whole=False, off=0.0).step(np.zeros_like(two), two, rng).actions == 12
    assert Brush(whole=True, off=0.0).step(np.zeros_like(truth), np.minimum(truth, 1), rng).actions == 4


def test_an_unsteady_hand_is_off_by_no_more_than_it_says(truth, rng):
    steady, unsteady = (
        Brush(whole=False, off=off).step(np.zeros_like(truth), truth, rng).classes for off in (0.0, 3.0)
    )
    assert iou(unsteady > 0, truth > 0) < iou(steady > 0, truth > 0)
    wrong = (unsteady > 0) != (truth > 0)
    depth = np.abs(np.hypot(*(np.indices(SHAPE) - np.array([70, 80])[:, None, None])) - 40)
    assert depth[wrong].max() < 3 + 1.5


def test_the_largest_error_is_of_one_class_and_its_middle_line_lies_in_it(truth):
    classes = truth.copy()
    classes[disc(SHAPE, (70, 80), 40) & (np.indices(SHAPE)[0] > 95)] = 0
    classes[10:13, 10:20] = 1
    error = largest_error(classes, truth)
    assert error.value == 1
    assert (truth[error.area] == 1).all()
    line = middle_line(error.area)
    assert np.ptp(line[:, 1]) > 30
    assert error.area[tuple(line.astype(int).T)].all()
    assert largest_error(truth, truth) is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_brush_puts_every_damage_right_and_discs_need_more(truth, rng, damage):
    start = DAMAGES[damage](truth, np.zeros(SHAPE, bool), 0.2, rng)
    assert not np.array_equal(start, truth)
    brush, discs = (correct(tool(whole=False, off=1.0), start, truth, name="a", whole=False) for tool in (Brush, Discs))
    assert brush.reached
    assert (brush.cell[-1] >= GOAL[0], brush.nucleus[-1] >= GOAL[1]) == (True, True)
    assert damage == "leak" or brush.needed <= discs.needed  # a red cell is a disc
    assert len(brush.cell) == len(brush.actions) == len(brush.traced) == brush.needed + 1


def test_damages_are_what_they_are_called(truth, rng):
    others = disc(SHAPE, (70, 140), 12)
    made = {name: damage(truth, others, 0.2, rng) for name, damage in DAMAGES.items()}
    assert iou(made["tight"] > 0, truth > 0) == pytest.approx((37 / 40) ** 2, abs=0.02)
    assert ((made["granules"] > 0) == (truth > 0)).all()
    assert np.count_nonzero(made["granules"] == 2) > np.count_nonzero(truth == 2)
    assert np.count_nonzero(made["leak"]) > np.count_nonzero(truth) + 100
    assert not made["leak"][others].any()
    assert 0.4 < np.count_nonzero(made["half"]) / np.count_nonzero(truth) < 0.6
