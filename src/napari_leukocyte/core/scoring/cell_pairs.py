"""Each cell beside its true one, for tables and plots that show cells singly."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.scoring.cnr_error import Matching

__all__ = ["CellPair", "pair_cells"]


@dataclass(frozen=True)
class CellPair:
    """A predicted cell and the true one that it matches; one of them is None where there is no partner."""

    predicted: CellMeasure | None
    truth: CellMeasure | None

    @property
    def log_ratio(self) -> float:
        """log(predicted CNR / true CNR); NaN unless both cells have a CNR."""
        if self.predicted is None or self.truth is None:
            return math.nan
        return math.log(self.predicted.cnr / self.truth.cnr)

    @property
    def compared(self) -> bool:
        """Whether both cells have a CNR."""
        return not math.isnan(self.log_ratio)

    @property
    def truth_in_range(self) -> bool:
        """Whether the true CNR lies within the predicted CNR range, its ends included."""
        if self.predicted is None or self.truth is None:
            return False
        return self.predicted.cnr_low <= self.truth.cnr <= self.predicted.cnr_high


def pair_cells(
    predicted: Iterable[CellMeasure], truth: Iterable[CellMeasure], matching: Matching
) -> tuple[CellPair, ...]:
    """Put the cells of one image beside each other: matched cells, then false ones, then missed ones.

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
    >>> ours = replace(true, cnr=2.1, cnr_low=1.9, cnr_high=2.3)
    >>> pair, missed = pair_cells([ours], [true, replace(true, cell=2)], Matching(((1, 1),), (), (2,)))
    >>> round(pair.log_ratio, 3), pair.truth_in_range, missed.predicted is None, missed.compared
    (0.049, True, True, False)
    """
    ours = {measure.cell: measure for measure in predicted}
    theirs = {measure.cell: measure for measure in truth}
    return (
        *(CellPair(ours[a], theirs[b]) for a, b in matching.pairs),
        *(CellPair(ours[a], None) for a in matching.false_cells),
        *(CellPair(None, theirs[b]) for b in matching.missed_cells),
    )
