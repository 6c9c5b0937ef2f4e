"""What the axes of an array mean, and one plane of it at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError, reason_in

__all__ = ["get_plane", "is_colour", "plane_count", "plane_shape"]


def is_colour(shape: Sequence[int], *, rgb: bool | None = None) -> bool:
    """Say whether the last axis holds colours.

    Parameters
    ----------
    shape : sequence of int
        The shape of an image or a stack.
    rgb : bool, optional
        What is known about it, for instance the ``rgb`` flag of a layer. Unknown: a last axis of 3 or 4 is
        taken for colours when two axes are left in front of it.

    Raises
    ------
    LeukocyteError
        When ``rgb`` is True but the last axis is not 3 or 4 long.

    Examples
    --------
    >>> is_colour((480, 480, 3)), is_colour((480, 480)), is_colour((7, 480, 3), rgb=False)
    (True, False, False)
    """
    fits = len(shape) >= 3 and shape[-1] in (3, 4)
    if rgb and not fits and len(shape) >= 3:
        raise LeukocyteError(
            f"An image of shape {_text(shape)} cannot be RGB: its last axis would have to be 3 or 4 long; "
            "move the colours to the last axis, or open it as a stack of grayscale planes."
        )
    return fits if rgb is None else rgb and fits


def plane_count(shape: Sequence[int], *, rgb: bool | None = None) -> int:
    """Count the planes of an image, (Y, X) or (Y, X, 3 or 4), or a stack, with one axis N in front.

    Parameters
    ----------
    shape : sequence of int
        The shape of the array.
    rgb : bool, optional
        As in `is_colour`. Where it is unknown, a first axis of 2 to 5 could be channels or planes.

    Returns
    -------
    int
        1 for an image, N for a stack; an image with a single channel at its end, (Y, X, 1), is one plane.

    Raises
    ------
    LeukocyteError
        For fewer than two axes, more than one stack axis, or an array that has two readings.

    Examples
    --------
    >>> plane_count((480, 480, 3)), plane_count((12, 480, 480)), plane_count((12, 480, 480, 3))
    (1, 12, 12)
    """
    if any(length != length for length in shape):  # NaN is dask's unknown
        raise LeukocyteError(
            "An array whose size is not known yet cannot be taken for an image: call compute_chunk_sizes() of the dask "
            "array first."
        )
    shape = tuple(int(length) for length in shape)
    axes = len(shape) - (1 if is_colour(shape, rgb=rgb) else 0)
    if axes < 2:
        raise LeukocyteError(f"An array of shape {_text(shape)} is no image: give one of shape (Y, X) or (Y, X, 3).")
    if axes > 3:
        raise LeukocyteError(
            f"An array of shape {_text(shape)} has too many axes: choose one image, (Y, X) or (Y, X, 3), "
            "or one stack, (N, Y, X) or (N, Y, X, 3)."
        )
    if axes == 2 or shape[-1] == 1:
        return 1
    if rgb is None and len(shape) == 3 and (2 <= shape[0] <= 5 or shape[-1] in (2, 5)):
        raise LeukocyteError(two_readings(shape))
    return shape[0]


def plane_shape(shape: Sequence[int], *, rgb: bool | None = None) -> tuple[int, int]:
    """Height and width of the planes of an array that `plane_count` takes.

    Examples
    --------
    >>> plane_shape((480, 640, 3)), plane_shape((12, 480, 640)), plane_shape((480, 640, 1))
    ((480, 640), (480, 640), (480, 640))
    """
    last = len(shape) - (is_colour(shape, rgb=rgb) or (len(shape) > 2 and shape[-1] == 1))
    return int(shape[last - 2]), int(shape[last - 1])


def get_plane(array: Any, index: int, *, rgb: bool | None = None, name: str = "The image") -> NDArray[Any]:
    """Read one plane of an image or a stack; of a dask or zarr array nothing else is read.

    Parameters
    ----------
    array : array-like
        (Y, X), (Y, X, C), (N, Y, X) or (N, Y, X, C); numpy, memory-mapped, dask or zarr.
    index : int
        0 to ``plane_count(array.shape, rgb=rgb) - 1``.
    rgb : bool, optional
        As in `plane_count`.
    name : str
        What an error calls the image, for instance its file.

    Returns
    -------
    ndarray
        (Y, X) or (Y, X, C), as `napari_leukocyte.core.imaging.convert.to_rgb` takes it. It may share memory
        with ``array``.

    Raises
    ------
    IndexError
        When there is no such plane.
    LeukocyteError
        When an array that is read only now cannot be read, or the plane has not the shape that the array states.
    """
    count = plane_count(array.shape, rgb=rgb)
    if not 0 <= index < count:
        raise IndexError(f"plane {index} of {count}")
    stacked = len(array.shape) == (4 if is_colour(array.shape, rgb=rgb) else 3) and array.shape[-1] != 1
    try:
        plane = np.asarray(array[index] if stacked else array)
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # a damaged block of a file; decoders raise almost anything
        raise LeukocyteError(
            f"{name} cannot be read ({reason_in(error)}): it is damaged, or its disk is out of reach; copy it again."
        ) from error
    stated = tuple(array.shape[1:] if stacked else array.shape)
    if plane.shape != stated:  # files of mixed sizes that were opened as a stack
        which = f"{name}, plane {index}," if stacked else name
        raise LeukocyteError(
            f"{which} has the shape {_text(plane.shape)}, but {_text(stated)} is stated: images of mixed sizes are no "
            "stack; open their folder as a list of images instead."
        )
    return plane


def two_readings(shape: Sequence[int]) -> str:
    """Say in one sentence how an array with a short axis could be read, and what to do."""
    first = 2 <= shape[0] <= 5
    channels = shape[0] if first else shape[-1]
    if channels in (3, 4):
        colour = f"one {'RGB' if channels == 3 else 'RGBA'} image with its colours on the first axis"
        remedy = "move that axis to the end (np.moveaxis(image, 0, -1))"
    else:
        colour, remedy = (
            f"one image with {channels} channels",
            "keep three of them as (Y, X, 3), or one as (Y, X)",
        )
    planes = f"{shape[0]} grayscale planes of {shape[1]} x {shape[2]} px"
    return (
        f"An array of shape {_text(shape)} can be read as {colour} or as a stack of {planes}: "
        f"for the first {remedy}, for the second open it as a stack (rgb off)."
    )


def _text(shape: Sequence[int]) -> str:
    return "(" + ", ".join(str(int(length)) for length in shape) + ("," if len(shape) == 1 else "") + ")"
