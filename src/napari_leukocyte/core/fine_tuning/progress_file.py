"""Where a fine-tuning keeps what lets the same call go on: a folder beside the weight file."""

import contextlib
import json
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder
from napari_leukocyte.core.schema import read_object

__all__ = ["ProgressFile", "is_resumable", "remove_run"]


def _folder(out: Path) -> Path:
    return out.with_name(out.name + ".fine-tuning")


def is_resumable(out: Path) -> bool:
    """Whether a run that writes ``out`` was cut off and can go on."""
    return (_folder(Path(out)) / "run.json").is_file()


def remove_run(out: Path) -> None:
    """Remove what a stopped run would go on with: its model has been decided on. A run under way keeps it."""
    folder = _folder(Path(out))
    if not folder.is_dir() or (lock := _lock(folder)) is None:
        return
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
    from napari_leukocyte.core.model.training import checkpoint_path  # loads torch

    with contextlib.suppress(OSError):
        checkpoint_path(Path(out)).unlink(missing_ok=True)


def _lock(folder: Path) -> FileLock | None:
    """Take the lock that a run holds while it is under way; None when another one has it."""
    lock = FileLock(folder / "run.lock", thread_local=False)  # a run may be closed by another thread than its own
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LeukocyteError(f"{folder} cannot be written to ({reason}): check its access rights.") from error
    return lock


class ProgressFile:
    """The finished stages of one run, and the weights of its folds; in a ``with`` block, while the run is under way.

    Parameters
    ----------
    out
        The run's weight file.
    fingerprint
        What makes a run the same run.

    Raises
    ------
    LeukocyteError
        When another run's files lie there, the run is under way elsewhere, or ``out`` exists and is no run's that
        could go on.
    """

    def __init__(self, out: Path, fingerprint: str) -> None:
        self.folder = _folder(out)
        self._path = self.folder / "run.json"
        self._fingerprint = fingerprint
        self._finished: list[str] = []
        if is_resumable(out):
            self._read()
        elif out.exists():
            raise LeukocyteError(f"{out} exists already: choose another name, or delete it to train anew.")
        else:
            make_folder(out.parent)
            make_folder(self.folder)
            self._write()
        lock = _lock(self.folder)
        if lock is None:
            raise LeukocyteError(
                f"{out.stem} is being trained in another window or program: wait for it, or choose another output."
            )
        self._held = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._held.release()

    def finished(self, stage: str) -> bool:
        """Whether a stage is done."""
        return stage in self._finished

    def finish(self, stage: str) -> None:
        """Record that a stage is done."""
        self._finished.append(stage)
        self._write()

    def weights(self, fold: int) -> Path:
        """Weight file of a fold, counted from 1."""
        return self.folder / f"fold-{fold}.safetensors"

    def remove(self) -> None:
        """The run is complete."""
        self._held.release()  # some systems delete no file that is open
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> None:
        fields = read_object(self._path, mend=f"delete {self.folder} to start this training anew")
        same, finished = fields.text("fingerprint") == self._fingerprint, list(fields.texts("finished"))
        if not same:
            raise LeukocyteError(
                f"{self.folder} belongs to another training run (other masks or parameters): delete it and its "
                "weight file, or choose another output."
            )
        self._finished = finished

    def _write(self) -> None:
        content = {"fingerprint": self._fingerprint, "finished": self._finished}
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
