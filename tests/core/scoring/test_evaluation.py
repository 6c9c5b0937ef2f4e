import itertools
import math

import numpy as np
import pytest

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.border import border_band
from napari_leukocyte.core.scoring.evaluation import CELL_ONLY, Case, EvaluationParameters, kept_maps, score_case
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, EMPTY, TOO_THIN, ClassCounts
from napari_leukocyte.core.scoring.overview import mean_over_images, pooled_cnr, pooled_counts
from napari_leukocyte.core.scoring.score_files import summarise_scores
from napari_leukocyte.core.synthetic.smear import draw_field

THESIS = 1 / 10.2  # um per px
VALUES = {"cell": (1, 2), "cytoplasm": (1,), "nucleus": (2,)}


def make(prediction, truth, *, name="a", binary=False, whole_cell=False, pixel_size=None, **known):
    return Case(
        name, np.array(prediction, np.uint8), np.array(truth, np.uint8), binary, whole_cell, pixel_size, **known
    )


def score(prediction, truth, *, case=None, **parameters):
    return score_case(make(prediction, truth, **(case or {})), EvaluationParameters(**parameters))


def random_maps(seed, shape=(33, 41)):
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, 3, (5, 6)), np.ones((7, 7), int))[: shape[0], : shape[1]]
    prediction = np.where(rng.random(truth.shape) < 0.8, truth, rng.integers(0, 3, truth.shape))
    return prediction, truth


def places(array, values, outside=None):
    """The set of (y, x) at which an array holds one of some values."""
    return {
        (y, x)
        for y, row in enumerate(np.asarray(array).tolist())
        for x, value in enumerate(row)
        if value in values and (outside is None or outside[y][x])
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("score_at", [None, 16, 60])
def test_ratios_are_those_of_sets_of_pixels(seed, score_at):
    prediction, truth = random_maps(seed)
    found = score(prediction, truth, border_px=3, score_at=score_at)
    height, width = truth.shape
    scale = 1 if score_at is None else score_at / max(height, width)
    rows = [int((i + 0.5) * height / round(height * scale)) for i in range(round(height * scale))]
    columns = [int((i + 0.5) * width / round(width * scale)) for i in range(round(width * scale))]

    def small(array):
        return [[int(array[y, x]) for x in columns] for y in rows]

    ours, theirs = small(prediction), small(truth)
    right = sum(a == b for a, b in zip(itertools.chain(*ours), itertools.chain(*theirs), strict=True))
    assert found.counts.accuracy == right / (len(rows) * len(columns))
    for name, values in VALUES.items():
        outside = small(~border_band(truth, width_px=3, cell_only=name == "cell"))
        for measure, where in (("iou", None), ("iou_b", outside)):
            a, b = places(ours, values, where), places(theirs, values, where)
            value = found.score(name, measure).value
            assert value == pytest.approx(len(a & b) / len(a | b)) if a | b else math.isnan(value)
        share = len(places(theirs, values, outside)) / len(places(theirs, values))
        assert found.score(name, "scored").value == pytest.approx(share)


def test_the_same_on_both_sides_is_perfect():
    for seed in range(3):
        smear = draw_field(seed=seed, size=(300, 400), n_cells=4, px_per_um=6)
        for keep in ("all", "whole", "centre"):
            for score_at in (None, 64):
                same = score(
                    smear.classes, smear.classes, case={"pixel_size": smear.pixel_size}, keep=keep, score_at=score_at
                )
                assert same.counts.accuracy == 1
                assert (same.false_cells, same.missed_cells) == (0, 0)
                assert set(same.cnr.log_ratios) <= {0.0}
                assert same.cnr.n == same.cnr.true_cnrs
                for name in CLASS_NAMES:
                    for measure in ("iou", "iou_b"):
                        value = same.score(name, measure)
                        assert value.value == 1 or value.reason in (EMPTY, TOO_THIN)
    assert same.cnr.n == 1  # there was something to compare


@pytest.mark.parametrize(("cell", "nucleus", "error"), [(6.5, 3.75, -0.089), (4.5, 3.75, -0.27), (4.0, 3.5, -0.40)])
def test_an_outline_two_pixels_too_small_escapes_iou_b_but_not_the_cnr(disc_map, cell, nucleus, error):
    # figures of the specification, section 1: concentric discs at the thesis's 10.2 px/um
    cell, nucleus = cell / THESIS, nucleus / THESIS
    truth = disc_map((480, 480), (239.5, 239.5, cell, nucleus))
    smaller = disc_map((480, 480), (239.5, 239.5, cell - 2, nucleus))
    found = score(smaller, truth, case={"pixel_size": THESIS})
    assert found.score("cell", "iou_b").value == found.score("nucleus", "iou_b").value == 1
    assert found.score("cytoplasm", "iou_b").value == 1
    assert found.score("cytoplasm", "iou").value < 0.95
    assert found.cnr.bias == pytest.approx(error, abs=0.01)
    assert found.cnr.median_error == pytest.approx(1 / (1 + found.cnr.bias) - 1)
    assert found.cnr.coverage == 1
    figures = summarise_scores([found], EvaluationParameters())
    assert (figures["classes"]["cell"]["iou_b"], figures["cnr"]["bias"]) == (1, found.cnr.bias)


def test_the_band_in_px_and_um():
    truth = random_maps(0)[1]
    for parameters, pixel_size, width in (
        ({}, None, 4),
        ({}, 0.1, 3.9),
        ({"pixel_size": 0.13}, 0.1, 3.0),
        ({"border_um": 1.0}, 0.25, 4.0),
        ({"border_um": 0.0}, 0.25, 0.0),
        ({"border_px": 7.5, "pixel_size": 0.1}, None, 7.5),
    ):
        assert score(truth, truth, case={"pixel_size": pixel_size}, **parameters).border_px == pytest.approx(width)
    with pytest.raises(LeukocyteError, match=r"1 um needs the pixel size"):
        score(truth, truth, border_um=1)


def test_a_whole_cell_truth_scores_cell_alone(disc_map):
    prediction = disc_map((60, 60), (30, 30, 20, 10))
    found = score(prediction, prediction > 0, case={"whole_cell": True})
    assert found.score("cell", "iou").value == found.counts.accuracy == 1
    assert found.score("nucleus", "iou").reason == found.score("cytoplasm", "scored").reason == CELL_ONLY
    assert (found.cnr.true_cnrs, found.cnr.given_without_truth, found.pairs) == (0, 0, ())
    assert not found.false_class("nucleus")


def test_a_binary_prediction_has_no_cnr_and_that_is_seen(disc_map):
    truth = disc_map((60, 60), (30, 30, 20, 10))
    found = score(truth > 0, truth, case={"binary": True})
    assert found.score("cell", "iou").value == found.counts.accuracy == 1
    assert found.score("nucleus", "iou").reason == CELL_ONLY
    assert (found.cnr.coverage, found.cnr.n, found.cnr.true_cnrs) == (0, 0, 1)


def test_nothing_to_score_and_the_thesis_rule(disc_map):
    smudge = disc_map((40, 40), (20, 20, 9, 9))
    found = score(smudge, smudge)
    assert found.score("cytoplasm", "iou").reason == found.score("cytoplasm", "iou_b").reason == EMPTY
    thesis = score(smudge, smudge, empty_scores_zero=True)
    assert thesis.score("cytoplasm", "iou").value == thesis.score("cytoplasm", "iou_b").value == 0
    assert thesis.score("cytoplasm", "scored").reason == EMPTY
    with_rim = disc_map((40, 40), (20, 20, 10, 9))
    false = score(with_rim, smudge)
    assert false.score("cytoplasm", "iou_b").value == 0
    assert false.false_class("cytoplasm")
    assert score(with_rim, with_rim).score("cytoplasm", "iou_b").reason == TOO_THIN
    scores = [found, false, score(with_rim, with_rim)]
    assert mean_over_images(scores, "cytoplasm", "iou").value == 0.5
    assert summarise_scores(scores, EvaluationParameters())["classes"]["cytoplasm"]["false_class"] == 1


def test_the_keep_rule_acts_on_both_sides_but_false_cells_are_counted_before(disc_map):
    centre, cut, extra = (40, 40, 14, 7), (40, 1, 9, 5), (10, 70, 6, 3)
    prediction, truth = disc_map((80, 80), centre, extra), disc_map((80, 80), centre, cut)
    everything = score(prediction, truth)
    assert everything.score("cell", "iou").value < 0.8
    for keep in ("whole", "centre"):
        found = score(prediction, truth, keep=keep)
        assert (found.false_cells, found.missed_cells) == (1, 1)
        # the neighbour that was cut is left out of the truth, the false cell stays where the rule keeps it
        assert (found.score("cell", "iou").value == 1) == (keep == "centre")
        assert len(found.pairs) == (1 if keep == "centre" else 2)
        ours, theirs = kept_maps(make(prediction, truth), EvaluationParameters(keep=keep))
        assert np.array_equal(theirs, disc_map((80, 80), centre))
        assert np.array_equal(ours, disc_map((80, 80), centre) if keep == "centre" else prediction)
    # the errors outside the cells that are kept do not count, and neither does their border
    alone = score(disc_map((80, 80), centre), disc_map((80, 80), centre))
    assert score(prediction, truth, keep="centre").counts == alone.counts


def test_labels_that_come_along_are_used(disc_map):
    truth = disc_map((40, 90), (20, 20, 12, 6), (20, 44, 12, 6), (20, 68, 12, 6))
    assert label_cells(truth).max() == 3
    joined = (truth > 0).astype(np.int32)
    apart = score(truth, truth, case={"true_cells": joined})
    assert (apart.false_cells, apart.missed_cells, apart.cnr.coverage) == (3, 1, 0)
    swapped = score(truth, truth, case={"predicted_cells": joined})
    assert (swapped.false_cells, swapped.missed_cells, swapped.cnr.true_cnrs) == (1, 3, 3)
    both = score(truth, truth, case={"true_cells": joined, "predicted_cells": joined})
    assert (both.false_cells, both.cnr.n, both.cnr.true_cnrs) == (0, 1, 1)


def test_what_an_expert_marked_has_no_cnr(disc_map):
    truth = disc_map((80, 140), (40, 40, 14, 7), (40, 100, 14, 7))
    marked = score(truth, truth, case={"true_remarks": {2: {Flag.NOT_A_WBC_SMUDGE}}}, keep="whole")
    assert (marked.cnr.n, marked.cnr.true_cnrs, marked.cnr.given_without_truth) == (1, 1, 1)
    ours = score(truth, truth, case={"predicted_remarks": {1: {Flag.NOT_A_WBC_SMUDGE}}})
    assert (ours.cnr.n, ours.cnr.withheld, ours.cnr.coverage) == (1, 1, 0.5)


def test_pooled_counts_are_the_sum_of_the_images():
    scores = [score(*random_maps(seed), border_px=2) for seed in range(5)]
    cell_only = score(random_maps(9)[0], random_maps(9)[1] > 0, case={"whole_cell": True})
    pooled = pooled_counts([*scores, cell_only])
    assert pooled.correct == sum(one.counts.correct for one in [*scores, cell_only])
    for name in CLASS_NAMES:
        of_it = [one.counts.classes[name] for one in [*scores, cell_only] if name in one.counts.classes]
        for field in ClassCounts.__dataclass_fields__:
            assert getattr(pooled.classes[name], field) == sum(getattr(counts, field) for counts in of_it)
    errors = pooled_cnr(scores)
    assert errors.log_ratios == tuple(itertools.chain(*(one.cnr.log_ratios for one in scores)))
    assert errors.true_cnrs == sum(one.cnr.true_cnrs for one in scores)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prediction": np.zeros((9, 8))}, r"\(9, 8\) and the ground truth \(9, 9\)"),
        ({"prediction": np.full((9, 9), 3)}, "prediction holds the value 3"),
        ({"truth": np.full((9, 9), 2), "whole_cell": True}, "ground truth holds the value 2"),
        ({"predicted_cells": np.ones((3, 3), np.int32)}, "same size"),
        ({"pixel_size": -1}, "pixel size"),
    ],
)
def test_what_is_no_case(change, words):
    given = {"prediction": np.zeros((9, 9)), "truth": np.zeros((9, 9)), **change}
    with pytest.raises(LeukocyteError, match=words):
        score_case(make(**given), EvaluationParameters())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"border_px": 4, "border_um": 0.4}, "two widths"),
        ({"border_px": -1}, "-1 px is impossible"),
        ({"border_um": math.nan}, "nan um is impossible"),
        ({"pixel_size": 0}, "pixel size"),
        ({"score_at": 0}, "0 px"),
    ],
)
def test_impossible_parameters(wrong, words):
    with pytest.raises(LeukocyteError, match=words):
        EvaluationParameters(**wrong)
