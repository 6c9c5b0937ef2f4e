"""Scores for other programs: a row for each image (CSV), and the figures of ``evaluate --json``."""

import csv
import math
from collections.abc import Sequence
from os import PathLike
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.safe_text import for_table
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import MEASURES, EvaluationParameters, ImageScore
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.scoring.overview import mean_over_images, pooled_cnr

__all__ = ["summarise_scores", "write_scores_csv"]


def write_scores_csv(path: str | PathLike[str], scores: Sequence[ImageScore]) -> None:
    """Write a row for each image (CSV, UTF-8): ratios and shares 0-1, the band in px; what is n/a is empty.

    Raises
    ------
    LeukocyteError
        When the file cannot be written.
    """
    rows = [_row(score) for score in scores]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


_COLUMNS = (
    *("image", "accuracy"),
    *(f"{cls}_{measure}" for cls in CLASS_NAMES for measure in MEASURES),
    *("cnr_error", "cnr_bias", "cnrs_compared", "true_cnrs", "false_cells", "missed_cells"),
    *("border_px", "pixel_size_um"),
)


def _row(score: ImageScore) -> dict[str, str]:
    cnr = score.cnr
    ratios = {f"{cls}_{measure}": score.score(cls, measure).value for cls in CLASS_NAMES for measure in MEASURES}
    return {
        "image": for_table(score.name),
        "accuracy": _text(score.counts.accuracy),
        **{name: _text(value) for name, value in ratios.items()},
        "cnr_error": _text(cnr.median_error),
        "cnr_bias": _text(cnr.bias),
        "cnrs_compared": "" if score.whole_cell else str(cnr.n),
        "true_cnrs": "" if score.whole_cell else str(cnr.true_cnrs),
        "false_cells": str(score.false_cells),
        "missed_cells": str(score.missed_cells),
        "border_px": _text(score.border_px),
        "pixel_size_um": "" if score.pixel_size is None else _text(score.pixel_size),
    }


def _text(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def summarise_scores(scores: Sequence[ImageScore], parameters: EvaluationParameters) -> dict[str, Any]:
    """Return the figures that ``napari-leukocyte evaluate --json`` writes.

    Ratios are means over the images that have them, CNR figures are over all cells, false cells are a mean over
    images. Shares are 0-1, n/a is None. ``border_px`` is None where the images have bands of different widths.

    Parameters
    ----------
    scores : sequence of ImageScore
        At least one.
    parameters : EvaluationParameters
        What they were made with.

    Raises
    ------
    LeukocyteError
        Without an image.
    """
    if not scores:
        raise LeukocyteError("No image was scored, so there are no figures.")
    widths = {score.border_px for score in scores}
    return {
        "images": len(scores),
        "border_px": widths.pop() if len(widths) == 1 else parameters.border_px,
        "accuracy": math.fsum(score.counts.accuracy for score in scores) / len(scores),
        "classes": _class_figures(scores),
        "cnr": _cnr_figures(pooled_cnr(scores)),
        "false_cells": sum(score.false_cells for score in scores) / len(scores),
        "per_image": [
            {
                "name": score.name,
                "accuracy": score.counts.accuracy,
                "classes": _class_figures([score]),
                "cnr": _cnr_figures(score.cnr),
                "false_cells": score.false_cells,
            }
            for score in scores
        ],
    }


def _class_figures(scores: Sequence[ImageScore]) -> dict[str, dict[str, float | int | None]]:
    return {
        cls: {
            **{measure: _or_none(mean_over_images(scores, cls, measure).value) for measure in MEASURES},
            "false_class": sum(score.false_class(cls) for score in scores),
        }
        for cls in CLASS_NAMES
    }


def _cnr_figures(errors: CnrErrors) -> dict[str, float | int | None]:
    return {
        "median_error": _or_none(errors.median_error),
        "bias": _or_none(errors.bias),
        "coverage": _or_none(errors.coverage),
        "n": errors.n,
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
