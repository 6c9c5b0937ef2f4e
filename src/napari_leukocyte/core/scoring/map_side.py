"""One side of a comparison as a file: a class map, or a mask of whole cells with one of nuclei."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import open_mask
from napari_leukocyte.core.results.map_file import CellLabels, open_map
from napari_leukocyte.core.scoring.pairing import MapPaths

__all__ = ["SEPARATE", "MapSide", "in_planes", "in_px", "open_side"]

SEPARATE = "separate masks of cells and nuclei"


@dataclass(frozen=True)
class MapSide:
    """An open class map: a file, or two masks taken together.

    Attributes
    ----------
    paths
        Where it lies.
    planes
        1 for a single map.
    whole_cell
        Whether it knows only "cell".
    reading
        How its values or colours are read, in words.
    mode
        What the file says made it: "binary", "three-class", or nothing.
    pixel_size
        um per px that may give areas; None: unknown.
    labels
        The cell labels beside it, as far as they fit.
    read
        Class map (Y, X) of a plane.
    """

    paths: MapPaths
    planes: int
    whole_cell: bool
    reading: str
    mode: object
    pixel_size: float | None
    labels: CellLabels | None
    read: Callable[[int], NDArray[np.uint8]]

    def cells(
        self, plane: int, classes: NDArray[np.uint8]
    ) -> tuple[NDArray[np.int32] | None, Mapping[int, set[Flag]], str]:
        """Cell labels of a plane (None: none fit), what they say of the cells, and what the user should know."""
        return (None, {}, "") if self.labels is None else self.labels.of(plane, classes)

    @cached_property
    def empty(self) -> bool:
        """Whether it holds no cell at all."""
        return not any(self.read(plane).any() for plane in range(self.planes))


def open_side(paths: MapPaths) -> MapSide:
    """Open a map that `find_maps` found.

    Raises
    ------
    LeukocyteError
        When a file cannot be read, is no class map, or two masks do not belong together.
    """
    return _open_joined(paths.path, paths.nucleus, paths) if paths.nucleus else _open_single(paths)


def _open_single(paths: MapPaths) -> MapSide:
    file = open_map(paths.path, read_as=paths.read_as)
    return MapSide(
        paths=paths,
        planes=file.mask.planes,
        whole_cell=file.mask.whole_cell,
        reading=file.mask.reading,
        mode=file.stated.get("mode"),
        pixel_size=file.pixel_size.for_areas,
        labels=file.labels,
        read=file.mask.read,
    )


def _open_joined(cell_path: Path, nucleus_path: Path, paths: MapPaths) -> MapSide:
    cell, nucleus = open_mask(cell_path), open_mask(nucleus_path)
    for mask, path in ((cell, cell_path), (nucleus, nucleus_path)):
        if not mask.whole_cell:
            raise LeukocyteError(f"{path} is no black-and-white mask: use 0 and 255, or one file with all classes.")
    if cell.planes != nucleus.planes:
        raise LeukocyteError(f"{cell_path} has {cell.planes} planes and {nucleus_path} {nucleus.planes}.")

    def read(plane: int) -> NDArray[np.uint8]:
        whole, core = cell.read(plane), nucleus.read(plane)
        if whole.shape != core.shape:
            raise LeukocyteError(
                f"{cell_path} has {in_px(whole)} and {nucleus_path} {in_px(core)}: give masks of one size."
            )
        return np.where(core > 0, 2, whole).astype(np.uint8)

    return MapSide(
        paths=paths,
        planes=cell.planes,
        whole_cell=False,
        reading=SEPARATE,
        mode=None,
        pixel_size=cell.pixel_size.for_areas,
        labels=None,
        read=read,
    )


def in_px(array: NDArray[np.generic]) -> str:
    """The size of a plane, for a sentence."""
    return f"{array.shape[1]} × {array.shape[0]} px"


def in_planes(planes: int) -> str:
    """A number of planes, for a sentence."""
    return "1 plane" if planes == 1 else f"{planes} planes"
