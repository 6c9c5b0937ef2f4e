"""In which order a person looks at the cells of an image."""

from collections.abc import Iterable, Sequence

from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.measures import CellMeasure

__all__ = ["after", "doubtful_first", "doubts_among"]

_NO_DOUBT = NOT_A_WBC | {Flag.EDITED, Flag.TOO_COARSE}
"""What a person said, and what no look at the cell can settle."""


def doubts_among(flags: Iterable[Flag]) -> set[Flag]:
    """Return the remarks on a cell that say to look at it; one that a person made is no doubt."""
    return set(flags) - _NO_DOUBT


def doubtful_first(measures: Iterable[CellMeasure]) -> list[int]:
    """Return the cells with remarks: those that the model is unsure of first, then by how many remarks they have.

    Cells that are alike come in the order of their numbers.
    """
    found = {one.cell: doubts_among(one.flags) for one in measures}
    doubtful = [cell for cell, flags in found.items() if flags]
    return sorted(doubtful, key=lambda cell: (Flag.LOW_CONFIDENCE not in found[cell], -len(found[cell]), cell))


def after(order: Sequence[int], cell: int | None, before: Sequence[int] = ()) -> Sequence[int]:
    """Return what comes after ``cell`` in an order.

    A cell that is no longer in it (``None``: none was chosen) is looked up in the order ``before``: what comes after
    the nearest cell that stood in front of it. All of the order where that says nothing.

    Examples
    --------
    >>> after([5, 2, 7], 2), after([5, 2, 7], 7), after([5, 2, 7], None), after([5, 7, 9], 2, before=[5, 2, 7, 9])
    ([7], [], [5, 2, 7], [7, 9])
    """
    if cell in before and cell not in order:
        passed = before[: before.index(cell)]
        cell = next((one for one in reversed(passed) if one in order), None)
    return order[order.index(cell) + 1 :] if cell in order else order
