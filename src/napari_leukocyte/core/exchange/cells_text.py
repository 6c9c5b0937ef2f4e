"""What is known of cells beside their pixels, for files that have no place at each cell; and labels as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.exchange.cell_map import CellMap, read_flags, read_type
from napari_leukocyte.core.exchange.reading import cell_number

__all__ = ["cells_text", "label_array", "read_cells_text"]


def cells_text(cell_map: CellMap) -> dict[str, dict[str, str]]:
    """What is known of cells beside their pixels, by number, for files that have no place at each cell.

    Flags that follow from the maps are among them, for other programs.
    """
    said: dict[str, dict[str, str]] = {}
    for measure in cell_map.measures:
        kind = cell_map.types.get(measure.cell, "")
        texts = {"flags": ";".join(measure.flags), "type": kind}
        if any(texts.values()):
            said[str(measure.cell)] = {key: text for key, text in texts.items() if text}
    return said


def read_cells_text(said: Any) -> tuple[dict[int, frozenset[Flag]], dict[int, str]]:
    """Read `cells_text` back: remarks and types by number; empty for anything else."""
    said = said if isinstance(said, dict) else {}
    cells = {number: about for key, about in said.items() if (number := cell_number(key)) and isinstance(about, dict)}
    remarks = {number: read_flags(str(about.get("flags", "")).split(";")) for number, about in cells.items()}
    return remarks, {number: read_type(about.get("type", "")) for number, about in cells.items()}


def label_array(cells: NDArray[np.int32]) -> NDArray[Any]:
    """Cell labels in 16 bits where they fit, else in 32."""
    return cells.astype(np.uint16 if int(cells.max(initial=0)) <= np.iinfo(np.uint16).max else np.uint32)
