"""Repairs that a user asks for, on the cells of an image while it is edited.

Labels, marks and types are changed at once, as one step that can be undone. A repair of the class map returns the
pixels that its holder is to change.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import Pixels, joined, pixels_of, within
from napari_leukocyte.core.cells.cell_types import check_type
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.live import Change, LiveCells
from napari_leukocyte.core.cells.repair import Point, cut, extended, find_hole, find_indent, line_pixels, trace
from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["apart", "delete", "fill", "holes", "join", "mark", "set_type", "split", "split_off", "under"]


def split(live: LiveCells, path: Sequence[Point]) -> Change:
    """Cut cells along a line (y, x in px); the largest piece of each keeps the number.

    Raises
    ------
    LeukocyteError
        When the line parts no cell.
    """
    cuts = _cuts(live, path)
    area = joined(*(live.boxes[number] for number in cuts))
    labels = live.cells[area].copy()
    number = live.next_number
    for cell, pieces in cuts.items():
        part = labels[within(live.boxes[cell], area)]
        part[pieces > 1] = pieces[pieces > 1] + (number - 2)
        number += int(pieces.max()) - 1
    return live.set_labels(area, labels)


def join(live: LiveCells, numbers: Iterable[int]) -> Change:
    """Make one cell of several; it keeps the first number.

    Raises
    ------
    LeukocyteError
        When these are not two cells or more.
    """
    cells = [number for number in dict.fromkeys(numbers) if number in live.boxes]
    if len(cells) < 2:
        raise LeukocyteError("One cell cannot be joined: draw from one cell into another, or select two rows.")
    area = joined(*(live.boxes[number] for number in cells))
    labels = live.cells[area].copy()
    labels[np.isin(labels, cells)] = cells[0]
    return live.set_labels(area, labels)


def apart(live: LiveCells, numbers: Iterable[int]) -> bool:
    """Whether some of these cells are connected to the first neither directly nor by others of them.

    A cell of several pieces is one: it connects whatever touches any of them.
    """
    cells = [number for number in dict.fromkeys(numbers) if number in live.boxes]
    if len(cells) < 2:
        return False
    labels = live.cells[joined(*(live.boxes[number] for number in cells))]
    clumps, _ = ndi.label(np.isin(labels, cells), structure=np.ones((3, 3)))
    of_cell = {number: set(np.unique(clumps[labels == number]).tolist()) for number in cells}
    reached, left = of_cell[cells[0]], cells[1:]
    while near := [number for number in left if of_cell[number] & reached]:
        reached = reached.union(*(of_cell[number] for number in near))
        left = [number for number in left if number not in near]
    return bool(left)


def mark(live: LiveCells, numbers: Iterable[int], flag: Flag | None) -> Change | None:
    """Mark cells as not a WBC, or (None) as white cells after all; returns None when they are so marked already.

    Raises
    ------
    LeukocyteError
        When there is no such cell.
    """
    cells = [number for number in numbers if number in live.boxes]
    if not cells:
        raise LeukocyteError("There is no cell to mark: click one first.")
    marks = {number: mark for number, mark in live.by_hand.marks.items() if number not in cells}
    if flag is not None:
        marks.update(dict.fromkeys(cells, flag))
    return live.set_marks(marks)


def set_type(live: LiveCells, numbers: Iterable[int], cell_type: str) -> Change | None:
    """Say what type cells are ("": nobody knows); returns None when they are said to be that already.

    Raises
    ------
    LeukocyteError
        When there is no such cell, or the words are none for a type.
    """
    cells = [number for number in numbers if number in live.boxes]
    if not cells:
        raise LeukocyteError("There is no cell to give a type to: click one first.")
    words = check_type(cell_type)
    types = {number: word for number, word in live.by_hand.types.items() if number not in cells}
    if words:
        types.update(dict.fromkeys(cells, words))
    return live.set_types(types)


def under(live: LiveCells, path: Sequence[Point]) -> list[int]:
    """Return the cells that a line (y, x in px) runs over, in its order."""
    y, x = line_pixels(path)
    inside = (y >= 0) & (x >= 0) & (y < live.cells.shape[0]) & (x < live.cells.shape[1])
    numbers = live.cells[y[inside], x[inside]]
    return list(dict.fromkeys(numbers[numbers > 0].tolist()))


def split_off(live: LiveCells, path: Sequence[Point]) -> Pixels:
    """Return the pixels that become background when what a line cuts off a cell is none of it.

    The largest piece stays. Raises as `split` does.
    """
    found = [pixels_of(pieces > 1, live.boxes[number]) for number, pieces in _cuts(live, path).items()]
    return _together(found)


def delete(live: LiveCells, numbers: Iterable[int]) -> Pixels:
    """Return the pixels of cells, which become background.

    Raises
    ------
    LeukocyteError
        When there is no such cell.
    """
    boxes = {number: live.boxes[number] for number in numbers if number in live.boxes}
    found = [pixels_of(live.cells[box] == number, box) for number, box in boxes.items()]
    if not found:
        raise LeukocyteError("There is no cell to delete: point at one, or click one first.")
    return _together(found)


def fill(live: LiveCells, numbers: Iterable[int]) -> Pixels:
    """Return the background pixels that become cytoplasm: holes of cells, or of a cell without one its deepest indent.

    Raises
    ------
    LeukocyteError
        When there is no such cell, or neither a hole nor an indent in any.
    """
    cells = [number for number in numbers if number in live.boxes]
    if not cells:
        raise LeukocyteError("There is no cell to fill: point at one, or click one first.")
    found = [_filling(live, number) for number in cells]
    if not any(rows.size for rows, _ in found):
        which = f"Cell {cells[0]} has neither a hole nor" if len(cells) == 1 else "None of these cells has a hole or"
        raise LeukocyteError(f"{which} an indent to fill.")
    return _together(found)


def _filling(live: LiveCells, number: int) -> Pixels:
    box = live.boxes[number]
    own = live.cells[box] == number
    others = (live.cells[box] > 0) & ~own
    pixels = find_hole(own, others)
    if not pixels.any():
        pixels = find_indent(own, others)
    return pixels_of(pixels, box)


def holes(live: LiveCells) -> Pixels:
    """Return the background pixels that become cytoplasm when the holes of all cells are filled.

    Raises
    ------
    LeukocyteError
        When no cell has a hole.
    """
    found = []
    for number, box in live.boxes.items():
        own = live.cells[box] == number
        found.append(pixels_of(find_hole(own, (live.cells[box] > 0) & ~own), box))
    if not any(rows.size for rows, _ in found):
        raise LeukocyteError("No cell of this image has a hole.")
    return _together(found)


def _together(found: Sequence[Pixels]) -> Pixels:
    rows, columns = (np.concatenate(axis) for axis in zip(*found, strict=True))
    return rows, columns


def _cuts(live: LiveCells, path: Sequence[Point]) -> dict[int, npt.NDArray[np.int32]]:
    """Pieces (see `repair.cut`) of each cell that a line parts, in the cell's box."""
    if not under(live, path):
        raise LeukocyteError("The line meets no cell: draw it through the cell, from outline to outline.")
    line = trace(path, live.cells.shape)
    met, sizes = np.unique(live.cells[line], return_counts=True)
    cuts = _cut_along(live, line, met[met > 0].tolist())
    if not cuts:
        # a stroke that ends inside the cell is meant to go on to the outline
        longest = int(met[met > 0][sizes[met > 0].argmax()])
        reach = sum(side.stop - side.start for side in live.boxes[longest])
        cuts = _cut_along(live, trace(extended(path, reach), live.cells.shape), [longest])
    if not cuts:
        raise LeukocyteError("The line parts no cell: draw it through the cell, from outline to outline.")
    return cuts


def _cut_along(live: LiveCells, line: npt.NDArray[np.bool_], numbers: list[int]) -> dict[int, npt.NDArray[np.int32]]:
    cuts = {n: cut(live.cells[live.boxes[n]] == n, line[live.boxes[n]]) for n in numbers}
    return {number: pieces for number, pieces in cuts.items() if pieces.max() > 1}
