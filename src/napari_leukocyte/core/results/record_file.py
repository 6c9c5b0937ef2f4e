"""The file ``results.jsonl``: read by anybody at any moment, added to line by line by the one program that writes."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.files import refusal, set_aside
from napari_leukocyte.core.results.record import RECORD, ResultsRecord
from napari_leukocyte.core.results.record_json import FORMAT, VERSION, header, parsed, take_line

__all__ = ["RecordFile", "UnreadableRecordError", "read_record"]

_BEGIN = json.dumps(header()).encode()[:20]  # how a header that was torn begins


class UnreadableRecordError(LeukocyteError):
    """There is a record that this version cannot go on with; it is never replaced, only set aside when asked."""


def read_record(folder: Path) -> ResultsRecord | None:
    """Read the record of a results folder; None when there is none.

    Nothing is changed, and another program may be writing to it.

    Raises
    ------
    UnreadableRecordError
        When the file cannot be read, is none of ours, or is of a newer version; each has its own sentence.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(read_record(Path(folder)))
    None
    """
    return _read(folder / RECORD)[0]


class RecordFile:
    """The record of a folder, held by one program until it is closed.

    Parameters
    ----------
    folder
        It is there.
    anew
        A record that cannot be gone on with gets another name, and a new one is begun.

    Attributes
    ----------
    record
        What is known so far; `append` adds to the file alone.
    set_aside
        The new name of such a record; empty when there was none.

    Raises
    ------
    UnreadableRecordError
        As `read_record`.
    LeukocyteError
        When another program holds it, or the system refuses.
    """

    def __init__(self, folder: Path, *, anew: bool = False) -> None:
        self.path = folder / RECORD
        self.set_aside = ""
        self._lock = _lock(folder)
        try:
            self.record = self._opened(anew)
        except BaseException:
            self.close()
            raise

    def append(self, content: Mapping[str, Any]) -> None:
        """Add a line; it is on the disk when this returns, or not there at all.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        line = json.dumps(content, allow_nan=False).encode("ascii") + b"\n"
        if self._end == 0:
            line = json.dumps(header()).encode("ascii") + b"\n" + line
        try:
            with self.path.open("r+b" if self.path.exists() else "xb", buffering=0) as file:
                file.truncate(self._end)  # what was torn, or could not be flushed
                file.seek(self._end)
                file.write(line)
                os.fsync(file.fileno())
        except OSError as error:
            self._take_back()
            raise LeukocyteError(f"{self.path} could not be written: {refusal(error)}.") from error
        self._end += len(line)

    def reread(self) -> None:
        """Take what the file says, after an interruption that may have come at any point of `append`."""
        found, self._end = _read(self.path)
        self.record = found or ResultsRecord()

    def close(self) -> None:
        """Let others write."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink()  # while it is held; Windows does not, and keeps the empty file
            self._lock.release()

    def _opened(self, anew: bool) -> ResultsRecord:
        try:
            found, self._end = _read(self.path)
        except UnreadableRecordError:
            if not anew:
                raise
            self.set_aside = set_aside(self.path).name
            found, self._end = None, 0
        return found or ResultsRecord()

    def _take_back(self) -> None:
        with contextlib.suppress(OSError):
            if self._end:
                os.truncate(self.path, self._end)
            else:
                self.path.unlink()


def _read(path: Path) -> tuple[ResultsRecord | None, int]:
    """The record, and where its last whole line ends."""
    try:
        if path.exists() and not path.is_file():
            raise UnreadableRecordError(f"{path} is no file, so it cannot be a record of results: move it away.")
        content = path.read_bytes()
    except FileNotFoundError:
        return None, 0
    except OSError as error:
        raise UnreadableRecordError(
            f"{path} cannot be read ({refusal(error)}): check its access rights; nothing was changed."
        ) from error
    first, newline, _ = content.partition(b"\n")
    if not newline and (not first or first.startswith(_BEGIN) or _BEGIN.startswith(first)):
        return None, 0  # its very first line was torn
    _check_header(path, first)
    end = len(content) if content.endswith(b"\n") else content.rindex(b"\n") + 1
    record = ResultsRecord()
    lines = content[:end].split(b"\n")[1:-1]
    for number, line in enumerate(lines, start=2):
        try:
            take_line(record, parsed(line))
        except (ValueError, KeyError):
            record.problems.append(f"line {number} of {path} is damaged and left out")
    return record, end


def _check_header(path: Path, line: bytes) -> None:
    try:
        found = parsed(line)
        version = found["version"]
        ours = found["format"] == FORMAT and isinstance(version, int) and version >= 1
    except (ValueError, KeyError):
        ours = False
    if not ours:
        raise UnreadableRecordError(
            f"{path} is no record of results by its first line, or that is damaged: move it away, or restore it from "
            "a copy; nothing was changed."
        )
    if version > VERSION:
        raise UnreadableRecordError(
            f"{path} is of version {version}, written by a newer napari-leukocyte (this one reads up to {VERSION}): "
            "update the program, or choose another folder; nothing was changed."
        )


def _lock(folder: Path) -> FileLock:
    lock = FileLock(folder / ".results.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LeukocyteError(
            f"Another window or program is writing results to {folder}: wait for its end, or choose another folder."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise LeukocyteError(
            f"The folder {folder} cannot be written to ({reason_in(error)}): choose another one."
        ) from error
    return lock
