import math

import numpy as np
import pytest
from cell_tables import cell
from scipy import stats

from napari_leukocyte.core.study.compare import compare, holm, patient_value
from napari_leukocyte.core.study.readers import agreement, icc_2_1, same_cells
from napari_leukocyte.core.study.tables import StudyCell, StudyImage
from napari_leukocyte.core.study.withheld import differing_share

# six targets, four judges: Shrout and Fleiss 1979, Table 2
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_icc_is_that_of_shrout_and_fleiss():
    found = icc_2_1(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.29, abs=0.005)  # their Table 4
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=0.001)  # as psych (R) and pingouin give it


def test_readers_who_agree_and_readers_who_only_rank_alike():
    values = np.array([0.1, 0.5, 0.9, 1.4])
    assert icc_2_1(np.stack([values, values], axis=1)).value == pytest.approx(1)
    assert icc_2_1(np.stack([values, values + 1], axis=1)).value < 0.5
    assert math.isnan(icc_2_1(np.ones((3, 2))).value)


def test_holm_is_that_of_the_books():
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([]) == []


def test_welch_and_its_interval_are_scipy_s_on_one_value_a_patient():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 0.2, 5).tolist(), rng.normal(0.5, 0.4, 7).tolist()
    (one,) = compare({"blast": {"A": a, "B": b}}, ["A", "B"])
    assert one.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
    assert one.ratio == pytest.approx(math.exp(np.mean(b) - np.mean(a)))
    assert one.low < one.ratio < one.high
    assert one.patients == (5, 7)


def test_few_patients_give_points_and_too_few_nothing():
    own = {"A": [0.0, 0.1, 0.3, 0.2, 0.1], "B": [0.5, 0.6, 0.8, 0.7], "C": [0.1, 0.2]}
    ab, ac, bc = compare({"blast": own}, ["A", "B", "C"])
    assert ab.ratio > 1
    assert ab.p < 0.05
    assert math.isnan(ab.low)
    assert ab.p_holm == ab.p  # nothing else is compared
    assert ac.reason == bc.reason == "fewer than 3 patients in C"
    assert math.isnan(ac.ratio)
    same = compare({"blast": {"A": [1.0] * 3, "B": [1.0] * 3}}, ["A", "B"])[0]
    assert same.reason == "all patients of a group have the same value"


def test_the_value_of_a_patient_is_no_matter_of_the_direction_of_the_ratio():
    cnrs = [0.4, 0.9, 1.3]
    assert patient_value(cnrs).value == pytest.approx(-patient_value([1 / cnr for cnr in cnrs]).value)


def test_shares_that_differ_are_told_and_noise_is_not():
    rng = np.random.default_rng(5)
    false = sum(
        differing_share(["a"] * 12 + ["b"] * 30 + ["c"] * 5, (rng.random(47) < 0.2).tolist()) < 0.05 for _ in range(60)
    )
    assert false <= 8  # 3 expected
    exact = stats.fisher_exact([[1, 9], [8, 2]]).pvalue
    hits = [True] + [False] * 9 + [True] * 8 + [False] * 2
    assert differing_share(["a"] * 10 + ["b"] * 10, hits) == pytest.approx(exact, abs=0.003)


def reader(*cells):
    image = StudyImage("cells.csv", "a.png", "r/a.png")
    return [StudyCell(image, 0, one, {}) for one in cells]


def test_cells_of_readers_are_paired_by_place_and_compared_within_a_type():
    places = [(100.0 * i, 50.0) for i in range(1, 8)]
    first = [cell(i + 1, 1.0 + i / 10, cell_type="blast", y=y, x=x) for i, (y, x) in enumerate(places)]
    other = [cell(20 - i, 1.1 * (1.0 + i / 10), cell_type="blast", y=y + 2, x=x - 2) for i, (y, x) in enumerate(places)]
    other[0] = cell(20, 2.0, cell_type="monocyte", y=100.0, x=50.0)  # the readers do not agree what it is
    other[1] = cell(19, math.nan, cell_type="blast", y=200.0, x=50.0)
    other.append(cell(3, 1.0, cell_type="blast", y=100.0, x=90.0))  # one of them sees a cell more
    assert len(same_cells(reader(*first), reader(*other))) == 7
    (found,) = agreement({"one": reader(*first), "two": reader(*other)})
    assert (found.kind, found.cells, found.one_only) == ("blast", 5, 1)
    assert found.bias == pytest.approx(1.1, abs=0.005)
    assert found.low <= found.bias <= found.high
    assert 0.3 < found.icc.value < 1


def test_cells_below_a_limit_count_in_a_patient_s_value_and_where_they_leave_it_open_there_is_none():
    cnrs = [0.4, 0.9, 1.3]
    assert patient_value(cnrs).value == pytest.approx(math.log(0.9))
    assert patient_value(cnrs, [0.2, 0.3]).value == pytest.approx(math.log(0.4))
    half = patient_value(cnrs, [0.2, 0.3, 0.1])
    assert math.isnan(half.value)
    assert half.low == -math.inf
    assert math.exp(half.high) == pytest.approx(math.sqrt(0.3 * 0.4))
