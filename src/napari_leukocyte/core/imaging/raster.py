"""PNG, JPEG, BMP and WebP files: opened by their content, never by another decoder, and measured before decoding."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resolution import from_dpi

__all__ = ["open_raster", "raster_facts", "raster_numbers", "raster_pixel_size", "read_raster"]

LARGEST_MEGAPIXELS = 500  # of 8 bits; of 16 bits half as many

_PNG, _JPEG, _BMP, _WEBP = "PNG", "JPEG", "BMP", "WebP"
_OPEN: dict[str, Any] = {
    _PNG: PngImagePlugin.PngImageFile,
    _JPEG: JpegImagePlugin.jpeg_factory,
    _BMP: BmpImagePlugin.BmpImageFile,
    _WEBP: WebPImagePlugin.WebPImageFile,
}
# How many times larger than its file an image can be, in bytes of pixels; a run in a BMP has two bytes for 255 pixels.
_BEST = {_PNG: 1100, _JPEG: 2000, _BMP: 130}


def open_raster(path: Path) -> Image.Image:
    """Open a PNG, JPEG, BMP or WebP file with Pillow; no other of its decoders sees it.

    Raises
    ------
    LeukocyteError
        When the file is none of these, or states more pixels than are read.
    """
    with path.open("rb") as stream:
        head = stream.read(33)
    kind = _kind(head)
    if kind is None:
        raise LeukocyteError(f"{path} is not an image that can be read; give a PNG, JPEG, BMP, WebP or TIFF file.")
    try:
        image: Image.Image = _OPEN[kind](path)
    except (SyntaxError, TypeError, IndexError, KeyError, struct.error) as error:  # as Image.open takes them
        raise UnidentifiedImageError(reason_in(error)) from error
    limit = LARGEST_MEGAPIXELS // (2 if _deep(head) else 1)
    if image.width * image.height > limit * 10**6:
        image.close()
        raise LeukocyteError(
            f"{path} has too many pixels ({image.width} x {image.height}): such a {kind} file is read up to {limit} "
            "megapixels; save it as a tiled TIFF."
        )
    return image


def read_raster(path: Path) -> tuple[NDArray[Any], bool, PixelSize]:
    """Read such a file: (Y, X) or (Y, X, 3 or 4), whether it has colours, and the pixel size it states.

    Raises
    ------
    LeukocyteError
        As `open_raster`, and for an animation.
    """
    with open_raster(path) as image:
        _check(image, path)
        array = _read_png16(path) if _is_png16_colour(path) else _as_array(image)
        return array, array.ndim == 3, _stated(image)


def raster_facts(path: Path) -> tuple[tuple[int, ...], bool, PixelSize] | None:
    """Find out what `read_raster` would read, without its pixels: shape, whether it has colours, pixel size.

    None for a file whose head does not tell. What is wrong with the pixels is found out when they are read; else it
    raises as `read_raster` does.
    """
    with open_raster(path) as image:
        _check(image, path)
        if _is_png16_colour(path):
            return None
        colours = _mode(image) in ("RGB", "RGBA")
        size = (image.height, image.width)
        return (*size, len(_mode(image))) if colours else size, colours, _stated(image)


def raster_pixel_size(path: Path) -> PixelSize:
    """Read the pixel size that such a file states; raises as `open_raster` does."""
    with open_raster(path) as image:
        return _stated(image)


def raster_numbers(path: Path) -> NDArray[Any] | None:
    """Read the numbers behind the colours of a file with a palette; None when it has none."""
    with open_raster(path) as image:
        _check_bytes(image, path)
        return np.array(image) if image.mode == "P" else None


def _kind(head: bytes) -> str | None:
    """The format by its first bytes."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if head.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if head.startswith(b"BM"):
        return _BMP
    return _WEBP if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _deep(head: bytes) -> bool:
    """Whether it is a PNG with 16 bits a sample."""
    return _kind(head) == _PNG and len(head) == 33 and head[24] == 16


def _is_png16_colour(path: Path) -> bool:
    """Whether it is one with several samples a pixel, of which Pillow would keep 8 bits without a word."""
    with path.open("rb") as stream:
        head = stream.read(33)
    return _deep(head) and head[25] in (2, 4, 6)


def _check(image: Image.Image, path: Path) -> None:
    """Refuse what is no single image, or states more than the file can hold."""
    # A camera's JPEG may carry a preview as a second frame (MPO); an animation is no image of ours.
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise LeukocyteError(f"{path} is an animation; save the frame you want as PNG.")
    _check_bytes(image, path)


def _check_bytes(image: Image.Image, path: Path) -> None:
    """Refuse more pixels than the file can hold, before they are allocated."""
    size = path.stat().st_size
    least_bits = 1 if image.mode in ("1", "P") else 8  # a sample; a palette may have 1 bit
    best = _BEST.get("JPEG" if image.format == "MPO" else str(image.format))
    if best is not None and image.width * image.height * least_bits / 8 > best * size:
        raise LeukocyteError(
            f"{path} is damaged or cut short: it states {image.width} x {image.height} pixels in {size} bytes; "
            "copy it again from its source."
        )


def _stated(image: Image.Image) -> PixelSize:
    return from_dpi(*(float(value) for value in image.info.get("dpi", (0, 0))))


def _read_png16(path: Path) -> NDArray[np.uint16]:
    import imagecodecs

    try:
        array = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    except imagecodecs.PngError as error:
        raise LeukocyteError(
            f"{path} is damaged or cut short ({reason_in(error)}); copy it again from its source."
        ) from error
    return array[..., [0, 0, 0, 1]] if array.shape[-1] == 2 else array


def _as_array(image: Image.Image) -> NDArray[Any]:
    mode = _mode(image)
    return np.array(image if mode == image.mode else image.convert(mode))


def _mode(image: Image.Image) -> str:
    """Pillow's name for the kind of pixels that are read."""
    transparent = "transparency" in image.info
    if image.mode in ("LA", "La", "PA", "RGBa") or (transparent and image.mode in ("P", "L", "RGB")):
        return "RGBA"
    if image.mode in ("1", "L", "I", "F", "RGB", "RGBA") or image.mode.startswith("I;16"):
        return image.mode
    return "RGB"
