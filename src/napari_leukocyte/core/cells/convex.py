"""Join what was cut across its broadest place: cells in contact meet at a neck, the ends of one cell do not."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import widened
from napari_leukocyte.core.cells.outlines import convex_hull
from napari_leukocyte.core.cells.regions import necks

__all__ = ["join_ends"]

_CONVEX = 0.92  # solidity of the two together: their area in that of their convex hull
_BROAD = 1.3  # half the width of the passage between them, in inscribed radii of the smaller one

Labels = npt.NDArray[np.int32]


def join_ends(cells: Labels) -> Labels:
    """Join neighbours that are the two ends of one cell, those with the broadest passage first.

    An angular cell whose nucleus has lobes at both ends holds two discs better than one (see
    `regions.group_pieces`). But together its ends are nearly convex, and the passage between them is broader than the
    smaller end itself: a disc in the middle is larger. Cells in contact have a neck.

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
        found = [(_passage(cells, a, b), a, b) for a, b in necks(cells, np.zeros(cells.shape))]
        broadest, a, b = max(found, default=(0.0, 0, 0))
        if broadest < _BROAD:
            break
        cells = np.where(cells == b, a, cells)
        cells = np.where(cells > b, cells - 1, cells).astype(np.int32)
    return cells


def _passage(cells: Labels, a: int, b: int) -> float:
    """Half the width of the passage between two parts in radii of the smaller; 0 if not convex together."""
    both = (cells == a) | (cells == b)
    # one px of outside all round, except at the edge, where the cell goes on
    (box,) = ndi.find_objects(both.astype(np.uint8))
    box = widened(box, 1, both.shape)
    both, own = both[box], cells[box]
    if np.count_nonzero(both) < _CONVEX * np.count_nonzero(convex_hull(both)):
        return 0.0
    (half,) = necks(np.where(both, own, 0), ndi.distance_transform_edt(both)).values()
    return half / min(float(ndi.distance_transform_edt(own == part).max()) for part in (a, b))
