"""What the keep rule hides: cells that it leaves out, and what is true of the kept ones only beside them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import boxes_by_number
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cell

__all__ = ["BESIDE", "flags_beside"]

BESIDE = frozenset({Flag.TOUCHING, Flag.OVERLAPPING})
"""Flags that a cell has for its neighbours."""


def flags_beside(
    classes: npt.NDArray[np.uint8],
    cells: npt.NDArray[np.int32],
    kept: npt.NDArray[np.int32],
    *,
    pixel_size: float | None = None,
    binary: bool = False,
) -> Mapping[int, frozenset[Flag]]:
    """Find the flags that kept cells have for neighbours that were left out.

    Parameters
    ----------
    classes, cells : (Y, X) arrays
        Class map and cell labels with all cells.
    kept : (Y, X) int32 array
        The labels of the kept cells, which may have other numbers there.
    pixel_size, binary
        As for ``core.cells.measures.measure_cell``.

    Returns
    -------
    mapping
        By the number in ``kept``; only cells with such flags.
    """
    found = {}
    for number, box in boxes_by_number(kept).items():
        before = int(cells[box][kept[box] == number][0])
        measure = measure_cell(classes, cells, before, box, pixel_size=pixel_size, binary=binary)
        flags = BESIDE & set(measure.flags)
        if flags:
            found[number] = flags
    return found
