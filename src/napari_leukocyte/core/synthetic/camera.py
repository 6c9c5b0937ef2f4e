"""What a colour camera and its file format do to an image: the Bayer mosaic, and JPEG."""

from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage as ndi

from .shapes import FloatArray

__all__ = ["compress", "demosaic"]

_SITES = (((0, 0),), ((0, 1), (1, 0)), ((1, 1),))  # of red, green and blue in each 2x2 block
_SPREAD = np.array([1, 2, 1], dtype=np.float32) / 2


def demosaic(image: FloatArray) -> FloatArray:
    """Keep of each pixel the one colour its filter lets through, and fill in the others from its neighbours.

    Parameters
    ----------
    image : (Y, X, 3) float32 array

    Returns
    -------
    (Y, X, 3) float32 array
        A flat image stays as it is.

    Examples
    --------
    >>> bool(np.allclose(demosaic(np.full((4, 5, 3), 0.5, dtype=np.float32)), 0.5))
    True
    """
    filled = np.empty_like(image)
    for channel, sites in enumerate(_SITES):
        seen = np.zeros(image.shape[:2], dtype=np.float32)
        for row, column in sites:
            seen[row::2, column::2] = 1
        weight, value = seen, seen * image[..., channel]
        for axis in (0, 1):
            weight = ndi.correlate1d(weight, _SPREAD, axis=axis, mode="constant")
            value = ndi.correlate1d(value, _SPREAD, axis=axis, mode="constant")
        mean = np.where(weight > 0, value / np.maximum(weight, 1e-6), image[..., channel])
        filled[..., channel] = np.where(seen > 0, image[..., channel], mean)
    return filled


def compress(image: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """Return the (Y, X, 3) uint8 image as it comes back from a JPEG file of quality 1-95, colour at half resolution."""
    file = BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality, subsampling=2)
    with Image.open(file) as read:
        return np.asarray(read.convert("RGB"))
