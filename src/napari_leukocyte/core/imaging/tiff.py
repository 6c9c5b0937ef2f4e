"""TIFF files: pages, stacks, pixel size; large ones are opened without being read."""

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.planes import plane_count
from napari_leukocyte.core.imaging.resolution import from_tiff

__all__ = ["is_tiff", "palette_numbers", "read_tiff"]

# From this size on an uncompressed file is mapped into memory, and a compressed one read block by block.
_MAPPED_BYTES = 64 * 2**20
_LAZY_BYTES = 512 * 2**20

# What tifffile decodes by itself; Pillow has the others (LZW, JPEG, PackBits).
_OWN_COMPRESSIONS = {1, 8, 32946}  # none, and both numbers of zlib
_RGB_PHOTOMETRIC = 2
_PLAIN_PHOTOMETRIC = {0, 1, _RGB_PHOTOMETRIC}  # white is zero, black is zero, RGB
_PALETTE_PHOTOMETRIC = 3

_PILLOW_MODES = ("L", "RGB", "RGBA", "I;16", "I;16B", "1")  # kept as they are
_REMEDY = "save it without compression or with Deflate (ZIP)"


def is_tiff(path: Path) -> bool:
    """Say by the first bytes whether the file is a TIFF or BigTIFF."""
    with path.open("rb") as stream:
        return stream.read(4) in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def read_tiff(path: Path, *, planes: bool = False) -> tuple[Any, bool, float | None, str]:
    """Read the largest image or stack of a TIFF file; several images of that size and kind are a stack.

    Parameters
    ----------
    path : Path
        The file.
    planes : bool
        What lies apart in the file is no colours but the planes of a stack, as it is in class maps.

    Returns
    -------
    array : ndarray, memmap or zarr array
        (Y, X), (Y, X, 3 or 4), (N, Y, X) or (N, Y, X, 3 or 4).
    rgb : bool
        Whether the last axis holds colours.
    pixel_size : float or None
        um per px, when the file states a plausible one.
    source : str
        Where it is stated.

    Raises
    ------
    LeukocyteError
        When the axes leave two readings, or there are too many, or the compression would cost bits.
    """
    with tifffile.TiffFile(path) as tiff:
        series, alike = _largest(tiff)
        page = series.keyframe
        size, source = from_tiff(tiff, series)
        if int(page.compression) in _OWN_COMPRESSIONS and int(page.photometric) in _PLAIN_PHOTOMETRIC:
            axes = series.axes.replace("S", "Q") if planes and series.axes.startswith("S") else series.axes
            rgb = _check_axes(axes, series.shape, planes=planes)
            array = _in_order(_open(path, tiff, series), axes)
            if len(alike) > 1 and array.ndim == (3 if rgb else 2):
                array = np.stack([_in_order(one.asarray(), one.axes) for one in alike])
            if int(page.photometric) == 0 and array.dtype.kind == "u":  # white is zero
                array = np.iinfo(array.dtype).max - np.asarray(array)
            return array, rgb, size, source
        if int(page.compression) in _OWN_COMPRESSIONS and int(page.photometric) == _PALETTE_PHOTOMETRIC:
            colours = np.asarray(page.colormap).T >> 8  # the colour map is stored with 16 bits
            array = colours.astype(np.uint8)[_in_order(series.asarray(), series.axes)]
            return array, True, size, source
        pages = _pages_for_pillow(tiff, series, alike)
    array = _with_pillow(path, pages)
    return array, array.ndim - (len(pages) > 1) == 3, size, source


def palette_numbers(path: Path) -> NDArray[Any] | None:
    """Read the numbers behind the colours that `read_tiff` returns; None for a file without a palette.

    Raises
    ------
    LeukocyteError
        When the palette is of an unusual kind.
    """
    with tifffile.TiffFile(path) as tiff:
        series, alike = _largest(tiff)
        if int(series.keyframe.photometric) != _PALETTE_PHOTOMETRIC:
            return None
        if int(series.keyframe.compression) in _OWN_COMPRESSIONS:
            return np.asarray(_in_order(series.asarray(), series.axes))
        pages = _pages_for_pillow(tiff, series, alike)
    return _with_pillow(path, pages, palette=True)


def _largest(tiff: tifffile.TiffFile) -> tuple[Any, list[Any]]:
    """The largest image or stack, and all of its size and kind."""
    if not tiff.series:
        raise LeukocyteError("It is damaged or cut short, with no image left in it; copy it again from its source.")
    series = max(tiff.series, key=lambda one: int(one.size))
    kind = (series.shape, series.dtype, series.axes)
    return series, [one for one in tiff.series if (one.shape, one.dtype, one.axes) == kind]


def _open(path: Path, tiff: tifffile.TiffFile, series: Any) -> Any:
    if series.nbytes >= _MAPPED_BYTES and series.dataoffset is not None:
        return tifffile.memmap(path, series=tiff.series.index(series), mode="r")
    # Only what needs no reordering stays on the disk; the rest is rare and read whole.
    if series.nbytes >= _LAZY_BYTES and "S" not in series.axes[:-1] and int(series.keyframe.photometric):
        try:
            import zarr
        except ImportError:
            return series.asarray()
        store = series.aszarr(level=0)
        array = zarr.open_array(store, mode="r")
        weakref.finalize(array, store.close)  # the file stays open as long as the array is in use
        return array
    return series.asarray()


def _check_axes(axes: str, shape: tuple[int, ...], *, planes: bool) -> bool:
    """Return whether the image is RGB; raise when it is no image or stack of the kinds we know."""
    lengths = dict(zip(axes, shape, strict=True))
    samples = lengths.get("S", 1)
    if samples not in (1, 3, 4):
        raise LeukocyteError(
            f"The file holds {samples} values a pixel, which is neither grayscale nor RGB; save it as RGB."
        )
    rest = [axis for axis in axes if axis not in "YXS"]
    if len(rest) > 1 or "Y" not in lengths or "X" not in lengths:
        raise LeukocyteError(
            f"The file has the axes {axes} of lengths {', '.join(map(str, shape))}; "
            "save one image or one stack of images from it."
        )
    if samples == 1 and rest and rest[0] in "CQ" and not planes:
        # Channels, or an axis without a meaning: a short one could be colours.
        plane_count((lengths[rest[0]], lengths["Y"], lengths["X"]))
    return samples in (3, 4)


def _in_order(array: Any, axes: str) -> Any:
    """Bring the colours to the end and the stack to the front."""
    order = sorted(range(len(axes)), key=lambda i: {"Y": 1, "X": 2, "S": 3}.get(axes[i], 0))
    return array if order == list(range(len(axes))) else np.transpose(array, order)


def _pages_for_pillow(tiff: tifffile.TiffFile, series: Any, alike: list[Any]) -> list[int]:
    """The pages of an image or a stack as Pillow counts them; raises where it would give other values than these."""
    page = series.keyframe
    gray16 = page.dtype == np.uint16 and page.samplesperpixel == 1 and int(page.photometric) == 1
    if page.dtype not in (np.bool_, np.uint8) and not gray16:
        raise LeukocyteError(f"Its {page.dtype} values have a compression that is not read without loss; {_REMEDY}.")
    pages = series.pages if len(series.pages) > 1 else [one.keyframe for one in alike]
    if any(one is None or one.parent is not tiff for one in pages):
        raise LeukocyteError(f"Its planes lie in several files and have an unusual compression; {_REMEDY}.")
    return [one.index for one in pages]


def _with_pillow(path: Path, pages: Sequence[int], *, palette: bool = False) -> NDArray[Any]:
    """Pages (Y, X) or (Y, X, 3 or 4), stacked when there are several; with ``palette`` the numbers of its colours."""
    arrays = []
    with Image.open(path) as image:
        for number in pages:
            image.seek(number)
            if palette and image.mode != "P":
                raise LeukocyteError(f"The palette of {path} is of an unusual kind; {_REMEDY}.")
            arrays.append(np.asarray(image if palette or image.mode in _PILLOW_MODES else image.convert("RGB")))
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)
