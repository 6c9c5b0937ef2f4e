"""Label images: cells and nuclei as two TIFF or PNG files, each number a cell; and class maps, as they are."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.cells_text import cells_text, read_cells_text
from napari_leukocyte.core.exchange.reading import FindImage, Read, from_labels
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import read_image, stated_pixel_size
from napari_leukocyte.core.imaging.write import write_cells_png, write_cells_tiff

__all__ = [
    "CELL_LABELS",
    "NUCLEUS_LABELS",
    "is_label_image",
    "read_label_images",
    "write_label_pngs",
    "write_label_tiffs",
]

CELL_LABELS, NUCLEUS_LABELS = "_cell_labels", "_nucleus_labels"
_CLASS_VALUES = ({0, 1, 2}, {0, 128, 255})
_ABOUT_CELLS = "cells"


def write_label_tiffs(cell_map: CellMap, path: Path) -> None:
    """Write cells to ``path``, whose stem ends in ``_cell_labels``, and nuclei beside it; 16 bits, or 32 if need be.

    Raises
    ------
    LeukocyteError
        When a file cannot be written.
    """
    _write(cell_map, path, write_cells_tiff)


def write_label_pngs(cell_map: CellMap, path: Path) -> None:
    """Write the same as PNG of 16 bits; numbers above 65535 raise a LeukocyteError, too."""
    _write(cell_map, path, write_cells_png)


def is_label_image(path: Path) -> bool:
    """Whether the numbers in an image file are cells and not classes: more of them than a class map has.

    Raises
    ------
    LeukocyteError
        When the file cannot be read.
    """
    if path.stem.endswith((CELL_LABELS, NUCLEUS_LABELS)) and _ABOUT_CELLS in read_provenance(path):
        return True
    file = read_image(path, planes=True)
    if file.rgb:
        return False
    values: set[int] = set()
    for index in range(plane_count(file.array.shape, rgb=False)):
        plane = get_plane(file.array, index, rgb=False, name=str(path))
        if plane.dtype.kind == "f" and not (np.isfinite(plane).all() and (plane == np.round(plane)).all()):
            return False  # what it is then, the reader of class maps says
        values |= {int(value) for value in np.unique(plane)}
    return not any(values <= known for known in _CLASS_VALUES)


def read_label_images(path: Path, nuclei: Path | None, find_image: FindImage) -> list[Read]:
    """Read an image of cell labels, and the one of nucleus labels that belongs to it.

    Raises
    ------
    LeukocyteError
        When a file cannot be read, is a stack or in colour, holds anything but whole numbers, or the sizes differ.
    """
    facts = read_provenance(path)
    remarks, types = read_cells_text(facts.pop(_ABOUT_CELLS, None))
    read = from_labels(
        _labels(path),
        None if nuclei is None else _labels(nuclei),
        path=path,
        find_image=find_image,
        facts=facts if "image_width" in facts else {},
        remarks=remarks,
        types=types,
    )
    if read.cell_map.pixel_size.um is None:
        read = replace(read, cell_map=replace(read.cell_map, pixel_size=stated_pixel_size(path)))
    return [read]


def _write(cell_map: CellMap, path: Path, write: Callable[..., None]) -> None:
    um = cell_map.pixel_size.for_areas
    facts: Mapping[str, Any] = {**cell_map.facts, _ABOUT_CELLS: cells_text(cell_map)}
    write(path, cell_map.cells, provenance=facts, pixel_size=um)
    if not cell_map.binary:
        beside = path.with_name(f"{path.stem.removesuffix(CELL_LABELS)}{NUCLEUS_LABELS}{path.suffix}")
        write(beside, np.where(cell_map.classes == 2, cell_map.cells, 0), provenance=facts, pixel_size=um)


def _labels(path: Path) -> NDArray[np.int32]:
    file = read_image(path, planes=True)
    if file.rgb or plane_count(file.array.shape, rgb=False) != 1:
        raise LeukocyteError(f"{path} is in colour or a stack: save the labels of one plane as whole numbers.")
    plane = get_plane(file.array, 0, rgb=False, name=str(path))
    if plane.dtype.kind == "f" and np.isfinite(plane).all() and (plane == np.round(plane)).all():
        plane = plane.astype(np.int64)  # how ImageJ saves labels of 32 bits
    return check_cell_labels(np.squeeze(plane), name=f"label image {path.name}")
