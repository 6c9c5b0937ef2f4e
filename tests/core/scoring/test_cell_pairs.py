import math
from dataclasses import replace

import numpy as np
import pytest

from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.scoring.cell_pairs import pair_cells
from napari_leukocyte.core.scoring.cnr_error import compare_cnr, match_cells


def image(*cells):
    """Square cells of 15 px, given as (y, x, side of the nucleus)."""
    classes, labels = np.zeros((60, 90), int), np.zeros((60, 90), int)
    for number, (y, x, nucleus) in enumerate(cells, start=1):
        labels[y : y + 15, x : x + 15] = number
        classes[y : y + 15, x : x + 15] = 1
        low = (15 - nucleus) // 2
        classes[y + low : y + low + nucleus, x + low : x + low + nucleus] = 2
    return classes, labels


def both_sides(prediction, truth):
    return measure_cells(*prediction), measure_cells(*truth), match_cells(prediction[1], truth[1])


def test_cells_meet_their_own_partner():
    pairs = pair_cells(*both_sides(image((5, 30, 5), (5, 5, 9)), image((5, 5, 7), (5, 30, 5))))
    assert [(pair.predicted.x, pair.truth.x) for pair in pairs] == [(37, 37), (12, 12)]
    assert pairs[0].log_ratio == 0
    assert pairs[1].log_ratio == pytest.approx(math.log((144 / 81) / (176 / 49)))


def test_every_cell_occurs_and_the_counts_agree_with_the_errors():
    bare = (30, 60, 15)
    prediction = image((5, 5, 5), (5, 30, 15), (30, 5, 5), (30, 60, 9))
    truth = image((5, 5, 5), (5, 30, 5), (5, 60, 5), bare)
    sides = both_sides(prediction, truth)
    pairs, errors = pair_cells(*sides), compare_cnr(*sides)
    assert sorted(pair.predicted.cell for pair in pairs if pair.predicted) == [1, 2, 3, 4]
    assert sorted(pair.truth.cell for pair in pairs if pair.truth) == [1, 2, 3, 4]
    assert tuple(pair.log_ratio for pair in pairs if pair.compared) == errors.log_ratios
    # withheld by the model, none in the truth, false, missed: none of them is compared or inside a range
    assert [pair.compared for pair in pairs] == [True, False, False, False, False]
    assert [pair.truth_in_range for pair in pairs] == [True, False, False, False, False]


def test_the_range_is_the_predicted_one():
    (pair,) = pair_cells(*both_sides(image((5, 5, 7)), image((5, 5, 7))))

    def inside(cnr, low, high):
        truth = replace(pair.truth, cnr=cnr, cnr_low=0, cnr_high=9)
        return replace(pair, predicted=replace(pair.predicted, cnr_low=low, cnr_high=high), truth=truth).truth_in_range

    assert inside(2.0, 1.9, 2.3)
    assert inside(1.9, 1.9, 2.3)
    assert inside(2.3, 1.9, 2.3)
    assert not inside(1.8, 1.9, 2.3)
    assert not inside(2.4, 1.9, 2.3)
    assert inside(2.4, 1.9, math.inf)
