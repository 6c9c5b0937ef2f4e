"""What the C library does with memory that is given back to it."""

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# <malloc.h> of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MIB = 2**20


def keep_freed_memory() -> None:
    """Let this process use freed memory again, instead of fetching it from the system anew (Linux with glibc).

    dask starts its workers with ``MALLOC_TRIM_THRESHOLD_=65536``. glibc then gives every freed feature map back to the
    system and no longer learns which sizes come again: a crop of 480x480 px costs 57 ms more, all of it page faults. A
    block of over 32 MiB goes back at once as before, and so do more than 256 MiB that lie free at the end of the heap.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 32 * _MIB)  # the most that glibc takes
        mallopt(_TRIM_THRESHOLD, 256 * _MIB)
