"""Boxes of a plane: rows and columns that hold something, so that work is no larger than what it is about."""

import numpy as np
import numpy.typing as npt

__all__ = [
    "Box",
    "Pixels",
    "box_of",
    "boxes_by_number",
    "changed_box",
    "in_plane",
    "joined",
    "meet",
    "pixels_of",
    "sizes_by_number",
    "widened",
    "within",
]

Box = tuple[slice, slice]
"""Rows and columns of a plane."""

Pixels = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""Rows and columns of single pixels."""

_SMALL_PX = 2**21  # a larger plane is not looked over as a whole


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


def boxes_by_number(labels: npt.NDArray[np.int32]) -> dict[int, Box]:
    """Return the box of each number above 0, in rising order; a large number costs no more than a small one.

    Examples
    --------
    >>> boxes_by_number(np.array([[0, 7, 7], [2_000_000_000, 0, 7]], np.int32))
    {7: (slice(0, 2, None), slice(1, 3, None)), 2000000000: (slice(1, 2, None), slice(0, 1, None))}
    """
    from scipy import (
        ndimage as ndi,
    )  # here, for the keep rules are known before napari opens, and scipy is slow to load

    if int(labels.max(initial=0)) <= labels.size:
        area: Box | None = (slice(0, None), slice(0, None))
        if labels.size <= _SMALL_PX:  # of a crop much is background, which this finds sooner
            area = box_of(labels > 0)
        if area is None:
            return {}
        found = enumerate(ndi.find_objects(labels[area]), start=1)
        return {number: in_plane(box, area) for number, box in found if box is not None}
    numbers = np.unique(labels)  # whoever numbered these did not count from 1
    numbers = numbers[numbers > 0]
    counted = np.where(labels > 0, np.searchsorted(numbers, labels) + 1, 0).astype(np.int32)
    return dict(zip(numbers.tolist(), ndi.find_objects(counted), strict=True))


def sizes_by_number(labels: npt.NDArray[np.int32]) -> dict[int, int]:
    """Return how many pixels each number above 0 has, in rising order."""
    numbers, pixels = np.unique(labels[labels > 0], return_counts=True)
    return dict(zip(numbers.tolist(), pixels.tolist(), strict=True))


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


def in_plane(box: Box, area: Box) -> Box:
    """Return where a box in the array of an area lies in the plane: `within` the other way round.

    Examples
    --------
    >>> in_plane((slice(1, 3), slice(0, 1)), (slice(4, 9), slice(9, 12)))
    (slice(5, 7, None), slice(9, 10, None))
    """
    rows, columns = (
        slice(side.start + outer.start, side.stop + outer.start) for side, outer in zip(box, area, strict=True)
    )
    return rows, columns


def pixels_of(mask: npt.NDArray[np.bool_], area: Box) -> Pixels:
    """Return the pixels of a mask, which lies in an area, in the plane.

    Examples
    --------
    >>> rows, columns = pixels_of(np.array([[0, 1], [1, 0]], bool), (slice(4, 6), slice(9, 11)))
    >>> rows.tolist(), columns.tolist()
    ([4, 5], [10, 9])
    """
    rows, columns = np.nonzero(mask)
    return rows + area[0].start, columns + area[1].start
