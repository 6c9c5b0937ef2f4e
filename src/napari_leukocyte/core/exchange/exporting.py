"""Results of a list of images written in a format of other programs."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.formats import FORMATS, MASK_FORMATS, ExportFormat
from napari_leukocyte.core.exchange.label_images import CELL_LABELS, NUCLEUS_LABELS
from napari_leukocyte.core.exchange.results_folder import (
    read_class_map,
    records_of,
    results_in,
    with_recorded_shapes,
)
from napari_leukocyte.core.exchange.tables import TABLES, write_table
from napari_leukocyte.core.files import make_folder
from napari_leukocyte.core.results.in_place import InTheWayError
from napari_leukocyte.core.results.names import output_names

__all__ = ["ExportFailed", "Exported", "Named", "export_cell_maps", "export_folder"]


@dataclass(frozen=True)
class Named:
    """Maps of cells of one image, a plane after the other, and the stem of their files."""

    stem: str
    planes: Sequence[CellMap]


@dataclass(frozen=True)
class Exported:
    """An image is written, or the table of all; ``notes`` say how its masks were read."""

    name: str
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportFailed:
    """An image could not be written, with the reason as a sentence; the others go on."""

    name: str
    reason: str


def export_folder(
    results: Sequence[str | Path], to: ExportFormat, out: Path, *, overwrite: bool = False
) -> Iterator[Exported | ExportFailed]:
    """Write results folders in a format, one event for each image. Stop iterating to cancel.

    Parameters
    ----------
    results
        Folders that `core.results.writer.ResultWriter` wrote, class maps in them, or patterns.
    to
        The format, see `core.exchange.formats`.
    out
        A folder, made when it is not there.
    overwrite
        Replace files of the same names in it.

    Raises
    ------
    InTheWayError
        When there are such files.
    LeukocyteError
        Before anything is written: an unknown format, no results, a folder that cannot be written to.
    """
    paths = results_in(results)
    names = output_names([path.with_name(path.stem.removesuffix("_classes") + path.suffix) for path in paths])
    stems, records = [name.stem for name in names.values()], records_of(paths)

    def opened() -> Iterator[Named | ExportFailed | Exported]:
        for path, stem in zip(paths, stems, strict=True):
            try:
                reads = read_class_map(path)
            except LeukocyteError as error:
                yield ExportFailed(str(path), str(error))
                continue
            notes = tuple(dict.fromkeys(note for read in reads for note in read.notes))
            if notes:
                yield Exported(path.name, (), notes)
            yield Named(stem, [with_recorded_shapes(read.cell_map, records.get(path)) for read in reads])

    return export_cell_maps(opened(), to, out, stems=stems, overwrite=overwrite)


def export_cell_maps(
    images: Iterable[Named | Exported | ExportFailed],
    to: ExportFormat,
    out: Path,
    *,
    stems: Sequence[str],
    overwrite: bool = False,
) -> Iterator[Exported | ExportFailed]:
    """Write maps of cells in a format, one event for each image, and one for a table.

    Parameters
    ----------
    images
        What is to be written; events among them are passed on.
    stems
        Of all of them.
    overwrite
        Replace files of the same names.

    Raises
    ------
    InTheWayError
        At once: there are such files.
    LeukocyteError
        At once: an unknown format, nothing to write, or a folder that cannot be written to.
    """
    if to not in FORMATS:
        raise LeukocyteError(f"There is no format {to}: take one of {', '.join(FORMATS)}.")
    if not stems:
        raise LeukocyteError("There is nothing to export: segment images first.")
    make_folder(out)
    there = [] if overwrite else [name for name in _names(to, out, stems) if (out / name).exists()]
    if there:
        more = f" ({len(there) - 1} more like it)" if len(there) > 1 else ""
        raise InTheWayError(
            f"{out / there[0]} is there already{more}, and is not replaced: choose another folder, or overwrite it "
            "(--overwrite).",
            there,
        )
    return _tables(images, to, out) if to in TABLES else _masks(images, to, out)


def _names(to: ExportFormat, out: Path, stems: Sequence[str]) -> list[str]:
    """The files that would be written, as far as they can be known before the images are read."""
    if to in TABLES:
        return [f"cells.{to}", "cells.json", "cells_columns.csv"]
    form = MASK_FORMATS[to]
    ends = [form.end, *([form.end.replace(CELL_LABELS, NUCLEUS_LABELS)] if CELL_LABELS in form.end else [])]
    planes = [path.name for stem in stems for path in out.glob(f"{glob.escape(stem)}_plane*{form.end}")]
    return [*(f"{stem}{end}" for stem in stems for end in ends), *planes]


def _masks(
    images: Iterable[Named | Exported | ExportFailed], to: ExportFormat, out: Path
) -> Iterator[Exported | ExportFailed]:
    form = MASK_FORMATS[to]
    for image in images:
        if not isinstance(image, Named):
            yield image
            continue
        files = []
        try:
            for one in image.planes:
                place = "" if one.planes == 1 else f"_plane{one.plane:0{len(str(one.planes - 1))}}"
                files.append(out / f"{image.stem}{place}{form.end}")
                form.write(one, files[-1])
        except LeukocyteError as error:
            yield ExportFailed(image.stem, str(error))
        else:
            yield Exported(image.stem, tuple(files))


def _tables(images: Iterable[Named | Exported | ExportFailed], to: str, out: Path) -> Iterator[Exported | ExportFailed]:
    kept: list[CellMap] = []
    for image in images:
        if isinstance(image, Named):
            kept += image.planes
            yield Exported(image.stem, ())
        else:
            yield image
    kind = next(one for one in TABLES if one == to)
    if kept:
        yield Exported("", tuple(write_table(kept, out / f"cells.{kind}", kind)))
