"""What an array is that another program, such as napari's own reader, made of a file: the same by every door."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.raster import open_raster
from napari_leukocyte.core.imaging.read import read_image, stated_pixel_size
from napari_leukocyte.core.imaging.tiff import TiffFacts, is_tiff, tiff_facts

__all__ = ["Opened", "opened_from", "pixel_size_in"]


@dataclass(frozen=True)
class Opened:
    """An image or stack, (Y, X), (Y, X, 3 or 4) or with N in front, and whether its last axis holds colours."""

    array: Any
    rgb: bool | None


def opened_from(array: Any, path: Path | None, *, rgb: bool | None) -> Opened:
    """Read an array as `core.imaging.read.read_image` reads the file that it came from.

    Colours on the first axis go to the last, numbers of a palette become its colours, white that is zero is turned, a
    fourth sample is an alpha only where the file says so. An array that is not the numbers of the file, for instance
    because somebody has worked on it, stays as it is.

    Parameters
    ----------
    array : array-like
        What the other program holds. It is not changed.
    path : Path or None
        The file, if there is one.
    rgb : bool or None
        What the other program takes the last axis for.
    """
    facts = None if path is None else _facts(*_state(path))
    if facts is not None and (tuple(array.shape), np.dtype(array.dtype)) == (facts.shape, facts.dtype):
        return Opened(facts.coding.image(array), facts.coding.rgb)
    if facts is None and path is not None:
        return _of_raster(array, path, rgb)
    return Opened(array, rgb)


def pixel_size_in(path: Path) -> PixelSize:
    """Return the pixel size that a file states, unknown also for one that cannot be read; asked often, read once."""
    return _pixel_size(*_state(path))


def _state(path: Path) -> tuple[Path, int, int]:
    """A key under which what is known of a file stays true."""
    try:
        found = path.stat()
    except OSError:
        return path, -1, -1
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=64)
def _pixel_size(path: Path, changed: int, size: int) -> PixelSize:  # noqa: ARG001  (part of the key)
    try:
        return stated_pixel_size(path)
    except LeukocyteError:
        return PixelSize(None)


@lru_cache(maxsize=64)
def _facts(path: Path, changed: int, size: int) -> TiffFacts | None:  # noqa: ARG001  (part of the key)
    try:
        return tiff_facts(path) if is_tiff(path) else None
    except Exception:  # it is gone, or no such file by now: the array is all there is
        return None


def _of_raster(array: Any, path: Path, rgb: bool | None) -> Opened:
    """The same for a PNG, JPEG, BMP or WebP, whose numbers most readers hand on as they lie in the file."""
    try:
        with open_raster(path) as image:
            if image.mode in ("L", "RGB") and image.format != "PNG":
                return Opened(array, rgb)
            numbers = np.asarray(image)
        if numbers.shape != tuple(array.shape) or not np.array_equal(numbers, np.asarray(array)):
            return Opened(array, rgb)
        file = read_image(path)
    except Exception:  # as above
        return Opened(array, rgb)
    return Opened(file.array, file.rgb)
