"""The disk beside the window: jobs in their order and drafts as they come, told in the window's own thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal, Slot

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.autosave import DraftSaver

if TYPE_CHECKING:
    from datetime import datetime

    from napari_leukocyte.core.training_set.draft import Draft
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["QtDisk"]

_log = logging.getLogger(__name__)
_PATIENCE = 10.0  # seconds


class QtDisk(QObject):  # type: ignore[misc]
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
    _ended = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="training set")
        self._saver: DraftSaver | None = None
        self._saved_set: TrainingSet | None = None
        self._jobs: deque[Future[None]] = deque()  # whose results are not told yet
        # emitted by other threads, so Qt must queue it for the window's
        self._ended.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def run(self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """See `set_jobs.Disk`."""

        def work() -> None:
            try:
                result = job()
            except LeukocyteError as error:
                self._ended.emit(failed, str(error))
            except Exception as error:  # the user must know
                _log.exception("a job of the training set failed")
                self._ended.emit(failed, f"Something unexpected went wrong ({type(error).__name__}: {error}).")
            else:
                self._ended.emit(done, result)

        self._jobs.append(self._pool.submit(work))

    @Slot(object, object)  # type: ignore[untyped-decorator]  # a Qt slot, so that `catch_up` can have it called
    def _tell(self, listener: Callable[[Any], None], result: Any) -> None:
        self._jobs.popleft()
        listener(result)

    def catch_up(self) -> None:
        """Wait for the next job that ends and tell its result at once, where Qt's own loop may not come to it."""
        wait([self._jobs[0]])
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)

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
        """Finish what waits."""
        self._pool.shutdown(wait=True)
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
        self.saved.emit(id_, draft.saved)

    def _on_failed(self, id_: str, sentence: str) -> None:
        self.not_saved.emit(id_, sentence)
