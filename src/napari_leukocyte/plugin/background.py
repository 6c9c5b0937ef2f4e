"""The one place that starts work beside the window. Its listeners are called in the window's own thread.

Every piece of work has a thread of its own. In Qt's shared pool, on a machine with two cores, a training and a
segmentation would keep every draft waiting until one of them is over.
"""

from __future__ import annotations

import atexit
import logging
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from weakref import WeakSet

from superqt.utils import ensure_main_thread

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.waiting import wait_asleep

__all__ = ["Background", "in_words"]

wait_asleep()  # this loads before any work does, and so before torch

_log = logging.getLogger(__name__)


_LOOK_S = 0.05
_ADVICE = "close other programs and try again"


def _nothing(_told: object) -> None:
    """Ignore an event or a result."""


def in_words(error: BaseException, what: str, *, advice: str = _ADVICE) -> str:
    """Say in one sentence what stopped some work; the traceback of a defect goes into the log.

    Parameters
    ----------
    error
        What stopped the work.
    what
        The work, as a noun: "the segmentation".
    advice
        What helps when the memory is full.

    Examples
    --------
    >>> in_words(MemoryError(), "the export")
    'The memory is not enough for the export: close other programs and try again.'
    >>> in_words(OSError(28, "No space left on device"), "the export")
    'The disk refused the export (No space left on device): check that it is there and has room, then try again.'
    """
    if isinstance(error, LeukocyteError):
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():  # CUDA's and MPS's words
        return f"The memory is not enough for {what}: {advice}."
    if isinstance(error, OSError) and error.strerror:
        return f"The disk refused {what} ({error.strerror}): check that it is there and has room, then try again."
    _log.error("a defect stopped %s", what, exc_info=error)
    return f"Something unexpected went wrong in {what} ({type(error).__name__}: {error})."


@dataclass(frozen=True)
class _Told:
    """A call to a listener that the window's thread has to make."""

    listener: Callable[[Any], None]
    value: Any
    last: bool = False  # whether the work is over


class Background:
    """Runs one piece of work at a time in a thread of its own.

    Parameters
    ----------
    what
        The work, as a noun, for the sentence about what stopped it: "the segmentation".
    advice
        What helps when the memory is full, see `in_words`.
    """

    def __init__(self, what: str, *, advice: str = _ADVICE) -> None:
        self.what, self._advice = what, advice
        self._thread: Thread | None = None
        self._untold: deque[_Told] = deque()  # calls that the window's thread has not made yet
        self._heard = Event()
        self._awaited = False
        self._left = False
        self.cancelled = False
        _all.add(self)

    @property
    def running(self) -> bool:
        """Whether work is under way, or its end is not reported yet."""
        return self._thread is not None and (self._thread.is_alive() or not self._left)

    def start(
        self,
        work: Callable[[], Any],
        *,
        done: Callable[[Any], None] = _nothing,
        failed: Callable[[str], None],
        event: Callable[[Any], None] = _nothing,
    ) -> None:
        """Start work. One of ``done`` and ``failed`` is called at its end, when the runner is free again.

        Parameters
        ----------
        work
            A function, or one that returns a generator of events. It touches no widget and no layer.
        done
            Called with what ``work`` returned; with None when it was cancelled.
        failed
            Called with a sentence that says what stopped it.
        event
            Called with each event of a generator.
        """
        if self.running:
            raise RuntimeError(f"{self.what} is under way")
        self.cancelled = False
        self._thread = Thread(
            target=self._run, args=(work, done, failed, event), name=f"napari-leukocyte: {self.what}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:  # the system has no thread left
            self._thread = None
            failed(in_words(error, self.what, advice=self._advice))

    def cancel(self) -> None:
        """Stop a generator before its next event; a plain function goes on to its end."""
        self.cancelled = True

    def leave(self) -> None:
        """Cancel, and report nothing more: the listeners are about to be deleted."""
        self._left = True
        self.cancel()

    def wait(self) -> None:
        """Wait for the end and report it at once, without Qt's event loop."""
        self._awaited = True
        if self._thread is not None:
            self._thread.join()
        while self._untold:
            self._tell_next()
        self._awaited = False

    # ---- in the thread ----------------------------------------------------------------------------------

    def _run(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
        event: Callable[[Any], None],
    ) -> None:
        try:
            result = work()
            if isinstance(result, Generator):
                result = self._follow(result, event)
            last = _Told(done, result, last=True)
        except BaseException as error:  # whatever it is, the dock must learn of the end
            last = _Told(failed, in_words(error, self.what, advice=self._advice), last=True)
        self._tell(last)

    def _follow(self, events: Generator[Any, None, Any], listener: Callable[[Any], None]) -> Any:
        with closing(events):  # a cancelled generator frees what it holds
            while not self.cancelled:
                try:
                    self._tell(_Told(listener, next(events)))
                except StopIteration as end:
                    return end.value
                self._let_catch_up()
        return None

    def _let_catch_up(self) -> None:
        """Wait until the window's thread has taken in what it was told: between two results it has more to do.

        Forty results that are read from the disk in one go would hold it as one.
        """
        while self._untold and not (self._left or self._awaited or self.cancelled):
            self._heard.wait(_LOOK_S)
            self._heard.clear()

    def _tell(self, told: _Told) -> None:
        self._untold.append(told)
        if not self._left:  # else Qt may have ended by now
            ensure_main_thread(self._tell_next)()

    # ---- in the window's thread -------------------------------------------------------------------------

    def _tell_next(self) -> None:
        if not self._untold:
            return  # `wait` has reported it
        told = self._untold.popleft()
        if told.last and self._thread is not None:
            self._thread.join()  # its work is over; this way no thread is left when the listener is called
            self._thread = None
        self._heard.set()
        if not self._left:
            told.listener(told.value)


_all: WeakSet[Background] = WeakSet()


@atexit.register
def _finish() -> None:
    """Let the program end: files are written completely, and other work stops before its next event."""
    for background in list(_all):
        background.leave()
        background.wait()
