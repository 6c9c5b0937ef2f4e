"""Accuracy, IoU, IoU_b and scored share: pixel counts first, ratios from counts."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.checks import check_class_map, check_same_shape
from napari_leukocyte.core.scoring.border import Bands, border_bands

__all__ = [
    "CLASS_NAMES",
    "EMPTY",
    "TOO_THIN",
    "ClassCounts",
    "ImageCounts",
    "Score",
    "count_image",
    "count_pixels",
    "iou",
    "iou_b",
    "mean_score",
    "scored_share",
]

CLASS_NAMES = ("cell", "cytoplasm", "nucleus")
EMPTY = "n/a"
TOO_THIN = "n/a (too thin to score)"


@dataclass(frozen=True)
class ClassCounts:
    """Pixel counts of one class; counts of several images add up with ``+``.

    Attributes
    ----------
    intersection, union : int
        Over all pixels.
    intersection_b, union_b : int
        Over the pixels outside the border band.
    truth, truth_scored : int
        Ground-truth pixels of the class, all and outside the band.
    predicted : int
        Predicted pixels of the class.
    """

    intersection: int = 0
    union: int = 0
    intersection_b: int = 0
    union_b: int = 0
    truth: int = 0
    truth_scored: int = 0
    predicted: int = 0

    def __add__(self, other: "ClassCounts") -> "ClassCounts":
        """Pool two images."""
        return ClassCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __sub__(self, other: "ClassCounts") -> "ClassCounts":
        """Take out what was counted before."""
        return ClassCounts(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))

    @property
    def false_class(self) -> bool:
        """Whether the class was predicted though the truth has none of it."""
        return self.truth == 0 and self.predicted > 0


@dataclass(frozen=True)
class ImageCounts:
    """All counts of one image, or with ``+`` of several.

    Attributes
    ----------
    classes : mapping
        A `ClassCounts` for each class that could be scored; ``cell`` alone with a whole-cell truth.
    correct, pixels : int
        Correctly classified pixels and all pixels, over all classes together.
    """

    classes: Mapping[str, ClassCounts]
    correct: int
    pixels: int

    def __add__(self, other: "ImageCounts") -> "ImageCounts":
        """Pool two images; a class that one of them lacks comes from the other."""
        names = [name for name in CLASS_NAMES if name in self.classes or name in other.classes]
        nothing = ClassCounts()
        return ImageCounts(
            {n: self.classes.get(n, nothing) + other.classes.get(n, nothing) for n in names},
            self.correct + other.correct,
            self.pixels + other.pixels,
        )

    def __sub__(self, other: "ImageCounts") -> "ImageCounts":
        """Take out a part of the image; both have the same classes."""
        return ImageCounts(
            {name: own - other.classes[name] for name, own in self.classes.items()},
            self.correct - other.correct,
            self.pixels - other.pixels,
        )

    @property
    def accuracy(self) -> float:
        """Share of pixels classified correctly (thesis Table 5.4), 0-1."""
        return self.correct / self.pixels


@dataclass(frozen=True)
class Score:
    """A ratio 0-1, or NaN with the reason why there is none."""

    value: float
    reason: str = ""

    def __str__(self) -> str:
        """The ratio with three decimals, or the reason."""
        return self.reason if math.isnan(self.value) else f"{self.value:.3f}"


def count_image(
    prediction: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    border_px: float,
    whole_cell: bool = False,
) -> ImageCounts:
    """Count what every score of one image rests on.

    Parameters
    ----------
    prediction, truth : (Y, X) arrays of integers
        Class maps.
    border_px : float
        Total width of the border band (see `border_band`). ``cell`` uses the border between cell and
        background only, so that binary and three-class results compare.
    whole_cell : bool
        One side knows no nuclei (a whole-cell truth, a binary prediction): both are taken as cell and
        background, and only ``cell`` is scored.

    Raises
    ------
    LeukocyteError
        If a map is none, or their shapes differ.

    Examples
    --------
    >>> truth = np.array([[0, 0, 0, 0, 0],
    ...                   [0, 1, 1, 1, 0],
    ...                   [0, 1, 2, 1, 0],
    ...                   [0, 1, 1, 1, 0],
    ...                   [0, 0, 0, 0, 0]])
    >>> prediction = truth.copy()
    >>> prediction[1, 1] = 0
    >>> counts = count_image(prediction, truth, border_px=0)
    >>> counts.accuracy, str(iou(counts.classes["cell"])), str(iou(counts.classes["cytoplasm"]))
    (0.96, '0.889', '0.875')
    >>> thick = count_image(prediction, truth, border_px=4).classes
    >>> str(iou_b(thick["nucleus"])), str(scored_share(thick["cell"]))
    ('n/a (too thin to score)', '0.000')
    """
    predicted = check_class_map(prediction, name="prediction")
    true = check_class_map(truth, name="ground truth")
    check_same_shape(predicted.shape, true.shape, names=("The prediction", "the ground truth"))
    return count_pixels(predicted, true, border_bands(true, width_px=border_px, whole_cell=whole_cell))


def count_pixels(prediction: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], bands: Bands) -> ImageCounts:
    """Count as `count_image`, with bands found before.

    Parameters
    ----------
    prediction, truth : uint8 arrays of one shape
        Classes of an image, or of some of its pixels. They are not checked.
    bands : Bands
        Of the same pixels. Without a band between classes, only ``cell`` is scored.
    """
    classes = {"cell": _count_class(prediction > 0, truth > 0, ~bands.cell)}
    if bands.classes is None:
        correct = (prediction > 0) == (truth > 0)
    else:
        correct = prediction == truth
        outside = ~bands.classes
        for value, name in ((1, "cytoplasm"), (2, "nucleus")):
            classes[name] = _count_class(prediction == value, truth == value, outside)
    return ImageCounts(classes, int(np.count_nonzero(correct)), truth.size)


def _count_class(
    predicted: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], outside: npt.NDArray[np.bool_]
) -> ClassCounts:
    """Count one class, given its masks and the pixels outside the band."""
    both, either = predicted & truth, predicted | truth
    return ClassCounts(
        *(
            int(np.count_nonzero(mask))
            for mask in (both, either, both & outside, either & outside, truth, truth & outside, predicted)
        )
    )


def iou(counts: ClassCounts, *, empty_scores_zero: bool = False) -> Score:
    """Return TP / (TP + FP + FN).

    A class empty in both is "n/a"; empty in the truth but predicted, it scores 0.

    Parameters
    ----------
    counts : ClassCounts
        Of one image, or pooled.
    empty_scores_zero : bool
        The thesis's rule: 0 where there is nothing to score.

    Examples
    --------
    >>> str(iou(ClassCounts())), iou(ClassCounts(), empty_scores_zero=True).value
    ('n/a', 0.0)
    """
    if counts.union:
        return Score(counts.intersection / counts.union)
    return Score(0.0) if empty_scores_zero else Score(math.nan, EMPTY)


def iou_b(counts: ClassCounts, *, empty_scores_zero: bool = False) -> Score:
    """Return the IoU over the pixels outside the border band.

    As `iou`; a class whose truth lies wholly inside the band is "n/a (too thin to score)", unless it was
    predicted outside the band, which scores 0.

    Examples
    --------
    >>> str(iou_b(ClassCounts(intersection=5, union=5, truth=5, predicted=5)))
    'n/a (too thin to score)'
    """
    if counts.union_b:
        return Score(counts.intersection_b / counts.union_b)
    if counts.false_class or empty_scores_zero:
        return Score(0.0)
    return Score(math.nan, TOO_THIN if counts.truth else EMPTY)


def scored_share(counts: ClassCounts) -> Score:
    """Return the share of the class's ground-truth pixels outside the band; "n/a" without such pixels."""
    return Score(counts.truth_scored / counts.truth) if counts.truth else Score(math.nan, EMPTY)


def mean_score(scores: Iterable[Score]) -> Score:
    """Return the mean over images, leaving out what is n/a; "n/a" if nothing is left.

    Examples
    --------
    >>> mean_score([Score(1.0), Score(math.nan, "n/a"), Score(0.5)]).value
    0.75
    """
    values = [score.value for score in scores if not math.isnan(score.value)]
    return Score(math.fsum(values) / len(values)) if values else Score(math.nan, EMPTY)
