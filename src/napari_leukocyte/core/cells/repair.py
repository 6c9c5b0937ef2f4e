"""Repairs of one cell, each a mask of pixels: a cut along a line, a hole, an indent."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.flooding import watershed
from napari_leukocyte.core.cells.outlines import convex_hull

__all__ = ["cut", "extended", "find_hole", "find_indent", "line_pixels", "trace"]

Point = tuple[float, float]

_EIGHT = np.ones((3, 3), bool)
_SLIVER_SHARE = 0.005  # a piece below this share of the cell is what a shaky line leaves, no cell
_SLIVER_PX = 4
_SHALLOW_PX = 2.0  # an indent less deep is an outline's roughness


def trace(path: Sequence[Point], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return the pixels under a line, without a diagonal gap through which two pieces could stay connected.

    Parameters
    ----------
    path : sequence of (y, x)
        Corners of the line, px; what lies outside the plane is left out.
    shape : (Y, X)
        Size of the plane.

    Examples
    --------
    >>> trace([(0, 0), (1, 2)], (2, 3)).astype(int)
    array([[1, 1, 0],
           [0, 1, 1]])
    """
    y, x = line_pixels(path)
    # where both coordinates step at once, the pixel beside closes the gap
    y, x = np.concatenate([y, y[:-1]]), np.concatenate([x, x[1:]])
    inside = (y >= 0) & (x >= 0) & (y < shape[0]) & (x < shape[1])
    line = np.zeros(shape, bool)
    line[y[inside], x[inside]] = True
    return line


def line_pixels(path: Sequence[Point]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of the pixels that a line (y, x in px) runs through, in its order."""
    points = np.asarray(path, float)
    runs = [points[:1]]
    for a, b in pairwise(points):
        runs.append(np.linspace(a, b, int(np.ceil(4 * np.abs(b - a).max())) + 1))
    y, x = np.rint(np.concatenate(runs)).astype(np.intp).T
    return y, x


def extended(path: Sequence[Point], by: float) -> list[Point]:
    """Return a line that goes on straight for ``by`` px at both ends; a single point as it is."""
    points = np.asarray(path, float)
    if np.ptp(points, axis=0).max() == 0:
        return [(float(y), float(x)) for y, x in points]

    def beyond(end: npt.NDArray[np.float64], rest: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        # a hand shakes at the end of a stroke: its direction is that of the last few pixels
        far = np.hypot(*(rest - end).T)
        inner = rest[np.argmax(far >= min(8.0, far.max()))]
        direction = (end - inner) / np.hypot(*(end - inner))
        return np.asarray(end + by * direction)

    start, stop = beyond(points[0], points[1:]), beyond(points[-1], points[-2::-1])
    return [(float(y), float(x)) for y, x in (start, *points, stop)]


def cut(own: npt.NDArray[np.bool_], line: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Cut a cell along a line.

    Parameters
    ----------
    own, line : (Y, X) bool arrays
        The cell, and the pixels of the line (see `trace`), which go to the piece beside them.

    Returns
    -------
    (Y, X) int32 array
        0 outside the cell, 1 the largest piece, 2.. the others by size; only 1 when the line does not go
        right through.

    Examples
    --------
    >>> own = np.ones((1, 12), bool)
    >>> cut(own, np.eye(12, dtype=bool)[4:5])
    array([[2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]], dtype=int32)
    """
    pieces, count = ndi.label(own & ~line, structure=_EIGHT)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    beside = np.unique(pieces[ndi.binary_dilation(line, _EIGHT)])[1:]
    sliver = max(_SLIVER_PX, _SLIVER_SHARE * sizes[1:].sum())
    slivers, beside = beside[sizes[beside] < sliver], beside[sizes[beside] >= sliver]
    if len(beside) < 2:
        return own.astype(np.int32)
    rank = np.ones(count + 1, np.int32)  # a piece far from the line stays with the largest
    rank[beside[np.argsort(-sizes[beside], kind="stable")]] = np.arange(1, len(beside) + 1)
    rank[slivers] = 0  # shared out with the line's own pixels
    rank[0] = 0
    shared = watershed(np.zeros(own.shape, np.uint8), rank[pieces], mask=own, connectivity=2)
    return np.where(own & (shared == 0), 1, shared).astype(np.int32)


def find_hole(own: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the background inside a cell (a vacuole), all of it; empty when there is none."""
    return np.asarray(ndi.binary_fill_holes(own) & ~own & ~others)


def find_indent(own: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the deepest bay of background in a cell's outline, closed by a straight line; empty if all are shallow.

    Parameters
    ----------
    own, others : (Y, X) bool arrays
        The cell and all other cells, in a box that holds all of the cell.
    """
    hull = convex_hull(own) if own.any() else own
    bays, count = ndi.label(hull & ~own & ~others)
    if count == 0:
        return np.zeros_like(own)
    depth = ndi.distance_transform_edt(np.pad(hull, 1))[1:-1, 1:-1]
    deepest = ndi.maximum(depth, bays, np.arange(1, count + 1))
    if deepest.max() <= _SHALLOW_PX:
        return np.zeros_like(own)
    return np.asarray(bays == int(np.argmax(deepest)) + 1)
