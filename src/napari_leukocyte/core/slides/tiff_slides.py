"""Slides in TIFF files: Aperio's SVS, OME-TIFF with SubIFDs, plain pyramids, and large pictures without any."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.imaging.resolution import from_tiff
from napari_leukocyte.core.imaging.tiff_checks import check_pages, check_whole
from napari_leukocyte.core.imaging.tiff_colours import coding_of
from napari_leukocyte.core.imaging.tiff_series import no_picture_in, pictures_in
from napari_leukocyte.core.slides.level import LARGEST_BLOCK, MISSING, Level
from napari_leukocyte.core.slides.slide import Slide, make_slide

__all__ = ["TiffSize", "open_tiff_slide", "tiff_size"]


@dataclass(frozen=True)
class TiffSize:
    """How large the largest picture of a TIFF file is.

    Attributes
    ----------
    levels
        Of its pyramid.
    pixels
        Of the finest one; 0 for a stack, which is no slide.
    in_parts
        Whether windows of that can be read without the rest.
    """

    levels: int
    pixels: int
    in_parts: bool


def open_tiff_slide(path: Path) -> Slide:
    """Open the largest picture of a TIFF file and the smaller ones of its pyramid.

    Raises
    ------
    LeukocyteError
        When zarr is not installed, or the file is damaged or of an unusual kind.
    """
    zarr = library("zarr", wanted_for="A slide", extra="slides")
    tiff = None
    try:
        tiff = tifffile.TiffFile(path)
        check_whole(tiff)
        series = _slide_in(tiff)
        levels = [_level(zarr, series, number, path) for number in range(len(series.levels))]
        return make_slide(str(path), levels, from_tiff(tiff, series), tiff.close)
    except BaseException as error:
        if tiff is not None:
            tiff.close()
        if isinstance(error, LeukocyteError) and str(path) not in str(error):
            raise LeukocyteError(f"{path}: {error}") from error
        if isinstance(error, LeukocyteError | MemoryError) or not isinstance(error, Exception):
            raise
        raise LeukocyteError(
            f"{path} is damaged or of an unusual kind ({reason_in(error)}); copy it again from its source."
        ) from error


def tiff_size(path: Path) -> TiffSize:
    """Find out how large the largest picture of a TIFF file is; errors are of many kinds."""
    with tifffile.TiffFile(path) as tiff:
        series = _slide_in(tiff)
        lengths = dict(zip(series.axes, series.shape, strict=True))
        planes = prod(length for axis, length in lengths.items() if axis not in "YXSC")
        pixels = 0 if planes > 1 else int(lengths.get("Y", 0)) * int(lengths.get("X", 0))
        block = prod(series.keyframe.chunks) * series.dtype.itemsize
        return TiffSize(len(series.levels), pixels, series.dataoffset is not None or block <= LARGEST_BLOCK)


def _slide_in(tiff: tifffile.TiffFile) -> Any:
    pictures = pictures_in(tiff)
    if not pictures:
        raise LeukocyteError(no_picture_in(tiff))
    return max(pictures, key=lambda one: int(one.size))


def _level(zarr: Any, series: Any, number: int, path: Path) -> Level:
    level = series.levels[number]
    check_pages(level, level.pages)
    coding = coding_of(level.keyframe, level.axes, level.shape)
    if not coding.as_it_is:
        raise LeukocyteError("Its colours are of a kind that is not read in parts; save it as RGB.")
    if level.dataoffset is not None:
        array = _OneBlock(path, level)
    else:
        missing = MISSING if level.dtype == np.uint8 else None
        array = zarr.open_array(series.aszarr(level=number, fillvalue=missing), mode="r")
    return Level(array, level.axes, name=str(path))


class _OneBlock:
    """A picture that lies in one block, uncompressed, as many programs write it: of that, too, windows can be read."""

    def __init__(self, path: Path, level: Any) -> None:
        self._path, self._offset = path, int(level.dataoffset)
        self.shape: tuple[int, ...] = tuple(level.shape)
        self.dtype = np.dtype(level.keyframe.parent.byteorder + level.dtype.char)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        # mapped anew for each window, or all that was ever read would count as memory of the program
        whole = np.memmap(self._path, self.dtype, "r", self._offset, self.shape)
        return np.array(whole[index])
