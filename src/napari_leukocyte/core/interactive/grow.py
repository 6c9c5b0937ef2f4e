"""The outline of a cell or of its nucleus, moved by steps of half a pixel, first where the network thinks it likely."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.interactive.session import GestureSession

__all__ = ["Growth", "Part", "begin_growth", "growth_of"]

Part = Literal["cell", "nucleus"]
Mask = NDArray[np.bool_]

_CONTRAST = 1.5  # a pixel that is surely in is met exp(2 * this) times sooner than one that is surely out
_LEFT = 0.1  # of what it was at first: an outline is not shrunk further


def _order(start: Mask, free: Mask, likely: NDArray[np.float32]) -> NDArray[np.intp]:
    """Flat indices of the free pixels outside ``start``, in the order in which an outline that moves meets them.

    It crosses likely pixels fast and unlikely ones slowly, so that what it has met is in one piece with the start.
    """
    outside = free & ~start
    if not start.any() or not outside.any():
        return np.empty(0, np.intp)
    costs = np.where(start | outside, np.exp(-_CONTRAST * (2 * likely.astype(np.float64) - 1)), -1.0)
    border = start & ndimage.binary_dilation(outside, np.ones((3, 3), bool))
    if not border.any():
        return np.empty(0, np.intp)
    costs[start & ~border] = -1.0
    costs[border] = 1e-6  # the start itself takes no time
    times, _ = MCP_Geometric(costs).find_costs(np.argwhere(border))
    reached = np.flatnonzero(outside & np.isfinite(times))
    order: NDArray[np.intp] = reached[np.argsort(times.reshape(-1)[reached], kind="stable")]
    return order


def _counts(start: Mask, free: Mask) -> NDArray[np.float64]:
    """How many free pixels a plain ring of 0, 1, 2, ... px around ``start`` holds."""
    if not start.any():
        return np.zeros(1)
    distance = ndimage.distance_transform_edt(~start)[free & ~start]
    rings = np.bincount(np.floor(distance + 0.5).astype(int), minlength=1)
    return np.cumsum(rings).astype(np.float64)


@dataclass
class Growth:
    """One outline on its way: where it is after so many steps out (in: below 0) depends on that number alone.

    Attributes
    ----------
    box
        Rows and columns of the window that it moves in.
    cell, part
        The number of the cell, and whether its own outline moves or its nucleus's.
    """

    box: Box
    cell: int
    part: Part
    _classes: NDArray[np.uint8]
    _cells: NDArray[np.int32]
    _out: NDArray[np.intp]
    _in: NDArray[np.intp]
    _out_counts: NDArray[np.float64]
    _in_counts: NDArray[np.float64]
    _size: int
    _visited: set[int]

    def at(self, steps: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]] | None:
        """Return class map and labels of the window after so many steps from the start; None beyond the ends.

        Each step takes in, or gives up, as many pixels as a plain ring of half a pixel holds.
        """
        order, counts = (self._out, self._out_counts) if steps > 0 else (self._in, self._in_counts)
        wanted = round(float(np.interp(abs(steps) / 2, np.arange(len(counts)), counts)))
        if abs(steps) / 2 > len(counts) - 1 or wanted > len(order):
            return None
        if steps < 0 and self._size - wanted < max(1.0, _LEFT * self._size):
            return None
        classes, cells = self._classes.copy(), self._cells.copy()
        moved = order[:wanted]
        if self.part == "nucleus":
            classes.reshape(-1)[moved] = 2 if steps > 0 else 1
        else:
            classes.reshape(-1)[moved] = 1 if steps > 0 else 0
            cells.reshape(-1)[moved] = self.cell if steps > 0 else 0
        return classes, cells

    def where(self, classes: NDArray[np.uint8], cells: NDArray[np.int32]) -> int | None:
        """After how many steps the map (Y, X) is as it is now; None: it was changed in another way."""
        for steps in sorted(self._visited, key=abs):
            found = self.at(steps)
            if (
                found is not None
                and np.array_equal(found[0], classes[self.box])
                and np.array_equal(found[1], cells[self.box])
            ):
                return steps
        return None

    def step(
        self, classes: NDArray[np.uint8], cells: NDArray[np.int32], by: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]] | None:
        """Return the window after ``by`` more steps out from the map (Y, X) as it is now; None: it does not go on."""
        now = self.where(classes, cells)
        found = None if now is None else self.at(now + by)
        if now is not None and found is not None:
            self._visited.add(now + by)
        return found


def begin_growth(
    session: GestureSession, classes: NDArray[np.uint8], cells: NDArray[np.int32], cell: int, part: Part, extent: Box
) -> Growth:
    """Ask the network once what it thinks of a cell, for an outline that begins where the map has it.

    Parameters
    ----------
    session
        The image.
    classes, cells
        The present map (Y, X) and its labels.
    cell, part
        Whose outline is to move.
    extent
        Rows and columns that the cell spans.
    """
    box, p = session.likelihood(classes, cells, cell, extent)
    return growth_of(classes[box].copy(), cells[box].copy(), p, cell=cell, part=part, box=box)


def growth_of(
    classes: NDArray[np.uint8], cells: NDArray[np.int32], p: NDArray[np.float32], *, cell: int, part: Part, box: Box
) -> Growth:
    """Return the outline in a window (Y, X) with the probabilities ``p`` (3, Y, X)."""
    own = cells == cell
    if part == "nucleus":
        moving, free, likely = own & (classes == 2), own, p[2] / np.maximum(p[1] + p[2], 1e-6)
    else:
        moving, free, likely = own, own | (cells == 0), 1 - p[0]
    rest = ~moving if part == "cell" else own & ~moving
    return Growth(
        box,
        cell,
        part,
        classes,
        cells,
        _order(moving, free, likely),
        _order(rest, moving | rest, 1 - likely),
        _counts(moving, free),
        _counts(rest, moving | rest),
        int(np.count_nonzero(moving)),
        {0},
    )
