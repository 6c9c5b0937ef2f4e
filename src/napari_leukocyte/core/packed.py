"""Maps that are mostly background, compressed while nobody works on them: a list may hold thousands of images."""

import zlib
from copy import copy
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Packed"]

_LARGEST_PX = 25_000_000  # to compress more would be felt, and few such maps are open at once
_LEVEL = 1  # zlib's fastest: what is left is a hundredth all the same

Number = TypeVar("Number", bound=np.generic)


class Packed(Generic[Number]):
    """A map of numbers that can be put away, and comes back when it is asked for; pickled or copied, it is put away.

    Parameters
    ----------
    array : array of integers
        It is taken over, not copied.

    Examples
    --------
    >>> packed = Packed(np.eye(300, dtype=np.int32))
    >>> packed.pack()
    >>> packed.nbytes < 5000, int(packed.array.sum())
    (True, 300)
    """

    def __init__(self, array: NDArray[Number]) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        self._array: NDArray[Number] | None = array
        self._away: tuple[bytes, bytes] = b"", b""
        self._lock = Lock()  # a network beside the window may ask for it, too

    @property
    def array(self) -> NDArray[Number]:
        """The map, which may be written to; whoever keeps it over a `pack` holds a copy of its own."""
        with self._lock:
            if self._array is None:
                self._array = _unpacked(self._away, self.shape, self.dtype)
                self._away = b"", b""
            return self._array

    @property
    def nbytes(self) -> int:
        """What it takes of the memory as it is now."""
        with self._lock:
            return sum(map(len, self._away)) if self._array is None else int(self._array.nbytes)

    def pack(self) -> None:
        """Put the map away; a very large one stays."""
        with self._lock:
            if self._array is not None and self._array.size <= _LARGEST_PX:
                self._away, self._array = _packed(self._array), None

    def __getstate__(self) -> tuple[tuple[int, ...], np.dtype[Number], tuple[bytes, bytes]]:
        with self._lock:
            return self.shape, self.dtype, self._away if self._array is None else _packed(self._array)

    def __setstate__(self, state: tuple[tuple[int, ...], np.dtype[Number], tuple[bytes, bytes]]) -> None:
        self.shape, self.dtype, self._away = state
        self._array, self._lock = None, Lock()

    def snapshot(self) -> "Packed[Number]":
        """The same map as it is now, put away unless it is very large, whatever is written to this one later."""
        with self._lock:
            if self._array is not None and self._array.size > _LARGEST_PX:
                return Packed(self._array.copy())
        return copy(self)


def _packed(array: NDArray[Any]) -> tuple[bytes, bytes]:
    """Where the map is not 0, and what it is there: far less to compress than the map."""
    there = array != 0
    return zlib.compress(np.packbits(there).tobytes(), _LEVEL), zlib.compress(array[there].tobytes(), _LEVEL)


def _unpacked(packed: tuple[bytes, bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.zeros(shape, dtype)
    bits = np.frombuffer(zlib.decompress(packed[0]), np.uint8)
    there = np.unpackbits(bits, count=array.size).view(bool).reshape(shape)
    array[there] = np.frombuffer(zlib.decompress(packed[1]), dtype)
    return array
