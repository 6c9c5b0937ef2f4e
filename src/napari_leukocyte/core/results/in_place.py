"""Files of a results folder take their places: all of them or none, and never in place of what a hand made."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import file_hash, flush_folder, folder_hash, refusal
from napari_leukocyte.core.results.record import ImageRecord, ResultsRecord

__all__ = ["InTheWayError", "Places", "changed_files", "hash_of"]

_STAGE = ".writing"


class InTheWayError(LeukocyteError):
    """Files would be replaced that a hand has changed, or that somebody else made.

    Attributes
    ----------
    names
        Of those files.
    """

    def __init__(self, sentence: str, names: Iterable[str]) -> None:
        super().__init__(sentence)
        self.names = tuple(names)


def changed_files(folder: Path, image: ImageRecord) -> dict[str, bool]:
    """Name the files of an image that are not as they were written, and whether each is still there."""
    found = {}
    for name, code in image.files.items():
        now = hash_of(folder / name)
        if now != code:
            found[name] = now != ""
    return found


class Places:
    """Where the files of a results folder lie, and where they are written before they take their places.

    Parameters
    ----------
    folder
        It is there.
    overwrite
        Whatever is in the way may be replaced.
    trusted
        Hashes by file name of what may be replaced as well, for instance what the same window wrote before.
    advice
        The end of a sentence that refuses: what to do.
    """

    def __init__(
        self,
        folder: Path,
        *,
        overwrite: bool = False,
        trusted: Mapping[str, str] | None = None,
        advice: str = "choose another folder",
    ) -> None:
        self.folder = folder
        self._stage = folder / _STAGE
        self._overwrite, self._trusted, self._advice = overwrite, trusted or {}, advice

    def stage(self) -> Path:
        """An empty folder to write into.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        try:
            self._stage.mkdir(exist_ok=True)
            for path in self._stage.iterdir():
                path.unlink()
        except OSError as error:
            raise LeukocyteError(f"{self.folder} cannot be written to: {refusal(error)}.") from error
        return self._stage

    def staged(self) -> dict[str, str]:
        """Hashes of what was written there, by name."""
        try:
            return {path.name: file_hash(path) for path in sorted(self._stage.iterdir()) if path.is_file()}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def check(self, names: Iterable[str], record: ResultsRecord, *, new: Mapping[str, str] | None = None) -> None:
        """Refuse when a file of these names may not be replaced; ``new`` are the hashes of what would take its place.

        Raises
        ------
        InTheWayError
            It names the first and says how many there are.
        """
        if self._overwrite:
            return
        found = {}
        for name in names:
            now = hash_of(self.folder / name)
            if now in ("", (new or {}).get(name), self._trusted.get(name)):
                continue
            if name in record.corrected_files:
                found[name] = "was corrected by hand"
            elif record.written.get(name, {}).get(now, True):
                known = name in record.written
                found[name] = "was changed since it was written" if known else "is not from this program's results here"
        if found:
            (first, why), more = next(iter(found.items())), len(found) - 1
            others = f" ({more} more like it)" if more else ""
            raise InTheWayError(f"{self.folder / first} {why}{others}, and is not replaced: {self._advice}.", found)

    def put(self) -> None:
        """What was written takes its place.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        for path in sorted(self._stage.iterdir()):
            self._put(path.name)

    def finish(self, record: ResultsRecord) -> None:
        """After an interruption: what is recorded as written takes its place, what is not goes."""
        wanted = {name: code for image in record.each_done() for name, code in image.files.items()}
        for name, code in self.staged().items():
            place = hash_of(self.folder / name)
            known = record.written.get(name, {})
            if code == wanted.get(name, code) and code in known and (place == "" or place in known):
                with contextlib.suppress(LeukocyteError):  # it is done anew, and said then
                    self._put(name)
        self.clear()

    def clear(self) -> None:
        """Leave no trace of what did not take its place; what did is on the disk."""
        if self._stage.is_dir():
            flush_folder(self.folder)
            shutil.rmtree(self._stage, ignore_errors=True)

    def _put(self, name: str) -> None:
        try:
            os.replace(self._stage / name, self.folder / name)  # noqa: PTH105 - atomic on every system
        except OSError as error:
            raise LeukocyteError(
                f"{self.folder / name} could not be written: {refusal(error)}; nothing was changed."
            ) from error


def hash_of(path: Path) -> str:
    """Of a file's bytes, or of a folder of Zarr; empty when there is none."""
    try:
        return folder_hash(path) if path.suffix == ".zarr" and path.is_dir() else file_hash(path)
    except (FileNotFoundError, IsADirectoryError):
        return ""
    except OSError:
        return "" if path.is_dir() else "not to be read"
