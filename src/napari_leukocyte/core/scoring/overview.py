"""All images of a list together: means with intervals, the CNR errors, false and missed cells; and each as a row."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.safe_text import for_table
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import ImageScore, Measure, mean_over_images, pooled_cnr
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, Score

__all__ = ["MeanScore", "Overview", "overview", "worst_class", "write_scores_csv"]

_MEASURES: tuple[Measure, ...] = ("iou", "iou_b", "scored")
_RESAMPLED = 500  # times: it is on screen, and must keep up with the hand


@dataclass(frozen=True)
class MeanScore:
    """The mean of a ratio over the images that have it, with its bootstrap 95 % interval over images."""

    mean: Score
    low: float
    high: float

    def __str__(self) -> str:
        """The mean, and the interval where there is one."""
        if math.isnan(self.low):
            return str(self.mean)
        return f"{self.mean} ({self.low:.3f}–{self.high:.3f})"


@dataclass(frozen=True)
class Overview:
    """The figures of several images.

    Attributes
    ----------
    images
        How many were scored.
    means
        By class and measure (``iou``, ``iou_b``, ``scored``).
    cnr
        Of the cells of all images.
    bias_low, bias_high
        Bootstrap 95 % interval of the bias, a share with a sign; whole images are resampled. NaN without a CNR.
    false_cells, missed_cells
        Of all images together, before the keep rule.
    whole_cell
        No truth knows nuclei.
    """

    images: int
    means: dict[tuple[str, Measure], MeanScore]
    cnr: CnrErrors
    bias_low: float
    bias_high: float
    false_cells: int
    missed_cells: int
    whole_cell: bool


def overview(scores: Sequence[ImageScore]) -> Overview:
    """Sum up the scores of images.

    Raises
    ------
    LeukocyteError
        Without an image.
    """
    if not scores:
        raise LeukocyteError("No image was scored, so there are no figures.")
    logs = [ratio for score in scores for ratio in score.cnr.log_ratios]
    groups = [number for number, score in enumerate(scores) for _ in score.cnr.log_ratios]
    low, high = bootstrap_interval(logs, statistic=np.median, groups=groups, n=_RESAMPLED)
    return Overview(
        images=len(scores),
        means={(cls, measure): _mean(scores, cls, measure) for cls in CLASS_NAMES for measure in _MEASURES},
        cnr=pooled_cnr(scores),
        bias_low=math.expm1(low),
        bias_high=math.expm1(high),
        false_cells=sum(score.false_cells for score in scores),
        missed_cells=sum(score.missed_cells for score in scores),
        whole_cell=all(score.whole_cell for score in scores),
    )


def worst_class(score: ImageScore) -> tuple[str, float]:
    """The class with the lowest IoU_b of an image, and that IoU_b; ("", NaN) where nothing has one.

    The list of images goes by it: a good outline of the cell hides a bad nucleus.
    """
    values = {cls: score.score(cls, "iou_b").value for cls in CLASS_NAMES}
    known = {cls: value for cls, value in values.items() if not math.isnan(value)}
    worst = min(known, key=known.__getitem__, default="")
    return worst, known.get(worst, math.nan)


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
    *(f"{cls}_{measure}" for cls in CLASS_NAMES for measure in _MEASURES),
    *("cnr_error", "cnr_bias", "cnrs_compared", "true_cnrs", "false_cells", "missed_cells"),
    *("border_px", "pixel_size_um"),
)


def _row(score: ImageScore) -> dict[str, str]:
    cnr = score.cnr
    ratios = {f"{cls}_{measure}": score.score(cls, measure).value for cls in CLASS_NAMES for measure in _MEASURES}
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


def _mean(scores: Sequence[ImageScore], cls: str, measure: Measure) -> MeanScore:
    values = [score.score(cls, measure).value for score in scores]
    several = sum(not math.isnan(value) for value in values) > 1
    low, high = bootstrap_interval(values, n=_RESAMPLED) if several else (math.nan, math.nan)
    return MeanScore(mean_over_images(scores, cls, measure), low, high)
