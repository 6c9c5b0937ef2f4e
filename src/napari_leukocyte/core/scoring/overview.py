"""All images of a list together: means with intervals, the CNR errors, false and missed cells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import MEASURES, ImageScore, Measure
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, ImageCounts, Score, mean_score

__all__ = ["MeanScore", "Overview", "mean_over_images", "overview", "pooled_cnr", "pooled_counts", "worst_class"]

_RESAMPLED = 500  # times: it is on screen, and must keep up with the hand


def mean_over_images(scores: Iterable[ImageScore], cls: str, measure: Measure) -> Score:
    """Return the mean of a ratio over the images that have it."""
    return mean_score(score.score(cls, measure) for score in scores)


def pooled_counts(scores: Iterable[ImageScore]) -> ImageCounts:
    """Add up the pixels of all images, at least one."""
    return reduce(add, (score.counts for score in scores))


def pooled_cnr(scores: Iterable[ImageScore]) -> CnrErrors:
    """Put the cells of all images together."""
    return reduce(add, (score.cnr for score in scores), CnrErrors())


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
        means={(cls, measure): _mean(scores, cls, measure) for cls in CLASS_NAMES for measure in MEASURES},
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


def _mean(scores: Sequence[ImageScore], cls: str, measure: Measure) -> MeanScore:
    values = [score.score(cls, measure).value for score in scores]
    several = sum(not math.isnan(value) for value in values) > 1
    low, high = bootstrap_interval(values, n=_RESAMPLED) if several else (math.nan, math.nan)
    return MeanScore(mean_over_images(scores, cls, measure), low, high)
