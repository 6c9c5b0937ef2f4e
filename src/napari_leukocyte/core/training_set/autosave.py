"""Drafts written beside the painting: from a thread of their own, the newest of each image only."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["DraftSaver"]

_logger = logging.getLogger(__name__)


class DraftSaver:
    """Writes drafts of a training set without making the painter wait.

    A draft that cannot be written stays pending, and is tried again with the next `submit` or `flush`.

    Parameters
    ----------
    training_set
        Where the drafts go.
    on_saved
        Called with image id and draft after it is on the disk. **Called from the saver's thread**, as is
        ``on_failed``: hand over to the thread of the widgets first (a Qt signal does).
    on_failed
        Called with image id and a sentence that says why a draft could not be written.
    """

    def __init__(
        self,
        training_set: TrainingSet,
        on_saved: Callable[[str, Draft], None],
        on_failed: Callable[[str, str], None],
    ) -> None:
        self._set, self._on_saved, self._on_failed = training_set, on_saved, on_failed
        self._pending: dict[str, Draft] = {}
        self._due: dict[str, None] = {}  # pending ones to try now, in order
        self._writing = ""
        self._telling = False  # whether the listener is being told of the draft that was written last
        self._discarding = ""  # an image whose files are being deleted: nothing is written there meanwhile
        self._closed = False
        self._changed = threading.Condition()
        # a daemon: a window that is gone without close() does not keep the program alive
        self._thread = threading.Thread(target=self._run, name="draft-saver", daemon=True)
        self._thread.start()

    def submit(self, image_id: str, draft: Draft) -> None:
        """Have a draft written soon; it replaces one that still waits. Its arrays must not change any more."""
        with self._changed:
            if self._closed:
                raise LeukocyteError("The drafts of this training set are no longer saved: open it again.")
            self._pending[image_id] = draft
            self._try_all()

    def discard(self, image_id: str, until: datetime | None = None) -> None:
        """Forget the draft of an image, on the disk too; when this returns, it is not written any more.

        With ``until``, a draft of a later moment stays: it was painted after the discard was asked for.

        Raises
        ------
        LeukocyteError
            When the system refuses to delete it.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._discarding)
            self._discarding = image_id
            self._changed.wait_for(lambda: self._writing != image_id)
            pending = self._pending.get(image_id)
            if pending is not None and (until is None or pending.saved <= until):
                del self._pending[image_id]
                self._due.pop(image_id, None)
        try:
            self._set.drafts.discard(image_id, until)
        finally:
            with self._changed:
                self._discarding = ""
                self._changed.notify_all()

    def settle(self, image_id: str) -> None:
        """Wait until the draft of an image is on the disk.

        Raises
        ------
        LeukocyteError
            When it could not be written.
        """
        with self._changed:
            self._try_all()
            self._changed.wait_for(lambda: self._closed or (image_id not in self._due and self._writing != image_id))
            if image_id in self._pending:
                raise LeukocyteError("What was painted last is not saved yet: free space on the disk, and try again.")

    def pending(self) -> frozenset[str]:
        """Ids of the images whose newest draft is not on the disk yet."""
        with self._changed:
            return frozenset(self._pending) | frozenset({self._writing} - {""})

    def flush(self, timeout: float) -> bool:
        """Try to write everything that waits, for at most ``timeout`` seconds; return whether all is on the disk."""
        end = monotonic() + timeout
        with self._changed:
            self._try_all()
            self._changed.wait_for(self._rests, max(0.0, end - monotonic()))
            return not self._pending and not self._writing

    def close(self, timeout: float = 10.0) -> bool:
        """Flush and stop the thread; return whether all is on the disk. A second call does nothing."""
        saved = self._closed or self.flush(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return saved and not self._pending

    def _rests(self) -> bool:
        return not (self._due or self._writing or self._telling)

    def _try_all(self) -> None:
        self._due.update(dict.fromkeys(self._pending))
        self._changed.notify_all()

    def _next(self) -> str:
        """The image to write for now; empty: none."""
        return next((image_id for image_id in self._due if image_id != self._discarding), "")

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next() or self._closed)
                if self._closed:
                    return
                image_id = self._next()
                del self._due[image_id]
                draft = self._pending.pop(image_id)
                self._writing = image_id
            reason = self._write(image_id, draft)
            with self._changed:
                if reason:
                    self._pending.setdefault(image_id, draft)  # unless a newer one came
                self._writing, self._telling = "", True
                self._changed.notify_all()
            self._tell(image_id, draft, reason)
            with self._changed:
                self._telling = False
                self._changed.notify_all()

    def _write(self, image_id: str, draft: Draft) -> str:
        """Write one draft; returns why it failed, or nothing."""
        try:
            self._set.drafts.save(image_id, draft)
        except LeukocyteError as error:
            return str(error)
        except Exception as error:  # the thread must live on, and the user must know
            _logger.exception("a draft could not be written")
            return f"The draft could not be saved ({type(error).__name__}: {error})."
        return ""

    def _tell(self, image_id: str, draft: Draft, reason: str) -> None:
        try:
            if reason:
                self._on_failed(image_id, reason)
            else:
                self._on_saved(image_id, draft)
        except Exception:  # a window that is gone; the drafts of the others go on
            _logger.exception("a listener of the draft saver failed")
