"""The Segment job in napari: a worker computes, handlers on the GUI thread touch the session. No widgets."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from napari.qt.threading import create_worker
from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.plugin.session import Session

__all__ = ["SegmentJob", "bullets"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Ready:
    """The network is loaded and runs on this device."""

    used: str


@dataclass(frozen=True)
class _Problem:
    """The whole job cannot go on; ``sentence`` is for the user."""

    sentence: str


class SegmentJob:
    """Runs at most one segmentation at a time.

    Signals
    -------
    progress(done, total, text)
        In thousandths of an image, so that a field's windows move the bar too.
    ended(sentence)
        Always the last one: what was done, what failed and why, or that it was cancelled.
    """

    progress = Signal(int, int, str)
    ended = Signal(str)

    _loaded: ClassVar[dict[tuple[str, str], Any]] = {}  # the last network: the next press starts at once

    def __init__(self, session: Session) -> None:
        self.session = session
        self.worker: Any = None
        self._cancelled = False

    @property
    def running(self) -> bool:
        """Whether a worker is at it."""
        return self.worker is not None

    def start(self, indices: Sequence[int], parameters: SegmentParameters, *, keep_edits: bool) -> None:
        """Segment images of the session's list; results arrive in the session one by one.

        Raises
        ------
        LeukocyteError
            When a run is under way, or there is nothing to segment.
        """
        if self.running:
            raise LeukocyteError("A segmentation is running: wait for it, or cancel it first.")
        if not indices:
            raise LeukocyteError("There is no image to segment: open one first.")
        self._indices, self._keep_edits = list(indices), keep_edits
        self._generation = self.session.generation
        self._done, self._left, self._failed = 0, 0, list[str]()
        self._broken = [b.reason for b in self.session.broken] if len(indices) > 1 else []
        self._notes: list[str] = []
        self._used, self._problem, self._cancelled = "", "", False
        sources = [self.session.images[i] for i in indices]
        self.worker = create_worker(_run, sources, parameters, _start_thread=False)
        self.worker.yielded.connect(self._on_event)
        self.worker.finished.connect(self._on_finished)
        self.progress.emit(0, 1000 * len(sources), "Loading the model …")
        self.worker.start()

    def cancel(self) -> None:
        """Stop at the next window; what is done stays."""
        if self.running:
            self._cancelled = True
            self.worker.quit()

    def forget_models(self) -> None:
        """Read weight files anew at the next run."""
        self._loaded.clear()

    def _on_event(self, event: object) -> None:
        from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented
        from napari_leukocyte.core.segmentation.windowed import WindowDone

        total = len(self._indices)
        if isinstance(event, _Problem):
            self._problem = event.sentence
        elif isinstance(event, _Ready):
            self._used = event.used
        elif isinstance(event, ImageFailed):
            self._failed.append(f"{event.name}: {event.reason}")
        # A late result of a list that was closed meanwhile has no place to go, which is no error.
        elif isinstance(event, ImageSegmented) and self._generation == self.session.generation:
            if self.session.put(self._indices[event.index], event.result, keep_edits=self._keep_edits):
                self._done += 1
                self._notes += [note for note in event.result.notes if note not in self._notes]
            else:
                self._left += 1
        finished = self._done + self._left + len(self._failed)
        within = round(1000 * event.done / event.windows) if isinstance(event, WindowDone) else 0
        text = f"{min(finished + 1, total)} of {total}" if total > 1 else "Segmenting …"
        self.progress.emit(min(1000 * finished + within, 1000 * total), 1000 * total, text)

    def _on_finished(self) -> None:
        self.worker = None
        self.ended.emit(self._summary())

    def _summary(self) -> str:
        total = len(self._indices)
        if self._problem:
            return self._problem
        if self._generation != self.session.generation:
            return "The image was closed during the run: its result was dropped."
        parts = []
        if self._cancelled:
            parts.append(f"Cancelled: {self._done} of {total} images were done and stay.")
        elif total == 1 and self._done:
            parts.append(f"Done on {self._used}.")
        elif self._done:
            parts.append(f"{self._done} of {total} images done on {self._used}.")
        if self._left:
            images = "1 image" if self._left == 1 else f"{self._left} images"
            parts.append(f"{images} edited during the run, and left as painted.")
        parts += bullets("Not segmented:", [*self._broken, *self._failed])
        if self._notes:
            parts.append("Note: " + "; ".join(self._notes) + ".")
        return "\n".join(parts)


def bullets(heading: str, reasons: Sequence[str]) -> list[str]:
    """A heading and up to five reasons as lines; no lines when there is no reason."""
    if not reasons:
        return []
    more = [f"• and {len(reasons) - 5} more"] if len(reasons) > 5 else []
    return [heading, *(f"• {reason}" for reason in reasons[:5]), *more]


def _run(sources: Sequence[ImageSource], parameters: SegmentParameters) -> Iterator[object]:
    """The worker's generator. torch is imported here, so that the dock opens at once."""
    try:
        from napari_leukocyte.core.segmentation.segment import segment_images

        predictor = _predictor(parameters)
        yield _Ready(predictor.used)
        yield from segment_images(sources, parameters, predictor)
    except LeukocyteError as error:
        yield _Problem(str(error))
    except MemoryError:
        yield _Problem("This computer's memory is not enough for this image: segment a smaller region of it.")
    except Exception as error:  # a defect of ours must not freeze or close the user's napari
        _log.exception("segmentation failed")
        yield _Problem(f"Something unexpected went wrong ({type(error).__name__}: {error}); nothing was changed.")


def _predictor(parameters: SegmentParameters) -> Any:
    from napari_leukocyte.core.segmentation.method import load_method
    from napari_leukocyte.core.segmentation.segment import check_mode

    key = (parameters.model, parameters.device)
    loaded = SegmentJob._loaded
    if key not in loaded:
        predictor = load_method(parameters.model, device=parameters.device)
        loaded.clear()
        loaded[key] = predictor
    check_mode(loaded[key], parameters)
    return loaded[key]
