"""What a Python program hands over as an image: a file or an array, opened as the planes that it has."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.imaging import remote
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_array, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import check_typed
from napari_leukocyte.core.imaging.planes import is_colour

__all__ = ["Image", "OpenedImage", "checked_pixel_size", "open_image", "path_of"]

Image = str | os.PathLike[str] | npt.ArrayLike


@dataclass(frozen=True)
class OpenedImage:
    """The planes of an image, at least one; ``stack`` also of an array (1, Y, X)."""

    name: str
    path: Path | None
    stack: bool
    sources: Sequence[ImageSource]


def checked_pixel_size(um: float | None) -> float | None:
    """Return the pixel size as a plain number, None as None.

    Raises
    ------
    LeukocyteError
        When it is no number, or not between 0.01 and 2 um per px.
    """
    if um is None:
        return None
    try:
        um = float(um)
    except (TypeError, ValueError):
        raise LeukocyteError(f"The pixel size {um!r} is no number: give um per px, 0.01 to 2.") from None
    check_typed(um)
    return um


def path_of(image: Image) -> Path | None:
    """The file that is meant; None for an array."""
    return remote.path_of(image) if isinstance(image, str | os.PathLike) else None


def open_image(
    image: Image, *, name: str | None = None, rgb: bool | None = None, by_heads: bool = False
) -> OpenedImage:
    """Open a file, or take an array (numpy, dask, zarr, or what numpy makes one of).

    Parameters
    ----------
    name
        What tables call it; None: the file's name, or ``image``.
    rgb
        Whether the last axis of an array holds colours; None: found from the shape.
    by_heads
        Of a file, as `sources_from_files` has it.

    Raises
    ------
    LeukocyteError
        When it cannot be read, or is neither an image nor a stack.
    """
    path = path_of(image)
    if path is None:
        array = _as_array(image)
        sources: list[ImageSource | BrokenImage] = [*sources_from_array(array, name=name or "image", rgb=rgb)]
        axes = len(array.shape) - is_colour(array.shape, rgb=rgb)
        stack = axes == 3 and array.shape[-1] != 1
        if not sources:
            raise LeukocyteError(f"The stack is empty (shape {tuple(array.shape)}); give one with at least one plane.")
    else:
        sources = list(sources_from_files([path], by_heads=by_heads))
        stack = len(sources) > 1
    opened = []
    for source in sources:
        if isinstance(source, BrokenImage):
            raise LeukocyteError(source.reason)
        opened.append(source)
    return OpenedImage(name or opened[0].name, path, stack, opened)


def _as_array(image: Any) -> Any:
    """Leave what numpy, dask and zarr make alone, so that planes are read one by one; make an array of the rest."""
    if isinstance(getattr(image, "dtype", None), np.dtype) and isinstance(getattr(image, "shape", None), tuple):
        return image
    try:
        return np.asarray(image)
    except MemoryError:
        raise
    except Exception as error:  # ragged lists, tensors on a GPU: whatever their libraries raise
        raise LeukocyteError(
            f"A {type(image).__name__} cannot be used as an image ({reason_in(error)}): give a path, or an array of "
            "numbers (Y, X) or (Y, X, 3)."
        ) from error
