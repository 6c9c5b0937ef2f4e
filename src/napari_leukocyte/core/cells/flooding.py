"""Parts grown from seeds, and where to begin; scikit-image, which is slow to load, is loaded when they are used."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["local_maxima", "watershed"]


def watershed(
    landscape: npt.NDArray[Any], seeds: npt.NDArray[Any], *, mask: npt.NDArray[np.bool_], connectivity: int = 1
) -> npt.NDArray[np.int32]:
    """Flood a landscape (Y, X) from numbered seeds, within a mask; see `skimage.segmentation.watershed`.

    Examples
    --------
    >>> watershed(np.zeros((1, 5)), np.array([[1, 0, 0, 0, 2]]), mask=np.ones((1, 5), bool))
    array([[1, 1, 1, 2, 2]], dtype=int32)
    """
    from skimage.segmentation import watershed as flood

    return np.asarray(flood(landscape, seeds, mask=mask, connectivity=connectivity), np.int32)


def local_maxima(depth: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where a landscape (Y, X) is higher than all around it; see `skimage.morphology.local_maxima`.

    Examples
    --------
    >>> local_maxima(np.array([[0, 1, 0, 2, 2, 0]])).astype(int)
    array([[0, 1, 0, 1, 1, 0]])
    """
    from skimage.morphology import local_maxima as maxima

    return np.asarray(maxima(depth), np.bool_)
