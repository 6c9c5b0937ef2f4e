"""In which order a person looks at the cells of an image."""

from collections.abc import Iterable, Sequence

from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.measures import CellMeasure

__all__ = ["doubtful_first", "following"]

_NO_DOUBT = NOT_A_WBC | {Flag.EDITED, Flag.TOO_COARSE}
"""What a person said, and what no look at the cell can settle."""


def doubtful_first(measures: Iterable[CellMeasure]) -> list[int]:
    """Return the cells with remarks: those that the model is unsure of first, then by how many remarks they have.

    Cells that are alike come in the order of their numbers. A remark that a person made is no doubt.
    """
    doubts = {one.cell: set(one.flags) - _NO_DOUBT for one in measures}
    doubtful = [cell for cell, flags in doubts.items() if flags]
    return sorted(doubtful, key=lambda cell: (Flag.LOW_CONFIDENCE not in doubts[cell], -len(doubts[cell]), cell))


def following(order: Sequence[int], now: int | None) -> int | None:
    """Return what comes after ``now`` in an order, from its end on the first again; None when there is nothing.

    Examples
    --------
    >>> following([5, 2, 7], 2), following([5, 2, 7], 7), following([5, 2, 7], None), following([], 2)
    (7, 5, 5, None)
    """
    if not order:
        return None
    return order[(order.index(now) + 1) % len(order)] if now in order else order[0]
