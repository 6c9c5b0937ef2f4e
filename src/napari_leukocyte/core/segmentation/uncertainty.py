"""How unsure a model is of an image: what puts the images that need a person first."""

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import boxes_by_number
from napari_leukocyte.core.scoring.border import band_width_px, border_band

__all__ = ["UNSURE_SHARE", "uncertainty", "unsure_counts", "unsure_shares"]

UNSURE_SHARE = 0.22
"""A cell with more unsure pixels is flagged, where the model that found it is not calibrated (`CnrRange.unsure`).

Chosen on the validation images, as they are and changed in stain, focus and scale (benchmarks/unsure.py): of the cells
with more unsure pixels 80 % are badly segmented, and none of the images as they are has such a cell.
"""


def uncertainty(classes: npt.NDArray[np.uint8], sure: npt.NDArray[np.bool_], *, pixel_size: float | None) -> float:
    """Return the share of unsure pixels among those that are cell or unsure, outside the border band.

    Every outline is unsure, of a good mask too; so the pixels beside the borders of the class map do not count.

    Parameters
    ----------
    classes : (Y, X) uint8 array
        Class map: 0 background, 1 cytoplasm or cell, 2 nucleus.
    sure : (Y, X) bool array
        Pixels whose class is probable enough (`windowed.Prediction`).
    pixel_size : float or None
        um per px, for the width of the band.

    Returns
    -------
    float
        From 0 (sure of everything) to 1 (no cell, but doubts).

    Examples
    --------
    >>> classes = np.zeros((20, 20), np.uint8)
    >>> classes[:, 10:] = 1
    >>> sure = np.ones((20, 20), bool)
    >>> sure[:, 8:12] = False  # the outline
    >>> uncertainty(classes, sure, pixel_size=None)
    0.0
    >>> sure[:5, 15:] = False
    >>> round(uncertainty(classes, sure, pixel_size=None), 3)
    0.125
    """
    unsure, found = unsure_counts(classes, sure, pixel_size=pixel_size)
    return unsure / found if found else 0.0


def unsure_counts(
    classes: npt.NDArray[np.uint8], sure: npt.NDArray[np.bool_], *, pixel_size: float | None
) -> tuple[int, int]:
    """Return the two numbers of pixels of which `uncertainty` is the ratio; those of several parts may be added up."""
    unsure = ~sure
    if unsure.any():
        unsure &= ~border_band(classes, width_px=band_width_px(pixel_size))
    return int(np.count_nonzero(unsure)), int(np.count_nonzero((classes > 0) | unsure))


def unsure_shares(cells: npt.NDArray[np.int32], sure: npt.NDArray[np.bool_]) -> dict[int, float]:
    """Return the share of unsure pixels, 0-1, of each cell, by its number.

    Parameters
    ----------
    cells : (Y, X) int32 array
        Cell labels.
    sure : (Y, X) bool array
        Pixels whose class is probable enough.

    Examples
    --------
    >>> unsure_shares(np.array([[1, 1, 0, 3]], np.int32), np.array([[True, False, False, True]]))
    {1: 0.5, 3: 0.0}
    """
    shares = {}
    for number, box in boxes_by_number(cells).items():
        own = cells[box] == number
        shares[number] = int(np.count_nonzero(own & ~sure[box])) / int(np.count_nonzero(own))
    return shares
