"""What a hand changed in a part of a slide, joined with what the results hold: arrays only."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["Maps2", "Merged", "merge"]

Maps2 = tuple[NDArray[np.uint8], NDArray[np.int32]]
"""Class map and cell labels (Y, X) of a part of a slide."""


@dataclass(frozen=True, eq=False)
class Merged:
    """A part of a slide after a correction.

    Attributes
    ----------
    maps
        What the results hold from now on.
    changed
        (Y, X) bool: where they differ from before.
    numbers
        Of cells that are new, what they are called on the slide, by their numbers in the part.
    touched
        Cells of the slide, there or gone, whose pixels changed.
    left
        Cells that were changed and are as they were, because they reach the border of the part.
    """

    maps: Maps2
    changed: NDArray[np.bool_]
    numbers: Mapping[int, int]
    touched: frozenset[int]
    left: frozenset[int]


def merge(
    results: Maps2,
    seen: Maps2,
    mine: Maps2,
    *,
    box: Box,
    shape: tuple[int, int],
    areas: Mapping[int, int],
) -> Merged:
    """Join a correction with the results, cell by cell.

    What reaches the border of the part, before or after, is never written: a version that ends there may be a cut one.
    On the edge of the slide itself there is nothing to be cut off.

    Parameters
    ----------
    results
        What the results hold of the part now.
    seen
        What they held when the part was opened.
    mine
        The same, corrected; cells that were not ``seen`` are new, whatever their numbers.
    box
        Rows and columns of the part in the slide.
    shape
        Rows and columns of the slide.
    areas
        px of every cell of the slide.

    Raises
    ------
    LeukocyteError
        When cells were changed that the results hold in another way by now.
    """
    mine_classes, mine_cells = _consistent(*mine)
    old = _numbers(seen[1])
    highest = max(areas, default=0)
    fresh = sorted(_numbers(mine_cells) - old)
    numbers = {number: highest + 1 + i for i, number in enumerate(fresh)}
    if numbers:
        own = mine_cells.copy()
        for number, new in numbers.items():
            own[mine_cells == number] = new
        mine_cells = own
    ends = set[int]().union(*(_on_border(cells, box, shape) for cells in (results[1], seen[1], mine_cells)))
    inside = np.bincount(results[1].ravel())
    ends |= {number for number in _numbers(results[1]) if inside[number] < areas.get(number, 0)}
    fixed = np.isin(np.stack([results[1], seen[1], mine_cells]), list(ends)).any(axis=0)
    by_hand = (mine_classes != seen[0]) | (mine_cells != seen[1])
    left = (_numbers(seen[1][by_hand & fixed]) | _numbers(mine_cells[by_hand & fixed])) & ends
    changed = by_hand & ~fixed
    touched = _numbers(seen[1][changed]) | _numbers(mine_cells[changed])
    since = (results[0] != seen[0]) | (results[1] != seen[1])
    others = _numbers(seen[1][since]) | _numbers(results[1][since])
    if (changed & since).any() or touched & others:
        raise LeukocyteError(
            "Cells of this region have been corrected elsewhere since it was opened: bring it up again, and correct it "
            "there."
        )
    classes, cells = results[0].copy(), results[1].copy()
    classes[changed], cells[changed] = mine_classes[changed], mine_cells[changed]
    written = {number: new for number, new in numbers.items() if new in touched and (cells == new).any()}
    return Merged((classes, cells), changed, written, frozenset(touched), frozenset(left))


def _consistent(classes: NDArray[np.uint8], cells: NDArray[np.int32]) -> Maps2:
    """Only cells have classes, and only what has a class is a cell."""
    both = (classes > 0) & (cells > 0)
    return np.where(both, classes, 0).astype(np.uint8), np.where(both, cells, 0).astype(np.int32)


def _numbers(cells: NDArray[np.int32]) -> set[int]:
    return set(np.unique(cells[cells > 0]).tolist())


def _on_border(cells: NDArray[np.int32], box: Box, shape: tuple[int, int]) -> set[int]:
    (rows, columns), (height, width) = box, shape
    sides = (
        (rows.start > 0, cells[0]),
        (rows.stop < height, cells[-1]),
        (columns.start > 0, cells[:, 0]),
        (columns.stop < width, cells[:, -1]),
    )
    return set[int]().union(*(_numbers(line) for ends, line in sides if ends))
