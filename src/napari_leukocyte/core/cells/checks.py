"""Checks of the arrays that every measure rests on, each with one sentence for the user."""

import math

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["check_cell_labels", "check_class_map", "check_pixel_size", "check_same_shape"]


def _check_plane(array: npt.ArrayLike, *, name: str) -> npt.NDArray[np.generic]:
    """Refuse what is not a non-empty (Y, X) array of integers."""
    plane = np.asarray(array)
    if plane.ndim != 2:
        raise LeukocyteError(f"The {name} has the shape {plane.shape}, but one plane (Y, X) is needed; pick one plane.")
    if plane.size == 0:
        raise LeukocyteError(f"The {name} is empty (shape {plane.shape}); choose an image with pixels in it.")
    if plane.dtype != np.bool_ and not np.issubdtype(plane.dtype, np.integer):
        raise LeukocyteError(
            f"The {name} holds {plane.dtype} values, but whole numbers are needed; convert it to integers."
        )
    return plane


def check_class_map(classes: npt.ArrayLike, *, name: str = "class map", binary: bool = False) -> npt.NDArray[np.uint8]:
    """Return the class map as uint8, or say in words why it is none.

    Parameters
    ----------
    classes : (Y, X) array of integers or bool
        0 background, 1 cytoplasm, 2 nucleus; binary: 0 background, 1 cell.
    name : str
        What the sentence calls the array.
    binary : bool
        Allow 0 and 1 only.

    Returns
    -------
    (Y, X) uint8 array

    Raises
    ------
    LeukocyteError
        Not two-dimensional, empty, not integer, or a value that is no class.

    Examples
    --------
    >>> check_class_map([[0, 1], [2, 1]])
    array([[0, 1],
           [2, 1]], dtype=uint8)
    """
    plane = _check_plane(classes, name=name)
    highest = 1 if binary else 2
    low, high = int(plane.min()), int(plane.max())
    if low < 0 or high > highest:
        meaning = "0 background, 1 cell" if binary else "0 background, 1 cytoplasm, 2 nucleus"
        raise LeukocyteError(
            f"The {name} holds the value {low if low < 0 else high}, but its classes are {meaning}; "
            "convert the mask to these values first."
        )
    return plane.astype(np.uint8)


def check_cell_labels(
    cells: npt.ArrayLike, *, shape: tuple[int, ...] | None = None, name: str = "cell-label map"
) -> npt.NDArray[np.int32]:
    """Return cell labels as int32, or say in words why they are none.

    Parameters
    ----------
    cells : (Y, X) array of integers
        0 background, 1..n the cell of each pixel.
    shape : tuple, optional
        The shape that the labels must have.
    name : str
        What the sentence calls the array.

    Returns
    -------
    (Y, X) int32 array

    Raises
    ------
    LeukocyteError
        Not two-dimensional, empty, not integer, negative, or of another shape.
    """
    plane = _check_plane(cells, name=name)
    if int(plane.min()) < 0:
        raise LeukocyteError(f"The {name} holds a negative number; cells are numbered from 1, background is 0.")
    if int(plane.max()) > np.iinfo(np.int32).max:
        raise LeukocyteError(f"The {name} holds the number {int(plane.max())}; renumber its cells from 1.")
    if shape is not None:
        check_same_shape(plane.shape, shape, names=(f"The {name}", "the class map"))
    return plane.astype(np.int32)


def check_same_shape(shape: tuple[int, ...], other: tuple[int, ...], *, names: tuple[str, str]) -> None:
    """Refuse two arrays of different size with a sentence that names both shapes."""
    if shape != other:
        raise LeukocyteError(f"{names[0]} has the shape {shape} and {names[1]} {other}; both must have the same size.")


def check_pixel_size(pixel_size: float | None) -> float | None:
    """Return the pixel size in um per px (None: unknown), or say in words why it is none."""
    if pixel_size is None:
        return None
    if not math.isfinite(pixel_size) or pixel_size <= 0:
        raise LeukocyteError(
            f"A pixel size of {pixel_size} um is impossible; give a number above 0, or none if it is unknown."
        )
    return float(pixel_size)
