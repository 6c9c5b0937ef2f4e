"""The record of a results folder: ``results.jsonl``, which says of every image what was done to it and written of it.

A folder that `ResultWriter` writes to (``segment``, *Save all*) holds one such file; whatever goes on with a folder,
reopens or exports it reads this and builds no second one. Each line is one JSON object in ASCII:

- the first says the format, its version and the program's;
- ``"kind": "list"``: images of the list, in its order, with the names that they have from then on (their *stem*, which
  begins the names of their files and is their id here, and their *label*, which tables show);
- ``"kind": "pixel sizes"``: what was decided of pixel sizes for images of the list together;
- ``"kind": "image"``: one image, whole stacks in one line, as soon as it is done or has failed (`ImageRecord`);
- ``"kind": "table"``: the hashes of a table that was written.

The last line on an image, or on a table, counts. A line is on the disk before the files that it names take their
places, so that what a kill leaves half-done can be told from what somebody else made. A line that is damaged costs
itself, one that was torn by a kill is as if it had not been begun.

``core.results.record_file.read_record(folder)`` gives all of it, or None:

- ``record.images``: the last line on each image by its stem, in the order of the list; ``image.planes[0].cells`` are
  its rows, ``image.files`` names and hashes of its class map and its cell labels, ``image.source(folder)`` its file;
- ``record.done``: those of them that have results;
- ``record.table()``: the rows of ``cells.csv`` with what made them, at any moment, also after a kill;
- ``core.results.in_place.changed_files(folder, image)``: which of its files are not as they were written;
- ``record.problems``: sentences on what had to be left out.

Only `ResultWriter` writes, one at a time in a folder.
"""

import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_leukocyte.core.cells.cells_csv import (
    CELL_COLUMNS,
    MADE_BY_COLUMNS,
    OPTIONAL_COLUMNS,
    columns_of,
    optional_columns,
)
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.cell_table import CellTable
from napari_leukocyte.core.results.settings import ResultSettings

__all__ = [
    "CELL_FIELDS",
    "OPTIONAL_FIELDS",
    "RECORD",
    "SLIDE_MAPS",
    "ImageRecord",
    "ListedImage",
    "PlaneRecord",
    "ResultsRecord",
    "SizesRecord",
]

RECORD = "results.jsonl"
SLIDE_MAPS = "cells.ome.zarr"
"""The folder of a slide's label maps."""
# what each cell's row has of its own, and can have
CELL_FIELDS = tuple(name for name in CELL_COLUMNS if name not in ("image", "plane", "folder", *MADE_BY_COLUMNS))
OPTIONAL_FIELDS = tuple(name for part in OPTIONAL_COLUMNS for name in part)
_LEVEL = 1  # zlib's fastest
_MOST_CELLS = 1000  # of an image that is compressed: a slide has many more, and there are few of them


@dataclass(frozen=True)
class ListedImage:
    """An image of the list and what it is called.

    Attributes
    ----------
    stem
        Begins the names of its files; no other image of the folder has it.
    label
        What tables and messages call it; no other image of the folder has it.
    name
        That of its file, or of its layer.
    path
        Of its file, absolute; empty for a layer or an array without a file.
    relative
        The same from the results folder on, with "/": a folder that is moved with its images finds them. Empty where
        there is no such path.
    """

    stem: str
    label: str
    name: str
    path: str = ""
    relative: str = ""

    @property
    def gone(self) -> str:
        """What to say where `source` finds nothing, in a sentence."""
        where = f"it is not at {self.path} any more: move it back" if self.path else "it was a layer: open it first"
        return f"{self.label} cannot be opened, for {where}."

    def source(self, folder: Path) -> Path | None:
        """The file where it lies now, seen from the results folder; None without a file, or when it is gone."""
        for path in (self.path, str(folder / self.relative) if self.relative else ""):
            try:
                if path and Path(path).exists():  # a slide can be a folder
                    return Path(path)
            except (OSError, ValueError):
                continue
        return None


@dataclass(frozen=True, kw_only=True)
class PlaneRecord:
    """One plane of a stack, or a single image.

    Attributes
    ----------
    reason
        Why it has no result, as a sentence; empty when it has one.
    provenance
        As in its files: model, hash of its weights, engine, device, precision, parameters, pixel size.
    pixel_size
        The same with all digits.
    binary
        It knows whole cells only.
    notes
        What was done or happened that the user should know.
    cells
        For each cell the fields of its row in ``cells.csv`` that are not empty and its own (`CELL_FIELDS`, and
        `OPTIONAL_FIELDS` where it has them), as text; also what made it, where that is not what made the plane.
    pixels_changed
        How many pixels a hand changed since a model made the map.
    labels_edited
        Whether cells were split, joined or marked by hand.
    """

    reason: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    pixel_size: PixelSize = field(default_factory=lambda: PixelSize(None))
    binary: bool = False
    notes: tuple[str, ...] = ()
    cells: tuple[Mapping[str, str], ...] = ()
    pixels_changed: int = 0
    labels_edited: bool = False

    @property
    def flags(self) -> dict[int, frozenset[Flag]]:
        """Marks, edits and all other flags by cell, of those cells that have any."""
        return {
            int(cell["cell"]): frozenset(map(Flag, cell["flags"].split(";"))) for cell in self.cells if "flags" in cell
        }


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """What was done to an image of the list; a stack is one.

    Attributes
    ----------
    image
        What it is called and where it lies.
    input_sha256
        Hash of its file's bytes; of an image without a file as `ResultWriter` was told, or empty.
    settings
        What was asked for; None for results saved from napari, whose planes say what made each.
    planes
        One for each; none when the image failed before its planes were known.
    files
        SHA-256 by name of the class map and of the cell labels, in the results folder; of a whole slide of the folder
        of its label maps (`SLIDE_MAPS`, hashed by ``core.files.folder_hash``).
    corrected
        A hand has changed them: they are never replaced unasked.
    reason
        Why there is no result, as a sentence; empty when there is one.
    moment
        When, in UTC (ISO 8601).
    """

    image: ListedImage
    input_sha256: str = ""
    settings: ResultSettings | None = None
    planes: tuple[PlaneRecord, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    corrected: bool = False
    reason: str = ""
    moment: str = ""

    @property
    def failures(self) -> list[str]:
        """Why it, or planes of it, have no result."""
        return [self.reason] if self.reason else [plane.reason for plane in self.planes if plane.reason]

    @property
    def class_map(self) -> str:
        """Name of its class-map file; empty when it failed, or is a slide."""
        return next((name for name in self.files if name.startswith(f"{self.image.stem}_classes.")), "")

    @property
    def is_slide(self) -> bool:
        """Whether it is a whole slide, whose maps are no files of its own."""
        return SLIDE_MAPS in self.files

    def rows(self, plane: int) -> list[dict[str, str]]:
        """The rows of one plane in ``cells.csv``."""
        own = self.planes[plane]
        made_by = {column: own.provenance.get(column, "") for column in MADE_BY_COLUMNS}
        optional = optional_columns(own.cells)
        return [
            {
                "image": self.image.label,
                "plane": str(plane),
                **{column: cell.get(column, "") for column in CELL_FIELDS},
                **({} if "cell_px" in cell else _whole(cell)),
                **{name: cell.get(name, text) for name, text in made_by.items()},
                "folder": str(Path(self.image.path).parent) if self.image.path else "",
                **{name: cell.get(name, "") for name in optional},
            }
            for cell in own.cells
        ]


def _whole(cell: Mapping[str, str]) -> dict[str, str]:
    """Areas of the whole cell from those of its parts, for records that do not have them."""
    parts = [[cell.get(f"{part}_{unit}", "") for part in ("cytoplasm", "nucleus")] for unit in ("px", "um2")]
    (cytoplasm_px, nucleus_px), um2 = parts
    return {
        "cell_px": str(int(cytoplasm_px or 0) + int(nucleus_px or 0)),
        "cell_um2": f"{sum(map(float, um2)):.8g}" if all(um2) else "",
    }


@dataclass(frozen=True)
class SizesRecord:
    """What was decided of a pixel size for images of the list, see ``core.segmentation.list_pixel_sizes``.

    Attributes
    ----------
    size
        None where the list has several sizes and an image is yet to find its own.
    several
        Those sizes.
    note
        What the user should know of it.
    """

    size: PixelSize | None = None
    several: tuple[PixelSize, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An image in a third of the memory: its planes, which are most of it, compressed."""

    image: ImageRecord  # where these are few, without its planes
    planes: bytes
    optional: tuple[str, ...]  # columns that its cells have

    @classmethod
    def of(cls, image: ImageRecord) -> "_Kept":
        cells = [cell for plane in image.planes if not plane.reason for cell in plane.cells]
        optional = optional_columns(cells)
        if len(cells) > _MOST_CELLS:
            return cls(image, b"", optional)
        return cls(replace(image, planes=()), zlib.compress(pickle.dumps(image.planes), _LEVEL), optional)

    @property
    def whole(self) -> ImageRecord:
        if not self.planes:
            return self.image
        return replace(self.image, planes=pickle.loads(zlib.decompress(self.planes)))


@dataclass
class ResultsRecord:
    """All that is recorded of a results folder.

    Attributes
    ----------
    listed
        By stem, in the order of first sight.
    sizes
        What was decided of an image's pixel size, by stem.
    written
        The hashes that this program gave each file of the folder, by name, and whether a hand had changed the image.
    corrected_files
        Names of those that are as a hand left them.
    problems
        Sentences on lines that had to be left out.
    """

    listed: dict[str, ListedImage] = field(default_factory=dict)
    sizes: dict[str, SizesRecord] = field(default_factory=dict)
    written: dict[str, dict[str, bool]] = field(default_factory=dict)
    corrected_files: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    _last: dict[str, "_Kept"] = field(default_factory=dict)
    _settings: dict[ResultSettings, ResultSettings] = field(default_factory=dict)

    @property
    def images(self) -> dict[str, ImageRecord]:
        """What is known of each image last, done or failed, by stem and in the order of the list."""
        return {image.image.stem: image for image in self.each()}

    @property
    def done(self) -> dict[str, ImageRecord]:
        """Those that have results."""
        return {image.image.stem: image for image in self.each_done()}

    def each(self) -> Iterator[ImageRecord]:
        """Yield the same as `images`: of a long list one at a time takes less memory."""
        for stem in self.listed:
            if (kept := self._last.get(stem)) is not None:
                yield kept.whole

    def each_done(self) -> Iterator[ImageRecord]:
        """Yield the same as `done`."""
        return (image for image in self.each() if not image.reason)

    def last(self, stem: str) -> ImageRecord | None:
        """What is known of one image last."""
        kept = self._last.get(stem)
        return None if kept is None else kept.whole

    def add_listed(self, images: Iterable[ListedImage]) -> None:
        """Images get their names; one that is there already may have been moved."""
        self.listed |= {image.stem: image for image in images}

    def add_sizes(self, sizes: SizesRecord, stems: Iterable[str]) -> None:
        """What was decided for these images."""
        self.sizes |= dict.fromkeys(stems, sizes)

    def add_image(self, image: ImageRecord) -> None:
        """What was done to an image, in place of what was known before."""
        stem = image.image.stem
        self.listed.setdefault(stem, image.image)
        if not image.reason:
            self.corrected_files.difference_update(image.files)
            self.corrected_files.update(image.files if image.corrected else ())
        settings = None if image.settings is None else self._settings.setdefault(image.settings, image.settings)
        self._last[stem] = _Kept.of(replace(image, image=self.listed[stem], settings=settings))
        self.add_written(image.files, corrected=image.corrected)

    def add_written(self, files: Mapping[str, str], *, corrected: bool = False) -> None:
        """Files of these hashes were written by this program."""
        for name, code in files.items():
            known = self.written.setdefault(name, {})
            known[code] = corrected and known.get(code, True)

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield the rows of `table` one at a time."""
        for image in self.each_done():
            for number, plane in enumerate(image.planes):
                if not plane.reason:
                    yield from image.rows(number)

    def columns(self) -> tuple[str, ...]:
        """Those of `table`."""
        there = {name: "" for kept in self._last.values() if not kept.image.reason for name in kept.optional}
        return columns_of([there])

    def table(self, *, with_rows: bool = True) -> CellTable:
        """The table of all cells in the order of the list, or what made it alone."""
        table = CellTable()
        for image in self.each_done():
            for number, plane in enumerate(image.planes):
                if not plane.reason:
                    table.add_rows(
                        image.rows(number) if with_rows else (),
                        image=image.image.label,
                        plane=number,
                        planes=len(image.planes),
                        provenance=plane.provenance,
                    )
        return table
