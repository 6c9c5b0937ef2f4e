"""A class-map file with what goes with it: what it says of itself, its pixel size, the cell labels beside it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.mask_neighbours import neighbour_doubts
from napari_leukocyte.core.imaging.mask_reading import MaskReading, ReadAs
from napari_leukocyte.core.imaging.masks import MaskFile, open_mask
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.results.remarks import read_remarks, read_types

__all__ = ["CELLS", "CellLabels", "MapFile", "labels_path", "open_map", "stated_in"]

CELLS = "_cells"  # how the stems of cell labels end


@dataclass(frozen=True)
class MapFile:
    """An open class-map file.

    Attributes
    ----------
    mask
        Its planes.
    stated
        What the file says of how it was made; empty for a file of other origin.
    pixel_size
        What the file states.
    labels
        The cell labels beside it.
    """

    mask: MaskFile
    stated: Mapping[str, Any]
    pixel_size: PixelSize
    labels: "CellLabels"


def open_map(path: Path, *, read_as: ReadAs = "auto", stated: Mapping[str, Any] | None = None) -> MapFile:
    """Open a class map, see ``core.imaging.masks.open_mask``, which says what it raises.

    ``stated`` is what `stated_in` found in the file, where that was asked before.

    A map of other origin must look like cells, too (``core.imaging.mask_reading``), and nothing beside it may speak
    against its reading (``mask_neighbours``), unless the user has said with ``read_as`` what it is.
    """
    mask = open_mask(path, read_as=read_as)
    if stated is None:
        stated = stated_in(path)
    if not stated:  # what this program wrote says what it is
        mask.check().check(str(path))
        if read_as == "auto":
            MaskReading(mask.reading, neighbour_doubts(path, mask)).check(str(path))
    labels = CellLabels(path, mask.planes, numbered=mask if read_as == "cells" else None)
    return MapFile(mask, stated, _exact(mask.pixel_size, stated), labels)


def stated_in(path: Path) -> dict[str, Any]:
    """Return what a file says of how it was made; empty where it says nothing or cannot be read."""
    try:
        return read_provenance(path)
    except LeukocyteError:
        return {}  # what is wrong with the file is said when its pixels are read


def labels_path(class_map: Path) -> Path:
    """Return where the cell labels of a class map lie, whether they are there or not."""
    return class_map.with_name(f"{class_map.stem.removesuffix('_classes')}{CELLS}.tif")


class CellLabels:
    """The cell labels beside a class map, as far as they fit it.

    Parameters
    ----------
    class_map
        Its file.
    planes
        How many planes it has.
    numbered
        The class map itself, where each of its numbers is a cell.

    Attributes
    ----------
    name
        Of the file with the labels; empty when there is none.
    """

    def __init__(self, class_map: Path, planes: int, *, numbered: MaskFile | None = None) -> None:
        self._numbered = numbered
        beside = labels_path(class_map)
        self.name = beside.name if beside.is_file() else ""
        self._problem = ""
        self._array: Any = None
        self._provenance: dict[str, Any] = {}
        if not self.name:
            return
        try:
            file = read_image(beside, planes=True)
            found = 0 if file.rgb else plane_count(file.array.shape, rgb=False)
            self._array, self._provenance = file.array, read_provenance(beside)
            if found != planes:
                self._problem = f"{self.name} has not its number of planes"
        except LeukocyteError as error:
            self._problem = str(error).rstrip(".")

    def of(self, plane: int, classes: NDArray[np.uint8]) -> tuple[NDArray[np.int32] | None, dict[int, set[Flag]], str]:
        """Labels of a plane and remarks on them; None where there are none that fit, with a note why."""
        numbers = None if self._numbered is None else self._numbered.numbers(plane)
        if numbers is not None:
            return check_cell_labels(numbers), {}, ""
        if not self.name:
            return None, {}, ""
        try:
            if self._problem:
                raise LeukocyteError(self._problem)
            cells = check_cell_labels(get_plane(self._array, plane, rgb=False), name=self.name)
            if cells.shape != classes.shape:
                raise LeukocyteError(f"{self.name} has another size")
            if not np.array_equal(cells > 0, classes > 0):
                raise LeukocyteError(f"{self.name} does not cover the same pixels")
        except LeukocyteError as error:
            said = any(key in self._provenance for key in ("not_a_wbc", "types"))
            lost = ", and the marks in it are left out" if said else ""
            return None, {}, f"{str(error).rstrip('.')}, so the cells were labelled anew{lost}"
        return cells, read_remarks(self._provenance, plane=plane), ""

    def types(self, plane: int) -> dict[int, str]:
        """Types of the cells of a plane, by number: of those labels that `of` gives, when it gives any.

        Raises
        ------
        LeukocyteError
            When one cannot be understood.
        """
        return read_types(self._provenance, plane=plane)


def _exact(size: PixelSize, stated: Mapping[str, Any]) -> PixelSize:
    """The pixel size that a file of ours was written with: exactly, or as an estimate, with what makes it doubtful.

    The resolution of a PNG is rounded, and no resolution is written for an estimate.
    """
    ours = PixelSize.from_facts(stated)
    if ours.um is None or size.um is None:
        return ours if ours.estimated else size
    return ours if math.isclose(ours.um, size.um, rel_tol=1e-4) else size
