"""Score the segmentation of one image against its ground truth."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_pixel_size, check_same_shape
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.keep import keep_maps
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.border import Bands, band_width_px, border_bands
from napari_leukocyte.core.scoring.cell_pairs import CellPair, pair_cells
from napari_leukocyte.core.scoring.cnr_error import CnrErrors, compare_cnr, match_cells
from napari_leukocyte.core.scoring.metrics import ImageCounts, Score, count_pixels, iou, iou_b, scored_share

__all__ = [
    "CELL_ONLY",
    "MEASURES",
    "Case",
    "EvaluationParameters",
    "ImageScore",
    "Keep",
    "Measure",
    "kept_maps",
    "score_case",
]

CELL_ONLY = "n/a (whole cells only)"

Keep = Literal["all", "whole", "centre"]
Measure = Literal["iou", "iou_b", "scored"]

MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True)
class EvaluationParameters:
    """How segmentations are compared with their truth.

    Attributes
    ----------
    border_px
        Total width of the border band in px; None: ``border_um``.
    border_um
        Total width in um; None: 0.39 um, or 4 px if the pixel size is unknown.
    pixel_size
        um per px of all images; None: what is known of each image, else unknown.
    keep
        Which cells count, on both sides alike. False and missed cells are counted before this rule.
    score_at
        Pixels are scored with the longer side of both maps scaled to so many px, nearest, as the thesis did with 128;
        the band is built at native resolution and sampled from there. Cells and their CNR stay native. None: native.
    empty_scores_zero
        The thesis's rule: a class with nothing to score gets 0 instead of n/a.
    """

    border_px: float | None = None
    border_um: float | None = None
    pixel_size: float | None = None
    keep: Keep = "all"
    score_at: int | None = None
    empty_scores_zero: bool = False

    def __post_init__(self) -> None:
        if self.border_px is not None and self.border_um is not None:
            raise LeukocyteError("The border band has two widths, in px and in um: give one of them.")
        for width, unit in ((self.border_px, "px"), (self.border_um, "um")):
            if width is not None and not (math.isfinite(width) and width >= 0):
                raise LeukocyteError(f"A border band of {width:g} {unit} is impossible: give a width of 0 or more.")
        check_pixel_size(self.pixel_size)
        if self.score_at is not None and self.score_at < 1:
            raise LeukocyteError(f"Images cannot be scored at {self.score_at} px: give 1 px or more, such as 128.")

    def border_for(self, pixel_size: float | None) -> float:
        """Return the total width of the band in px, for an image with this pixel size (um per px; None: unknown).

        Raises
        ------
        LeukocyteError
            When the width is given in um but the pixel size is unknown.
        """
        if self.border_px is not None:
            return self.border_px
        if self.border_um is None:
            return band_width_px(pixel_size)
        if pixel_size is None:
            raise LeukocyteError(
                f"A border band of {self.border_um:g} um needs the pixel size, which is unknown: give it, or give the "
                "width in px."
            )
        return band_width_px(pixel_size, self.border_um)


@dataclass(frozen=True)
class Case:
    """One image with its truth and one prediction.

    Attributes
    ----------
    name
        Stem of its files; of a stack with the plane, "a [0]".
    prediction, truth
        Class maps (Y, X) of one size, native resolution.
    binary
        The prediction knows only cell and background (0 and 1).
    whole_cell
        The truth knows only cell and background: ``cell`` alone is scored, and no CNR.
    pixel_size
        um per px; None: unknown.
    predicted_cells, true_cells
        Cell labels, non-zero where the class map is; None: cells are told apart by `label_cells`.
    predicted_remarks, true_remarks
        What the maps cannot tell of a cell (not a WBC, ...), by its label.
    image
        RGB (Y, X, 3), for pictures.
    difficulty
        Difficulty class 1-8 of a one-cell crop; None: unknown.
    cell_type, source
        Empty when unknown.
    """

    name: str
    prediction: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    binary: bool
    whole_cell: bool
    pixel_size: float | None
    predicted_cells: NDArray[np.int32] | None = None
    true_cells: NDArray[np.int32] | None = None
    image: NDArray[np.uint8] | None = None
    difficulty: int | None = None
    cell_type: str = ""
    source: str = ""
    predicted_remarks: Mapping[int, Collection[Flag]] = field(default_factory=dict)
    true_remarks: Mapping[int, Collection[Flag]] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageScore:
    """The counts of one image, which every ratio is made from.

    Attributes
    ----------
    border_px
        Total width of the band, native px.
    pixel_size
        um per px; None: unknown.
    counts
        Pixels; after the keep rule.
    cnr, pairs
        CNR errors and the cells behind them; after the keep rule. Without any for a whole-cell truth; for a binary
        prediction every CNR is withheld.
    false_cells, missed_cells
        Predicted and true cells without a partner; before the keep rule, which would hide them.
    empty_scores_zero
        As in `EvaluationParameters`.
    """

    name: str
    difficulty: int | None
    cell_type: str
    source: str
    whole_cell: bool
    binary: bool
    border_px: float
    pixel_size: float | None
    counts: ImageCounts
    cnr: CnrErrors
    pairs: tuple[CellPair, ...]
    false_cells: int
    missed_cells: int
    empty_scores_zero: bool = False

    def score(self, cls: str, measure: Measure) -> Score:
        """Return a ratio 0-1 of ``cell``, ``cytoplasm`` or ``nucleus``, or why there is none."""
        if cls not in self.counts.classes:
            return Score(math.nan, CELL_ONLY)
        counts = self.counts.classes[cls]
        if measure == "scored":
            return scored_share(counts)
        return {"iou": iou, "iou_b": iou_b}[measure](counts, empty_scores_zero=self.empty_scores_zero)

    def false_class(self, cls: str) -> bool:
        """Whether a class was predicted though the truth has none of it."""
        return cls in self.counts.classes and self.counts.classes[cls].false_class


def score_case(case: Case, parameters: EvaluationParameters) -> ImageScore:
    """Count what every score of one image rests on.

    Raises
    ------
    LeukocyteError
        When a map is none, the sizes differ, or the band needs a pixel size that is unknown.

    Examples
    --------
    >>> truth = np.zeros((9, 9), np.uint8)
    >>> truth[1:8, 1:8] = 1
    >>> truth[3:6, 3:6] = 2
    >>> case = Case("a", truth, truth, binary=False, whole_cell=False, pixel_size=None)
    >>> score = score_case(case, EvaluationParameters(border_px=2))
    >>> score.counts.accuracy, str(score.score("cell", "iou_b")), score.cnr.log_ratios
    (1.0, '1.000', (0.0,))
    """
    pixel_size = _pixel_size(case, parameters)
    border_px = parameters.border_for(pixel_size)
    ours, theirs = _sides(case, pixel_size)
    matching = match_cells(ours.cells, theirs.cells)
    false_cells, missed_cells = len(matching.false_cells), len(matching.missed_cells)
    # measured before the keep rule: a cell that overlaps a dropped one has no CNR either way
    predicted, true = (() if case.whole_cell else side.measures(pixel_size) for side in (ours, theirs))
    if parameters.keep != "all":
        ours, theirs = ours.kept(parameters.keep), theirs.kept(parameters.keep)
        matching = match_cells(ours.cells, theirs.cells)
    cnr = CnrErrors()
    pairs: tuple[CellPair, ...] = ()
    if not case.whole_cell:
        predicted, true = ours.of_its_cells(predicted), theirs.of_its_cells(true)
        cnr, pairs = compare_cnr(predicted, true, matching), pair_cells(predicted, true, matching)
    bands = border_bands(theirs.classes, width_px=border_px, whole_cell=case.whole_cell or case.binary)
    return ImageScore(
        name=case.name,
        difficulty=case.difficulty,
        cell_type=case.cell_type,
        source=case.source,
        whole_cell=case.whole_cell,
        binary=case.binary,
        border_px=border_px,
        pixel_size=pixel_size,
        counts=count_pixels(*_sampled(ours.classes, theirs.classes, bands, parameters.score_at)),
        cnr=cnr,
        pairs=pairs,
        false_cells=false_cells,
        missed_cells=missed_cells,
        empty_scores_zero=parameters.empty_scores_zero,
    )


def kept_maps(case: Case, parameters: EvaluationParameters) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the class maps of prediction and truth that are scored: those of the cells that the keep rule keeps."""
    ours, theirs = (side.kept(parameters.keep) for side in _sides(case, _pixel_size(case, parameters)))
    return ours.classes, theirs.classes


@dataclass(frozen=True)
class _Side:
    """Class map and cell labels of the prediction or of the truth."""

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    binary: bool
    remarks: Mapping[int, Collection[Flag]]

    def kept(self, keep: Keep) -> "_Side":
        """The cells that the rule keeps; they keep their numbers, which remarks and measures go by."""
        classes, cells = keep_maps(self.classes, self.cells, keep)
        return replace(self, classes=classes, cells=cells)

    def measures(self, pixel_size: float | None) -> Sequence[CellMeasure]:
        return measure_cells(self.classes, self.cells, pixel_size=pixel_size, binary=self.binary, remarks=self.remarks)

    def of_its_cells(self, measures: Sequence[CellMeasure]) -> Sequence[CellMeasure]:
        """Of measures, those of its cells."""
        numbers = set(np.unique(self.cells).tolist())
        return [measure for measure in measures if measure.cell in numbers]


def _sides(case: Case, pixel_size: float | None) -> tuple[_Side, _Side]:
    """Prediction and truth, checked; cells are told apart where no labels came along."""
    prediction = check_class_map(case.prediction, name="prediction", binary=case.binary)
    truth = check_class_map(case.truth, name="ground truth", binary=case.whole_cell)
    check_same_shape(prediction.shape, truth.shape, names=("The prediction", "the ground truth"))
    sides = []
    for classes, cells, binary, remarks in (
        (prediction, case.predicted_cells, case.binary, case.predicted_remarks),
        (truth, case.true_cells, case.whole_cell, case.true_remarks),
    ):
        if cells is None:
            cells = label_cells(classes, pixel_size=pixel_size)
        sides.append(_Side(classes, check_cell_labels(cells, shape=classes.shape), binary, remarks))
    return sides[0], sides[1]


def _pixel_size(case: Case, parameters: EvaluationParameters) -> float | None:
    return check_pixel_size(case.pixel_size if parameters.pixel_size is None else parameters.pixel_size)


def _sampled(
    prediction: NDArray[np.uint8], truth: NDArray[np.uint8], bands: Bands, score_at: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Bands]:
    """Maps and bands of the pixels nearest to those of a grid whose longer side has ``score_at`` px."""
    if score_at is None:
        return prediction, truth, bands
    scale = score_at / max(truth.shape)
    grid = np.ix_(*(_nearest(old, max(1, round(old * scale))) for old in truth.shape))
    return prediction[grid], truth[grid], bands.at(grid)


def _nearest(old: int, new: int) -> NDArray[np.intp]:
    """Indices of the old pixels in which the centres of the new ones lie."""
    return np.asarray((np.arange(new) + 0.5) * old / new, np.intp)
