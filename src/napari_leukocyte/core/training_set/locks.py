"""Locks between windows and programs on one training set; the system releases them when their holder dies."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["held_lock", "try_lock"]

_PATIENCE_S = 20.0  # a change of a JSON file takes milliseconds


@contextlib.contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold a lock while the block runs; waits for another holder.

    Raises
    ------
    LeukocyteError
        When another program holds it for 20 s, or no lock can be made (read-only folder).
    """
    lock = _make(path)
    if not _acquire(lock, path, _PATIENCE_S):
        raise LeukocyteError(
            f"Another window or program has been writing to {path.parent.parent} for {_PATIENCE_S:.0f} s: "
            "close it, and try again."
        )
    try:
        yield
    finally:
        lock.release()


def try_lock(path: Path) -> FileLock | None:
    """Take a lock without waiting; None when another window or program holds it. ``release()`` gives it back.

    Raises
    ------
    LeukocyteError
        When no lock can be made (read-only folder).
    """
    lock = _make(path)
    return lock if _acquire(lock, path, 0) else None


def _make(path: Path) -> FileLock:
    # released from whichever thread closes the window
    return FileLock(path, thread_local=False)


def _acquire(lock: FileLock, path: Path, timeout: float) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout, poll_interval=0.01)
    except Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LeukocyteError(
            f"The training set {path.parent.parent} cannot be written to ({reason}): check the access rights of the "
            "folder and the space on its disk."
        ) from error
    return True
