"""Stable cell numbers: bring cell labels in step with an edited class map, and leave all else as it was."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import box_of, widened
from napari_leukocyte.core.cells.flooding import watershed
from napari_leukocyte.core.cells.labels import label_cells

__all__ = ["relabel"]

_EIGHT = np.ones((3, 3), bool)
_CRUMB_SHARE = 0.005  # what an eraser leaves of a cell below this share of it is no second cell
_CRUMB_PX = 4


def relabel(
    cells: npt.NDArray[np.int32],
    classes: npt.NDArray[np.uint8],
    *,
    next_number: int,
    pixel_size: float | None = None,
) -> npt.NDArray[np.int32]:
    """Number the pixels of an edited class map, keeping the numbers that stand.

    New pixels join the cell that they touch, and where they touch several, the nearest. What touches none is
    a new cell (or several, see `label_cells`). A cell that the edit cut apart becomes two: the largest piece
    keeps the number. A piece that lay apart before (of joined cells) keeps it too. All other pixels keep
    their numbers.

    Parameters
    ----------
    cells : (Y, X) int32 array
        Labels before the edit: of an image, or of a part that holds the whole of each cell that lost pixels
        and a pixel around each that was gained.
    classes : (Y, X) uint8 array
        The class map after the edit; 0 is background.
    next_number : int
        The first number that was never given to a cell.
    pixel_size : float, optional
        um per px, for `label_cells`.

    Returns
    -------
    (Y, X) int32 array
        0 exactly where ``classes`` is 0.

    Examples
    --------
    >>> before = np.array([[3, 3, 3, 3, 3], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.int32)
    >>> after = np.array([[1, 1, 2, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]], np.uint8)
    >>> relabel(before, after, next_number=4)
    array([[3, 3, 3, 3, 3],
           [0, 3, 0, 0, 0],
           [0, 0, 0, 0, 0]], dtype=int32)
    """
    foreground = classes > 0
    labels = np.where(foreground, cells, 0).astype(np.int32)
    shrunk = np.unique(cells[(cells > 0) & ~foreground])
    gained = foreground & (cells == 0)
    if gained.any():
        next_number = _number_gained(labels, gained, classes, next_number, pixel_size)
    for number in shrunk.tolist():
        next_number = _number_pieces(labels, cells, number, next_number)
    return labels


def _number_gained(
    labels: npt.NDArray[np.int32],
    gained: npt.NDArray[np.bool_],
    classes: npt.NDArray[np.uint8],
    next_number: int,
    pixel_size: float | None,
) -> int:
    """Number the gained pixels in place; returns the next free number."""
    found = box_of(gained)
    assert found is not None  # there are gained pixels
    box = widened(found, 1, gained.shape)
    new, near = gained[box], labels[box]
    beside = np.where(ndi.binary_dilation(new, _EIGHT), near, 0)
    if beside.any():
        grown = watershed(np.zeros(new.shape, np.uint8), beside, mask=new | (beside > 0), connectivity=2)
        near[new] = grown[new]
        new = new & (grown == 0)
    if new.any():
        fresh = label_cells(np.where(new, np.minimum(classes[box], 2), 0), pixel_size=pixel_size)
        near[new] = fresh[new] + (next_number - 1)
        next_number += int(fresh.max())
    return next_number


def _number_pieces(labels: npt.NDArray[np.int32], before: npt.NDArray[np.int32], number: int, next_number: int) -> int:
    """Give the smaller pieces of a cell that was cut numbers of their own, in place."""
    own = labels == number
    box = box_of(own | (before == number))
    assert box is not None  # the cell lost pixels, so that it had some
    pieces, count = ndi.label(own[box], structure=_EIGHT)
    if count < 2:
        return next_number
    old_pieces, _ = ndi.label(before[box] == number, structure=_EIGHT)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    crumb = max(_CRUMB_PX, _CRUMB_SHARE * sizes.sum())
    keeping: set[int] = set()  # pieces of the old cell whose number is taken already
    for piece in np.argsort(-sizes, kind="stable")[:count].tolist():
        inside = pieces == piece
        came_from = int(np.bincount(old_pieces[inside])[1:].argmax()) + 1
        if came_from not in keeping:
            keeping.add(came_from)
        elif sizes[piece] >= crumb:
            labels[box][inside] = next_number
            next_number += 1
    return next_number
