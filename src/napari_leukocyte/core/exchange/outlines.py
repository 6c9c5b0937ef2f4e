"""Masks as polygons along the edges of their pixels, and polygons as masks: there and back, not a pixel changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

__all__ = ["Outline", "Ring", "fill_rings", "outlines_of"]

Ring = npt.NDArray[np.float64]
"""Corners (N, 2) as x, y in px, the first not repeated at the end; (0, 0) is the outer corner of the first pixel."""


@dataclass(frozen=True)
class Outline:
    """A connected piece of a mask: its outer ring, and those around its holes."""

    outer: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The outer ring first."""
        return (self.outer, *self.holes)


def outlines_of(mask: npt.NDArray[np.bool_], *, offset: tuple[int, int] = (0, 0)) -> list[Outline]:
    """Trace a mask along the edges of its pixels, a piece of pixels that share sides at a time.

    No ring touches itself, so that programs that are strict about polygons take them: pieces that meet at a corner
    are two, and so are holes that do.

    Parameters
    ----------
    mask : (Y, X) bool array
    offset : (int, int)
        Row and column of the mask's first pixel in the image.

    Examples
    --------
    >>> [outline] = outlines_of(np.array([[0, 1], [0, 1]], bool))
    >>> outline.outer.tolist()
    [[1.0, 0.0], [2.0, 0.0], [2.0, 2.0], [1.0, 2.0]]
    """
    pieces, _ = ndi.label(mask)  # of four neighbours
    found = []
    for number, box in enumerate(ndi.find_objects(pieces), start=1):
        y, x = box[0].start + offset[0], box[1].start + offset[1]
        rings = [np.add(ring, (x, y)) for ring in _rings(pieces[box] == number)]
        areas = [_area(ring) for ring in rings]
        (outer,) = (ring for ring, area in zip(rings, areas, strict=True) if area > 0)
        found.append(Outline(outer, tuple(ring for ring, area in zip(rings, areas, strict=True) if area < 0)))
    return found


def fill_rings(rings: Iterable[Sequence[Sequence[float]] | Ring], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Fill rings by the rule of even and odd: a pixel is inside where its centre is.

    Parameters
    ----------
    rings : iterable of (N, 2) sequences
        Corners as x, y; what lies outside the image is cut off.
    shape : (int, int)
        Rows and columns of the image.

    Examples
    --------
    >>> fill_rings([[(0, 0), (3, 0), (3, 1), (0, 1)], [(1, 0), (2, 0), (2, 1), (1, 1)]], (2, 3)).astype(int).tolist()
    [[1, 0, 1], [0, 0, 0]]
    """
    height, width = shape
    crossings = np.zeros((height, width + 1), np.int32)
    for ring in rings:
        corners = np.asarray(ring, np.float64).reshape(-1, 2)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            top, bottom = min(y0, y1), max(y0, y1)
            # the rows whose centres the side passes
            first, last = max(int(np.ceil(top - 0.5)), 0), min(int(np.ceil(bottom - 0.5)), height)
            if first >= last:
                continue
            rows = np.arange(first, last)
            x = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
            np.add.at(crossings, (rows, np.clip(np.ceil(x - 0.5), 0, width).astype(np.intp)), 1)
    return np.asarray(np.cumsum(crossings[:, :-1], axis=1) % 2 == 1)


def _rings(mask: npt.NDArray[np.bool_]) -> list[Ring]:
    """Rings around one piece, its pixels on the right hand (y downwards): outer ones clockwise, holes against it."""
    padded = np.pad(mask, 1)
    ahead: dict[tuple[int, int], list[tuple[int, int]]] = {}  # from a corner, the directions of the sides that begin
    for axis, sign, step in ((0, -1, (1, 0)), (0, 1, (-1, 0)), (1, -1, (0, -1)), (1, 1, (0, 1))):
        # sides between a pixel of the piece and a neighbour that is none: above, below, left, right
        neighbour = np.roll(padded, -sign, axis=axis)
        rows, columns = np.nonzero(padded & ~neighbour)
        dy, dx = {(0, -1): (0, 0), (0, 1): (1, 1), (1, -1): (1, 0), (1, 1): (0, 1)}[axis, sign]
        for y, x in zip((rows - 1 + dy).tolist(), (columns - 1 + dx).tolist(), strict=True):
            ahead.setdefault((x, y), []).append(step)
    rings = []
    while ahead:
        start = next(iter(ahead))
        path = _walk(ahead, start)
        rings += _parted(path)
    return rings


def _walk(ahead: dict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]) -> list[tuple[int, int]]:
    """Follow sides from a corner until it is reached again; each side is walked once."""
    path, corner, before = [start], start, (0, 0)
    while True:
        choices = ahead[corner]
        # at a corner where two pixels meet diagonally, turn right: stay with the same pixel
        right = (-before[1], before[0])
        step = right if right in choices else choices[0]
        choices.remove(step)
        if not choices:
            del ahead[corner]
        corner, before = (corner[0] + step[0], corner[1] + step[1]), step
        if corner == start:
            return path
        path.append(corner)


def _parted(path: list[tuple[int, int]]) -> list[Ring]:
    """Part a closed path where it touches itself, and leave only the corners where it turns."""
    rings: list[list[tuple[int, int]]] = []
    stack: list[tuple[int, int]] = []
    place: dict[tuple[int, int], int] = {}
    for corner in path:
        if corner in place:
            loop = stack[place[corner] :]
            rings.append(loop)
            for gone in loop:
                del place[gone]
            del stack[len(stack) - len(loop) :]
        place[corner] = len(stack)
        stack.append(corner)
    rings.append(stack)
    return [_turns(np.array(ring, np.float64)) for ring in rings]


def _turns(ring: Ring) -> Ring:
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    return np.asarray(ring[(before != after).any(axis=1)])


def _area(ring: Ring) -> float:
    """Area in px, negative for a hole."""
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)
