"""What the other masks of a folder say of how one is to be read: cells that are numbered, or cells all over."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import names_in
from napari_leukocyte.core.imaging.masks import MaskFile, open_mask, read_numbers

__all__ = ["neighbour_doubts"]

_LOOKED_AT = 100  # neighbours, the nearest by name
_LARGEST_BYTES = 2_000_000  # a mask of a few cells takes less; a photograph may take long to read
_SMALLEST_PX = 30
_SEVERAL = 3


def neighbour_doubts(path: Path, mask: MaskFile) -> tuple[tuple[str, str], ...]:
    """Find what the neighbours of a mask say against its reading, as `mask_reading.doubts_of` puts it.

    Where one of them numbers its cells from 1 to three or more, 1 and 2 may be numbers of cells, too. Where this one
    and most others are cell to the frame, it is the background that they call so.
    """
    if mask.has_numbered_classes:
        numbered = next((other.name for other in _neighbours(path) if _is_numbered(other, _state(other))), "")
        if numbered:
            return ((f"{numbered} beside it numbers its cells, so 1 and 2 may be the numbers of cells", "cells"),)
    elif mask.pixel_size.um is None and fills_frame(mask):
        others = _neighbours(path)
        filled = 1 + sum(_is_filled(other, _state(other)) for other in others)
        if filled >= _SEVERAL and 2 * filled > len(others):
            return ((f"it and {filled - 1} masks beside it are cell up to the frame, as background is", "inverted"),)
    return ()


def fills_frame(mask: MaskFile) -> bool:
    """Whether all planes are nothing but cell."""
    return all(bool((mask.read(plane) > 0).mean() > 0.98) for plane in range(mask.planes))


def _neighbours(path: Path) -> list[Path]:
    """Other files of the kind in the folder, the nearest by name."""
    try:
        names = [name for name in names_in(path.parent) if name.endswith(path.suffix) or name == path.name]
    except LeukocyteError:
        return []
    at = names.index(path.name) if path.name in names else 0
    low = max(0, min(at - _LOOKED_AT // 2, len(names) - _LOOKED_AT))
    return [path.parent / name for name in names[low : low + _LOOKED_AT] if name != path.name]


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=1000)
def _is_numbered(path: Path, state: tuple[int, int]) -> bool:
    """Whether a file holds the numbers of three cells or more, each in one piece."""
    if not 0 < state[1] <= _LARGEST_BYTES:
        return False
    try:
        values = read_numbers(path)
    except LeukocyteError:
        return False
    return values is not None and _are_cells(values)


def _are_cells(values: NDArray[np.generic]) -> bool:
    found = np.unique(values)
    if values.ndim != 2 or found.dtype.kind not in "iu" or found[0] != 0 or not 3 <= len(found) - 1 <= 2000:
        return False
    if not np.array_equal(found, np.arange(len(found))):
        return False
    numbers = values.astype(np.int32)
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        pieces, count = ndimage.label(numbers[box] == number, np.ones((3, 3)))
        if (np.bincount(pieces.ravel())[1:] >= _SMALLEST_PX).sum() > 1 or not count:
            return False
    return True


@lru_cache(maxsize=1000)
def _is_filled(path: Path, state: tuple[int, int]) -> bool:
    if not 0 < state[1] <= _LARGEST_BYTES:
        return False
    try:
        return fills_frame(open_mask(path))
    except LeukocyteError:
        return False
