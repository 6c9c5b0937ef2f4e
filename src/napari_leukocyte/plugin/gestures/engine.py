"""The network that follows gestures, kept loaded beside the window; it answers one question at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from napari_leukocyte.core.imaging.image_list import ImageSource
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.interactive.session import GestureSession

__all__ = ["Engine", "Looked"]


@dataclass(frozen=True, eq=False)  # arrays hang on a source, and have no equality
class Looked:
    """What a question is about: an image of the list, its pixel size, and whether its map knows cells only."""

    source: ImageSource
    pixel_size: PixelSize
    binary: bool
    device: str

    def is_same(self, other: Looked) -> bool:
        """Whether a session for the one serves the other."""
        same = self.pixel_size == other.pixel_size and self.binary == other.binary and self.device == other.device
        return same and self.source is other.source


@dataclass(frozen=True)
class _Loaded:
    about: Looked
    network: Any
    session: GestureSession


@dataclass(frozen=True)
class _Question:
    about: Looked
    work: Callable[[GestureSession], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]


class Engine:
    """Answers questions in their order; of those that only look ahead, the newest, and when nothing else waits."""

    def __init__(self) -> None:
        self._worker = Background("the gesture")
        self._questions: deque[_Question] = deque()
        self._ahead: _Question | None = None
        self._loaded: _Loaded | None = None  # in the worker's hands

    @property
    def busy(self) -> bool:
        """Whether a question waits or is being answered."""
        return self._worker.running or bool(self._questions) or self._ahead is not None

    @property
    def is_loaded(self) -> bool:
        """Whether a network is in memory, so that an answer takes no seconds."""
        return self._loaded is not None

    def ask(
        self,
        about: Looked,
        work: Callable[[GestureSession], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[str], None],
        ahead: bool = False,
    ) -> None:
        """Put a question; one of ``done`` and ``failed`` is called with the answer.

        Parameters
        ----------
        about
            The image.
        work
            What is to be found out, in a thread of its own.
        done, failed
            Called with what ``work`` returned, or with a sentence.
        ahead
            It only looks ahead: it may be dropped unanswered.
        """
        question = _Question(about, work, done, failed)
        if ahead:
            self._ahead = question
        else:
            self._questions.append(question)
        self._next()

    def drop_ahead(self) -> None:
        """Nobody waits for the look ahead any more."""
        self._ahead = None

    def leave(self) -> None:
        """Drop all questions; none is answered any more."""
        self._questions.clear()
        self._ahead = None
        self._worker.leave()
        self._worker = Background("the gesture")

    def _next(self) -> None:
        if self._worker.running or not (self._questions or self._ahead):
            return
        if self._questions:
            question = self._questions.popleft()
        else:
            assert self._ahead is not None  # there are no others
            question, self._ahead = self._ahead, None

        def done(answer: Any) -> None:
            question.done(answer)
            self._next()

        def failed(sentence: str) -> None:
            question.failed(sentence)
            self._next()

        self._worker.start(lambda: question.work(self._looking_at(question.about)), done=done, failed=failed)

    def _looking_at(self, about: Looked) -> GestureSession:
        """The session of an image; images take turns, so only the last is kept."""
        from napari_leukocyte.core.interactive.session import GestureSession, load_gesture_model  # loads torch

        kept = self._loaded
        if kept is None or not kept.about.is_same(about):
            known = kept is not None and kept.about.device == about.device
            network = kept.network if kept is not None and known else load_gesture_model(device=about.device)
            session = GestureSession(
                about.source.read(),
                pixel_size=about.pixel_size,
                rgb=about.source.rgb,
                binary=about.binary,
                model=network,
            )
            self._loaded = kept = _Loaded(about, network, session)
        return kept.session
