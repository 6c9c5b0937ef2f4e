import math
from dataclasses import replace

import numpy as np
import pytest

from napari_leukocyte.core.fine_tuning.calibrate import calibrate_range, range_sentence
from napari_leukocyte.core.fine_tuning.compare import compare
from napari_leukocyte.core.fine_tuning.scoring import Judged
from napari_leukocyte.core.model.cnr_range import FEWEST
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, score_case


@pytest.fixture
def judge(make_item, disc_map):
    """Score two predictions of the same true cell (12 px nucleus in a 20 px cell): radii of (cell, nucleus) each."""

    def make(number, before, after, *, whole_cell=False, truth=(20, 12), group=None):
        item = make_item(number, whole_cell=whole_cell, group=group or f"group-{number}")

        def scored(radii):
            prediction = disc_map((61, 61), *([(30, 30, *radii)] if radii else []))
            true = disc_map((61, 61), *([(30, 30, *truth)] if truth else []))
            if whole_cell:
                true = np.minimum(true, 1)
            case = Case(item.name, prediction, true, binary=False, whole_cell=whole_cell, pixel_size=None)
            return score_case(case, EvaluationParameters())

        return Judged(item, scored(before), scored(after), (number / 100,))

    return make


def test_no_image_no_comparison():
    assert compare([]) is None


def test_figures_are_those_of_the_evaluation(judge):
    judged = [judge(i, (18, 12), (20, 12 + i % 2)) for i in range(8)]
    found = compare(judged)
    for measure, changes in (("iou", found.iou), ("iou_b", found.iou_b)):
        for name, change in changes.items():
            before, after = (
                np.mean([getattr(one, side).score(name, measure).value for one in judged])
                for side in ("before", "after")
            )
            assert change.before == pytest.approx(before)
            assert change.after == pytest.approx(after)
            assert change.difference == pytest.approx(after - before)
            assert change.low <= change.difference <= change.high
            assert (change.n, change.groups) == (8, 8)
    logs = [one.before.pairs[0].log_ratio for one in judged]
    assert found.cnr_error.before == pytest.approx(math.expm1(np.median(np.abs(logs))))
    assert found.cnr_bias.before == pytest.approx(math.expm1(np.median(logs)))
    assert found.cnr_bias.before < 0
    assert found.cnr_off.before == pytest.approx(math.expm1(abs(np.median(logs))))
    assert found.cnr_error.difference < 0
    assert found.cnr_error.high < 0


def test_a_model_is_calibrated_by_twenty_cells_that_it_did_not_learn_from(judge):
    judged = [judge(i, (18, 12), (20, 12 if i % 2 else 13)) for i in range(FEWEST)]
    found = calibrate_range(judged)
    errors = {round(abs(one.after.pairs[0].log_ratio), 9) for one in judged}
    assert len(errors) == 2
    assert math.exp(max(errors)) <= found.factor <= math.exp(max(errors)) + 0.01
    assert found.cells == FEWEST
    assert found.unsure == 0.17  # two of the twenty have more
    assert "for nine cells in ten (20 cells; the user's own images, 20 images)" in range_sentence(found)
    assert calibrate_range(judged[1:]) is None
    whole = [judge(i, (18, 12), (20, 12), whole_cell=True) for i in range(FEWEST)]
    assert calibrate_range(whole) is None
    assert "not calibrated: that takes 20 cells" in range_sentence(None)


def test_differences_are_paired(judge):
    """Images differ far more from each other than before from after: the interval must not know that."""
    judged = [judge(i, (20 - i, 12), (19 - i, 12)) for i in range(7)]
    change = compare(judged).iou["cell"]
    spread = np.std([one.before.score("cell", "iou").value for one in judged])
    assert change.high < 0
    assert change.high - change.low < spread / 3


def test_images_of_one_group_count_once(judge):
    alone = compare([judge(i, (18, 12), (20 - i % 3, 12)) for i in range(9)]).iou["cell"]
    together = compare([judge(i, (18, 12), (20 - i % 3, 12), group=f"slide-{i % 3}") for i in range(9)]).iou["cell"]
    assert (alone.n, together.n, together.groups) == (9, 9, 3)
    assert together.high - together.low > alone.high - alone.low
    assert math.isnan(compare([judge(i, (18, 12), (20, 12), group="one") for i in range(3)]).iou["cell"].low)


def test_a_new_false_cell_does_not_drop_out(judge):
    """Before, the class was rightly absent (n/a); after, it is false: that is worse, not missing."""
    found = compare([judge(0, None, (8, 0), truth=None), judge(1, None, None, truth=None)])
    assert (found.iou["cell"].before, found.iou["cell"].after, found.iou["cell"].n) == (1, 0, 1)
    assert (found.false_cells.before, found.false_cells.after) == (0, 0.5)
    assert found.coverage.n == 0


def test_a_withheld_cnr_lowers_the_coverage(judge):
    found = compare([judge(0, (20, 12), (20, 0)), judge(1, (20, 12), (20, 12)), judge(2, (20, 12), None)])
    assert found.cnr_error.n == 1
    assert found.coverage.before == 1
    assert found.coverage.after == pytest.approx(1 / 3)


def test_whole_cell_masks_give_cell_alone(judge):
    found = compare([judge(i, (18, 12), (20, 12), whole_cell=True) for i in range(2)])
    assert set(found.iou) == set(found.iou_b) == {"cell"}
    assert found.cnr_error.n == found.coverage.n == 0
    mixed = compare([judge(0, (18, 12), (20, 12), whole_cell=True), judge(1, (18, 12), (20, 12))])
    assert (mixed.iou["cell"].n, mixed.iou["nucleus"].n, mixed.cnr_error.n) == (2, 1, 1)


def test_nothing_changed_is_no_difference(judge):
    one = judge(0, (18, 12), (20, 12))
    found = compare([replace(one, after=one.before), replace(judge(1, (20, 11), None), after=one.before)][:1])
    assert found.iou["cell"].difference == 0
    assert found.cnr_error.difference == 0
