"""Join what was cut without a waist: cells in contact leave a notch on each side, the lobes of one cell do not."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from scipy.spatial import ConvexHull

from napari_leukocyte.core.cells.regions import necks

__all__ = ["join_convex", "solidity"]

_CONVEX = 0.95  # solidity; of 700 pairs of drawn and merged real cells in contact, the highest was 0.947

Labels = npt.NDArray[np.int32]


def solidity(mask: npt.NDArray[np.bool_]) -> float:
    """Area of a region divided by that of its convex hull, both of whole pixels.

    Parameters
    ----------
    mask : (Y, X) bool array
        At least one pixel is True.

    Returns
    -------
    float
        Above 0, at most 1 (convex).

    Examples
    --------
    >>> solidity(np.ones((3, 5), bool))
    1.0
    """
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([y, x], axis=1) for y in (rows, rows + 1) for x in (first, last)])
    return float(np.count_nonzero(mask) / ConvexHull(ends).volume)


def join_convex(cells: Labels) -> Labels:
    """Join neighbours that make up a convex region, the most convex pair first, until there is none.

    An elongated or angular cell whose nucleus has lobes at both ends looks like two cells to whoever fits discs into
    it (see `regions.group_pieces`), but two cells keep a notch where their outlines meet.

    Parameters
    ----------
    cells : (Y, X) int32 array
        0 outside, 1..n.

    Returns
    -------
    (Y, X) int32 array
        0 outside, 1..m with m <= n.
    """
    while cells.max() > 1:
        found = [(_together(cells, a, b), a, b) for a, b in necks(cells, np.zeros(cells.shape))]
        best, a, b = max(found, default=(0.0, 0, 0))
        if best < _CONVEX:
            break
        cells = np.where(cells == b, a, cells)
        cells = np.where(cells > b, cells - 1, cells).astype(np.int32)
    return cells


def _together(cells: Labels, a: int, b: int) -> float:
    box = ndi.find_objects(((cells == a) | (cells == b)).astype(np.uint8))[0]
    return solidity((cells[box] == a) | (cells[box] == b))
