"""Results of a slide as OME-Zarr 0.4: class map, cells and nuclei, each a pyramid, written block by block."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.windowed import WindowDone

__all__ = ["CHUNK", "ResultPyramid", "open_parts", "open_results"]

CHUNK = 1024
"""Side of a block, px."""

_OURS = "napari-leukocyte"
_VERSION = "0.4"
_SMALLEST = 1024  # px: the longer side of the coarsest level


def open_results(path: Path) -> tuple[Any, Any]:
    """Class map (Y, X) uint8 and cell labels (Y, X) int32 of a slide, lazy, at the finest level.

    Raises
    ------
    LeukocyteError
        When they are not there or damaged.
    """
    zarr = library("zarr", wanted_for="OME-Zarr", extra="slides")
    try:
        root = zarr.open_group(str(path), mode="r")
        return root["0"], root["labels/cells/0"]
    except Exception as error:  # a damaged store makes the library raise almost anything
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): segment the slide again.") from error


def open_parts(path: Path, *, mode: Literal["r", "r+"] = "r") -> dict[str, list[Any]]:
    """The levels of ``classes``, ``cells`` and ``nuclei`` of a slide, lazy, the finest first.

    Raises
    ------
    LeukocyteError
        As `open_results`.
    """
    zarr = library("zarr", wanted_for="OME-Zarr", extra="slides")
    try:
        root = zarr.open_group(str(path), mode=mode)
        count = len(root.attrs["multiscales"][0]["datasets"])
        groups = {"classes": "", "cells": "labels/cells/", "nuclei": "labels/nuclei/"}
        return {kind: [root[f"{group}{level}"] for level in range(count)] for kind, group in groups.items()}
    except Exception as error:  # as above
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): segment the slide again.") from error


@dataclass
class ResultPyramid:
    """An OME-Zarr in the making.

    Attributes
    ----------
    classes, labels
        (Y, X) uint8 and int32 of the finest level, to be written to; only blocks with something in them take room.
    """

    shape: tuple[int, int]
    classes: Any
    labels: Any
    _root: Any
    _pixel_size: PixelSize

    @classmethod
    def create(cls, path: Path, shape: tuple[int, int], *, name: str, pixel_size: PixelSize) -> "ResultPyramid":
        """Begin one; what lies there is replaced."""
        zarr = library("zarr", wanted_for="OME-Zarr", extra="slides")
        root = zarr.open_group(str(path), mode="w", zarr_format=2)
        labels = root.create_group("labels")
        labels.attrs.put({"labels": ["cells", "nuclei"]})
        made = cls(shape, None, None, root, pixel_size)
        root.attrs.put({"multiscales": [made._multiscale(name)]})
        for part in ("cells", "nuclei"):
            source = {"version": _VERSION, "source": {"image": "../../"}}
            labels.create_group(part).attrs.put({"multiscales": [made._multiscale(part)], "image-label": source})
        for level in range(made.levels):
            for group, kind in ((root, np.uint8), (labels["cells"], np.int32), (labels["nuclei"], np.int32)):
                made._create(group, level, kind)
        made.classes, made.labels = root["0"], labels["cells/0"]
        return made

    @property
    def levels(self) -> int:
        """How many, each half as wide as the one before."""
        return 1 + max(0, int(np.ceil(np.log2(max(self.shape) / _SMALLEST))))

    def finish(self, numbers: NDArray[np.int32], facts: Mapping[str, str], *, binary: bool) -> Iterator[WindowDone]:
        """Give the cells their last numbers, write nuclei and coarser levels; yields progress.

        Parameters
        ----------
        numbers
            For each number that stands in the map its new one; 0 takes the cell out.
        facts
            What made it.
        """
        self._root.attrs.put({**self._root.attrs, _OURS: {"facts": dict(facts)}})
        labels = self._root["labels"]
        rows, columns = (-(-n // CHUNK) for n in self.shape)
        there: set[tuple[int, int]] = set()
        for i in range(rows):
            for j in range(columns):
                place = slice(i * CHUNK, (i + 1) * CHUNK), slice(j * CHUNK, (j + 1) * CHUNK)
                found = self.labels[place]
                if not found.any():
                    continue
                there.add((i, j))
                renumbered = numbers[found]
                classes = np.where(renumbered > 0, self.classes[place], 0).astype(np.uint8)
                self.labels[place] = renumbered
                self.classes[place] = (classes > 0).astype(np.uint8) if binary else classes
                labels["nuclei/0"][place] = np.where(classes == 2, renumbered, 0).astype(np.int32)
            yield WindowDone(i + 1, 2 * rows)
        for level in range(1, self.levels):
            there = {(i // 2, j // 2) for i, j in there}
            for group in (self._root, labels["cells"], labels["nuclei"]):
                for i, j in sorted(there):
                    fine = slice(2 * i * CHUNK, 2 * (i + 1) * CHUNK), slice(2 * j * CHUNK, 2 * (j + 1) * CHUNK)
                    half = group[str(level - 1)][fine][::2, ::2]
                    group[str(level)][i * CHUNK : i * CHUNK + half.shape[0], j * CHUNK : j * CHUNK + half.shape[1]] = (
                        half
                    )
            yield WindowDone(rows + level * rows // self.levels, 2 * rows)

    def _create(self, group: Any, level: int, kind: type) -> None:
        shape = tuple(-(-n // 2**level) for n in self.shape)
        group.create_array(
            str(level),
            shape=shape,
            dtype=kind,
            chunks=tuple(min(side, CHUNK) for side in shape),
            fill_value=0,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )

    def _multiscale(self, name: str) -> dict[str, Any]:
        um = self._pixel_size.for_areas
        unit = {} if um is None else {"unit": "micrometer"}
        sizes = [(1.0 if um is None else um) * 2**level for level in range(self.levels)]
        return {
            "version": _VERSION,
            "name": name,
            "axes": [{"name": axis, "type": "space", **unit} for axis in "yx"],
            "datasets": [
                {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": [size, size]}]}
                for level, size in enumerate(sizes)
            ],
        }
