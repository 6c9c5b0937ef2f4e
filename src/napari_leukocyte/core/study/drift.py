"""How far the measures of the same images have moved since they were measured before."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.scoring.figures import number
from napari_leukocyte.core.study.readers import same_cells
from napari_leukocyte.core.study.tables import StudyCell, StudyImage
from napari_leukocyte.core.text import counted

__all__ = ["Drift", "drift_between", "measured"]


@dataclass(frozen=True)
class Drift:
    """What became of cells.

    Attributes
    ----------
    before, now
        How many cells there were, and are.
    found
        How many of them are the same cells by their places.
    compared
        How many of those have a CNR both times.
    median, largest
        CNR now over CNR before, less 1: the middle, and the one furthest from 0; NaN without any.
    """

    before: int
    now: int
    found: int
    compared: int
    median: float
    largest: float

    @property
    def text(self) -> str:
        """In words, for instance "12 of 12 cells found again; CNR 0.00 % in the middle, +0.40 % at most"."""
        new = self.now - self.found
        words = f"{self.found} of {counted(self.before, 'cell')} found again" + (f", {new} new" if new else "")
        if not self.compared:
            return f"{words}; no CNR to compare"
        median, largest = (number(100 * value, 2, signed=True) for value in (self.median, self.largest))
        return f"{words}; CNR {median} % in the middle, {largest} % at most"


def measured(
    label: str, measures: Iterable[CellMeasure], *, plane: int = 0, made_by: Mapping[str, str] = MappingProxyType({})
) -> list[StudyCell]:
    """Put measures of an image into the form of rows that were read."""
    image = StudyImage("", label, label)
    return [StudyCell(image, plane, one, made_by) for one in measures]


def drift_between(before: Sequence[StudyCell], now: Sequence[StudyCell]) -> Drift:
    """Compare two measurements of the same images, by label, plane and place of each cell.

    Examples
    --------
    >>> nan = math.nan
    >>> cell = CellMeasure(1, 9, 9, 0.5, 0.4, 0.6, 2, 0.7, 50, 100, nan, nan)
    >>> other = CellMeasure(4, 10, 9, 0.55, 0.4, 0.6, 2, 0.7, 55, 100, nan, nan)
    >>> drift_between(measured("a.png", [cell]), measured("a.png", [other])).text
    '1 of 1 cell found again; CNR +10.00 % in the middle, +10.00 % at most'
    """
    pairs = same_cells(before, now)
    moved = [other.cnr / one.cnr - 1 for one, other in pairs if one.cnr > 0 and not math.isnan(other.cnr)]
    return Drift(
        before=len(before),
        now=len(now),
        found=len(pairs),
        compared=len(moved),
        median=float(np.median(moved)) if moved else math.nan,
        largest=max(moved, key=abs) if moved else math.nan,
    )
