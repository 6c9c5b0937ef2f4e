"""A picture of the result: outlines of cells and nuclei over the image, with text."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import to_rgb

__all__ = ["overlay"]

_LEGIBLE_SIDE = 480  # px; a smaller crop is enlarged, so that its text can be read
_LARGEST_SCALE = 6


def overlay(
    image: Any,
    classes: ArrayLike,
    *,
    texts: Sequence[tuple[float, float, str]] = (),
    palette: str = "thesis",
) -> NDArray[np.uint8]:
    """Draw the outlines of a class map, and texts, over an image.

    Parameters
    ----------
    image : array-like
        One plane, as `napari_leukocyte.core.imaging.convert.to_rgb` takes it.
    classes : array-like
        Integer (Y, X) of the same size: 0 background, 1 cytoplasm or (binary) cell, 2 nucleus.
    texts : sequence of (y, x, text)
        Texts and where their middle goes, in pixels of the image; moved inwards where they would be cut.
    palette : str
        A key of `napari_leukocyte.core.colours.PALETTES`.

    Returns
    -------
    ndarray
        uint8 (Y, X, 3). A crop under 480 px is enlarged by a whole number, at most 6.

    Raises
    ------
    LeukocyteError
        When the image cannot be used, or image and class map differ in size.
    """
    picture = to_rgb(image).image
    class_map = np.asarray(classes)
    height, width = picture.shape[:2]
    if class_map.shape != (height, width):
        raise LeukocyteError(
            f"The class map has the shape {class_map.shape} and the image {(height, width)}; "
            "choose the two that belong together."
        )
    scale = min(_LARGEST_SCALE, max(1, -(-_LEGIBLE_SIDE // max(height, width))))
    pixels = np.rint(picture * 255).astype(np.uint8)
    canvas = Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    drawn = np.array(canvas)
    enlarged = class_map.repeat(scale, axis=0).repeat(scale, axis=1)
    line = 1 if max(drawn.shape[:2]) < 400 else 2
    # The nucleus last: where the two outlines meet, its own is the one that counts.
    for region, value in ((enlarged > 0, 1), (enlarged == 2, 2)):
        red, green, blue, _ = PALETTES[palette][value]
        drawn[_outline(region, line)] = [round(255 * part) for part in (red, green, blue)]
    return _with_texts(drawn, [(y * scale, x * scale, text) for y, x, text in texts]) if texts else drawn


def _outline(region: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Return the ``width`` outermost pixels of a region; the image edge is no outline."""
    inner: NDArray[np.bool_] = ndimage.binary_erosion(region, iterations=width, border_value=1)
    return region & ~inner


def _with_texts(picture: NDArray[np.uint8], texts: Sequence[tuple[float, float, str]]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    size = round(min(48, max(14, max(height, width) / 24)))
    stroke = max(2, size // 8)
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    for y, x, text in texts:
        left, top, right, bottom = draw.textbbox((0, 0), text, font=_font(size), anchor="mm", stroke_width=stroke)
        x = min(max(x, -left), max(-left, width - 1 - right))
        y = min(max(y, -top), max(-top, height - 1 - bottom))
        draw.text(
            (x, y),
            text,
            font=_font(size),
            anchor="mm",
            fill="white",
            stroke_width=stroke,
            stroke_fill="black",
        )
    return np.array(canvas)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # matplotlib brings a font that has the dash, the micro sign and the superscripts.
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)
