"""A slide is searched beside the window; its results are read from the folder where they lie. No widgets."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.safe_text import from_table
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from napari_leukocyte.core.results.segmentation import Segmentation
    from napari_leukocyte.core.slides.run import SlideParameters
    from napari_leukocyte.core.slides.slide import Slide

__all__ = ["FoundOnSlide", "SlideJob", "as_sentences", "read_found"]

_AROUND_UM = 60.0  # of the slide, each way, that a row of the table brings up


@dataclass(frozen=True, eq=False)
class FoundOnSlide:
    """What a run left in its folder.

    Attributes
    ----------
    rows
        Of cells.csv, in its order.
    places
        (Y, X) uint8 of patches, see ``core.slides.film.Place``.
    provenance
        What made it.
    """

    folder: Path
    rows: list[dict[str, str]]
    places: Any
    provenance: Mapping[str, str]

    def region_of(self, row: int, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the slide around a cell."""
        from napari_leukocyte.core.imaging.pixel_size import PixelSize

        um = PixelSize.from_facts(self.provenance).um or 0.25
        reach = round(_AROUND_UM / um)
        y, x = (round(float(self.rows[row][name])) for name in ("y", "x"))
        rows, columns = (slice(max(0, k - reach), min(n, k + reach)) for k, n in zip((y, x), shape, strict=True))
        return rows, columns

    def segmentation(self, box: tuple[slice, slice]) -> Segmentation:
        """What was found in a part of the slide, with the numbers of the table.

        Raises
        ------
        LeukocyteError
            When the label maps cannot be read.
        """
        from napari_leukocyte.core.cells.flags import Flag
        from napari_leukocyte.core.imaging.pixel_size import PixelSize
        from napari_leukocyte.core.results.segmentation import Segmentation, remark_fields
        from napari_leukocyte.core.slides.folder import RESULTS
        from napari_leukocyte.core.slides.pyramid import open_results

        classes, labels = open_results(self.folder / RESULTS)
        cells = np.asarray(labels[box]).astype(np.int32)
        there = set(np.unique(cells[cells > 0]).tolist())
        flags = {
            int(row["cell"]): frozenset(map(Flag, filter(None, row["flags"].split(";"))))
            for row in self.rows
            if int(row["cell"]) in there
        }
        return Segmentation(
            classes=np.asarray(classes[box]).astype(np.uint8),
            cells=cells,
            binary=self.provenance.get("mode") == "binary",
            pixel_size=PixelSize.from_facts(self.provenance),
            keep="all",
            notes=(),
            provenance=dict(self.provenance),
            **remark_fields(flags),
        )


def read_found(folder: Path) -> FoundOnSlide:
    """Read what a run left.

    Raises
    ------
    LeukocyteError
        When it is not there or damaged.
    """
    from napari_leukocyte.core.slides.folder import TABLE, read_slide_json

    said = read_slide_json(folder)
    if said is None:
        raise LeukocyteError(f"{folder} holds no results of a slide: find its cells first.")
    try:
        with (folder / TABLE).open(encoding="utf-8", newline="") as file:
            rows = [{**row, "type": from_table(row.get("type") or "")} for row in csv.DictReader(file)]
        places = np.array([[int(place) for place in line] for line in said["places"]], np.uint8)
        for row in rows:
            _ = int(row["cell"]), float(row["y"]), float(row["x"]), row["flags"], row["place"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LeukocyteError(f"The table in {folder} cannot be read: find the cells of the slide again.") from error
    return FoundOnSlide(folder, rows, places, {str(k): str(v) for k, v in said.get("provenance", {}).items()})


def as_sentences(notes: Iterable[str]) -> str:
    """Notes, a line each.

    >>> as_sentences(["grayscale", ""])
    'Grayscale.'
    """
    return "\n".join(f"{note[:1].upper()}{note[1:]}." for note in notes if note)


class SlideJob:
    """Runs at most one search at a time.

    Signals
    -------
    progress(done, total, text)
        How far the stage is.
    said(sentence)
        What the first look says, before the long part.
    ended(sentence, found)
        Always the last one; ``found`` is a `FoundOnSlide`, or None when it failed or was cancelled.
    """

    progress = Signal(int, int, str)
    said = Signal(str)
    ended = Signal(str, object)

    def __init__(self) -> None:
        self.worker = Background("the search of the slide")
        self._sentence = ""

    @property
    def running(self) -> bool:
        """Whether a search is under way."""
        return self.worker.running

    def start(self, slide: Slide, folder: Path, parameters: SlideParameters) -> None:
        """Search a slide, which is closed at the end; an earlier search of it in that folder is gone on with."""
        if self.running:
            raise LeukocyteError("A slide is being searched: wait for it, or cancel it first.")
        self._sentence = ""
        self.progress.emit(0, 0, "Loading the model …")
        self.worker.start(
            lambda: _search(slide, folder, parameters),
            event=self._on_event,
            done=self._on_done,
            failed=lambda sentence: self.ended.emit(sentence, None),
        )

    def cancel(self) -> None:
        """Stop at the next window; what is done is gone on with by the next search."""
        self.worker.cancel()

    def leave(self) -> None:
        """Stop in the same way, and report nothing more."""
        self.worker.leave()

    def _on_event(self, event: Any) -> None:
        from napari_leukocyte.core.slides.run import LookedOver, SlideResult, SlideStep

        if isinstance(event, SlideStep):
            self.progress.emit(event.done, event.total, f"{event.stage} %p %")
        elif isinstance(event, LookedOver):
            looked, windows = event.windows
            self.said.emit(as_sentences([f"{looked} of {counted(windows, 'window')} are looked at", *event.notes]))
        elif isinstance(event, SlideResult):
            again = " (done before)" if event.again else ""
            self._sentence = as_sentences([f"{counted(event.cells, 'cell')}{again}, in {event.folder}", *event.notes])

    def _on_done(self, found: FoundOnSlide | None) -> None:
        if found is None:
            self.ended.emit("Cancelled: what was looked at is kept, and the next search goes on.", None)
        else:
            self.ended.emit(self._sentence, found)


def _search(slide: Slide, folder: Path, parameters: SlideParameters) -> Generator[object, None, FoundOnSlide]:
    """The worker's generator; returns what it left in the folder."""
    from napari_leukocyte.core.segmentation.loaded import loaded_method
    from napari_leukocyte.core.slides.run import segment_slide

    with slide:
        asked = parameters.segment
        method = loaded_method(asked.model, asked.device, asked.engine)
        yield from segment_slide(slide, folder, parameters, method, resume=True)
    return read_found(folder)
