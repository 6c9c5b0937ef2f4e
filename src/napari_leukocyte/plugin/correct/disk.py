"""The training set's disk: its jobs run one after another beside the window, and drafts are written as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from superqt.utils import ensure_main_thread

from napari_leukocyte.core.training_set.autosave import DraftSaver
from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from datetime import datetime

    from napari_leukocyte.core.training_set.draft import Draft
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["QtDisk"]

_Job = tuple[Callable[[], Any], Callable[[Any], None], Callable[[str], None]]  # the work, done and failed

_PATIENCE = 10.0  # seconds


class QtDisk:
    """What `set_jobs.Disk` asks for.

    Signals
    -------
    saved(id, when)
        The draft of an image is on the disk.
    not_saved(id, sentence)
        It is not; it is tried again with the next one.
    """

    saved = Signal(str, object)
    not_saved = Signal(str, str)

    def __init__(self) -> None:
        self._worker = Background("the work on the training set")
        self._saver: DraftSaver | None = None
        self._saved_set: TrainingSet | None = None
        self._jobs: deque[_Job] = deque()  # the ones whose results are not reported yet

    def run(self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """See `set_jobs.Disk`."""
        self._jobs.append((job, done, failed))
        self._go_on()

    def _go_on(self) -> None:
        if self._jobs and not self._worker.running:
            job, done, failed = self._jobs[0]
            self._worker.start(
                job, done=lambda result: self._tell(done, result), failed=lambda s: self._tell(failed, s)
            )

    def _tell(self, listener: Callable[[Any], None], told: Any) -> None:
        self._jobs.popleft()
        try:
            listener(told)
        finally:
            self._go_on()

    def catch_up(self) -> None:
        """Wait for the job under way and report its result at once, without Qt's event loop."""
        self._go_on()
        self._worker.wait()

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return bool(self._jobs)

    @property
    def unwritten(self) -> frozenset[str]:
        """Ids of the images whose newest draft is not on the disk yet."""
        return frozenset() if self._saver is None else self._saver.pending()

    def save(self, training_set: TrainingSet, id_: str, draft: Draft) -> None:
        """See `set_jobs.Disk`."""
        self._saver_of(training_set).submit(id_, draft)

    def settle(self, training_set: TrainingSet, id_: str) -> None:
        """See `set_jobs.Disk`."""
        if self._saver is not None and self._saved_set is training_set:
            self._saver.settle(id_)

    def discard(self, training_set: TrainingSet, id_: str, until: datetime) -> None:
        """See `set_jobs.Disk`."""
        if self._saver is not None and self._saved_set is training_set:
            self._saver.discard(id_, until)
        else:
            training_set.drafts.discard(id_, until)

    def flush(self) -> None:
        """Wait until the drafts that were given to `save` are on the disk, or were refused."""
        if self._saver is not None:
            self._saver.flush(_PATIENCE)

    def close(self) -> None:
        """Finish all jobs and drafts that wait."""
        while self.busy:
            self.catch_up()
        if self._saver is not None:
            self._saver.close()
            self._saver = None

    def _saver_of(self, training_set: TrainingSet) -> DraftSaver:
        if self._saver is None or self._saved_set is not training_set:
            if self._saver is not None:
                self._saver.close()
            self._saved_set = training_set
            self._saver = DraftSaver(training_set, on_saved=self._on_saved, on_failed=self._on_failed)
        return self._saver

    def _on_saved(self, id_: str, draft: Draft) -> None:
        ensure_main_thread(self.saved.emit)(id_, draft.saved)

    def _on_failed(self, id_: str, sentence: str) -> None:
        ensure_main_thread(self.not_saved.emit)(id_, sentence)
