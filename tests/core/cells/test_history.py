import numpy as np

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.history import ByHand, History, Step, fingerprint


def step(before, after, *, pixels=1, mark=None):
    where = np.arange(pixels)
    ones = np.ones(pixels, np.int32)
    marks = {} if mark is None else {1: mark}
    by_hand = ByHand({}, frozenset(), {}), ByHand(marks, frozenset({1}), {})
    return Step(before, after, where, ones, 2 * ones, *by_hand)


def test_back_finds_the_nearest_state_with_the_map():
    history = History()
    steps = [step(0, 1), step(1, 2), step(2, 2, mark=Flag.NOT_A_WBC_SMUDGE), step(2, 3)]
    for one in steps:
        history.push(one)
    assert history.back(2) == [steps[3]]
    assert history.back(2) == [steps[2]]  # the step that left the map as it is
    assert history.back(0) == [steps[1], steps[0]]  # one stroke that was followed in two steps
    assert history.back(0) is None
    assert history.forward(2) == [steps[0], steps[1]]
    assert history.forward(2) == [steps[2]]
    assert history.forward(7) is None


def test_a_new_step_forgets_what_was_taken_back():
    history = History()
    history.push(step(0, 1))
    history.push(step(1, 2))
    history.back(1)
    history.push(step(1, 9))
    assert history.forward(2) is None
    assert len(history.back(0)) == 2


def test_old_steps_are_forgotten_but_never_the_last():
    history = History()
    for number in range(30):
        history.push(step(number, number + 1, pixels=1_000_000))
    assert history.back(0) is None
    assert history.back(29) is not None


def test_fingerprints_tell_maps_apart():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        where = np.sort(rng.choice(10_000, 40, replace=False))
        seen.add(fingerprint(where, rng.integers(0, 3, 40).astype(np.uint8)))
    assert len(seen) == 300
    where = np.array([5, 6])
    swapped = fingerprint(where, np.array([1, 2], np.uint8)) != fingerprint(where, np.array([2, 1], np.uint8))
    assert swapped
