"""The figures of a whole list: means, intervals, and the worst class."""

import math

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, score_case
from napari_leukocyte.core.scoring.overview import overview, worst_class


def square(shift=0, nucleus=6):
    classes = np.zeros((40, 40), np.uint8)
    classes[8 + shift : 30 + shift, 8:30] = 1
    classes[12 + shift : 12 + nucleus + shift, 12 : 12 + nucleus] = 2
    return classes


def score(name, prediction, truth, **known):
    case = Case(name, prediction, truth, binary=False, pixel_size=None, **{"whole_cell": False, **known})
    return score_case(case, EvaluationParameters(border_px=2))


@pytest.fixture
def scores():
    pairs = [
        (square(), square()),
        (square(2), square()),
        (square(nucleus=9), square()),
        (np.zeros_like(square()), square()),
    ]
    return [score(f"={number}", *pair) for number, pair in enumerate(pairs)]


def test_means_and_intervals_are_over_the_images_that_have_a_value(scores):
    found = overview(scores)
    for (cls, measure), mean in found.means.items():
        values = [one.score(cls, measure).value for one in scores]
        known = [value for value in values if not math.isnan(value)]
        assert mean.mean.value == pytest.approx(np.mean(known))
        assert (mean.low, mean.high) == bootstrap_interval(values, n=500)
        assert mean.low <= mean.mean.value <= mean.high
    assert (
        str(found.means["cell", "iou"])
        == f"{found.means['cell', 'iou'].mean} ({found.means['cell', 'iou'].low:.3f}–1.000)"
    )
    assert (found.images, found.false_cells, found.missed_cells) == (4, 0, 1)
    assert (found.cnr.n, found.cnr.true_cnrs) == (3, 4)
    assert found.bias_low <= found.cnr.bias <= found.bias_high


def test_one_image_has_no_interval(scores):
    found = overview(scores[:1])
    assert str(found.means["nucleus", "iou"]) == "1.000"
    assert all(math.isnan(limit) for limit in found.cnr.limits)


def test_limits_of_agreement_are_those_of_the_logarithm():
    logs = np.random.default_rng(3).normal(0.04, 0.1, 4000)
    low, high = CnrErrors(tuple(logs)).limits
    inside = np.mean((logs > math.log1p(low)) & (logs < math.log1p(high)))
    assert inside == pytest.approx(0.95, abs=0.01)
    twice = CnrErrors((math.log(2), math.log(0.5))).limits  # twice as high and half as high weigh the same
    assert (1 + twice[0]) * (1 + twice[1]) == pytest.approx(1)


def test_the_worst_class_is_not_hidden_by_the_cell(scores):
    assert worst_class(scores[2])[0] == "nucleus"
    assert worst_class(scores[2])[1] < scores[2].score("cell", "iou_b").value
    empty = np.zeros((9, 9), np.uint8)
    assert worst_class(score("a", empty, empty))[0] == ""


def test_no_image_has_no_figures():
    with pytest.raises(LeukocyteError, match="No image was scored"):
        overview([])
