"""A segmentation in napari: the work runs beside the window, and its results go into the session. No widgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.image_state import ImageState
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.segment.run_notes import lines_of_notes
from napari_leukocyte.plugin.session import Session
from napari_leukocyte.plugin.warm import until_warm, warm_up

if TYPE_CHECKING:
    from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision

__all__ = ["SegmentJob"]


@dataclass(frozen=True)
class _Ready:
    """The network is loaded and runs on this device."""

    used: str


@dataclass(frozen=True)
class _Found:
    """What was found in an image, its cells measured."""

    index: int
    label: str
    state: ImageState


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

    def __init__(self, session: Session) -> None:
        self.session = session
        self._sizes: tuple[object, dict[int, SizeDecision]] = (None, {})
        self.worker = Background("the segmentation", advice="segment a smaller region of the image")

    @property
    def running(self) -> bool:
        """Whether a worker is at it."""
        return self.worker.running

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
        self._images = list(self.session.images)
        self._done, self._left, self._failed = 0, 0, list[str]()
        self._broken = [b.reason for b in self.session.broken] if len(indices) > 1 else []
        self._notes: list[tuple[str, str]] = []  # image and note
        self._empty = 0  # images without a cell
        self._used, self._problem = "", ""
        images, decided = self._images, self._sizes_of(parameters)
        known = {i: state.result.pixel_size for i, state in self.session.states.items()}
        known = {i: size for i, size in known.items() if size.estimated}
        self.progress.emit(0, 1000 * len(indices), "Loading the model …")
        warm_up()
        self.worker.start(
            lambda: _run(images, self._indices, parameters, decided, known),
            event=self._on_event,
            done=self._on_done,
            failed=self._on_failed,
        )

    def _sizes_of(self, parameters: SegmentParameters) -> dict[int, SizeDecision]:
        """The pixel sizes that are decided for the list, by position: once, whichever images are segmented first."""
        stated = tuple(image.pixel_size for image in self.session.images)
        given = parameters.pixel_size, parameters.pixel_size_source, parameters.default_pixel_size
        about = (self.session.generation, stated, *given)
        if about != self._sizes[0]:
            self._sizes = about, {}
        return self._sizes[1]

    def cancel(self) -> None:
        """Stop at the next window; what is done stays."""
        self.worker.cancel()

    def leave(self) -> None:
        """Stop in the same way, and report nothing more."""
        self.worker.leave()

    def _on_event(self, event: object) -> None:
        from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeStep
        from napari_leukocyte.core.segmentation.segment import ImageFailed
        from napari_leukocyte.core.segmentation.windowed import WindowDone

        total = len(self._indices)
        if event is None:
            self.progress.emit(0, 1000 * total, "Preparing the canvas …")
            return
        if isinstance(event, _Ready):
            self._used = event.used
        elif isinstance(event, ImageFailed):
            self._failed.append(f"{event.name}: {event.reason}")
        # A result of an image that was closed meanwhile is dropped, which is no error.
        elif isinstance(event, _Found) and (place := self._place_of(self._indices[event.index])) is not None:
            if self.session.put(place, event.state, keep_edits=self._keep_edits):
                self._done += 1
                self._empty += not event.state.measures
                doubt = event.state.result.pixel_size.doubt
                notes = [*event.state.result.notes, *([f"pixel size doubtful: {doubt}"] if doubt else [])]
                self._notes += [(event.label, note) for note in notes]
            else:
                self._left += 1
        if isinstance(event, SizeStep):
            text = f"Pixel size: image {event.done + 1} of {event.windows}" if event.windows > 1 else "Pixel size …"
            self.progress.emit(0, 1000 * total, text)
            return
        finished = self._done + self._left + len(self._failed)
        within = round(1000 * event.done / event.windows) if isinstance(event, WindowDone) else 0
        text = f"{min(finished + 1, total)} of {total}" if total > 1 else "Segmenting …"
        self.progress.emit(min(1000 * finished + within, 1000 * total), 1000 * total, text)

    def _place_of(self, index: int) -> int | None:
        """Where the image is in the list now, which may have been closed meanwhile; None: in it no more."""
        read = self._images[index].read  # the image may have got another name or pixel size since
        return next((i for i, image in enumerate(self.session.images) if image.read is read), None)

    def _on_done(self, _result: None) -> None:
        self.ended.emit(self._summary())

    def _on_failed(self, sentence: str) -> None:
        self._problem = sentence
        self.ended.emit(self._summary())

    def _summary(self) -> str:
        total = len(self._indices)
        if self._problem:
            return self._problem
        if not any(self._place_of(index) is not None for index in self._indices):
            return "The image was closed during the run: its result was dropped."
        parts = []
        if self.worker.cancelled:
            parts.append(f"Cancelled: {self._done} of {total} images were done and stay.")
        elif total == 1 and self._empty:
            parts.append(f"No white cell found; is the background dark? ({self._used})")
        elif total == 1 and self._done:
            parts.append(f"Done on {self._used}.")
        elif self._done:
            parts.append(f"{self._done} of {total} images done on {self._used}.")
        if total > 1 and self._empty:
            parts.append(f"No white cell found in {counted(self._empty, 'image')} of them; is the background dark?")
        if self._left:
            images = "1 image" if self._left == 1 else f"{self._left} images"
            parts.append(f"{images} edited during the run, and left as painted.")
        parts += bullets("Not segmented:", [*self._broken, *self._failed])
        if self._notes and total == 1:
            parts.append("Note: " + "; ".join(note for _, note in self._notes) + ".")
        elif self._notes:
            parts += ["Notes:", *(f"• {line}" for line in lines_of_notes(self._notes))]
        return "\n".join(parts)


def _run(
    images: Sequence[ImageSource],
    indices: Sequence[int],
    parameters: SegmentParameters,
    decided: dict[int, SizeDecision],
    known: Mapping[int, PixelSize],
) -> Iterator[object]:
    """The worker's generator; what it decides of the list goes into ``decided``.

    torch is imported here, so that the dock opens at once.
    """
    from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision, decide_pixel_sizes
    from napari_leukocyte.core.segmentation.loaded import loaded_method
    from napari_leukocyte.core.segmentation.segment import ImageSegmented, check_mode, segment_images

    method = loaded_method(parameters.model, parameters.device, parameters.engine)
    check_mode(method, parameters)
    yield from until_warm()
    yield _Ready(method.used)
    missing = [i for i in indices if i not in decided]
    before = {i: SizeDecision(size) for i, size in known.items()}
    decided.update((yield from decide_pixel_sizes(images, parameters, method, wanted=missing, known=before)))
    decisions = {position: decided[i] for position, i in enumerate(indices)}
    for event in segment_images([images[i] for i in indices], parameters, method, decisions=decisions):
        if isinstance(event, ImageSegmented):
            yield _Found(event.index, event.source.label, ImageState(event.result))
        else:
            yield event
