"""The training set in use, read and changed beside the window: a slow disk must not hold up the brush."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from psygnal import Signal

from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.train.set_summary import SetSummary, read_summary

__all__ = ["CurrentSet"]


class CurrentSet:
    """Changes and reads a training set, one job at a time; requests to read that come meanwhile are met by one reading.

    Signals
    -------
    read(summary)
        A ``SetSummary``.
    failed(sentence)
        Why it could not be read or changed.
    """

    read = Signal(object)
    failed = Signal(str)

    def __init__(self) -> None:
        self.worker = Background("the work on the training set")
        self._changes: deque[tuple[Callable[[], object], Callable[[], None]]] = deque()
        self._wanted: Callable[[], SetSummary] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is under way or waits."""
        return self.worker.running

    def look(self, folder: Path, files: Sequence[Path] = ()) -> None:
        """Read a set, and the headers of weight files from elsewhere."""
        files = tuple(files)
        self._wanted = lambda: read_summary(folder, files)
        self._go_on()

    def hold_out(self, folder: Path, share: float) -> None:
        """Lock a share of the set's images away for good."""
        self.change(lambda: TrainingSet.open(folder).hold_out_share(share))

    def change(self, job: Callable[[], object], done: Callable[[], None] = lambda: None) -> None:
        """Change something on the disk, then call ``done``."""
        self._changes.append((job, done))
        self._go_on()

    def close(self) -> None:
        """Make the changes that wait, and report nothing more."""
        self._wanted = None
        while self._changes:
            self.worker.wait()
        self.worker.leave()

    def _go_on(self) -> None:
        if self.worker.running:
            return
        if self._changes:
            job, done = self._changes.popleft()
            self.worker.start(job, done=lambda _: self._on_changed(done), failed=self._on_failed)
        elif self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self.worker.start(wanted, done=self._on_read, failed=self._on_failed)

    def _on_changed(self, done: Callable[[], None]) -> None:
        done()
        self._go_on()

    def _on_read(self, summary: SetSummary) -> None:
        if self._changes or self._wanted is not None:
            self._go_on()
        else:
            self.read.emit(summary)

    def _on_failed(self, sentence: str) -> None:
        self.failed.emit(sentence)
        self._go_on()
