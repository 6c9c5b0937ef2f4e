import csv

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, score_case
from napari_leukocyte.core.scoring.score_files import summarise_scores, write_scores_csv


def score(name, prediction, truth, **known):
    return score_case(
        Case(name, prediction, truth, binary=False, **{"whole_cell": False, "pixel_size": None, **known}),
        EvaluationParameters(),
    )


@pytest.fixture
def truth(disc_map):
    return disc_map((60, 60), (30, 30, 20, 10))


@pytest.fixture
def scores(disc_map, truth):
    """All right; a nucleus too large; nothing found; a truth without nuclei."""
    return [
        score("=good", truth, truth),
        score("large", disc_map((60, 60), (30, 30, 20, 13)), truth),
        score("missed", np.zeros_like(truth), truth),
        score("cells", truth, (truth > 0).astype(np.uint8), whole_cell=True),
    ]


def test_the_table_has_a_row_an_image_and_nothing_for_what_is_not_there(scores, tmp_path):
    write_scores_csv(tmp_path / "scores.csv", scores)
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["image"] for row in rows] == ["'=good", "large", "missed", "cells"]
    assert float(rows[1]["nucleus_iou"]) == pytest.approx(scores[1].score("nucleus", "iou").value, abs=1e-5)
    assert float(rows[1]["cnr_bias"]) == pytest.approx(scores[1].cnr.bias, abs=1e-5)
    assert (rows[2]["cnr_error"], rows[2]["missed_cells"]) == ("", "1")
    assert (rows[3]["nucleus_iou"], rows[3]["true_cnrs"], rows[3]["cell_iou"]) == ("", "", "1")


def test_figures(scores, truth):
    good, _, missed, cells = scores
    figures = summarise_scores([good, missed, cells], EvaluationParameters())
    assert list(figures) == ["images", "border_px", "accuracy", "classes", "cnr", "false_cells", "per_image"]
    assert (figures["images"], figures["border_px"]) == (3, 4)
    assert figures["accuracy"] == pytest.approx((2 + missed.counts.accuracy) / 3)
    assert figures["classes"]["cell"]["iou"] == pytest.approx(2 / 3)
    assert figures["classes"]["nucleus"]["iou"] == 0.5
    assert figures["cnr"] == {"median_error": 0, "bias": 0, "coverage": 0.5, "n": 1}
    nothing = {"iou": None, "iou_b": None, "scored": None, "false_class": 0}
    assert [one["name"] for one in figures["per_image"]] == ["=good", "missed", "cells"]
    assert figures["per_image"][2]["classes"]["nucleus"] == nothing
    assert figures["per_image"][2]["cnr"] == {"median_error": None, "bias": None, "coverage": None, "n": 0}
    other = score("other", truth, truth, pixel_size=0.2)
    assert summarise_scores([good, other], EvaluationParameters())["border_px"] is None
    with pytest.raises(LeukocyteError, match="No image was scored"):
        summarise_scores([], EvaluationParameters())
