"""Parts of a picture on the disk by way of the blocks that were used last, so that neighbours cost one reading."""

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box

__all__ = ["Blocks"]


class Blocks:
    """A lazy array (Y, X) or (Y, X, C), read and written window by window.

    Parameters
    ----------
    array
        With ``shape``, ``dtype``, and slices of the first two axes that can be read and, to write, assigned.
    side
        Of a block, px; best what the array itself is cut into.
    most
        Bytes of blocks that are kept.
    """

    def __init__(self, array: Any, *, side: int, most: int = 64 * 2**20) -> None:
        self._array, self._side = array, side
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype = np.dtype(array.dtype)
        block_bytes = side * side * int(np.prod(self.shape[2:], dtype=int)) * self.dtype.itemsize
        self._most = max(4, most // max(block_bytes, 1))
        self._kept: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()
        self._changed: set[tuple[int, int]] = set()

    def __getitem__(self, window: Box) -> NDArray[Any]:
        """Read a window, clipped to the array; the result is a copy."""
        (top, bottom), (left, right) = (self._range(part, axis) for axis, part in enumerate(window))
        found = np.empty((bottom - top, right - left, *self.shape[2:]), self.dtype)
        for key, here, there in self._pieces(top, bottom, left, right):
            found[there] = self._block(key)[here]
        return found

    def put(self, window: Box, mask: NDArray[np.bool_], values: NDArray[Any]) -> None:
        """Write what the mask (Y, X) of a window takes of values (Y, X)."""
        (top, bottom), (left, right) = (self._range(part, axis) for axis, part in enumerate(window))
        for key, here, there in self._pieces(top, bottom, left, right):
            if mask[there].any():
                self._block(key)[here][mask[there]] = values[there][mask[there]]
                self._changed.add(key)

    def flush(self) -> None:
        """Write what was changed to the array."""
        for key in sorted(self._changed):
            self._write(key)
        self._changed.clear()

    def _range(self, part: slice, axis: int) -> tuple[int, int]:
        start, stop, _ = part.indices(self.shape[axis])
        return start, max(start, stop)

    def _pieces(self, top: int, bottom: int, left: int, right: int) -> Any:
        """For each block that a window meets: its key, where in the block, and where in the window."""
        side = self._side
        for i in range(top // side, -(-bottom // side)):
            for j in range(left // side, -(-right // side)):
                rows = slice(max(top, i * side), min(bottom, (i + 1) * side))
                columns = slice(max(left, j * side), min(right, (j + 1) * side))
                here = tuple(slice(s.start - k * side, s.stop - k * side) for s, k in ((rows, i), (columns, j)))
                there = tuple(slice(s.start - k, s.stop - k) for s, k in ((rows, top), (columns, left)))
                yield (i, j), here, there

    def _place(self, key: tuple[int, int]) -> Box:
        rows, columns = (
            slice(k * self._side, min((k + 1) * self._side, n)) for k, n in zip(key, self.shape, strict=False)
        )
        return rows, columns

    def _block(self, key: tuple[int, int]) -> NDArray[Any]:
        block = self._kept.get(key)
        if block is None:
            block = np.array(self._array[self._place(key)])
            self._kept[key] = block
            while len(self._kept) > self._most:
                oldest = next(iter(self._kept))
                if oldest in self._changed:
                    self._write(oldest)
                    self._changed.discard(oldest)
                del self._kept[oldest]
        else:
            self._kept.move_to_end(key)
        return block

    def _write(self, key: tuple[int, int]) -> None:
        self._array[self._place(key)] = self._kept[key]
