"""Class maps from anywhere, measured: from this program, from experts, or from another one."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.class_map import check_cell_labels
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import MaskFile, open_mask
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import find_images, read_image
from napari_leukocyte.core.results.names import image_names
from napari_leukocyte.core.results.remarks import read_remarks

__all__ = ["MapFailed", "MapMeasured", "find_class_maps", "measure_class_maps"]

_CELLS = "_cells"  # how the stems of cell labels end
_KEPT_KEYS = ("model", "model_sha256", "mode", "keep")  # what a class map of ours says of how it was made


@dataclass(frozen=True)
class MapMeasured:
    """One class map, or one plane of a stack, is measured.

    Attributes
    ----------
    path
        Its file.
    image
        What the table calls its image.
    notes
        How it was read and what happened that the user should know.
    provenance
        For the table.
    """

    path: Path
    image: str
    plane: int
    planes: int
    measures: list[CellMeasure]
    pixel_size: PixelSize
    notes: tuple[str, ...]
    provenance: dict[str, str]


@dataclass(frozen=True)
class MapFailed:
    """One file could not be measured; ``reason`` is a sentence, the others go on."""

    path: Path
    reason: str


def find_class_maps(inputs: Sequence[str | Path]) -> list[Path]:
    """List the files that are meant, see ``core.imaging.read.find_images``; cell labels are no class maps.

    Raises
    ------
    LeukocyteError
        When a folder or a pattern holds no image.
    """
    found = find_images(inputs, skip_stems=(_CELLS,))
    labels = {_labels_of(path).resolve() for path in found}
    return [path for path in found if path.resolve() not in labels]  # a shell's pattern names them, too


def measure_class_maps(
    paths: Sequence[Path], *, pixel_size: PixelSize | None = None
) -> Iterator[MapMeasured | MapFailed]:
    """Measure class maps one after the other, planes of a stack one by one. Stop iterating to cancel.

    ``<stem>_cells.tif`` beside ``<stem>_classes.*`` or ``<stem>.*`` holds the cell labels and remarks on cells; when
    it does not fit the class map, that is noted and the cells are labelled anew.

    Parameters
    ----------
    paths : sequence of Path
        Files of any kind that ``core.imaging.masks.open_mask`` reads.
    pixel_size : PixelSize, optional
        Of every map; None takes what each file states.
    """
    stated = {path: _provenance_of(path) for path in paths}
    names = image_names(paths, {path: said["image"] for path, said in stated.items() if _is_name(said.get("image"))})
    for path in paths:
        try:
            yield from _measured(path, names[path], stated[path], pixel_size)
        except LeukocyteError as error:
            yield MapFailed(path, str(error))


def _measured(path: Path, image: str, stated: Mapping[str, Any], pixel_size: PixelSize | None) -> Iterator[MapMeasured]:
    if path.stem.endswith(_CELLS):
        raise LeukocyteError(f"{path} holds cell labels, by its name: give its class map, or rename it if it is one.")
    file = open_mask(path)
    size = pixel_size or _exact(file.pixel_size, stated)
    binary = file.whole_cell and stated.get("mode") != "three-class"
    labels = _Labels(path, file)
    provenance = {
        "napari-leukocyte": __version__,
        **{key: stated[key] for key in _KEPT_KEYS if isinstance(stated.get(key), str)},
        "class_map": file.reading,
        "pixel_size_um": size.digits,
        "pixel_size_source": size.source,
    }
    for plane in range(file.planes):
        classes = file.read(plane)
        cells, remarks, note = labels.of(plane, classes)
        if cells is None:
            cells = label_cells(classes, pixel_size=size.um)
        measures = measure_cells(classes, cells, pixel_size=size.um, binary=binary, remarks=remarks)
        notes = [f"read as {file.reading}", note]
        if not measures:
            notes.append("no cell in it")
        elif binary:
            notes.append("CNR needs three classes")
        yield MapMeasured(
            path=path,
            image=image,
            plane=plane,
            planes=file.planes,
            measures=measures,
            pixel_size=size,
            notes=tuple(filter(None, notes)),
            provenance={**provenance, "cell_labels": "labelled anew" if note or not labels.name else "from _cells.tif"},
        )


class _Labels:
    """The cell labels beside a class map, as far as they fit it."""

    def __init__(self, path: Path, class_map: MaskFile) -> None:
        beside = _labels_of(path)
        self.name = beside.name if beside.is_file() else ""
        self._problem = ""
        self._array: Any = None
        self._provenance: dict[str, Any] = {}
        if not self.name:
            return
        try:
            file = read_image(beside)
            planes = 0 if file.rgb else plane_count(file.array.shape, rgb=False)
            self._array, self._provenance = file.array, read_provenance(beside)
            if planes != class_map.planes:
                self._problem = f"{self.name} has not its number of planes"
        except LeukocyteError as error:
            self._problem = str(error).rstrip(".")

    def of(self, plane: int, classes: NDArray[np.uint8]) -> tuple[NDArray[np.int32] | None, dict[int, set[Flag]], str]:
        """Labels of a plane and remarks on them; None where there are none that fit, with a note why."""
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
            lost = ", and the marks in it are left out" if "not_a_wbc" in self._provenance else ""
            return None, {}, f"{str(error).rstrip('.')}, so the cells were labelled anew{lost}"
        return cells, read_remarks(self._provenance, plane=plane), ""


def _labels_of(class_map: Path) -> Path:
    return class_map.with_name(f"{class_map.stem.removesuffix('_classes')}{_CELLS}.tif")


def _exact(size: PixelSize, stated: Mapping[str, Any]) -> PixelSize:
    """The pixel size that a file of ours was written with; the resolution of a PNG is rounded."""
    try:
        um = float(stated.get("pixel_size_um", ""))
    except (TypeError, ValueError):
        return size
    same = size.um is not None and math.isclose(um, size.um, rel_tol=1e-4)
    return PixelSize(um, size.source) if same else size


def _provenance_of(path: Path) -> dict[str, Any]:
    try:
        return read_provenance(path)
    except LeukocyteError:
        return {}  # what is wrong with the file is said when it is its turn


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""
