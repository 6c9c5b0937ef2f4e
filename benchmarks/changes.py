"""What may be wrong with a photograph: changes that a model should bear.

Each takes the picture, (Y, X, 3) uint8, and its row of the index.
"""

import io
import zlib
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.model.crowding import RedCell, add_red_cells, cut_out_red_cells
from napari_leukocyte.core.model.dataset import IndexRow, load_sample

Picture = NDArray[np.uint8]
Change = Callable[[Picture, IndexRow], Picture]

_BLUR = 0.15  # um, standard deviation: 1.5 px at 10 px/um
_DARKENED = 0.4  # of the light is lost in the corners
_BALANCE = (1.0, 0.92, 0.78)  # white turned yellowish
_CUT_AT = 1 / 6  # um per px at which red cells are cut out


def grey(image: Picture, _: IndexRow) -> Picture:
    """Mean of the channels, in one channel."""
    return _bytes(image.mean(axis=-1))


def blur(image: Picture, row: IndexRow) -> Picture:
    sigma = _BLUR / row.pixel_size
    return _bytes(ndimage.gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)))


def jpeg(image: Picture, _: IndexRow) -> Picture:
    """Quality 50."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def vignetting(image: Picture, _: IndexRow) -> Picture:
    y, x = (np.linspace(-1, 1, n, dtype=np.float64) for n in image.shape[:2])
    loss = _DARKENED * (y[:, None] ** 2 + x[None, :] ** 2) / 2
    return _bytes(image * (1 - loss[..., None]))


def white_balance(image: Picture, _: IndexRow) -> Picture:
    return _bytes(image * np.array(_BALANCE))


def _bytes(values: NDArray[np.floating]) -> Picture:
    rounded: Picture = np.round(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


def crowding(rows: Sequence[IndexRow]) -> Change:
    """Red cells cut out of these images, in other colours, pressed under the white cells that the masks know."""
    cells = cut_out_red_cells([load_sample(row, pixel_size=_CUT_AT, soft=False) for row in rows], pixel_size=_CUT_AT)

    @cache
    def at(pixel_size: float) -> list[RedCell]:
        zoom = _CUT_AT / pixel_size
        return [
            RedCell(ndimage.zoom(c.density, (1, zoom, zoom), order=1), ndimage.zoom(c.disc, zoom, order=0))
            for c in cells
        ]

    def crowd(image: Picture, row: IndexRow) -> Picture:
        classes = read_mask(row.mask).classes
        target = np.stack([255 * (classes == value) for value in range(3)]).astype(np.uint8)
        rng = np.random.default_rng(zlib.crc32(row.name.encode()))
        window = image.transpose(2, 0, 1), target
        crowded, _ = add_red_cells(window, at(row.pixel_size), rng, pixel_size=row.pixel_size)
        return np.ascontiguousarray(crowded.transpose(1, 2, 0))

    return crowd


CHANGES: dict[str, Change] = {
    "grey": grey,
    "blur": blur,
    "jpeg": jpeg,
    "vignetting": vignetting,
    "white-balance": white_balance,
}
CROWDING = "red-cells"


def change_named(name: str, rows: Sequence[IndexRow]) -> Change:
    """One of ``CHANGES``, or `crowding` with the red cells of these images."""
    return crowding(rows) if name == CROWDING else CHANGES[name]
