"""How far predicted CNRs are off, over cells matched to the truth, with what was missed and withheld."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import sizes_by_number
from napari_leukocyte.core.cells.checks import check_cell_labels, check_same_shape
from napari_leukocyte.core.cells.measures import CellMeasure

__all__ = ["CnrErrors", "Matching", "compare_cnr", "match_cells", "match_overlaps"]


@dataclass(frozen=True)
class Matching:
    """Cells of a prediction and of the truth that are the same.

    Attributes
    ----------
    pairs : tuple of (int, int)
        Numbers of the predicted and the true cell.
    false_cells, missed_cells : tuple of int
        Predicted and true cells without a partner.
    """

    pairs: tuple[tuple[int, int], ...]
    false_cells: tuple[int, ...]
    missed_cells: tuple[int, ...]


def match_cells(predicted: npt.ArrayLike, truth: npt.ArrayLike, *, min_iou: float = 0.5) -> Matching:
    """Match the cells whose IoU is above ``min_iou``; from 0.5 on no cell can have two partners.

    Parameters
    ----------
    predicted, truth : (Y, X) arrays of integers
        Cell labels of one image.
    min_iou : float
        At least 0.5.

    Raises
    ------
    LeukocyteError
        If an array holds no cell labels, or the shapes differ.

    Examples
    --------
    >>> match_cells([[1, 1, 1, 0, 2]], [[0, 4, 4, 0, 0]])
    Matching(pairs=((1, 4),), false_cells=(2,), missed_cells=())
    """
    if not 0.5 <= min_iou < 1:
        raise ValueError("min_iou must be at least 0.5 and below 1, or a match would not be unique")
    ours = check_cell_labels(predicted, name="predicted cell-label map")
    theirs = check_cell_labels(truth, name="true cell-label map")
    check_same_shape(ours.shape, theirs.shape, names=("The prediction", "the ground truth"))
    our_size = sizes_by_number(ours)
    both = (ours > 0) & (theirs > 0)
    shared, common = np.unique(np.stack([ours[both], theirs[both]]), axis=1, return_counts=True)
    overlaps: dict[int, dict[int, int]] = {a: {} for a in our_size}
    for a, b, pixels in zip(*shared.tolist(), common.tolist(), strict=True):
        overlaps[a][b] = pixels
    return match_overlaps(overlaps, our_size, sizes_by_number(theirs), min_iou=min_iou)


def match_overlaps(
    overlaps: Mapping[int, Mapping[int, int]],
    sizes: Mapping[int, int],
    true_sizes: Mapping[int, int],
    *,
    min_iou: float = 0.5,
) -> Matching:
    """Match cells as `match_cells`, from what is known of their pixels.

    Parameters
    ----------
    overlaps : mapping
        For each predicted cell, the pixels that it shares with each true cell.
    sizes : mapping
        Pixels of each predicted cell.
    true_sizes : mapping
        Pixels of each true cell.
    """
    pairs = []
    for ours in sorted(sizes):
        for theirs, common in overlaps[ours].items():
            if common > min_iou * (sizes[ours] + true_sizes[theirs] - common):
                pairs.append((ours, theirs))
    false_cells = sorted(set(sizes) - {ours for ours, _ in pairs})
    missed_cells = sorted(set(true_sizes) - {theirs for _, theirs in pairs})
    return Matching(tuple(pairs), tuple(false_cells), tuple(missed_cells))


@dataclass(frozen=True)
class CnrErrors:
    """The CNR errors of one image, or with ``+`` of several.

    No figure can be improved unseen by withholding: what is withheld or missed lowers ``coverage``.

    Attributes
    ----------
    log_ratios : tuple of float
        log(predicted CNR / true CNR) of the cells matched to the truth that have both.
    true_cnrs : int
        True cells that have a CNR: what ``coverage`` is a share of.
    withheld : int
        Of these, matched cells whose predicted CNR is withheld.
    missed : int
        Of these, cells that no predicted cell matches.
    without_truth : int
        Matched cells given a CNR though the truth withholds it (cut, no nucleus, ...).
    in_false_cells : int
        CNRs given to cells that match no true cell.
    """

    log_ratios: tuple[float, ...] = ()
    true_cnrs: int = 0
    withheld: int = 0
    missed: int = 0
    without_truth: int = 0
    in_false_cells: int = 0

    def __add__(self, other: "CnrErrors") -> "CnrErrors":
        """Pool two images."""
        return CnrErrors(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def n(self) -> int:
        """Number of cells compared."""
        return len(self.log_ratios)

    @property
    def median_error(self) -> float:
        """exp(median of |log ratio|) - 1, a share: 0.05 means 5 % off; NaN without a cell.

        The same for twice too high and half as high (both 1.0).
        """
        return math.expm1(float(np.median(np.abs(self.log_ratios)))) if self.log_ratios else math.nan

    @property
    def bias(self) -> float:
        """exp(median of log ratio) - 1, a share with a sign: -0.08 means 8 % too low; NaN without a cell."""
        return math.expm1(float(np.median(self.log_ratios))) if self.log_ratios else math.nan

    @property
    def limits(self) -> tuple[float, float]:
        """95 % limits of agreement of the log ratio (mean -+ 1.96 SD; Bland and Altman 1986), as shares like the bias.

        NaN with fewer than two cells.
        """
        if self.n < 2:
            return math.nan, math.nan
        mean, spread = float(np.mean(self.log_ratios)), float(np.std(self.log_ratios, ddof=1))
        return math.expm1(mean - 1.96 * spread), math.expm1(mean + 1.96 * spread)

    @property
    def coverage(self) -> float:
        """Share of the true cells with a CNR that got one, 0-1; NaN if the truth has none."""
        return self.n / self.true_cnrs if self.true_cnrs else math.nan

    @property
    def given_without_truth(self) -> int:
        """CNRs given where the truth has none, in matched and in false cells."""
        return self.without_truth + self.in_false_cells


def compare_cnr(predicted: Iterable[CellMeasure], truth: Iterable[CellMeasure], matching: Matching) -> CnrErrors:
    """Compare the CNRs of one image.

    Parameters
    ----------
    predicted, truth : iterables of CellMeasure
        From `measure_cells`, with the same labels as ``matching``.
    matching : Matching
        From `match_cells`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> true = CellMeasure(1, 0, 0, 2.0, 1.8, 2.2, 0.5, 1 / 3, 20, 10, 1.0, 1.0)
    >>> errors = compare_cnr([replace(true, cnr=1.6)], [true], Matching(((1, 1),), (), ()))
    >>> round(errors.bias, 3), round(errors.median_error, 3), errors.coverage
    (-0.2, 0.25, 1.0)
    """
    given = {measure.cell: measure.cnr for measure in predicted}
    true = {measure.cell: measure.cnr for measure in truth}
    log_ratios, withheld, without_truth = [], 0, 0
    for ours, theirs in matching.pairs:
        if math.isnan(true[theirs]):
            without_truth += not math.isnan(given[ours])
        elif math.isnan(given[ours]):
            withheld += 1
        else:
            log_ratios.append(math.log(given[ours] / true[theirs]))
    return CnrErrors(
        tuple(log_ratios),
        true_cnrs=sum(not math.isnan(cnr) for cnr in true.values()),
        withheld=withheld,
        missed=sum(not math.isnan(true[cell]) for cell in matching.missed_cells),
        without_truth=without_truth,
        in_false_cells=sum(not math.isnan(given[cell]) for cell in matching.false_cells),
    )
