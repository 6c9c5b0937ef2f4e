"""Expert masks from files: which reading their values mean, decided by the set of values and said in words."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import read_image

__all__ = ["Mask", "mask_from_values", "read_mask"]

# Set of values -> (reading, value of cytoplasm or whole cell, value of nucleus)
_READINGS: tuple[tuple[frozenset[int], str, int, int | None], ...] = (
    (frozenset({0, 255}), "whole cell (0, 255)", 255, None),
    (frozenset({0, 1}), "whole cell (0, 1)", 1, None),
    (frozenset({0, 1, 2}), "index (0 background, 1 cytoplasm, 2 nucleus)", 1, 2),
    (frozenset({0, 128, 255}), "grey (0 background, 128 cytoplasm, 255 nucleus)", 128, 255),
)


@dataclass(frozen=True)
class Mask:
    """A class map (Y, X) uint8, whether it knows only "cell" (values 0 and 1 then), and how it was read."""

    classes: NDArray[np.uint8]
    whole_cell: bool
    reading: str


def mask_from_values(values: NDArray[np.generic], *, name: str = "The mask") -> Mask:
    """Read a (Y, X) integer array as a mask by its set of values.

    ``{0, 255}`` and ``{0, 1}`` are whole cells, ``{0, 1, 2}`` an index map, ``{0, 128, 255}`` grey with 255 the
    nucleus. A map that lacks some of the values of one reading takes the first reading that holds them all.

    Raises
    ------
    LeukocyteError
        When it is not (Y, X), not of whole numbers, or its values fit no reading.
    """
    if values.ndim != 2:
        raise LeukocyteError(f"{name} is not a (Y, X) mask: its shape is {values.shape}.")
    distinct = np.unique(values)
    if distinct.dtype.kind not in "biu" and not (np.isfinite(distinct) & (distinct == np.round(distinct))).all():
        raise LeukocyteError(f"{name} holds values that are not whole numbers: use 0/1/2, 0/128/255, or 0/255.")
    found = {int(v) for v in distinct}
    for allowed, reading, cytoplasm, nucleus in _READINGS:
        if found <= allowed:
            classes = (values == cytoplasm).astype(np.uint8)
            if nucleus is not None:
                classes[values == nucleus] = 2
            return Mask(classes, nucleus is None, reading)
    shown = ", ".join(map(str, sorted(found)[:6])) + (", ..." if len(found) > 6 else "")
    raise LeukocyteError(f"{name} holds the values {shown}: use 0/1/2, 0/128/255, or 0/255 for whole cells.")


def read_mask(path: Path) -> Mask:
    """Read a mask file; colour files whose three channels are equal count as grey."""
    values = read_image(path).array
    if values.ndim == 3 and values.shape[2] in (3, 4) and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]
    return mask_from_values(values, name=f"The mask {path}")
