import math

import numpy as np
import pytest

from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.scoring.cnr_error import CnrErrors, compare_cnr, match_cells


def put(classes, cells, number, y, x, size=15, nucleus=5):
    classes[y : y + size, x : x + size] = 1
    low = (size - nucleus) // 2
    classes[y + low : y + low + nucleus, x + low : x + low + nucleus] = 2
    cells[y : y + size, x : x + size] = number


def image(*specs):
    classes, cells = np.zeros((60, 90), int), np.zeros((60, 90), int)
    for number, spec in enumerate(specs, start=1):
        put(classes, cells, number, **spec)
    return classes, cells


def compare(prediction, truth):
    return compare_cnr(measure_cells(*prediction), measure_cells(*truth), match_cells(prediction[1], truth[1]))


A = {"y": 5, "x": 5}
B = {"y": 5, "x": 30}
C = {"y": 30, "x": 5}
BARE = {"y": 30, "x": 60, "nucleus": 15}


def test_matching():
    matching = match_cells(image(B, A)[1], image(A, B, C)[1])
    assert matching.pairs == ((1, 2), (2, 1))
    assert (matching.false_cells, matching.missed_cells) == ((), (3,))
    # exactly one half is no match
    half = match_cells([[1, 1, 0, 0]], [[1, 1, 1, 1]])
    assert (half.pairs, half.false_cells, half.missed_cells) == ((), (1,), (1,))
    nothing = match_cells(np.zeros((3, 3), int), np.zeros((3, 3), int))
    assert (nothing.pairs, nothing.false_cells, nothing.missed_cells) == ((), (), ())
    with pytest.raises(ValueError, match="min_iou"):
        match_cells([[1]], [[1]], min_iou=0.3)


def test_matching_against_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = np.kron(rng.integers(0, 6, (4, 5)), np.ones((4, 4), int))
        predicted = np.where(rng.random(truth.shape) < 0.85, truth, rng.integers(0, 6, truth.shape))
        expected = {
            (p, t)
            for p in range(1, 6)
            for t in range(1, 6)
            if ((predicted == p) & (truth == t)).sum() > 0.5 * ((predicted == p) | (truth == t)).sum()
        }
        assert set(match_cells(predicted, truth).pairs) == expected


def test_the_same_is_no_error():
    errors = compare(image(A, B), image(B, A))
    assert (errors.median_error, errors.bias, errors.coverage, errors.n) == (0, 0, 1, 2)


def test_error_and_bias():
    big = {**A, "nucleus": 7}
    errors = compare(image(big), image(A))
    ratio = ((225 - 49) / 49) / ((225 - 25) / 25)
    assert errors.bias == pytest.approx(ratio - 1)
    assert errors.median_error == pytest.approx(1 / ratio - 1)
    # opposite errors cancel in the bias, never in the error
    both = errors + compare(image(A), image(big))
    assert both.bias == pytest.approx(0)
    assert both.median_error == pytest.approx(1 / ratio - 1)


def test_withholding_and_missing_lower_the_coverage():
    truth = image(A, B, C)
    withheld = image(A, {**B, "nucleus": 15})
    errors = compare(withheld, truth)
    assert (errors.n, errors.withheld, errors.missed, errors.true_cnrs) == (1, 1, 1, 3)
    assert errors.coverage == pytest.approx(1 / 3)
    assert errors.n + errors.withheld + errors.missed == errors.true_cnrs


def test_cnrs_where_the_truth_has_none():
    truth = image(A, BARE)
    errors = compare(image(A, {**BARE, "nucleus": 9}, C), truth)
    assert (errors.without_truth, errors.in_false_cells, errors.given_without_truth) == (1, 1, 2)
    assert (errors.coverage, errors.true_cnrs) == (1, 1)
    assert compare(image(A, BARE), truth).given_without_truth == 0


def test_nothing_to_compare():
    errors = CnrErrors() + CnrErrors()
    assert errors.n == 0
    assert all(math.isnan(v) for v in (errors.median_error, errors.bias, errors.coverage))
