"""A comparison that follows edits gives what a comparison of the whole image gives."""

import numpy as np
import pytest

from edits import Editor
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.live import LiveCells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, score_case
from napari_leukocyte.core.scoring.live_comparison import LiveComparison
from napari_leukocyte.core.scoring.truth import make_truth
from napari_leukocyte.core.synthetic.smear import draw_field


class Compared(Editor):
    """Edits at random, and lets a comparison follow every change."""

    comparison = None

    def _timed(self, job):
        done = super()._timed(job)
        if done is not None and self.comparison is not None:
            self.comparison.follow(done.box)
        return done


def whole_score(live, truth, parameters):
    case = Case(
        "field",
        live.classes,
        truth.classes,
        binary=live.binary,
        whole_cell=truth.whole_cell,
        pixel_size=live.pixel_size.for_areas,
        predicted_cells=live.cells,
        true_cells=truth.cells,
        predicted_remarks={m.cell: set(m.flags) for m in live.measures},
    )
    return score_case(case, parameters)


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=4, size=(300, 400), px_per_um=5, n_cells=5)


@pytest.mark.parametrize("keep", ["all", "whole", "centre"])
@pytest.mark.parametrize("whole_cell", [False, True])
def test_random_edits_are_scored_as_the_whole_image_is(field, keep, whole_cell):
    classes = np.minimum(field.classes, 1) if whole_cell else field.classes
    truth = make_truth(
        classes, whole_cell=whole_cell, pixel_size=field.pixel_size, reading="", source="", cells=field.cells
    )
    parameters = EvaluationParameters(keep=keep)
    editor = Compared(field.classes, field.cells, seed=4, pixel_size=field.pixel_size)
    editor.comparison = comparison = LiveComparison(editor.live, truth, parameters, name="field")
    assert str(comparison.score) == str(whole_score(editor.live, truth, parameters))  # NaN is not equal to itself
    for _ in range(20):
        editor.edit()
        expected = whole_score(editor.live, truth, parameters)
        assert comparison.score.counts == expected.counts
        assert str(comparison.score) == str(expected)  # NaN is not equal to itself


def disc_map(radius, nucleus):
    y, x = np.mgrid[:60, :60]
    distance = np.hypot(y - 30, x - 30)
    return ((distance <= radius).astype(np.uint8) + (distance <= nucleus)).astype(np.uint8)


def test_the_same_maps_are_without_error():
    classes = disc_map(20, 10)
    live = LiveCells(classes, label_cells(classes), pixel_size=PixelSize(None))
    truth = make_truth(classes, whole_cell=False, pixel_size=None, reading="", source="")
    score = LiveComparison(live, truth, EvaluationParameters(), name="a").score
    assert score.score("cell", "iou_b").value == 1
    assert score.cnr.log_ratios == (0.0,)
    assert score.false_cells == score.missed_cells == 0


def test_sizes_that_differ_are_a_sentence():
    classes = disc_map(20, 10)
    live = LiveCells(classes, label_cells(classes), pixel_size=PixelSize(None))
    truth = make_truth(classes[:50], whole_cell=False, pixel_size=None, reading="", source="")
    with pytest.raises(LeukocyteError, match=r"\(60, 60\).*\(50, 60\)"):
        LiveComparison(live, truth, EvaluationParameters(), name="a")
