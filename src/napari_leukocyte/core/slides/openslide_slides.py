"""Slides of other scanners (NDPI, MRXS, SCN, BIF) through OpenSlide or tiffslide, whichever is installed.

These are tried with small files of our own making only: no slide of these scanners has been at hand.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resolution import stated
from napari_leukocyte.core.slides.level import Level
from napari_leukocyte.core.slides.slide import Slide, make_slide

__all__ = ["open_with_openslide"]

_LIBRARIES = (("openslide", "OpenSlide"), ("tiffslide", "TiffSlide"))


def open_with_openslide(path: Path) -> Slide:
    """Open a slide with OpenSlide, else with tiffslide.

    Raises
    ------
    LeukocyteError
        When neither is installed, or none of them can read it.
    """
    reasons = []
    for library, kind in _LIBRARIES:
        try:
            reader = getattr(import_module(library), kind)
        except (ImportError, OSError):  # not there, or without its library of C
            continue
        try:
            return _opened(reader(str(path)), path, library)
        except LeukocyteError:
            raise
        except Exception as error:  # theirs are of many kinds
            reasons.append(f"{library}: {reason_in(error)}")
    if reasons:
        raise LeukocyteError(f"{path} cannot be read as a slide ({'; '.join(reasons)}): convert it to OME-TIFF.")
    raise LeukocyteError(
        f"{path} needs OpenSlide: run pip install openslide-python openslide-bin, or convert it to OME-TIFF."
    )


def _opened(slide: Any, path: Path, library: str) -> Slide:
    levels = [Level(_Pixels(slide, number), "YXS", name=str(path)) for number in range(slide.level_count)]
    return make_slide(str(path), levels, _pixel_size(slide.properties, library), slide.close)


class _Pixels:
    """A level, (Y, X, 4) uint8."""

    dtype = np.dtype(np.uint8)

    def __init__(self, slide: Any, number: int) -> None:
        self._slide, self._number = slide, number
        width, height = slide.level_dimensions[number]
        self.shape = (int(height), int(width), 4)

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[np.uint8]:
        (top, bottom, _), (left, right, _) = (
            part.indices(length) for part, length in zip(index[:2], self.shape[:2], strict=True)
        )
        scale = float(self._slide.level_downsamples[self._number])
        place = (round(left * scale), round(top * scale))
        size = (max(right - left, 0), max(bottom - top, 0))
        picture = self._slide.read_region(place, self._number, size).convert("RGBA")
        pixels: NDArray[np.uint8] = np.asarray(picture)
        return pixels


def _pixel_size(properties: Mapping[str, Any], library: str) -> PixelSize:
    try:
        x, y = (float(properties[f"{library}.mpp-{axis}"]) for axis in "xy")
    except (KeyError, TypeError, ValueError):
        return PixelSize(None)
    return stated(x, y, f"slide's metadata ({library})")
