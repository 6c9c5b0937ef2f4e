"""A segmentation against its ground truth, in one call."""

import math
from dataclasses import dataclass
from typing import Any, get_args

from napari_leukocyte.api.inputs import checked_pixel_size
from napari_leukocyte.api.maps import MapsLike, maps_of
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore, Keep, Measure, score_case
from napari_leukocyte.core.scoring.figures import number, share
from napari_leukocyte.core.scoring.map_side import in_planes
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.scoring.overview import mean_over_images, pooled_cnr
from napari_leukocyte.core.scoring.score_files import summarise_scores

__all__ = ["Scores", "score"]


@dataclass(frozen=True, repr=False)
class Scores:
    """How well class maps agree with their truth: of one image, or the mean over several.

    Shares and errors are 0-1, and NaN is "n/a": `reasons` has the words. Ratios are means over the images that have
    them; CNR figures are over all cells.

    Attributes
    ----------
    images : tuple of ImageScore
        The counts of each image or plane, with its cells (``pairs``).
    parameters : EvaluationParameters
        What they were made with.
    """

    images: tuple[ImageScore, ...]
    parameters: EvaluationParameters

    @property
    def accuracy(self) -> float:
        """Share of the pixels whose class is right, over all classes together."""
        return math.fsum(image.counts.accuracy for image in self.images) / len(self.images)

    @property
    def iou(self) -> dict[str, float]:
        """TP / (TP + FP + FN) of ``cell`` and, with three classes on both sides, ``cytoplasm`` and ``nucleus``."""
        return self._means("iou")

    @property
    def iou_b(self) -> dict[str, float]:
        """The same over the pixels outside the border band, see `border_px`."""
        return self._means("iou_b")

    @property
    def scored_share(self) -> dict[str, float]:
        """Share of a class's true pixels that IoU_b is over: of a thin rim it can be little or nothing."""
        return self._means("scored")

    @property
    def reasons(self) -> dict[str, tuple[str, ...]]:
        """Why a class has no IoU_b, in as many images as say so."""
        found = {}
        for name in self._classes:
            scores = [image.score(name, "iou_b") for image in self.images]
            reasons = tuple(score.reason for score in scores if score.reason)
            if reasons:
                found[name] = reasons
        return found

    @property
    def cnr_error(self) -> float:
        """Median CNR error of the cells matched to the truth, exp(median of abs(log ratio)) - 1: 0.05 is 5 % off."""
        return self.cnr.median_error

    @property
    def cnr_bias(self) -> float:
        """exp(median of log ratio) - 1, with its sign: -0.08 is 8 % too low."""
        return self.cnr.bias

    @property
    def cnr_coverage(self) -> float:
        """Share of the true cells with a CNR that got one."""
        return self.cnr.coverage

    @property
    def cnr(self) -> CnrErrors:
        """All that is counted of the CNRs: how many were compared, withheld, missed, given without a true one."""
        return pooled_cnr(self.images)

    @property
    def false_cells(self) -> float:
        """Predicted cells that match no true one, before the keep rule; mean over images."""
        return sum(image.false_cells for image in self.images) / len(self.images)

    @property
    def missed_cells(self) -> float:
        """True cells that no predicted one matches, before the keep rule; mean over images."""
        return sum(image.missed_cells for image in self.images) / len(self.images)

    @property
    def border_px(self) -> float:
        """Total width of the border band, px; NaN where the images have bands of different widths."""
        widths = {image.border_px for image in self.images}
        return widths.pop() if len(widths) == 1 else math.nan

    def figures(self) -> dict[str, Any]:
        """Return everything as plain numbers, as ``napari-leukocyte evaluate --json`` writes it; n/a is None."""
        return summarise_scores(self.images, self.parameters)

    def __add__(self, other: "Scores") -> "Scores":
        """Put the images of two together."""
        return Scores(self.images + other.images, self.parameters)

    def __repr__(self) -> str:
        """Say the main figures in one line."""
        ratios = ", ".join(f"{name} {number(value, 3)}" for name, value in self.iou_b.items())
        count = "1 image" if len(self.images) == 1 else f"{len(self.images)} images"
        error = f"CNR error {share(self.cnr_error)}, coverage {share(self.cnr_coverage)}"
        return f"<Scores of {count}: accuracy {number(self.accuracy, 3)}, IoU_b {ratios}, {error}>"

    @property
    def _classes(self) -> list[str]:
        return [name for name in CLASS_NAMES if any(name in image.counts.classes for image in self.images)]

    def _means(self, measure: Measure) -> dict[str, float]:
        return {name: mean_over_images(self.images, name, measure).value for name in self._classes}


def score(
    classes: MapsLike,
    truth: MapsLike,
    *,
    keep: Keep = "all",
    pixel_size: float | None = None,
    border_px: float | None = None,
    border_um: float | None = None,
    score_at: int | None = None,
    empty_scores_zero: bool = False,
) -> Scores:
    """Compare a segmentation with its ground truth, as ``napari-leukocyte evaluate`` does.

    Parameters
    ----------
    classes
        Class map (Y, X), planes (N, Y, X), a list of maps of mixed sizes, a `Result` (whose cells, marks and pixel
        size then count), or the file of a class map. Values are 0, 1, 2; 0, 128, 255; or, for whole cells, 0 and 1,
        or 0 and 255. A map without nuclei is one of whole cells; where one side is, ``cell`` alone is scored.
    truth
        The same, of the same sizes.
    keep
        Cells that count, on both sides: ``all``, ``whole`` (not cut by the image edge), or ``centre``.
    pixel_size
        um per px. None: what truth or segmentation state, else unknown.
    border_px, border_um
        Total width of the border band that IoU_b leaves out; one of the two. None: 0.39 um, or 4 px if the pixel size
        is unknown.
    score_at
        Score pixels with the longer side of both maps scaled to so many px, as the thesis did with 128.
    empty_scores_zero
        The thesis's rule: a class with nothing to score gets 0, not n/a.

    Raises
    ------
    LeukocyteError
        When a map is none, or the two do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((9, 9), int)
    >>> truth[1:8, 1:8] = 1
    >>> truth[3:6, 3:6] = 2
    >>> scores = score(truth, truth, border_px=2)
    >>> scores.accuracy, scores.iou_b["nucleus"], scores.cnr_error
    (1.0, 1.0, 0.0)
    """
    if keep not in get_args(Keep):
        raise LeukocyteError(f"{keep!r} is no rule for the cells to score: choose all, whole or centre.")
    parameters = EvaluationParameters(
        border_px=border_px,
        border_um=border_um,
        pixel_size=checked_pixel_size(pixel_size),
        keep=keep,
        score_at=score_at,
        empty_scores_zero=empty_scores_zero,
    )
    ours, theirs = maps_of(classes, name="The segmentation"), maps_of(truth, name="The ground truth")
    if len(ours.planes) != len(theirs.planes):
        raise LeukocyteError(
            f"The segmentation has {in_planes(len(ours.planes))} and the ground truth {in_planes(len(theirs.planes))}: "
            "give maps that belong together."
        )
    size = ours.pixel_size if theirs.pixel_size is None else theirs.pixel_size
    cases = (
        Case(
            name=f"[{number}]",
            prediction=own.classes,
            truth=true.classes,
            binary=ours.whole_cell,
            whole_cell=theirs.whole_cell,
            pixel_size=size,
            predicted_cells=own.cells,
            true_cells=true.cells,
            predicted_remarks=own.remarks,
            true_remarks=true.remarks,
        )
        for number, (own, true) in enumerate(zip(ours.planes, theirs.planes, strict=True))
    )
    return Scores(tuple(score_case(case, parameters) for case in cases), parameters)
