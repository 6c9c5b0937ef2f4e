"""What the Measure dock writes: the table of cells, or all results of the image list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_leukocyte.core.cells.checks import check_class_map
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.shape import Shape
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.outputs import MADE_BY, spare_foreign
from napari_leukocyte.core.packed import Packed
from napari_leukocyte.core.results.cell_table import CellTable
from napari_leukocyte.core.results.listing import shown_hash
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.names import input_path, output_names
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.results.writer import ResultWriter
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.reader_name import is_said, reader_name

if TYPE_CHECKING:
    from napari_leukocyte.core.cells.history import Fingerprint
    from napari_leukocyte.core.exchange.cell_map import CellMap
    from napari_leukocyte.core.exchange.exporting import Named
    from napari_leukocyte.core.exchange.formats import ExportFormat
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["Snapshot", "export_as", "note_saved", "save_results", "snapshots", "write_table"]


@dataclass(frozen=True)
class Snapshot:
    """An image and its results as they are now, so that they can be written while the user paints on.

    Attributes
    ----------
    known
        The result without its maps; None: there is none.
    maps
        Class map and cell labels, put away: thousands of images may be written at once.
    account
        Its name, where it stands for that of the reader, whom nobody has named.
    """

    source: ImageSource
    known: Segmentation | None
    measures: Sequence[CellMeasure]
    maps: tuple[Packed[np.uint8], Packed[np.int32]] | None = None
    facts: MaskFacts | None = None
    state: ImageState | None = None
    fingerprint: Fingerprint | None = None
    account: str = ""

    @property
    def result(self) -> Segmentation | None:
        """The result with its maps, made anew each time; None: there is none."""
        if self.known is None or self.maps is None:
            return self.known
        return replace(self.known, classes=self.maps[0].snapshot().array, cells=self.maps[1].snapshot().array)


def note_saved(images: Iterable[Snapshot]) -> None:
    """Note that images are saved among results as they were: they are no loss when the list goes."""
    for image in images:
        if image.state is not None:
            image.state.saved = image.fingerprint


def snapshots(session: Session, indices: Iterable[int]) -> list[Snapshot]:
    """Copy what is known of images of the list; without a result for those that have none."""
    session.flush()
    found = []
    for index in indices:
        state, source = session.states.get(index), session.images[index]
        if state is None:
            found.append(Snapshot(source, None, ()))
        else:
            facts = state.facts(None)
            provenance = {**state.result.provenance, **(facts.made_with_text if facts.edited else {})}
            by_hand = state.live.edited
            if by_hand:
                provenance["reader"] = reader_name(session)
            account = reader_name(session) if by_hand and not is_said(session) else ""
            known = replace(state.result, provenance=provenance)
            maps = state.live.maps[0].snapshot(), state.live.maps[1].snapshot()
            measures = state.measures
            if source.region_at is not None:  # a table says where a cell lies in the slide
                top, left = source.region_at
                measures = [replace(one, y=one.y + top, x=one.x + left) for one in measures]
            found.append(Snapshot(source, known, measures, maps, facts, state, state.live.fingerprint, account))
    return found


def write_table(images: Iterable[Snapshot], path: Path, *, shapes: bool = False) -> str:
    """Write the cells as CSV, with its provenance in a JSON beside it; returns a sentence.

    With ``shapes`` it has the optional columns of ``core.cells.shape``, too.

    Raises
    ------
    LeukocyteError
        When a file cannot be written.
    """
    images = list(images)
    spare_foreign({path.with_suffix(".json"): MADE_BY})  # the table itself was chosen by its name, and asked about
    table, notes = CellTable(), list[str]()
    for image in _with_shapes(images, notes) if shapes else images:
        if image.known is not None:
            source = image.source
            table.add(
                image.measures,
                image=source.name,
                plane=source.plane,
                planes=source.planes,
                provenance=image.known.provenance,
                folder="" if source.path is None else str(source.path.parent),
                shapes=image.known.shapes,
            )
    table.write(path)
    notes += _on_slides(images)
    return "".join((f"{len(table.rows)} cells are in {path}.", *(f" Note: {note}." for note in notes)))


def _on_slides(images: Iterable[Snapshot]) -> list[str]:
    """A note where a table has cells of slides beside those of images."""
    known = [image.source.region_at is not None for image in images if image.known is not None]
    if all(known) or not any(known):
        return []
    return [f"y and x of {counted(sum(known), 'region')} are those of the slide, of all others those of the image"]


def _with_shapes(images: Iterable[Snapshot], notes: list[str]) -> Iterator[Snapshot]:
    """Measure the shapes of the cells as they are now; where an image cannot be read any more, ``notes`` say so."""
    from napari_leukocyte.core.segmentation.shapes import shapes_of

    for image in images:
        result = image.result
        if image.known is None or result is None:
            yield image
            continue
        found: Mapping[int, Shape] = {}
        try:
            found = shapes_of(image.source, result)
        except LeukocyteError as error:
            notes.append(f"no shapes of {image.source.label}: {str(error).rstrip('.')}")
        yield replace(image, known=replace(image.known, shapes=found))


def save_results(
    images: Sequence[Snapshot],
    folder: Path,
    *,
    trusted: dict[str, str],
    overwrite: bool = False,
    shapes: bool = False,
) -> str:
    """Write class maps, cell labels and the table of all images, as the command line does; returns a sentence.

    Parameters
    ----------
    images
        The planes of a stack one after the other, none left out.
    folder
        Made when it is not there.
    overwrite
        Replace what a hand has corrected there, or somebody else made.
    trusted
        Hashes by file name of what was saved there before from the same window, and may be replaced; what is saved now
        is added.
    shapes
        Whether the table has the optional columns of ``core.cells.shape``, too.

    Raises
    ------
    InTheWayError
        When something is in the way; then nothing was written.
    LeukocyteError
        When a file cannot be written, a class map holds a value that is no class, or an image of the list would be
        overwritten.
    """
    for image in images:
        if image.maps is not None:  # a value painted by a slip is named with its image, before anything is written
            check_class_map(image.maps[0].snapshot().array, name=f"class map of {image.source.label}")
    paths = [input_path(image.source.path, image.source.name) for image in images]
    first = dict(zip(reversed(paths), [image.source for image in reversed(images)], strict=True))  # planes of a stack
    inputs = dict.fromkeys(path for image, path in zip(images, paths, strict=True) if image.known is not None)
    contents = {path: shown_hash(first[path]) for path in inputs if first[path].path is None}
    with ResultWriter(folder, list(inputs), contents=contents, overwrite=overwrite, trusted=trusted) as writer:
        notes = list[str]()
        try:
            for image, path in zip(_with_shapes(images, notes) if shapes else images, paths, strict=True):
                if path in inputs:
                    writer.add(image.source, image.result, measures=image.measures, facts=image.facts)
        finally:
            trusted |= writer.written
    accounts = sorted({image.account for image in images} - {""})
    named = [f"corrected maps carry the name of the account, {one}, as their reader" for one in accounts]
    said = "".join(f" Note: {note}." for note in (*named, *writer.notes, *notes, *_on_slides(images)))
    return f"{writer.images} images and cells.csv ({writer.cells} cells) are in {folder}.{said}"


def export_as(
    images: Sequence[Snapshot], to: ExportFormat, folder: Path, *, overwrite: bool = False, shapes: bool = False
) -> str:
    """Write the results of all images for other programs, see ``core.exchange``; returns a sentence.

    With ``shapes`` tables and GeoJSON have the optional columns of ``core.cells.shape``, too.

    Raises
    ------
    InTheWayError
        When files of these names are there; then nothing was written.
    LeukocyteError
        When nothing can be written, or a class map holds a value that is no class.
    """
    from napari_leukocyte.core.exchange.exporting import ExportFailed, export_cell_maps

    notes = list[str]()
    named = _named([*_with_shapes(images, notes)] if shapes else images)
    events = export_cell_maps(named, to, folder, stems=[one.stem for one in named], overwrite=overwrite)
    files, failures = 0, list[str]()
    for event in events:
        if isinstance(event, ExportFailed):
            failures.append(event.reason)
        else:
            files += len(event.files)
    said = "".join((f"{counted(files, 'file')} in {folder}.", *(f" Note: {note}." for note in notes)))
    return "\n".join((said, *bullets("Not written:", failures)))


def _named(images: Sequence[Snapshot]) -> list[Named]:
    """The maps of each image that has results, and the stem of its files."""
    from napari_leukocyte.core.exchange.cell_map import cell_map_of
    from napari_leukocyte.core.exchange.exporting import Named

    planes: dict[Path, list[CellMap]] = {}
    for image in images:
        if (whole := image.result) is not None:
            source = image.source
            result = replace(whole, types={one.cell: one.cell_type for one in image.measures})
            one = cell_map_of(
                result,
                image=source.name,
                plane=source.plane,
                planes=source.planes,
                remarks={one.cell: one.flags for one in image.measures},
            )
            planes.setdefault(input_path(source.path, source.name), []).append(one)
    names = output_names(list(planes))
    return [Named(names[path].stem, maps) for path, maps in planes.items()]
