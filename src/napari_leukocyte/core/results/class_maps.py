"""Class maps from anywhere, measured: from this program, from experts, or from another one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.calibrated import RANGE_FACTOR
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.cells.shape import cell_shapes
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import real_path
from napari_leukocyte.core.imaging.mask_reading import ReadAs
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.results.map_file import CELLS, labels_path, open_map, stated_in
from napari_leukocyte.core.results.names import image_names

__all__ = ["MapFailed", "MapMeasured", "find_class_maps", "measure_class_maps"]

_KEPT_KEYS = (
    "model",
    "model_sha256",
    "model_parameters",
    RANGE_FACTOR,
    "engine",
    "precision",
    "mode",
    "keep",
)  # what a class map of ours says of how it was made


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
    shapes
        The optional columns that maps alone can tell, by cell, where they were asked for.
    """

    path: Path
    image: str
    plane: int
    planes: int
    measures: list[CellMeasure]
    pixel_size: PixelSize
    notes: tuple[str, ...]
    provenance: dict[str, str]
    shapes: dict[int, dict[str, float]] | None = None


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
    found = find_images(inputs, skip_stems=(CELLS,))
    labels = {real_path(labels_path(path)) for path in found}
    return [path for path in found if real_path(path) not in labels]  # a shell's pattern names them, too


def measure_class_maps(
    paths: Sequence[Path],
    *,
    pixel_size: PixelSize | None = None,
    read_as: ReadAs = "auto",
    shape_columns: bool = False,
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
    read_as : ReadAs
        What the user says of the maps.
    shape_columns : bool
        Measure ``core.cells.shape.cell_shapes``, too.
    """
    stated = {path: stated_in(path) for path in paths}
    names = image_names(paths, {path: said["image"] for path, said in stated.items() if _is_name(said.get("image"))})
    for path in paths:
        try:
            yield from _measured(path, stated[path], names[path], pixel_size, read_as, shape_columns)
        except LeukocyteError as error:
            yield MapFailed(path, str(error))


def _measured(
    path: Path,
    stated: Mapping[str, Any],
    image: str,
    pixel_size: PixelSize | None,
    read_as: ReadAs,
    shape_columns: bool,
) -> Iterator[MapMeasured]:
    if path.stem.endswith(CELLS) and path.suffix.lower() == ".tif":
        raise LeukocyteError(f"{path} holds cell labels, by its name: give its class map, or rename it if it is one.")
    opened = open_map(path, read_as=read_as, stated=stated)
    file, labels = opened.mask, opened.labels
    size = pixel_size or opened.pixel_size
    binary = file.whole_cell and stated.get("mode") != "three-class"
    provenance = {
        "napari-leukocyte": __version__,
        **{key: stated[key] for key in _KEPT_KEYS if isinstance(stated.get(key), str)},
        "class_map": file.reading,
        **size.facts,
    }
    for plane in range(file.planes):
        classes = file.read(plane)
        cells, remarks, note = labels.of(plane, classes)
        types = {} if cells is None else labels.types(plane)
        if cells is None:
            cells = label_cells(classes, pixel_size=size.um)
        if size.doubt:
            remarks = {n: {*remarks.get(n, ()), Flag.PIXEL_SIZE_DOUBTFUL} for n in np.unique(cells[cells > 0]).tolist()}
        measures = measure_cells(classes, cells, pixel_size=size.for_areas, binary=binary, remarks=remarks, types=types)
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
            shapes=cell_shapes(
                classes,
                cells,
                pixel_size=size.for_areas,
                binary=binary,
                flags={measure.cell: measure.flags for measure in measures},
            )
            if shape_columns
            else None,
            provenance={**provenance, "cell_labels": "labelled anew" if note or not labels.name else "from _cells.tif"},
        )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""
