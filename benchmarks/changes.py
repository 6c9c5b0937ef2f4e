"""What may be wrong with a photograph: changes that a model should bear. Each takes (Y, X, 3) uint8 and um per px."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Picture = NDArray[np.uint8]

_BLUR = 0.15  # um, standard deviation: 1.5 px at 10 px/um
_DARKENED = 0.4  # of the light is lost in the corners
_BALANCE = (1.0, 0.92, 0.78)  # white turned yellowish


def grey(image: Picture, _: float) -> Picture:
    """Mean of the channels, in one channel."""
    return _bytes(image.mean(axis=-1))


def blur(image: Picture, pixel_size: float) -> Picture:
    sigma = _BLUR / pixel_size
    return _bytes(ndimage.gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)))


def jpeg(image: Picture, _: float) -> Picture:
    """Quality 50."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def vignetting(image: Picture, _: float) -> Picture:
    y, x = (np.linspace(-1, 1, n, dtype=np.float64) for n in image.shape[:2])
    loss = _DARKENED * (y[:, None] ** 2 + x[None, :] ** 2) / 2
    return _bytes(image * (1 - loss[..., None]))


def white_balance(image: Picture, _: float) -> Picture:
    return _bytes(image * np.array(_BALANCE))


def _bytes(values: NDArray[np.floating]) -> Picture:
    rounded: Picture = np.round(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


CHANGES: dict[str, Callable[[Picture, float], Picture]] = {
    "grey": grey,
    "blur": blur,
    "jpeg": jpeg,
    "vignetting": vignetting,
    "white-balance": white_balance,
}
