import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.interactive.damage import CELL, another_opinion, damage_cell, false_cell
from napari_leukocyte.core.interactive.encode import INPUTS
from napari_leukocyte.core.interactive.simulate import draw_scene, gesture_at, largest_error, next_stroke, truth_of
from napari_leukocyte.core.interactive.stroke import covered

SIZE = 1 / 6


def window(seed, *, whole=False):
    """Two cells, each with a nucleus, in noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((160, 160))
    classes, cells = np.zeros((160, 160), np.uint8), np.zeros((160, 160), np.int32)
    for number, (cy, cx) in enumerate(((50, 55), (110, 100)), start=1):
        distance = np.hypot(y - cy - rng.uniform(-4, 4), x - cx - rng.uniform(-4, 4))
        cells[distance < 30] = number
        classes[distance < 30] = 1
        classes[distance < 16] = 2
    target = np.stack([classes == c for c in (0, 1, 2)] + [np.zeros_like(classes)]).astype(np.float32)
    if whole:
        target[3] = target[1] + target[2]
        target[1:3] = 0
    return rng.random((3, 160, 160), np.float32), target, cells


@pytest.mark.parametrize("whole", [False, True])
def test_scenes(whole):
    kinds, rng = set(), np.random.default_rng(0)
    image, target, _ = window(1, whole=whole)
    for _ in range(60):
        scene = draw_scene(image, target, rng, pixel_size=SIZE)
        seen = scene.channels(SIZE)
        assert seen.shape == (INPUTS, 160, 160)
        assert seen.dtype == np.float32
        assert 0 <= seen.min() <= seen.max() <= 1
        kinds |= {stroke.kind for stroke in scene.strokes}
        for channel, stroke in zip(seen[5:], ("cell", "nucleus", "cytoplasm", "background"), strict=True):
            assert channel.any() == any(own.kind == stroke and hits(own) for own in scene.strokes)
        weighted = scene.weighted_target()
        assert (weighted <= scene.target + 1e-6).all()
        assert np.array_equal(weighted[:, scene.focus], scene.target[:, scene.focus])
    assert {"cell", "background"} <= kinds
    assert whole or {"nucleus", "cytoplasm"} <= kinds


def hits(stroke):
    return covered(stroke.line, stroke.radius, (160, 160)).any()


def test_a_scene_repeats_with_its_seed_and_leaves_the_sample_alone():
    image, target, _ = window(2)
    before = target.copy()
    for seed in range(12):
        one, two = (draw_scene(image, target, np.random.default_rng(seed), pixel_size=SIZE) for _ in range(2))
        assert np.array_equal(one.channels(SIZE), two.channels(SIZE))
        assert np.array_equal(one.target, two.target)
    assert np.array_equal(target, before)


@pytest.mark.parametrize("whole", [False, True])
def test_damage_stays_at_its_cell(whole):
    _, target, cells = window(3, whole=whole)
    truth, _ = truth_of(target)
    rng = np.random.default_rng(0)
    differ = 0
    for _ in range(40):
        damaged = damage_cell(truth, cells == 1, rng)
        assert np.array_equal(damaged[cells > 1], truth[cells > 1])
        assert set(np.unique(damaged)) <= ({0, CELL} if whole else {0, 1, 2})
        differ += not np.array_equal(damaged, truth)
    assert differ > 35


def test_someone_else_draws_a_whole_outline_a_little_differently():
    """Of the ways in which opinions differ, a nucleus that is a rim wider or narrower all round, in the same cell."""
    _, target, cells = window(3)
    truth, _ = truth_of(target)
    rng = np.random.default_rng(0)
    sizes = []
    for _ in range(60):
        wanted = another_opinion(truth, cells == 1, rng, thin_rims=True)
        assert np.array_equal(wanted[cells > 1], truth[cells > 1])
        nucleus = wanted == 2
        around = ndimage.binary_dilation(truth == 2, iterations=3) & ~ndimage.binary_erosion(truth == 2, iterations=3)
        if np.array_equal(wanted > 0, truth > 0) and not (nucleus != (truth == 2))[~around].any():
            sizes.append(int(nucleus[cells == 1].sum()) - int((truth == 2)[cells == 1].sum()))
    assert min(sizes) < -80 < 80 < max(sizes)  # a ring of 16 px radius has 100 px


def test_a_false_cell_lies_on_background():
    image, target, cells = window(4)
    truth, _ = truth_of(target)
    damaged, area = false_cell(truth, image, np.random.default_rng(1))
    assert area.any()
    assert not (area & (cells > 0)).any()
    assert np.array_equal(damaged > 0, (truth > 0) | area)


def test_the_largest_error_is_found_by_its_true_class():
    truth = np.zeros((40, 60), np.uint8)
    truth[10:30, 10:30] = 1
    truth[15:25, 15:25] = 2
    known = np.ones(truth.shape, bool)
    assert largest_error(truth, truth, known, truth > 0) is None
    spilt = truth.copy()
    spilt[12:28, 30:45] = 1
    spilt[16:20, 16:20] = 1
    value, area = largest_error(spilt, truth, known, truth > 0)
    assert value == 0
    assert np.array_equal(area, (spilt > 0) & (truth == 0))
    known[:, 30:] = False
    value, area = largest_error(spilt, truth, known, truth > 0)
    assert value == 2
    assert area.sum() == 16


def test_gestures_lie_near_what_they_are_about():
    rng = np.random.default_rng(0)
    area = np.zeros((80, 80), bool)
    area[30:50, 20:60] = True
    near = np.zeros_like(area)
    near[26:54, 16:64] = True
    strokes = [gesture_at(area, "nucleus", rng) for _ in range(100)]
    assert all(near[tuple(np.round(point).astype(int))] for stroke in strokes for point in stroke.line)
    assert {len(stroke.line) > 1 for stroke in strokes} == {False, True}


def test_one_gesture_after_the_other():
    image, target, _ = window(5)
    rng = np.random.default_rng(3)
    for _ in range(30):
        scene = draw_scene(image, target, rng, pixel_size=SIZE)
        if scene.focus.any():
            scene.classes = scene.truth.copy()
            assert next_stroke(scene, rng) is None
            return
    pytest.fail("no scene was about a cell")
