"""A slide is searched beside the window. No widgets."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from napari_leukocyte.core.slides.found import FoundOnSlide
    from napari_leukocyte.core.slides.run import SlideParameters
    from napari_leukocyte.core.slides.slide import Slide

__all__ = ["SlideJob", "as_sentences"]


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
    from napari_leukocyte.core.slides.found import read_found
    from napari_leukocyte.core.slides.run import segment_slide

    with slide:
        asked = parameters.segment
        method = loaded_method(asked.model, asked.device, asked.engine)
        yield from segment_slide(slide, folder, parameters, method, resume=True)
    return read_found(folder)
