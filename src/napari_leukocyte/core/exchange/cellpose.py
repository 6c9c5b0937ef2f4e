"""Cellpose's ``_seg.npy``: the whole cells as its masks, the nuclei beside them in the same file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

from napari_leukocyte.core.cells.checks import check_cell_labels
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.cells_text import cells_text, label_array, read_cells_text
from napari_leukocyte.core.exchange.npy_dict import load_npy_dict
from napari_leukocyte.core.exchange.reading import FindImage, Read, from_labels, from_maps
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.schema import parse_json

__all__ = ["read_cellpose", "write_cellpose"]

_OURS = "napari_leukocyte"  # JSON: facts and cells
_CLASSES = "napari_leukocyte_classes"


def write_cellpose(cell_map: CellMap, path: Path) -> None:
    """Write what Cellpose's window opens beside the image: masks and outlines, each cell by its number.

    Cellpose keeps one mask a cell; the class map goes along under a name of its own, which Cellpose leaves out when
    it saves the file anew.

    Raises
    ------
    LeukocyteError
        When the file cannot be written.
    """
    cells = label_array(cell_map.cells)
    sizes = np.unique(cells[cells > 0], return_counts=True)[1]
    content = {
        "filename": cell_map.facts["image"],
        "masks": cells,
        "outlines": cells * find_boundaries(cells, mode="inner"),
        "ismanual": np.zeros(int(cells.max()), bool) if cells.max() <= cells.size else np.zeros(0, bool),
        "chan_choose": [0, 0],
        "est_diam": float(np.median(2 * np.sqrt(sizes / np.pi))) if sizes.size else 0.0,
        _CLASSES: cell_map.classes,
        _OURS: json.dumps({"facts": cell_map.facts, "cells": cells_text(cell_map)}),
    }
    with atomic_path(path) as temporary:
        np.save(temporary, np.array(content, dtype=object), allow_pickle=True)


def read_cellpose(path: Path, nuclei: Path | None, find_image: FindImage) -> list[Read]:
    """Read the masks of a ``_seg.npy``, without running what the file could hold.

    Of a file from Cellpose itself they are whole cells, without nuclei and so without CNR, unless a second
    file has those.

    Raises
    ------
    LeukocyteError
        When the file is damaged, holds more than arrays and plain values, or its masks are no plane.
    """
    content = load_npy_dict(path)
    plane = _masks(content, path)
    try:
        said: dict[str, Any] = parse_json(content.get(_OURS, "{}"))
        facts = dict(said.get("facts", {}))
        remarks, types = read_cells_text(said.get("cells"))
    except (TypeError, ValueError, AttributeError) as error:
        raise LeukocyteError(f"{path} says something of its cells that cannot be read: export it again.") from error
    classes = content.get(_CLASSES)
    if nuclei is None and isinstance(classes, np.ndarray) and np.array_equal(classes > 0, plane > 0):
        return [from_maps(classes, plane, facts, path=path, find_image=find_image, remarks=remarks, types=types)]
    # from Cellpose, or edited there since
    cells = check_cell_labels(plane, name=f"masks in {path.name}")
    if nuclei is None:
        return [from_labels(cells, None, path=path, find_image=find_image)]
    inner = check_cell_labels(_masks(load_npy_dict(nuclei), nuclei), name=f"masks in {nuclei.name}")
    return [from_labels(cells, inner, path=path, find_image=find_image)]


def _masks(content: dict[str, Any], path: Path) -> NDArray[Any]:
    """The masks (Y, X) of what Cellpose wrote."""
    masks = content.get("masks")
    if not isinstance(masks, np.ndarray) or masks.dtype.kind not in "iu":
        raise LeukocyteError(f"{path} holds no masks as Cellpose writes them: save it in Cellpose again.")
    plane = np.squeeze(masks)
    if plane.ndim != 2:
        raise LeukocyteError(f"{path} holds masks of a volume, {masks.shape}: save each plane by itself.")
    if int(plane.min(initial=0)) == -1:  # as the first versions numbered
        plane = plane + 1
    return plane
