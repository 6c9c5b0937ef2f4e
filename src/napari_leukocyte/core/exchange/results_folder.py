"""Results of this program, and class maps of anyone, as maps of cells; and maps of cells as a results folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.left_out import BESIDE
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS, Shape
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.reading import FindImage, Read, no_image
from napari_leukocyte.core.files import real_path
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.mask_reading import ReadAs
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.outputs import spare_inputs
from napari_leukocyte.core.results.map_file import CELLS, open_map
from napari_leukocyte.core.results.maps import map_names
from napari_leukocyte.core.results.names import input_path, same_name
from napari_leukocyte.core.results.record import SLIDE_MAPS, ImageRecord
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.results.remarks import BESIDE_KEY, REMARKS
from napari_leukocyte.core.results.writer import ResultWriter
from napari_leukocyte.core.safe_text import printable

__all__ = ["read_class_map", "records_of", "results_in", "with_recorded_shapes", "write_results"]

_CLASSES = "_classes"
# what a file says of cells, or of itself, is no provenance of its image
_NO_PROVENANCE = ("image", "types", "not_a_wbc", BESIDE_KEY, *(flag.value for flag in REMARKS))


def results_in(results: Sequence[str | Path]) -> list[Path]:
    """List the class maps of results folders, in the order of their records; files and patterns as they are.

    Raises
    ------
    LeukocyteError
        When a folder or a pattern holds none.
    """
    found: list[Path] = []
    for item in results:
        maps = [path for path in find_images([item], skip_stems=(CELLS,)) if path.stem.endswith(_CLASSES)]
        if not maps and (Path(item) / SLIDE_MAPS).is_dir():
            raise LeukocyteError(
                f"{item} holds the results of a whole slide: its {SLIDE_MAPS} is OME-Zarr as it is, and export is for "
                "images."
            )
        if not maps:
            raise LeukocyteError(f"{item} holds no results (no *_classes.png or .tif): segment or import first.")
        record = read_record(Path(item)) if Path(item).is_dir() else None
        if record is not None:
            order = {image.class_map: number for number, image in enumerate(record.done.values())}
            maps.sort(key=lambda path: order.get(path.name, len(order)))
        found += maps
    return list({real_path(path): path for path in found}.values())


def read_class_map(path: Path, find_image: FindImage = no_image, *, read_as: ReadAs = "auto") -> list[Read]:
    """Read a class map and the cell labels beside it, a map of cells for each plane; see `core.results.map_file`.

    Raises
    ------
    LeukocyteError
        When the file is no class map, or does not look like one.
    """
    opened = open_map(path, read_as=read_as)
    file, stated = opened.mask, opened.stated
    stem = path.stem.removesuffix(_CLASSES)
    hint = find_image(stem)
    image = stated.get("image") if isinstance(stated.get("image"), str) else ""
    found = []
    for plane in range(file.planes):
        classes = file.read(plane)
        if hint is not None and hint.shape != classes.shape:
            raise LeukocyteError(f"{path} has not the size of {hint.path.name}: give the image that it is of.")
        cells, remarks, note = opened.labels.of(plane, classes)
        size = opened.pixel_size
        if size.um is None and hint is not None:
            size = hint.pixel_size
        types = {} if cells is None or not opened.labels.name else opened.labels.types(plane)
        if cells is None:
            cells = label_cells(classes, pixel_size=size.um)
        cell_map = CellMap(
            image=printable(hint.path.name if hint else image or path.with_name(stem + path.suffix).name),
            classes=np.where(cells > 0, classes, 0).astype(np.uint8),
            cells=np.where(classes > 0, cells, 0).astype(np.int32),
            pixel_size=size,
            binary=file.whole_cell and stated.get("mode") != "three-class",
            remarks={number: kept for number, flags in remarks.items() if (kept := REMARKS.intersection(flags))},
            types=types,
            provenance=_provenance(stated, plane),
            plane=plane,
            planes=file.planes,
            beside={number: kept for number, flags in remarks.items() if (kept := BESIDE.intersection(flags))},
        )
        notes = () if stated else (f"read as {file.reading}",)
        found.append(Read(cell_map, path, (*notes, *filter(None, [note])), None if hint is None else hint.path))
    return found


def records_of(class_maps: Sequence[Path]) -> dict[Path, ImageRecord]:
    """Find what the records beside class maps say of their images; without those that no record knows."""
    found = {}
    for folder in dict.fromkeys(path.parent for path in class_maps):
        record = read_record(folder)
        if record is not None:
            found.update({folder / image.class_map: image for image in record.done.values()})
    return found


def with_recorded_shapes(cell_map: CellMap, image: ImageRecord | None) -> CellMap:
    """Put in the optional columns that the record has of cells which are as they were then, by their areas."""
    known = {} if image is None or cell_map.plane >= len(image.planes) else image.planes[cell_map.plane].cells
    recorded = {cell["cell"]: cell for cell in known if not set(SHAPE_COLUMNS).isdisjoint(cell)}
    shapes: dict[int, Shape] = {}
    for measure in cell_map.measures if recorded else ():
        cell = recorded.get(str(measure.cell), {})
        if all(cell.get(f"{part}_px", "0") == str(getattr(measure, f"{part}_px")) for part in ("cytoplasm", "nucleus")):
            shapes[measure.cell] = {name: float(cell[name]) for name in SHAPE_COLUMNS if name in cell}
    return replace(cell_map, shapes=shapes) if shapes else cell_map


def write_results(
    reads: Sequence[Read], folder: Path, *, spare: Sequence[Path] = (), overwrite: bool = False
) -> ResultWriter:
    """Write maps of cells as a results folder with its record; planes of one image become a stack again.

    Parameters
    ----------
    reads
        What goes into it.
    folder
        Made when it is not there.
    spare
        Files that must not be replaced.
    overwrite
        Replace what is in the way there, also what a hand has corrected.

    Returns
    -------
    ResultWriter
        It tells how many images and cells were written.

    Raises
    ------
    InTheWayError
        When something is in the way.
    LeukocyteError
        When nothing is to be written, two masks are of one image, or a file cannot be written or is read as well.
    """
    if not reads:
        raise LeukocyteError("There is nothing to write: no mask could be read.")
    images = _images(reads)
    sources = [_sources(name, planes) for name, planes in zip(_names(images), images, strict=True)]
    inputs = [input_path(one[0].path, one[0].name) for one in sources]
    contents = {path: "" for path, one in zip(inputs, sources, strict=True) if one[0].path is None}
    for path, first, planes in zip(inputs, map(inputs.index, inputs), images, strict=True):
        if _first(planes) is not _first(images[first]):
            raise LeukocyteError(
                f"{_first(images[first]).source} and {_first(planes).source} are both masks of {path.name}: import one "
                "of them."
            )
    advice = "choose another folder, or overwrite it (--overwrite)"
    with ResultWriter(folder, inputs, contents=contents, overwrite=overwrite, advice=advice) as writer:
        spare_inputs([folder / name for one in writer.listed.values() for name in map_names(one.stem)], spare)
        for one, planes in zip(sources, images, strict=True):
            for source, read in zip(one, planes, strict=True):
                if read is None:
                    writer.add(source, None, reason="It was not among what was imported.")
                else:
                    writer.add(source, read.cell_map.segmentation(), facts=read.cell_map.mask_facts)
    return writer


def _images(reads: Sequence[Read]) -> list[list[Read | None]]:
    """The planes of each image, None for those that are not there; what does not fit together stays apart."""
    groups: dict[Any, dict[int, Read]] = {}
    for number, read in enumerate(reads):
        one = read.cell_map
        key: Any = (one.image, one.planes, one.shape) if one.planes > 1 else number
        if one.plane in groups.get(key, {}):
            key = number
        groups.setdefault(key, {})[one.plane] = read
    return [
        [planes.get(plane) for plane in range(key[1])] if isinstance(key, tuple) else list(planes.values())
        for key, planes in groups.items()
    ]


def _names(images: Sequence[Sequence[Read | None]]) -> list[str]:
    """A name for each image that no other has: with its folder in front, or a number behind, where need be."""
    firsts = [_first(planes) for planes in images]
    times = Counter(same_name(read.cell_map.image) for read in firsts)
    names: list[str] = []
    taken: set[str] = set()
    for read in firsts:
        name = read.cell_map.image
        wanted = name if times[same_name(name)] == 1 else f"{read.source.absolute().parent.name}_{name}"
        name, number = wanted, 1
        while same_name(name) in taken:
            number += 1
            name = f"{number}-{wanted}"
        taken.add(same_name(name))
        names.append(name)
    return names


def _sources(name: str, planes: Sequence[Read | None]) -> list[ImageSource]:
    first = _first(planes)
    one = first.cell_map
    return [
        ImageSource(name, plane, len(planes), None, one.pixel_size, first.image, one.shape, _no_pixels)
        for plane in range(len(planes))
    ]


def _first(planes: Sequence[Read | None]) -> Read:
    return next(read for read in planes if read is not None)


def _no_pixels() -> NDArray[np.generic]:
    raise LeukocyteError("The image of an imported mask was not opened.")


def _provenance(stated: Mapping[str, Any], plane: int) -> dict[str, str]:
    """What a file says of how it was made, for one plane, without what a map of cells has a place of its own for."""
    found = {}
    for key, value in stated.items():
        if isinstance(value, list):
            value = value[plane] if plane < len(value) else ""
        if isinstance(value, str) and value and key not in _NO_PROVENANCE and not key.startswith("pixel_size_"):
            found[key] = value
    return found
