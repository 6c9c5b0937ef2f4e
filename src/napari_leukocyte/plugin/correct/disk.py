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
    from pathlib import Path

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
        self._savers: dict[TrainingSet, DraftSaver] = {}  # a blind reading has two sets: each image may come twice
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
        return frozenset().union(*(saver.pending() for saver in self._savers.values()))

    def save(self, training_set: TrainingSet, id_: str, draft: Draft) -> None:
        """See `set_jobs.Disk`."""
        self._saver_of(training_set).submit(id_, draft)

    def settle(self, training_set: TrainingSet, id_: str) -> None:
        """See `set_jobs.Disk`."""
        if training_set in self._savers:
            self._savers[training_set].settle(id_)

    def discard(self, training_set: TrainingSet, id_: str, until: datetime) -> None:
        """See `set_jobs.Disk`."""
        if training_set in self._savers:
            self._savers[training_set].discard(id_, until)
        else:
            training_set.drafts.discard(id_, until)

    def flush(self) -> None:
        """Wait until the drafts that were given to `save` are on the disk, or were refused."""
        for saver in self._savers.values():
            saver.flush(_PATIENCE)

    def close(self) -> None:
        """Finish all jobs and drafts that wait."""
        while self.busy:
            self.catch_up()
        self._close_savers()

    def _close_savers(self, folder: Path | None = None) -> None:
        """Close those of other folders than this one."""
        for training_set in [one for one in self._savers if one.folder != folder]:
            self._savers.pop(training_set).close()

    def _saver_of(self, training_set: TrainingSet) -> DraftSaver:
        if training_set not in self._savers:
            self._close_savers(training_set.folder)
            self._savers[training_set] = DraftSaver(training_set, on_saved=self._on_saved, on_failed=self._on_failed)
        return self._savers[training_set]

    def _on_saved(self, id_: str, draft: Draft) -> None:
        ensure_main_thread(self.saved.emit)(id_, draft.saved)

    def _on_failed(self, id_: str, sentence: str) -> None:
        ensure_main_thread(self.not_saved.emit)(id_, sentence)
