"""What a Python program hands over as class maps: a result, a file, or arrays."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from napari_leukocyte.api.result import Result
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import mask_from_values
from napari_leukocyte.core.scoring.map_meaning import as_meant, known_in, meaning_of
from napari_leukocyte.core.scoring.map_side import open_side
from napari_leukocyte.core.scoring.pairing import MapPaths

__all__ = ["ClassMap", "ClassMaps", "MapsLike", "maps_of"]

MapsLike = Result | str | os.PathLike[str] | npt.ArrayLike | Sequence[npt.ArrayLike]


@dataclass(frozen=True)
class ClassMap:
    """One plane: its class map (Y, X) and, where they are known, its cell labels and remarks on them."""

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32] | None = None
    remarks: Mapping[int, Collection[Flag]] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassMaps:
    """The planes of a segmentation or of a truth.

    Attributes
    ----------
    whole_cell
        They know only cell and background (0 and 1).
    pixel_size
        um per px that may give areas; None: unknown.
    """

    planes: Sequence[ClassMap]
    whole_cell: bool
    pixel_size: float | None = None


def maps_of(maps: MapsLike, *, name: str) -> ClassMaps:
    """Read class maps from whatever holds them; ``name`` is what a sentence calls them.

    Raises
    ------
    LeukocyteError
        When they are none.
    """
    if isinstance(maps, Result):
        return _of_result(maps)
    if isinstance(maps, str | os.PathLike):
        return _of_file(Path(maps))
    return _of_arrays(maps, name)


def _of_result(result: Result) -> ClassMaps:
    empty = np.zeros(result.classes.shape[-2:], np.uint8)
    planes = [
        ClassMap(empty) if plane is None else ClassMap(plane.classes, plane.cells, plane.remarks)
        for plane in result.planes
    ]
    return ClassMaps(planes, result.binary, result.pixel_size.for_areas)


def _of_file(path: Path) -> ClassMaps:
    side = open_side(MapPaths(path))
    meaning = meaning_of(side, known_in([side]))
    planes = []
    for number in range(side.planes):
        classes = as_meant(side.read(number), meaning)
        cells, remarks, _ = side.cells(number, classes)
        planes.append(ClassMap(classes, cells, remarks))
    return ClassMaps(planes, meaning == "whole cells", side.pixel_size)


def _of_arrays(maps: npt.ArrayLike | Sequence[npt.ArrayLike], name: str) -> ClassMaps:
    """One meaning for all planes: the values of one alone may be those of several meanings."""
    planes = _planes(maps)
    shapes = [plane.shape for plane in planes]
    if not planes or any(len(shape) != 2 or 0 in shape for shape in shapes):
        raise LeukocyteError(
            f"{name} is no class map{f' (shape {shapes[0]})' if planes else ''}: give an array of shape (Y, X), planes "
            "(N, Y, X), a list of arrays (Y, X), a result, or a path."
        )
    together = mask_from_values(np.concatenate([plane.ravel() for plane in planes])[np.newaxis], name=name)
    parts = np.split(together.classes[0], np.cumsum([plane.size for plane in planes])[:-1])
    found = [ClassMap(part.reshape(shape)) for part, shape in zip(parts, shapes, strict=True)]
    return ClassMaps(found, together.whole_cell and bool(together.classes.any()))


def _planes(maps: npt.ArrayLike | Sequence[npt.ArrayLike]) -> list[NDArray[np.generic]]:
    try:
        if isinstance(maps, list | tuple) and maps and np.ndim(maps[0]) == 2:
            return [np.asarray(plane) for plane in maps]  # they may differ in size
        array = np.asarray(maps)
    except ValueError:  # rows that differ in length
        return []
    return list(array) if array.ndim == 3 else [array]
