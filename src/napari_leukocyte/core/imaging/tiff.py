"""TIFF files: pages, stacks, pixel size; large ones are opened without being read."""

import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.planes import plane_count
from napari_leukocyte.core.imaging.resolution import from_tiff
from napari_leukocyte.core.imaging.tiff_checks import check_pages, check_whole
from napari_leukocyte.core.imaging.tiff_colours import Coding, coding_of
from napari_leukocyte.core.imaging.tiff_series import no_picture_in, pictures_in

__all__ = ["TiffFacts", "is_tiff", "palette_numbers", "read_tiff", "tiff_facts"]

# From this size on an uncompressed file is mapped into memory, and a compressed one read block by block.
_MAPPED_BYTES = 64 * 2**20
_LAZY_BYTES = 512 * 2**20
# What cannot stay on the disk must be smaller than this, and so must one block of it.
_WHOLE_BYTES = 2 * 10**9


@dataclass(frozen=True)
class TiffFacts:
    """What a TIFF file says of its image or stack, without its pixels.

    Attributes
    ----------
    shape, dtype
        Of the array that tifffile, and with it napari's own reader, makes of the file.
    coding
        What its numbers mean; ``coding.image`` makes the image of such an array.
    pixel_size
        As far as it is stated.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    coding: Coding
    pixel_size: PixelSize


def is_tiff(path: Path) -> bool:
    """Say by the first bytes whether the file is a TIFF or BigTIFF."""
    with path.open("rb") as stream:
        return stream.read(4) in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def tiff_facts(path: Path) -> TiffFacts:
    """Find out what a TIFF file holds; raises as `read_tiff` does."""
    with tifffile.TiffFile(path) as tiff:
        series, alike = _largest(tiff)
        shape = tuple(series.shape) if len(alike) == 1 else (len(alike), *series.shape)
        axes = series.axes if len(alike) == 1 else "Q" + series.axes
        coding = coding_of(series.keyframe, axes, shape)
        return TiffFacts(shape, np.dtype(series.dtype), coding, from_tiff(tiff, series))


def read_tiff(path: Path, *, planes: bool = False) -> tuple[Any, bool, PixelSize]:
    """Read the largest image or stack of a TIFF file; several images of that size and kind are a stack.

    The orientation tag turns nothing: napari's reader and most programs that draw masks pass over it, and an image
    and its mask must stay on each other.

    Parameters
    ----------
    path : Path
        The file.
    planes : bool
        What lies apart in the file is no colours but the planes of a stack, as it is in class maps, and numbers of
        fewer than 8 bits are kept.

    Returns
    -------
    array : ndarray, memmap or zarr array
        (Y, X), (Y, X, 3 or 4), (N, Y, X) or (N, Y, X, 3 or 4).
    rgb : bool
        Whether the last axis holds colours.
    pixel_size : PixelSize
        As far as the file states a plausible one.

    Raises
    ------
    LeukocyteError
        When the axes leave two readings, or there are too many, the colours are of an unusual kind, or the file
        states more than it holds or than the memory should take.
    """
    with tifffile.TiffFile(path) as tiff:
        series, alike = _largest(tiff)
        axes = series.axes.replace("S", "Q") if planes and series.axes.startswith("S") else series.axes
        coding = coding_of(series.keyframe, axes, series.shape)
        _check_axes(axes, series.shape, planes=planes)
        many = len(alike) > 1 and sum(axis not in "YXS" for axis in axes) == 0
        array = _open(path, tiff, series, coding) if not many else _stacked(alike)
        if many:
            coding = coding_of(series.keyframe, "Q" + axes, array.shape)
        if planes and coding.photometric == PHOTOMETRIC.MINISBLACK and "S" not in axes:
            return coding.in_order(array), False, from_tiff(tiff, series)
        return coding.image(array), coding.rgb, from_tiff(tiff, series)


def palette_numbers(path: Path) -> NDArray[Any] | None:
    """Read the numbers behind the colours that `read_tiff` returns; None for a file without a palette."""
    with tifffile.TiffFile(path) as tiff:
        series, alike = _largest(tiff)
        coding = coding_of(series.keyframe, series.axes, series.shape)
        if coding.palette is None:
            return None
        return _stacked(alike) if len(alike) > 1 else np.asarray(coding.in_order(series.asarray()))


def _largest(tiff: tifffile.TiffFile) -> tuple[Any, list[Any]]:
    """The largest image or stack, and all of its size and kind, found to be whole in the file."""
    check_whole(tiff)
    pictures = pictures_in(tiff)
    if not pictures:
        raise LeukocyteError(no_picture_in(tiff))
    series = max(pictures, key=lambda one: int(one.size))
    kind = (series.shape, series.dtype, series.axes)
    alike = [one for one in pictures if (one.shape, one.dtype, one.axes) == kind]
    for one in alike:
        check_pages(one, one.pages)
    return series, alike


def _open(path: Path, tiff: tifffile.TiffFile, series: Any, coding: Coding) -> Any:
    if series.nbytes >= _MAPPED_BYTES and series.dataoffset is not None:
        return tifffile.memmap(path, series=tiff.series.index(series), mode="r")
    # Only what needs no reordering stays on the disk; the rest is rare and read whole.
    block = int(np.prod(series.keyframe.chunks, dtype=object)) * series.dtype.itemsize
    if series.nbytes >= _LAZY_BYTES and "S" not in series.axes[:-1] and coding.as_it_is and block < _WHOLE_BYTES:
        try:
            import zarr
        except ImportError:
            return _whole(series)
        store = series.aszarr(level=0)
        array = zarr.open_array(store, mode="r")
        weakref.finalize(array, store.close)  # the file stays open as long as the array is in use
        return array
    return _whole(series)


def _whole(series: Any) -> NDArray[Any]:
    if series.nbytes > _WHOLE_BYTES:
        raise LeukocyteError(
            f"Its {' x '.join(map(str, series.shape))} values take {series.nbytes / 1e9:.1f} GB; "
            "save it as a tiled TIFF in grayscale or RGB, which is read in parts, or a smaller part of it."
        )
    return np.asarray(series.asarray())


def _stacked(alike: list[Any]) -> NDArray[Any]:
    """Several images of one kind as a stack, (N, ...)."""
    if len(alike) * alike[0].nbytes > _WHOLE_BYTES:
        raise LeukocyteError(f"Its {len(alike)} images take too much memory; save them as one stack, or one by one.")
    return np.stack([one.asarray() for one in alike])


def _check_axes(axes: str, shape: tuple[int, ...], *, planes: bool) -> None:
    """Raise when it is no image or stack of the kinds we know."""
    lengths = dict(zip(axes, shape, strict=True))
    rest = [axis for axis in axes if axis not in "YXS"]
    if len(rest) > 1 or "Y" not in lengths or "X" not in lengths:
        raise LeukocyteError(
            f"The file has the axes {axes} of lengths {', '.join(map(str, shape))}; "
            "save one image or one stack of images from it."
        )
    if "S" not in lengths and rest and rest[0] in "CQ" and not planes:
        # Channels, or an axis without a meaning: a short one could be colours.
        plane_count((lengths[rest[0]], lengths["Y"], lengths["X"]))
