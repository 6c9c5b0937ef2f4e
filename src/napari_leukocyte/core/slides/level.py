"""One level of a slide: what lies on a disk or a server, read window by window."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError, reason_in

__all__ = ["LARGEST_BLOCK", "MISSING", "Level"]

_COLOURS = "SC"
LARGEST_BLOCK = 128 * 10**6
"""Bytes of what is read together for a window; several such blocks are in memory at a time."""
MISSING = 255
"""What 8-bit pixels are that a file does not have: white, as bare glass. What is white in more bits nobody knows."""


class Level:
    """A picture (Y, X) or (Y, X, 3) of which windows are read, as numpy's indexing has it: ``level[2:9, 40:80]``.

    Parameters
    ----------
    array
        Anything with ``shape``, ``dtype`` and lazy slices.
    axes
        A letter for each of its axes: Y, X, S or C for colours; others are one long.
    name
        What an error calls the slide.

    Raises
    ------
    LeukocyteError
        When it is neither gray nor in colours, or a stack.
    """

    ndim: int

    def __init__(self, array: Any, axes: str, *, name: str) -> None:
        self._array, self._axes, self._name = array, axes.upper(), name
        lengths = dict(zip(self._axes, array.shape, strict=True))
        colours = [axis for axis in self._axes if axis in _COLOURS and lengths[axis] > 1]
        stacked = [axis for axis in self._axes if axis not in ("Y", "X", *_COLOURS) and lengths[axis] > 1]
        if not {"Y", "X"} <= lengths.keys() or len(colours) > 1 or stacked:
            raise LeukocyteError(
                f"{name} has the axes {self._axes} of lengths {', '.join(map(str, array.shape))}: a slide is one "
                "picture, gray or in colours, so save that alone."
            )
        self._colour = self._axes.index(colours[0]) if colours else None
        samples = lengths[colours[0]] if colours else 1
        if samples not in (1, 3, 4):
            raise LeukocyteError(f"{name} has {samples} channels: a slide is gray or in colours, so save it as RGB.")
        self.dtype = np.dtype(array.dtype)
        if self.dtype.kind not in "uif":
            raise LeukocyteError(f"{name} holds no picture (its type is {self.dtype}): save it as 8-bit RGB.")
        self._alpha = samples == 4
        size = (int(lengths["Y"]), int(lengths["X"]))
        self.shape: tuple[int, ...] = size if samples == 1 else (*size, 3)
        self.ndim = len(self.shape)
        self.block_bytes: int = _block_size(array) * self.dtype.itemsize

    @property
    def in_parts(self) -> bool:
        """Whether a window costs little more than itself."""
        return self.block_bytes <= LARGEST_BLOCK

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns, px."""
        return self.shape[0], self.shape[1]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a window; what is left out of an index is taken whole, as of a numpy array.

        Raises
        ------
        LeukocyteError
            When the pixels cannot be read.
        """
        rows, columns, *rest = (*(key if isinstance(key, tuple) else (key,)), slice(None), slice(None))[:3]
        where = {"Y": rows, "X": columns}
        index = tuple(where.get(axis, slice(None) if i == self._colour else 0) for i, axis in enumerate(self._axes))
        try:
            window = np.asarray(self._array[index])
        except (LeukocyteError, MemoryError):
            raise
        except Exception as error:  # a damaged block, or a server that is away; decoders raise almost anything
            raise LeukocyteError(
                f"{self._name} cannot be read at rows {_words(rows)}, columns {_words(columns)} ({reason_in(error)}): "
                "it is damaged, or out of reach, so copy it again from its source."
            ) from error
        if self._colour is not None:
            left = [axis for i, axis in enumerate(self._axes) if i == self._colour or _kept(where.get(axis))]
            window = np.moveaxis(window, left.index(self._axes[self._colour]), -1)
            if self._alpha:
                window = _on_white(window)
            window = window[(..., *rest[:1])]
        return window


def _block_size(array: Any) -> int:
    """How many values are read together; 0 where an array has no blocks."""
    sides = getattr(array, "chunksize", None) or getattr(array, "chunks", None)  # those of dask, those of zarr
    return prod(map(min, sides, array.shape)) if sides else 0


def _words(index: Any) -> str:
    """What an index takes.

    >>> _words(slice(3, 9)), _words(slice(None)), _words(7)
    ('3 to 9', 'all', '7')
    """
    if not isinstance(index, slice):
        return str(index)
    return "all" if index.stop is None else f"{index.start or 0} to {index.stop}"


def _kept(index: object) -> bool:
    """Whether an index leaves its axis in the array."""
    return isinstance(index, slice)


def _on_white(window: NDArray[Any]) -> NDArray[Any]:
    """RGBA on a white ground: where nothing was scanned, programs leave transparent black."""
    colours, alpha = window[..., :3], window[..., 3:]
    full = 1.0 if window.dtype.kind == "f" else float(np.iinfo(window.dtype).max)
    if alpha.size == 0 or (alpha >= full).all():
        return colours
    share = alpha / full
    mixed = colours * share + full * (1 - share)
    return (mixed if window.dtype.kind == "f" else mixed.round()).astype(window.dtype)
