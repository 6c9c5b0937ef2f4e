"""Pictures of one image for the page: the photograph, class maps, and differences to the truth."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_leukocyte.core.colours import DIFFERENCE_PALETTES, PAPER_COLOURS
from napari_leukocyte.core.scoring.difference import Difference, difference_classes

__all__ = ["RGB", "Picture", "class_picture", "colour_difference", "in_band", "photograph", "rgb", "thesis_difference"]

_LONGEST = 720  # px; on paper a picture is some 35 mm wide, so that more is not seen

RGB = tuple[int, int, int]

# Correct pixels in the coloured difference image: a trace of the truth, so that errors have a place.
_TINTS: tuple[RGB, ...] = ((255, 255, 255), (243, 243, 243), (231, 231, 231))


@dataclass(frozen=True)
class Picture:
    """A picture file and its size.

    Attributes
    ----------
    content : bytes
        PNG, or JPEG for a photograph.
    media_type : str
    width, height : int
        px.
    """

    content: bytes
    media_type: str
    width: int
    height: int


def photograph(image: NDArray[np.uint8]) -> Picture:
    """Return an RGB image (Y, X, 3), averaged down where it is large."""
    picture = Image.fromarray(np.ascontiguousarray(image[..., :3])).reduce(_step(image.shape[:2]))
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=90, subsampling=0)
    return Picture(file.getvalue(), "image/jpeg", *picture.size)


def class_picture(classes: NDArray[np.uint8], band: NDArray[np.bool_] | None = None) -> Picture:
    """Return a class map (Y, X) in `PAPER_COLOURS`, with the border band (thesis Figure A.3) in a greyer tone."""
    colours = [PAPER_COLOURS[value] for value in range(3)]
    codes = classes if band is None else classes + 3 * band.astype(np.uint8)
    return _palette_picture(codes, [*colours, *(in_band(colour) for colour in colours)])


def thesis_difference(prediction: NDArray[np.uint8], truth: NDArray[np.uint8], *, whole_cell: bool) -> Picture:
    """Return the thesis's difference image of two class maps (Y, X): black, white and, for whole cells, grey."""
    palette = DIFFERENCE_PALETTES["thesis, binary" if whole_cell else "thesis, three-class"]
    codes = difference_classes(prediction, truth, whole_cell=whole_cell)
    return _palette_picture(codes, [rgb(palette[code]) for code in sorted(palette)])


def colour_difference(
    prediction: NDArray[np.uint8], truth: NDArray[np.uint8], band: NDArray[np.bool_], *, whole_cell: bool
) -> Picture:
    """Return the difference of two class maps (Y, X) in colours for each kind of error, over a trace of the truth."""
    palette = DIFFERENCE_PALETTES["colour-blind safe"]
    codes = difference_classes(prediction, truth, band, whole_cell=whole_cell)
    over = np.where(codes > 0, codes + np.uint8(len(_TINTS) - 1), truth)
    return _palette_picture(over, [*_TINTS, *(rgb(palette[code]) for code in Difference if code)])


def in_band(colour: RGB) -> RGB:
    """Return the tone that a class colour has inside the border band.

    Examples
    --------
    >>> in_band((255, 255, 255))
    (202, 202, 202)
    """
    red, green, blue = ((part + 150) // 2 for part in colour)
    return red, green, blue


def rgb(colour: tuple[float, float, float, float]) -> RGB:
    """Return the 8-bit colour of one in 0-1, without its opacity."""
    red, green, blue = (round(255 * part) for part in colour[:3])
    return red, green, blue


def _palette_picture(codes: NDArray[np.uint8], colours: list[RGB]) -> Picture:
    step = _step(codes.shape)
    picture = Image.fromarray(np.ascontiguousarray(codes[::step, ::step]))
    picture.putpalette([part for colour in colours for part in colour])
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return Picture(file.getvalue(), "image/png", *picture.size)


def _step(shape: tuple[int, ...]) -> int:
    """By how much a picture is made smaller."""
    return max(1, -(-max(shape) // _LONGEST))
