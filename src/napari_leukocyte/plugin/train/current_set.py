"""The training set in use, looked at in a worker: a set on a slow disk must not hold up the brush."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari.qt.threading import create_worker
from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["CurrentSet"]

_log = logging.getLogger(__name__)


class CurrentSet:
    """Reads a training set, one look at a time; asked meanwhile, it looks again afterwards.

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
        self.worker: Any = None
        self._next: Callable[[], Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether a look is under way."""
        return self.worker is not None

    def look(self, folder: Path, files: Sequence[Path] = ()) -> None:
        """Read a set, and the headers of weight files from elsewhere."""
        self._start(lambda: _read(folder, files))

    def hold_out(self, folder: Path, share: float, files: Sequence[Path] = ()) -> None:
        """Lock a share of its images away for good, and read it."""
        self._start(lambda: _read(folder, files, share))

    def _start(self, job: Callable[[], Any]) -> None:
        if self.busy:
            self._next = job
            return
        self.worker = create_worker(_safely, job, _start_thread=False)
        self.worker.returned.connect(self._on_result)
        self.worker.start()

    def _on_result(self, result: Any) -> None:
        self.worker = None
        following, self._next = self._next, None
        if following is not None:
            self._start(following)
        elif isinstance(result, str):
            self.failed.emit(result)
        else:
            self.read.emit(result)


def _safely(job: Callable[[], Any]) -> Any:
    try:
        return job()
    except LeukocyteError as error:
        return str(error)
    except Exception as error:  # a defect of ours must not close the user's napari
        _log.exception("a training set could not be read")
        return f"Something unexpected went wrong ({type(error).__name__}: {error}); nothing was changed."


def _read(folder: Path, files: Sequence[Path], hold_out: float = 0) -> Any:
    from napari_leukocyte.core.training_set.training_set import TrainingSet
    from napari_leukocyte.plugin.train.set_summary import read_summary

    if hold_out:
        TrainingSet.open(folder).hold_out_share(hold_out)
    return read_summary(folder, files)
