"""Slides in TIFF files: Aperio's SVS, OME-TIFF with SubIFDs, and plain pyramids."""

from pathlib import Path
from typing import Any

import tifffile

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.imaging.resolution import from_tiff
from napari_leukocyte.core.imaging.tiff_checks import check_pages, check_whole
from napari_leukocyte.core.imaging.tiff_colours import coding_of
from napari_leukocyte.core.imaging.tiff_series import no_picture_in, pictures_in
from napari_leukocyte.core.slides.level import Level
from napari_leukocyte.core.slides.slide import Slide, make_slide

__all__ = ["open_tiff_slide", "tiff_size"]


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


def tiff_size(path: Path) -> tuple[int, int]:
    """How many levels the largest picture of a TIFF file has, and how many pixels the finest one."""
    with tifffile.TiffFile(path) as tiff:
        series = _slide_in(tiff)
        lengths = dict(zip(series.axes, series.shape, strict=True))
        return len(series.levels), int(lengths.get("Y", 0)) * int(lengths.get("X", 0))


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
    array = zarr.open_array(series.aszarr(level=number), mode="r")
    return Level(array, level.axes, name=str(path))
