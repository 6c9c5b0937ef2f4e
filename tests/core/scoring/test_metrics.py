import math

import numpy as np
import pytest

from napari_leukocyte.core.scoring.border import border_band
from napari_leukocyte.core.scoring.metrics import (
    EMPTY,
    TOO_THIN,
    ClassCounts,
    count_image,
    iou,
    iou_b,
    mean_score,
    scored_share,
)

MASKS = {"cell": lambda m: m > 0, "cytoplasm": lambda m: m == 1, "nucleus": lambda m: m == 2}


def random_maps(seed, shape=(24, 31)):
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, 3, (3, 4)), np.ones((8, 8), int))[: shape[0], : shape[1]]
    prediction = np.where(rng.random(truth.shape) < 0.8, truth, rng.integers(0, 3, truth.shape))
    return prediction, truth


@pytest.mark.parametrize("seed", range(8))
def test_against_a_count_pixel_by_pixel(seed):
    prediction, truth = random_maps(seed)
    counts = count_image(prediction, truth, border_px=2)
    assert counts.accuracy == np.mean(prediction == truth)
    for name, mask in MASKS.items():
        band = border_band(truth, width_px=2, cell_only=name == "cell")
        for only_outside, score in ((False, iou), (True, iou_b)):
            tp = fp = fn = 0
            for p, t, b in zip(mask(prediction).flat, mask(truth).flat, band.flat, strict=True):
                if only_outside and b:
                    continue
                tp, fp, fn = tp + (p and t), fp + (p and not t), fn + (t and not p)
            value = score(counts.classes[name]).value
            assert value == pytest.approx(tp / (tp + fp + fn)) if tp + fp + fn else math.isnan(value)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("border_px", [0, 2, 4, 9, 30])
def test_identical_masks_score_one_or_nothing(seed, border_px):
    _, truth = random_maps(seed)
    counts = count_image(truth, truth, border_px=border_px)
    assert counts.accuracy == 1
    for one in counts.classes.values():
        assert iou(one).value == 1 or (iou(one).reason == EMPTY and one.truth == 0)
        assert iou_b(one).value == 1 or iou_b(one).reason in (EMPTY, TOO_THIN)


def test_errors_inside_the_band_cost_nothing_outside_they_do():
    truth = np.zeros((40, 40), int)
    truth[10:30, 10:30] = 1
    smaller = np.zeros_like(truth)
    smaller[12:28, 12:28] = 1
    counts = count_image(smaller, truth, border_px=4).classes["cell"]
    assert iou_b(counts).value == 1
    assert iou(counts).value == 256 / 400
    assert scored_share(counts).value == 256 / 400
    smaller[20, 20] = 0
    assert iou_b(count_image(smaller, truth, border_px=4).classes["cell"]).value == 255 / 256


def test_cell_ignores_the_nuclear_border():
    truth = np.zeros((40, 40), int)
    truth[5:35, 5:35] = 1
    truth[15:25, 15:25] = 2
    three = count_image(truth, truth, border_px=4)
    two = count_image(truth > 0, truth > 0, border_px=4, whole_cell=True)
    assert three.classes["cell"] == two.classes["cell"]
    assert list(two.classes) == ["cell"]
    mixed = count_image(truth > 0, truth, border_px=4, whole_cell=True)
    assert mixed.accuracy == 1


EVERYWHERE = np.zeros((20, 20), int)


def nucleus_counts(prediction, truth):
    return count_image(prediction, truth, border_px=4).classes["nucleus"]


def test_empty_in_both():
    counts = nucleus_counts(EVERYWHERE, EVERYWHERE)
    for score in (iou(counts), iou_b(counts), scored_share(counts)):
        assert math.isnan(score.value)
        assert str(score) == EMPTY
    assert not counts.false_class
    assert iou(counts, empty_scores_zero=True).value == iou_b(counts, empty_scores_zero=True).value == 0


def test_false_class():
    predicted = EVERYWHERE.copy()
    predicted[3, 3] = 2
    counts = nucleus_counts(predicted, EVERYWHERE)
    assert counts.false_class
    assert iou(counts).value == iou_b(counts).value == 0
    # also where all of it lies inside the band of the other classes
    truth = EVERYWHERE.copy()
    truth[:, :4] = 1
    counts = nucleus_counts(predicted, truth)
    assert counts.union_b == 0
    assert iou_b(counts).value == 0


def test_too_thin():
    truth = EVERYWHERE.copy()
    truth[10, 5:9] = 2
    counts = nucleus_counts(truth, truth)
    assert iou(counts).value == 1
    assert iou_b(counts).reason == TOO_THIN
    assert scored_share(counts).value == 0
    assert iou_b(counts, empty_scores_zero=True).value == 0
    # not predicted at all is still nothing to score, predicted elsewhere is not
    assert iou_b(nucleus_counts(EVERYWHERE, truth)).reason == TOO_THIN
    elsewhere = truth.copy()
    elsewhere[2, 2] = 2
    assert iou_b(nucleus_counts(elsewhere, truth)).value == 0


def test_pooling_adds_counts():
    images = [count_image(*random_maps(seed), border_px=2) for seed in range(4)]
    pooled = images[0] + images[1] + images[2] + images[3]
    for name in MASKS:
        assert pooled.classes[name].union == sum(i.classes[name].union for i in images)
        assert pooled.classes[name].truth_scored == sum(i.classes[name].truth_scored for i in images)
    assert pooled.pixels == sum(i.pixels for i in images)
    prediction, truth = random_maps(9)
    cell_only = count_image(prediction > 0, truth > 0, border_px=2, whole_cell=True)
    assert (pooled + cell_only).classes["nucleus"] == pooled.classes["nucleus"]


@pytest.mark.parametrize("move", [np.rot90, np.fliplr, np.flipud, np.transpose])
def test_turns_and_flips_change_nothing(move):
    prediction, truth = random_maps(3)
    assert count_image(move(prediction), move(truth), border_px=4) == count_image(prediction, truth, border_px=4)


def test_mean_leaves_out_na_and_says_so_when_nothing_is_left():
    scores = [iou(ClassCounts(1, 2)), iou(ClassCounts()), iou(ClassCounts(2, 2))]
    assert mean_score(scores).value == 0.75
    assert str(mean_score([])) == EMPTY
