"""Any plane of an image as RGB in 0-1, with a word on whatever had to be done to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.planes import get_plane, plane_count

__all__ = ["Conversion", "Converted", "find_conversion", "to_rgb"]

_PERCENTILES = (0.1, 99.9)  # of the plane, jointly over its channels: this keeps the hue of the stain


@dataclass(frozen=True)
class Converted:
    """A plane as the rest of the package takes it.

    Attributes
    ----------
    image : ndarray
        float32 (Y, X, 3), RGB in 0-1.
    notes : tuple of str
        What was done to the plane beyond the plain reading, to be shown; empty for 8-bit RGB and for RGB
        already in 0-1.
    """

    image: NDArray[np.float32]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Conversion:
    """How one plane becomes RGB; found on the whole plane, applied to it or to any window of it.

    Attributes
    ----------
    low, high : float
        The values that become 0 and 1; what lies beyond is clipped.
    opaque : float or None
        The value of an opaque alpha, when the plane is to be composited on white.
    notes : tuple of str
        As in `Converted`.
    """

    low: float
    high: float
    opaque: float | None
    notes: tuple[str, ...]

    def __call__(self, window: ArrayLike) -> NDArray[np.float32]:
        """Convert a window, (Y, X) or (Y, X, 1, 3 or 4), of the plane to float32 (Y, X, 3) in 0-1."""
        values = np.asarray(window)
        if values.ndim == 2:
            values = values[..., np.newaxis]
        if values.dtype == np.uint8 and self.opaque is None and (self.low, self.high) == (0, 255):
            shades: NDArray[np.float32] = np.divide(values[..., :3], np.float32(255), dtype=np.float32)
            return np.repeat(shades, 3, axis=-1) if shades.shape[-1] == 1 else shades
        # float32 holds 24 bits: wider types are subtracted in double precision first.
        wide = values.dtype.itemsize > (2 if values.dtype.kind in "ui" else 4)
        colours: NDArray[Any] = values[..., :3].astype(np.float64 if wide else np.float32)
        colours -= self.low
        colours /= self.high - self.low
        np.clip(colours, 0, 1, out=colours)
        image = colours.astype(np.float32, copy=False)
        if self.opaque is not None:
            alpha = np.clip(values[..., 3:].astype(np.float32) / np.float32(self.opaque), 0, 1)
            image = image * alpha + (1 - alpha)
        if image.shape[-1] == 1:
            image = np.repeat(image, 3, axis=-1)
        return image


def to_rgb(image: Any, *, rgb: bool | None = None) -> Converted:
    """Convert one plane of any ordinary kind to RGB in 0-1. The input is never changed.

    uint8 is divided by 255; floating point within 0-1 stays as it is; everything else is scaled so that the
    0.1 and 99.9 percentiles of the plane, jointly over its channels, become 0 and 1. Grayscale is repeated
    for the three colours. An opaque alpha is dropped, any other is composited on white.

    Parameters
    ----------
    image : array-like
        (Y, X), (Y, X, 1), (Y, X, 3) or (Y, X, 4); integers or floating point.
    rgb : bool, optional
        What is known about the last axis, for instance the ``rgb`` flag of a layer; unknown: a last axis of
        3 or 4 is RGB or RGBA.

    Returns
    -------
    Converted
        The image, float32 (Y, X, 3) in 0-1, and notes on what was done.

    Raises
    ------
    LeukocyteError
        For anything that is not one usable plane; the sentence says what is wrong and what to do.

    Examples
    --------
    >>> to_rgb(np.array([[0, 255], [51, 102]], dtype=np.uint8)).image[..., 0].round(2).tolist()
    [[0.0, 1.0], [0.20000000298023224, 0.4000000059604645]]
    >>> to_rgb(np.eye(2, dtype=np.uint8)).notes
    ('grayscale, repeated for red, green and blue',)
    """
    conversion = find_conversion(image, rgb=rgb)
    return Converted(conversion(get_plane(_as_array(image), 0, rgb=rgb)), conversion.notes)


def find_conversion(image: Any, *, rgb: bool | None = None, black: float | None = None) -> Conversion:
    """Check one plane and find how it becomes RGB, without converting it.

    A large field is converted window by window with the result, so that no window has its own contrast.
    Parameters and errors are those of `to_rgb`; ``black`` is what becomes 0 in place of the 0.1 percentile, where
    numbers are scaled.
    """
    plane = _one_plane(_as_array(image), rgb=rgb)
    colours, alpha = (plane[..., :3], plane[..., 3]) if plane.shape[-1] == 4 else (plane, None)
    notes: list[str] = []

    opaque = None
    if alpha is not None:
        least, most = float(alpha.min()), float(alpha.max())
        full = _opaque_value(alpha.dtype, most)
        if least < 0 or most == 0:
            raise LeukocyteError("The image is transparent everywhere; save it again without its alpha channel.")
        if least < full:
            opaque = full
            colours = colours[alpha > 0]  # what nobody sees must not set the contrast
            notes.append("partly transparent, put on a white background")

    if _is_uniform(colours):
        what = "value" if colours.shape[-1] == 1 else "colour"
        values = colours.reshape(-1, colours.shape[-1])[0].tolist()
        raise LeukocyteError(
            f"Every pixel of the image has the same {what} ({', '.join(f'{v:g}' for v in values)}), "
            "so there is nothing to find; choose another image or plane."
        )

    if plane.dtype == np.uint8:
        low, high = 0.0, 255.0
    elif plane.dtype.kind == "f" and colours.min() >= 0 and colours.max() <= 1:
        low, high = 0.0, 1.0
    else:
        lowest, high = _percentiles(colours)
        low, share = (lowest, "0.1-99.9 %") if black is None else (black, "99.9 %")
        notes.append(f"{_kind(plane.dtype)} values scaled: {low:g} became 0 and {high:g} became 1 ({share})")
    if plane.shape[-1] == 1:
        notes.append("grayscale, repeated for red, green and blue")
    return Conversion(low, high, opaque, tuple(notes))


def _as_array(image: Any) -> Any:
    """Leave what has a shape and a dtype (dask and zarr too) alone; make an array of the rest."""
    if hasattr(image, "shape") and hasattr(image, "dtype"):
        return image
    try:
        return np.asarray(image)
    except ValueError as error:
        raise LeukocyteError(
            "This is no image: its rows differ in length; give an array of numbers, (Y, X) or (Y, X, 3)."
        ) from error


def _one_plane(array: Any, *, rgb: bool | None) -> NDArray[Any]:
    """Check dtype, shape and values; return (Y, X, C) with C of 1, 3 or 4."""
    _check_dtype(np.dtype(array.dtype))
    if 0 in array.shape:
        raise LeukocyteError(f"The image is empty (shape {tuple(array.shape)}); choose another image or region.")
    count = plane_count(array.shape, rgb=rgb)
    if count != 1:
        raise LeukocyteError(
            f"The array of shape {tuple(array.shape)} is a stack of {count} planes; give one plane at a time."
        )
    plane = get_plane(array, 0, rgb=rgb)
    if plane.ndim == 2:
        plane = plane[..., np.newaxis]
    height, width = plane.shape[:2]
    if min(height, width) == 1:
        raise LeukocyteError(
            f"The image is only 1 pixel {'high' if height == 1 else 'wide'} ({height} x {width}); "
            "choose a larger image or region."
        )
    if plane.dtype.kind == "f":
        bad = plane.size - int(np.count_nonzero(np.isfinite(plane)))
        if bad:
            raise LeukocyteError(
                f"The image has {bad} pixel values that are not a number or infinite; "
                "replace them (for instance with numpy.nan_to_num) and try again."
            )
    return plane


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype.kind in "uif":
        return
    if dtype.kind == "b":
        raise LeukocyteError(
            "The image holds only true and false: it is a mask, not a picture; choose the picture itself."
        )
    if dtype.kind == "c":
        raise LeukocyteError("The image holds complex numbers; take their absolute value or real part and try again.")
    raise LeukocyteError(f"The image holds no numbers (its type is {dtype}); convert it to uint8, uint16 or float32.")


def _is_uniform(colours: NDArray[Any]) -> bool:
    """Whether all pixels, on all axes but the last, have one colour; of most images a single row tells."""
    first = colours[(0,) * (colours.ndim - 1)]
    return all(bool((part == first).all()) for part in colours)


def _opaque_value(dtype: np.dtype[Any], largest: float) -> float:
    """Return the value of an alpha that means opaque: the largest of the type, or what its largest value suggests."""
    if dtype in (np.uint8, np.uint16):
        return float(np.iinfo(dtype).max)
    return next((full for full in (1.0, 255.0, 65535.0) if largest <= full), largest)


def _percentiles(colours: NDArray[Any]) -> tuple[float, float]:
    values = colours.astype(np.float32) if colours.dtype == np.float16 else colours
    low, high = (float(value) for value in np.percentile(values, _PERCENTILES))
    if not high > low:
        raise LeukocyteError(
            f"Nearly every pixel of the image has the same value ({low:g}), so there is nothing to find; "
            "choose another image or plane."
        )
    return low, high


def _kind(dtype: np.dtype[Any]) -> str:
    return "floating-point" if dtype.kind == "f" else f"{8 * dtype.itemsize}-bit"
