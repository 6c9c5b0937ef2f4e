"""Results that were written, as images and segmentations again: to look at, to correct and to go on with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.origin import MAKERS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.results.in_place import changed_files
from napari_leukocyte.core.results.map_file import MapFile, open_map
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.record import RECORD, ImageRecord, PlaneRecord, ResultsRecord
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.results.segmentation import Segmentation, remark_fields

__all__ = ["Reopened", "SavedFolder", "holds_results", "saved_folder"]


@dataclass(frozen=True)
class Reopened:
    """The result of one image of the list; ``problem`` is a sentence in its place, or a note beside it."""

    index: int
    result: Segmentation | None
    problem: str = ""


@dataclass(frozen=True)
class SavedFolder:
    """The images that a results folder is of, and those that lie in it without results.

    Attributes
    ----------
    sources
        The list, as it was segmented; images that are not where they were come as ``BrokenImage``.
    notes
        Sentences on what the record had to leave out.
    """

    folder: Path
    sources: tuple[ImageSource | BrokenImage, ...]
    notes: tuple[str, ...]
    _images: tuple[ImageRecord | None, ...]  # for each source its record

    def results(self) -> Iterator[Reopened]:
        """Read the results one after the other; ``index`` counts the images that could be read."""
        maps: tuple[str, MapFile | LeukocyteError, str] | None = None
        index = -1
        for source, image in zip(self.sources, self._images, strict=True):
            if isinstance(source, BrokenImage):
                continue
            index += 1
            if image is None:
                continue
            if maps is None or maps[0] != image.image.stem:
                maps = image.image.stem, *self._open(image)
            _, opened, note = maps
            try:
                if isinstance(opened, LeukocyteError):
                    raise opened
                if not image.planes[source.plane].reason:
                    plane = image.planes[source.plane]
                    yield Reopened(index, _segmentation(opened, plane, source, changed=bool(note)), note)
            except LeukocyteError as error:
                yield Reopened(index, None, f"{source.label}: {error}")

    def _open(self, image: ImageRecord) -> tuple[MapFile | LeukocyteError, str]:
        """The class map of an image, and what has happened to it since it was written."""
        try:
            opened = open_map(self.folder / image.class_map)
            if opened.mask.planes != len(image.planes):
                raise LeukocyteError(f"{image.class_map} has not the planes that it was written with.")
        except LeukocyteError as error:
            return error, ""
        changed = [name for name, there in changed_files(self.folder, image).items() if there]
        return opened, f"{image.image.label}: {' and '.join(changed)} changed since" if changed else ""


def holds_results(folder: Path) -> bool:
    """Whether a folder is one that results were written into."""
    return (folder / RECORD).is_file()


def saved_folder(folder: Path) -> SavedFolder:
    """Read what a results folder is of; the results themselves come one by one from `SavedFolder.results`.

    Raises
    ------
    LeukocyteError
        When its record cannot be read, or there is nothing to open.
    """
    record = read_record(folder)
    if record is None:
        raise LeukocyteError(f"{folder} holds no results: choose a folder that Save all or segment has written.")
    sources: list[ImageSource | BrokenImage] = []
    images: list[ImageRecord | None] = []
    for image in record.images.values():
        found = _sources_of(image, folder)
        sources += found
        images += [None if image.reason else image] * len(found)
    known = {source.path.resolve() for source in sources if source.path is not None}
    for path in _others(folder, record):
        if path.resolve() not in known:
            found = list(sources_from_files([path]))
            sources += found
            images += [None] * len(found)
    if not sources:
        raise LeukocyteError(f"The results in {folder} are of no image yet: choose another folder.")
    return SavedFolder(folder, tuple(sources), tuple(record.problems), tuple(images))


def _sources_of(image: ImageRecord, folder: Path) -> list[ImageSource | BrokenImage]:
    path = image.image.source(folder)
    if path is None:
        was = Path(image.image.path or image.image.name)
        return [BrokenImage(image.image.label, was, image.image.gone)]
    found = list(sources_from_files([path]))
    if image.planes and len(found) != len(image.planes) and not isinstance(found[0], BrokenImage):
        return [BrokenImage(image.image.label, path, f"{path} has not as many planes as its results: restore it.")]
    return found


def _others(folder: Path, record: ResultsRecord) -> list[Path]:
    """Images that lie in the folder and are no results."""
    try:
        return [path for path in find_images(folder) if path.name not in record.written]
    except LeukocyteError:  # there are results alone
        return []


def _segmentation(opened: MapFile, plane: PlaneRecord, source: ImageSource, *, changed: bool) -> Segmentation:
    classes = opened.mask.read(source.plane)
    if classes.shape != source.shape:
        raise LeukocyteError(f"its class map has another size than {source.label}: restore the one or the other.")
    cells, remarks, _ = opened.labels.of(source.plane, classes)
    types = {} if cells is None else opened.labels.types(source.plane)
    if cells is None:
        cells = label_cells(classes, pixel_size=plane.pixel_size.um)
    facts = MaskFacts(
        model=plane.provenance.get("model", ""),
        model_sha256=plane.provenance.get("model_sha256", ""),
        pixels_changed=plane.pixels_changed,
        labels_edited=plane.labels_edited or changed,
        pixel_size=plane.pixel_size,
        whole_cell=plane.binary,
    )
    # what hands did to it cannot be told from what they left
    makers = np.where(classes > 0, MAKERS.index("unknown"), 0).astype(np.uint8) if facts.edited else None
    return Segmentation(
        classes=classes,
        cells=cells,
        binary=plane.binary,
        pixel_size=plane.pixel_size,
        keep=plane.provenance.get("keep", "all"),
        notes=plane.notes,
        provenance=dict(plane.provenance),
        **remark_fields(remarks),
        types=types,
        origin=facts,
        makers=makers,
        is_draft=facts.edited,  # no accepted mask has these edits: a new segmentation asks before it replaces them
    )
