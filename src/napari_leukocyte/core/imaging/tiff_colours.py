"""What the numbers of a TIFF page stand for: gray values, colours, places in a palette."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["Coding", "coding_of"]

_GRAY = {PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MASK}
_PILLOW_MODES = {PHOTOMETRIC.SEPARATED: "CMYK", PHOTOMETRIC.YCBCR: "YCbCr"}

# Decoders of these give RGB whatever the file holds.
_TO_RGB = {
    COMPRESSION.OJPEG,
    COMPRESSION.JPEG,
    COMPRESSION.ALT_JPEG,
    COMPRESSION.JPEG_LOSSY,
    COMPRESSION.WEBP,
    COMPRESSION.JPEG2000,
    COMPRESSION.JPEG_2000_LOSSY,
    COMPRESSION.APERIO_JP2000_YCBC,
    COMPRESSION.JPEGXL,
}


@dataclass(frozen=True)
class Coding:
    """How an array with the numbers of a file becomes an image.

    Attributes
    ----------
    axes
        A letter for each axis of the array, S for the samples of a pixel.
    photometric
        The tag of that name; YCbCr that the decoder has made RGB counts as RGB.
    bits
        Of one sample.
    extras
        What the samples beyond gray or colour are (the tag ExtraSamples); those left out are unspecified.
    palette
        uint8 (n, 3), for a file with a palette.
    """

    axes: str
    photometric: PHOTOMETRIC
    bits: int
    extras: tuple[int, ...]
    palette: NDArray[np.uint8] | None = None

    @property
    def rgb(self) -> bool:
        """Whether the image has colours on its last axis."""
        return "S" in self.axes or self.palette is not None

    @property
    def as_it_is(self) -> bool:
        """Whether the numbers are the image, but for the order of the axes."""
        plain = self.photometric in {PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB} and self.bits >= 8
        one_alpha = self.photometric == PHOTOMETRIC.RGB and self.extras == (EXTRASAMPLE.UNASSALPHA,)
        return plain and (not self.extras or one_alpha)

    def in_order(self, array: Any) -> Any:
        """Bring the samples to the end and the stack to the front."""
        order = sorted(range(len(self.axes)), key=lambda i: {"Y": 1, "X": 2, "S": 3}.get(self.axes[i], 0))
        return array if order == list(range(len(order))) else np.transpose(array, order)

    def image(self, array: Any) -> Any:
        """Turn the array into gray values (..., Y, X) or colours (..., Y, X, 3 or 4).

        White is the largest value, sample bits below 8 are spread over 0-255, and only what the file calls alpha is
        a fourth channel. An array that is the image already may be memory-mapped and stays so.

        Raises
        ------
        LeukocyteError
            When the colours are of a kind that is not read.
        """
        array = self.in_order(array)
        if self.as_it_is:
            return array
        array = np.asarray(array)
        if self.palette is not None:
            return self._painted(array)
        if self.photometric in _PILLOW_MODES:
            return self._converted(array)
        array = self._white_on_top(array)
        return array if "S" not in self.axes else self._without_extras(array)

    def _painted(self, numbers: NDArray[Any]) -> NDArray[np.uint8]:
        assert self.palette is not None
        if numbers.size and int(numbers.max()) >= len(self.palette):
            raise LeukocyteError("Its palette has fewer colours than its pixels use; save it as RGB.")
        painted: NDArray[np.uint8] = self.palette[numbers]
        return painted

    def _converted(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        mode = _PILLOW_MODES[self.photometric]
        count = len(mode) if mode == "CMYK" else 3
        if array.dtype != np.uint8 or "S" not in self.axes or array.shape[-1] < count:
            raise LeukocyteError(f"Its colours are {mode} of {self.bits} bits, which is not read; save it as RGB.")
        rows = np.ascontiguousarray(array[..., :count]).reshape(-1, array.shape[-2], count)
        height, width = rows.shape[:2]
        image = Image.frombytes(mode, (width, height), rows.tobytes()).convert("RGB")
        colours: NDArray[np.uint8] = np.asarray(image).reshape(*array.shape[:-1], 3)
        return colours

    def _white_on_top(self, array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype.kind == "b":
            return ~array if self.photometric == PHOTOMETRIC.MINISWHITE else array
        if array.dtype.kind != "u":
            return array
        largest = array.dtype.type(2**self.bits - 1)
        if self.photometric == PHOTOMETRIC.MINISWHITE:
            array = largest - array
        return array * array.dtype.type(255 // largest) if self.bits < 8 else array

    def _without_extras(self, array: NDArray[Any]) -> NDArray[Any]:
        count = array.shape[-1] - len(self.extras)
        colours = array[..., :count]
        alphas = [i for i, kind in enumerate(self.extras) if kind != EXTRASAMPLE.UNSPECIFIED]
        if count == 1:
            colours = colours if not alphas else np.repeat(colours, 3, axis=-1)
        if not alphas:
            return colours[..., 0] if count == 1 else colours
        alpha = array[..., count + alphas[0], np.newaxis]
        if self.extras[alphas[0]] == EXTRASAMPLE.ASSOCALPHA:
            colours = _unmultiplied(colours, alpha)
        return np.concatenate([colours, alpha], axis=-1)


def coding_of(page: Any, axes: str, shape: tuple[int, ...]) -> Coding:
    """Find out what the numbers of a ``tifffile.TiffPage`` mean.

    Parameters
    ----------
    page
        The first page of the image or stack.
    axes, shape
        Of the array that tifffile makes of it.

    Raises
    ------
    LeukocyteError
        When its samples are neither gray nor colours that are read.
    """
    photometric, samples = page.photometric, dict(zip(axes, shape, strict=True)).get("S", 1)
    if photometric == PHOTOMETRIC.YCBCR and page.compression in _TO_RGB:
        photometric = PHOTOMETRIC.RGB
    if photometric == PHOTOMETRIC.PALETTE and page.colormap is not None and samples == 1:
        return Coding(axes, photometric, page.bitspersample, (), _palette(page.colormap))
    if photometric not in _GRAY | {PHOTOMETRIC.RGB, *_PILLOW_MODES}:
        name = getattr(photometric, "name", str(photometric))
        raise LeukocyteError(f"Its colours are of the kind {name}, which is not read; save it as RGB.")
    extras = tuple(int(kind) for kind in page.extrasamples)
    if photometric in _GRAY and samples in (3, 4) and not any(extras):
        photometric = PHOTOMETRIC.RGB  # colours that the file calls gray, as many writers do
    if photometric == PHOTOMETRIC.RGB and "S" not in axes:
        photometric = PHOTOMETRIC.MINISBLACK  # the planes of a stack, under a head that says colours
    own = {PHOTOMETRIC.RGB: 3, PHOTOMETRIC.SEPARATED: 4, PHOTOMETRIC.YCBCR: 3}.get(photometric, 1)
    extras = extras[-(samples - own) :] if samples > own else ()
    extras = (0,) * max(0, samples - own - len(extras)) + extras
    if samples < own or (own == 1 and extras and not any(extras)):
        raise LeukocyteError(
            f"The file holds {samples} values a pixel, which is neither grayscale nor RGB; save it as RGB."
        )
    return Coding(axes, photometric, page.bitspersample, extras)


def _palette(colormap: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Colours of 8 bits: the format has 16, but some programs write 8."""
    colours = np.asarray(colormap).T
    return (colours if colours.max() < 256 else colours >> 8).astype(np.uint8)


def _unmultiplied(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Colours as they were before they were multiplied with an alpha of the same type."""
    full = 1.0 if colours.dtype.kind == "f" else float(np.iinfo(colours.dtype).max)
    values = np.divide(colours * full, alpha, where=alpha > 0, out=np.zeros(colours.shape))
    values = np.minimum(values, full)
    straight: NDArray[Any] = (values if colours.dtype.kind == "f" else values.round()).astype(colours.dtype)
    return straight
