"""Corrections of a part of a slide go back into its results: maps at all levels, record and table."""

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, box_of, in_plane, widened, within
from napari_leukocyte.core.cells.checks import check_class_map
from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cell
from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.files import file_hash, folder_hash, refusal
from napari_leukocyte.core.results.remarks import REMARKS
from napari_leukocyte.core.slides.folder import RESULTS, slide_in
from napari_leukocyte.core.slides.found import FoundOnSlide
from napari_leukocyte.core.slides.journal import begin, commit, discard, finish, writer_of
from napari_leukocyte.core.slides.merging import Maps2, Merged, merge
from napari_leukocyte.core.slides.pyramid import open_parts
from napari_leukocyte.core.slides.table import slide_rows

__all__ = ["Correction", "Written", "write_correction"]

_NEAR_UM = 40.0  # from a change, within which the centres of cells lie that it can concern
_LARGEST_UM = 1000.0  # away from its centre no cell has pixels
_KEPT = REMARKS | {Flag.PIXEL_SIZE_DOUBTFUL}  # flags that no map tells


@dataclass(frozen=True, eq=False)
class Correction:
    """A part of a slide as a hand left it.

    Attributes
    ----------
    box
        Rows and columns of the slide.
    seen
        What the results held of it when it was opened, or written back last.
    maps
        What they should hold.
    remarks
        By number: not a WBC, edited, unsure, out of focus.
    types
        By number, what a person said that cells are.
    made_by
        What the rows of corrected cells say of it: ``made_with`` and ``reader``.
    """

    box: Box
    seen: Maps2
    maps: Maps2
    remarks: Mapping[int, frozenset[Flag]] = field(default_factory=dict)
    types: Mapping[int, str] = field(default_factory=dict)
    made_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Written:
    """What became of a correction.

    Attributes
    ----------
    found
        All results as they are now.
    maps
        What they hold of the part now.
    numbers
        Of new cells, what they are called on the slide, by their numbers in the part.
    cells
        Numbers of cells that were corrected or marked, measured anew.
    gone
        Numbers of cells that are no more.
    left
        Numbers of cells that the part cuts, or may cut, and that are as they were.
    """

    found: FoundOnSlide
    maps: Maps2
    numbers: Mapping[int, int]
    cells: tuple[int, ...]
    gone: tuple[int, ...]
    left: tuple[int, ...]


def write_correction(found: FoundOnSlide, correction: Correction) -> Written:
    """Write what a hand changed in a part of a slide into its results, all of it or nothing.

    The maps change within the part alone, at all levels; rows of cells that changed, and of those beside them, are
    measured anew. Cells that the part cuts stay as they are.

    Raises
    ------
    LeukocyteError
        When another program writes there, cells were corrected elsewhere since, the class map holds a value that is no
        class, or the system refuses.
    """
    folder = found.folder
    binary = found.image.planes[0].binary
    check_class_map(correction.maps[0], name="class map of the region", binary=binary)
    with writer_of(folder) as writer:
        image = slide_in(writer.record)
        if image is None:
            raise LeukocyteError(f"{folder} holds no results of a slide any more: find its cells again.")
        now = replace(found, image=image)
        parts = open_parts(folder / RESULTS)
        classes, labels = parts["classes"][0], parts["cells"][0]
        merged = merge(
            (np.asarray(classes[correction.box]), np.asarray(labels[correction.box])),
            correction.seen,
            correction.maps,
            box=correction.box,
            shape=found.shape,
            areas={int(row["cell"]): int(row["cell_px"]) for row in now.rows},
        )
        after = _After(classes, labels, correction.box, merged.maps)
        rows = _Rows(now, correction, merged, after)
        if rows.by_hand or merged.changed.any():
            try:
                codes = _stage(folder, parts, correction.box, merged.maps)
                image = replace(
                    image,
                    planes=(rows.plane(),),
                    files={RESULTS: folder_hash(folder / RESULTS, instead=codes)},
                    corrected=True,
                    moment=datetime.now(UTC).isoformat(timespec="seconds"),
                )
                commit(folder, codes, image)
                writer.keep(image)
            except LeukocyteError:
                discard(folder)
                raise
            finish(folder, writer)
        return _written(replace(now, image=image), merged, rows)


def _written(found: FoundOnSlide, merged: Merged, rows: "_Rows") -> Written:
    there = set(np.unique(merged.maps[1]).tolist())
    gone = merged.touched - there - set(merged.numbers.values())
    return Written(
        found=found,
        maps=merged.maps,
        numbers=merged.numbers,
        cells=tuple(sorted(rows.by_hand)),
        gone=tuple(sorted(gone & rows.known)),
        left=tuple(sorted(merged.left)),
    )


class _After:
    """The maps of a slide as they will be, read window by window."""

    def __init__(self, classes: Any, labels: Any, box: Box, maps: Maps2) -> None:
        self._arrays, self._box, self._maps = (classes, labels), box, maps
        self.shape: tuple[int, int] = tuple(labels.shape)

    def read(self, window: Box) -> Maps2:
        """Class map and labels of a window within the slide."""
        classes, labels = (np.asarray(array[window]) for array in self._arrays)
        here, there = [], []
        for own, part in zip(window, self._box, strict=True):
            low, high = max(own.start, part.start), min(own.stop, part.stop)
            here.append(slice(low - own.start, max(low, high) - own.start))
            there.append(slice(low - part.start, max(low, high) - part.start))
        classes[tuple(here)] = self._maps[0][tuple(there)]
        labels[tuple(here)] = self._maps[1][tuple(there)]
        return classes, labels

    def around(self, y: float, x: float, reach: int) -> Box:
        """So many px around a place, within the slide."""
        rows, columns = (
            slice(max(0, int(k) - reach), min(n, int(k) + reach + 1)) for k, n in zip((y, x), self.shape, strict=True)
        )
        return rows, columns


class _Rows:
    """The rows of a slide's cells after a correction."""

    def __init__(self, found: FoundOnSlide, correction: Correction, merged: Merged, after: _After) -> None:
        self._found, self._correction, self._merged, self._after = found, correction, merged, after
        self._size = found.pixel_size
        assert self._size.um is not None  # a slide always has one, if only an estimate
        self._um = self._size.um
        self._old = {int(row["cell"]): row for row in found.image.planes[0].cells}
        self.known = set(self._old)
        there = set(np.unique(merged.maps[1][merged.maps[1] > 0]).tolist())
        self._in_part = set(np.unique(correction.maps[1]).tolist())
        own = {merged.numbers.get(number, number): number for number in {*correction.remarks, *correction.types}}
        self._said = {
            new: (frozenset(correction.remarks.get(number, ())), correction.types.get(number, ""))
            for new, number in own.items()
            if new in there
        }
        self._edited = merged.touched & there
        marked = {one for one in there & self.known - self._edited if self._remarks(one) != self._before(one)}
        self.by_hand = self._edited | marked

    def plane(self) -> Any:
        """The record of the slide's only plane."""
        plane, merged = self._found.image.planes[0], self._merged
        measures = [self._measure(number) for number in sorted(self.by_hand | self._beside())]
        new = dict(
            zip(
                (one.cell for one in measures),
                slide_rows(measures, self._found.place_at, um=self._um, provenance=plane.provenance),
                strict=True,
            )
        )
        for number, row in new.items():
            known = self._old.get(number, {})
            drawn = self._correction.made_by if number in self._edited else known
            said = self._correction.made_by if number in self.by_hand else known  # a mark alone draws nothing
            made_by = {"made_with": drawn.get("made_with", ""), "reader": said.get("reader", "")}
            row |= {key: text for key, text in made_by.items() if text}
        gone = merged.touched - self._edited
        cells = {number: row for number, row in (self._old | new).items() if number not in gone}
        return replace(
            plane,
            cells=tuple(cells[number] for number in sorted(cells)),
            pixels_changed=plane.pixels_changed + int(np.count_nonzero(merged.changed)),
            labels_edited=True,
        )

    def _before(self, number: int) -> tuple[frozenset[Flag], str]:
        row = self._old[number]
        flags = frozenset(map(Flag, filter(None, row.get("flags", "").split(";"))))
        return flags & _KEPT, row.get("type", "")

    def _remarks(self, number: int) -> tuple[frozenset[Flag], str]:
        """Flags that no map tells, and the type; of a cell whose pixels stay as they are only marks can be new."""
        nothing: tuple[frozenset[Flag], str] = (frozenset(), "")
        said, cell_type = self._said.get(number, nothing)
        if number in self._edited:
            doubt = {Flag.PIXEL_SIZE_DOUBTFUL} if self._size.doubt else set()
            return (said & REMARKS) | doubt | {Flag.EDITED}, cell_type
        before = self._before(number)
        return ((before[0] - NOT_A_WBC) | (said & NOT_A_WBC), cell_type) if number in self._in_part else before

    def _beside(self) -> set[int]:
        """Cells whose measures the change can concern."""
        ys, xs = np.nonzero(self._merged.changed)
        if not ys.size:
            return set()
        box, near, margin = self._correction.box, _NEAR_UM / self._um, self._margin
        spans = [
            (int(at.min()) + side.start, int(at.max()) + side.start) for at, side in zip((ys, xs), box, strict=True)
        ]
        found = set()
        for number, row in self._old.items():
            at = float(row["y"]), float(row["x"])
            close = all(low - near < k < high + near for k, (low, high) in zip(at, spans, strict=True))
            if close and number not in self._merged.touched:
                sides = zip(self._box_of(number, *at), spans, strict=True)
                if all(side.start - margin <= high and side.stop + margin > low for side, (low, high) in sides):
                    found.add(number)
        return found

    @property
    def _margin(self) -> int:
        return math.ceil(max(1.0, 0.1 / self._um)) + 2

    def _measure(self, number: int) -> CellMeasure:
        y, x = self._centre(number)
        box = self._box_of(number, y, x)
        window = widened(box, self._margin, self._after.shape)
        classes, labels = self._after.read(window)
        remarks, cell_type = self._remarks(number)
        plane = self._found.image.planes[0]
        one = measure_cell(
            classes, labels, number, within(box, window), pixel_size=self._size.for_areas, binary=plane.binary,
            remarks=remarks, cell_type=cell_type,
        )  # fmt: skip
        return replace(one, y=one.y + window[0].start, x=one.x + window[1].start)

    def _centre(self, number: int) -> tuple[float, float]:
        ys, xs = np.nonzero(self._merged.maps[1] == number)
        if ys.size:
            box = self._correction.box
            return float(ys[0] + box[0].start), float(xs[0] + box[1].start)
        return float(self._old[number]["y"]), float(self._old[number]["x"])

    def _box_of(self, number: int, y: float, x: float) -> Box:
        """Rows and columns that hold a cell, which lies at a place: looked for ever farther around."""
        reach = round(_NEAR_UM / self._um)
        while True:
            window = self._after.around(y, x, reach)
            found = box_of(self._after.read(window)[1] == number)
            box = None if found is None else in_plane(found, window)
            whole = box is not None and all(
                (side.start == 0 or at.start > side.start) and (side.stop == n or at.stop < side.stop)
                for side, at, n in zip(window, box, self._after.shape, strict=True)
            )
            if whole or reach * self._um > _LARGEST_UM:
                break
            reach *= 2
        if box is None:
            raise LeukocyteError(f"The label maps in {self._found.folder} do not hold cell {number}: restore them.")
        return box


def _stage(folder: Path, parts: Mapping[str, list[Any]], box: Box, maps: Maps2) -> dict[str, str]:
    """Write the blocks that a part touches, at all levels, as they will be; returns their hashes by name."""
    classes, cells = maps
    new: dict[str, NDArray[Any]] = {
        "classes": classes,
        "cells": cells,
        "nuclei": np.where(classes == 2, cells, 0).astype(np.int32),
    }
    stage = begin(folder)
    codes: dict[str, str] = {}
    try:
        _copy_heads(folder / RESULTS, stage)
        staged = open_parts(stage, mode="r+")
        for kind, levels in parts.items():
            for level, array in enumerate(levels):
                step = 2**level
                inside = tuple(slice(-(-side.start // step), -(-side.stop // step)) for side in box)
                if any(side.start >= side.stop for side in inside):
                    continue
                first = (at.start * step - side.start for at, side in zip(inside, box, strict=True))
                values = new[kind][tuple(slice(start, None, step) for start in first)]
                area = tuple(
                    slice(at.start // n * n, min(-(-at.stop // n) * n, size))
                    for at, n, size in zip(inside, array.chunks, array.shape, strict=True)
                )
                block = np.asarray(array[area])
                there = (slice(at.start - a.start, at.stop - a.start) for at, a in zip(inside, area, strict=True))
                block[tuple(there)] = values
                staged[kind][level][area] = block
                for name in _names(array, area):
                    written = (stage / name).is_file()
                    if written or (folder / RESULTS / name).is_file():
                        codes[name] = file_hash(stage / name) if written else ""
    except OSError as error:
        raise LeukocyteError(f"{folder} could not be written: {refusal(error)}; nothing was changed.") from error
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # a damaged store makes the library raise almost anything
        raise LeukocyteError(f"{folder / RESULTS} cannot be corrected ({reason_in(error)}): restore it.") from error
    return codes


def _copy_heads(maps: Path, stage: Path) -> None:
    """The files that say what groups and arrays there are."""
    for path in maps.rglob(".z*"):
        place = stage / path.relative_to(maps)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _names(array: Any, area: tuple[slice, ...]) -> Iterator[str]:
    """Files of the blocks of an area."""
    (rows, columns), (high, wide) = area, array.chunks
    for i in range(rows.start // high, -(-rows.stop // high)):
        for j in range(columns.start // wide, -(-columns.stop // wide)):
            yield f"{array.path.strip('/')}/{i}/{j}"
