"""Class maps and cell labels as files, each complete or not there, each saying what made it."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import tifffile
from numpy.typing import ArrayLike, NDArray
from PIL import Image, PngImagePlugin

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.provenance import PNG_KEY, provenance_json

__all__ = [
    "write_cells_png",
    "write_cells_tiff",
    "write_class_png",
    "write_class_tiff",
    "write_numbers_png",
    "write_picture",
]

_TILE = (256, 256)


def write_class_png(
    path: str | PathLike[str],
    classes: ArrayLike,
    *,
    provenance: Mapping[str, Any],
    pixel_size: float | None = None,
    palette: bool = True,
) -> None:
    """Write a class map as 8-bit PNG with the values 0, 1 and 2.

    Parameters
    ----------
    path : str or PathLike
        The file; an old one is replaced in one step.
    classes : array-like
        Integer (Y, X): 0 background, 1 cytoplasm or (binary) cell, 2 nucleus.
    provenance : mapping
        Written into the file, see `napari_leukocyte.core.imaging.provenance`.
    pixel_size : float, optional
        um per px, written as the resolution.
    palette : bool
        With the mask colours (blue, green, red) as palette, so that any viewer shows them. Some readers
        (imageio, scikit-image, OpenCV) then give the colours; without the palette every reader gives 0/1/2.

    Raises
    ------
    LeukocyteError
        When the map has other values or axes, or the file cannot be written.
    """
    image = Image.fromarray(_class_map(classes, axes=(2,)))
    if palette:
        # A full palette, or Pillow packs the three values into 2 bits a pixel.
        image.putpalette([part for value in range(256) for part in MASK_COLOURS.get(value, (0, 0, 0))])
    _save_png(path, image, provenance, pixel_size)


def write_picture(
    path: str | PathLike[str],
    picture: ArrayLike,
    *,
    provenance: Mapping[str, Any],
    pixel_size: float | None = None,
) -> None:
    """Write an RGB picture, uint8 (Y, X, 3), as PNG; parameters and errors as in `write_class_png`."""
    _save_png(path, Image.fromarray(np.asarray(picture)), provenance, pixel_size)


def write_cells_png(
    path: str | PathLike[str],
    cells: ArrayLike,
    *,
    provenance: Mapping[str, Any],
    pixel_size: float | None = None,
) -> None:
    """Write cell labels, integer (Y, X) from 0 to 65535, as 16-bit grayscale PNG.

    Parameters and errors are those of `write_class_png`.
    """
    labels = _cell_labels(cells, axes=(2,))
    if labels.dtype != np.uint16:
        raise LeukocyteError("A 16-bit PNG holds cell labels up to 65535; write these as TIFF.")
    _save_png(path, Image.fromarray(labels), provenance, pixel_size)


def write_numbers_png(
    path: str | PathLike[str],
    numbers: ArrayLike,
    *,
    provenance: Mapping[str, Any],
    pixel_size: float | None = None,
) -> None:
    """Write whole numbers, (Y, X) from 0 to 255, as 8-bit grayscale PNG; see `write_class_png`."""
    _save_png(path, Image.fromarray(np.asarray(numbers, np.uint8)), provenance, pixel_size)


def write_class_tiff(
    path: str | PathLike[str],
    classes: ArrayLike,
    *,
    provenance: Mapping[str, Any],
    pixel_size: float | None = None,
) -> None:
    """Write a class map (Y, X) or a stack of them (N, Y, X) as tiled, zlib-compressed 8-bit TIFF.

    Parameters and errors are those of `write_class_png`; a plane of a stack is a page.
    """
    _save_tiff(path, _class_map(classes, axes=(2, 3)), provenance, pixel_size)


def write_cells_tiff(
    path: str | PathLike[str],
    cells: ArrayLike,
    *,
    provenance: Mapping[str, Any],
    pixel_size: float | None = None,
) -> None:
    """Write cell labels (Y, X) or (N, Y, X) as tiled, zlib-compressed TIFF.

    They are uint16 when they fit, else uint32; a plane of a stack is a page. Parameters and errors are those
    of `write_class_png`.
    """
    _save_tiff(path, _cell_labels(cells, axes=(2, 3)), provenance, pixel_size)


def _class_map(classes: ArrayLike, *, axes: tuple[int, ...]) -> NDArray[np.uint8]:
    array = _integers(classes, "class map", axes)
    if array.min() < 0 or array.max() > 2:
        raise LeukocyteError(
            f"A class map holds 0, 1 and 2 only, but this one goes from {array.min()} to {array.max()}; "
            "choose the class map, not the cell labels."
        )
    return np.ascontiguousarray(array, dtype=np.uint8)


def _cell_labels(cells: ArrayLike, *, axes: tuple[int, ...]) -> NDArray[Any]:
    array = _integers(cells, "cell label image", axes)
    largest = int(array.max())
    if array.min() < 0 or largest > np.iinfo(np.uint32).max:
        raise LeukocyteError(
            f"Cell labels are 0 or positive, but these go from {array.min()} to {largest}; renumber them."
        )
    return np.ascontiguousarray(array, dtype=np.uint16 if largest <= np.iinfo(np.uint16).max else np.uint32)


def _integers(values: ArrayLike, what: str, axes: tuple[int, ...]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "bui" or array.ndim not in axes or array.size == 0:
        wanted = " or ".join("(Y, X)" if count == 2 else "(N, Y, X)" for count in axes)
        raise LeukocyteError(
            f"A {what} is a non-empty array of integers {wanted}, but this one is {array.dtype} of shape "
            f"{array.shape}; convert it first."
        )
    return array


def _save_png(
    path: str | PathLike[str], image: Image.Image, provenance: Mapping[str, Any], pixel_size: float | None
) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text(PNG_KEY, provenance_json(provenance))
    options = {} if pixel_size is None else {"dpi": (25400 / pixel_size, 25400 / pixel_size)}
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG", pnginfo=text, **options)


def _save_tiff(
    path: str | PathLike[str], array: NDArray[Any], provenance: Mapping[str, Any], pixel_size: float | None
) -> None:
    per_cm = None if pixel_size is None else (1e4 / pixel_size, 1e4 / pixel_size)
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            array,
            photometric="minisblack",
            compression="zlib",
            tile=_TILE,
            description=provenance_json(provenance),
            metadata=None,  # the description is ours alone
            resolution=per_cm,
            resolutionunit=None if per_cm is None else "CENTIMETER",
        )
