"""Boxes of a plane: rows and columns that hold something, so that work is no larger than what it is about."""

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Pixels", "box_of", "changed_box", "joined", "meet", "widened", "within"]

Box = tuple[slice, slice]
"""Rows and columns of a plane."""

Pixels = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""Rows and columns of single pixels."""


def box_of(mask: npt.NDArray[np.bool_]) -> Box | None:
    """Return the smallest box that holds all of a mask; None when the mask is empty.

    Examples
    --------
    >>> box_of(np.array([[0, 0, 0], [0, 1, 1]], bool))
    (slice(1, 2, None), slice(1, 3, None))
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def changed_box(before: npt.NDArray[np.generic], after: npt.NDArray[np.generic]) -> Box | None:
    """Return the smallest box that holds every pixel in which two planes differ; None when they agree."""
    return box_of(before != after)


def joined(*boxes: Box) -> Box:
    """Return the smallest box that holds all boxes.

    Examples
    --------
    >>> joined((slice(1, 2), slice(5, 9)), (slice(0, 1), slice(6, 7)))
    (slice(0, 2, None), slice(5, 9, None))
    """
    rows, columns = (
        slice(min(side.start for side in sides), max(side.stop for side in sides)) for sides in zip(*boxes, strict=True)
    )
    return rows, columns


def meet(a: Box, b: Box) -> bool:
    """Return whether two boxes share a pixel."""
    return all(one.start < other.stop and other.start < one.stop for one, other in zip(a, b, strict=True))


def widened(box: Box, by: int, shape: tuple[int, ...]) -> Box:
    """Return a box with a margin, as far as the plane goes."""
    rows, columns = (
        slice(max(side.start - by, 0), min(side.stop + by, length)) for side, length in zip(box, shape, strict=True)
    )
    return rows, columns


def within(box: Box, area: Box) -> Box:
    """Return where a box lies in the array of an area that holds it.

    Examples
    --------
    >>> within((slice(5, 7), slice(9, 10)), (slice(4, 9), slice(9, 12)))
    (slice(1, 3, None), slice(0, 1, None))
    """
    rows, columns = (
        slice(side.start - outer.start, side.stop - outer.start) for side, outer in zip(box, area, strict=True)
    )
    return rows, columns
