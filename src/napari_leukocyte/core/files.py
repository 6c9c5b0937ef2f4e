"""Files, whole or not at all: written in one step, read with a sentence for what keeps them from being read."""

import contextlib
import errno
import hashlib
import itertools
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from napari_leukocyte.core.errors import LeukocyteError, UnreadableError

__all__ = [
    "LARGEST_TEXT",
    "atomic_path",
    "exists",
    "file_hash",
    "flush_folder",
    "folder_hash",
    "make_folder",
    "names_in",
    "read_text",
    "real_path",
    "refusal",
    "set_aside",
    "unreadable",
]

LARGEST_TEXT = 64_000_000  # bytes of a record or a table; none that anybody writes comes near it

# The usual reasons in words that are the same on every system.
_REASONS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the folder is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EISDIR: "a folder of that name is there",
    errno.EEXIST: "a file of that name is there",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its links lead round in a circle",
}


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, it replaces ``path`` in one step.

    The temporary file lies in the same folder, so the final rename never crosses a file system. It keeps the
    suffix (writers choose their format by it) and starts with a dot. It is flushed to the disk before the
    rename; when the block raises, it is removed and whatever was at ``path`` is untouched.

    Parameters
    ----------
    path : str or PathLike
        The file to be written. Its folder must exist.

    Yields
    ------
    Path
        Where the block writes. The block must close the file itself.

    Raises
    ------
    LeukocyteError
        When the system refuses to write (disk full, read-only folder, ...), or the block wrote nothing.
        Every ``OSError`` inside the block counts as such a refusal, so read other files outside it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "note.txt") as temporary:
    ...         _ = temporary.write_text("complete")
    ...     (Path(folder) / "note.txt").read_text()
    'complete'
    """
    target = Path(path)
    # A random part, because two processes may write the same file at once. The name is cut short, so that
    # the longest name a file system allows can still be written.
    temporary = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}.tmp{target.suffix}")
    try:
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, target)  # noqa: PTH105 - the call that is atomic on every system
        except OSError as error:
            raise LeukocyteError(f"{target} could not be written: {refusal(error)}; nothing was changed.") from error
        flush_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are not there, and try whether files can be written to it.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    task = "made"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        task = "written to"
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LeukocyteError(f"The folder {folder} cannot be {task} ({refusal(error)}): choose another one.") from error


def read_text(path: Path) -> str:
    """Read a text file in UTF-8; a byte-order mark is left out.

    Raises
    ------
    UnreadableError
        When the system does not let it be read.
    LeukocyteError
        When it is not there, larger than any such file, or no text.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_TEXT + 1)
    except FileNotFoundError as error:
        raise LeukocyteError(f"{path} does not exist: check its name, or restore it from a copy.") from error
    except (OSError, ValueError) as error:  # the second: a name that no file can have
        raise unreadable(path, error) from error
    if len(content) > LARGEST_TEXT:
        raise LeukocyteError(f"{path} is damaged (larger than {LARGEST_TEXT // 1_000_000} MB): restore it from a copy.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LeukocyteError(f"{path} is damaged or no text in UTF-8: restore it from a copy.") from error


def exists(path: Path) -> bool:
    """Whether there is such a file or folder.

    Raises
    ------
    UnreadableError
        When the system does not say.
    """
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def names_in(folder: Path) -> list[str]:
    """Names of the files and folders in a folder; none where it is not there.

    Raises
    ------
    UnreadableError
        When the system does not let it be read.
    """
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are what is asked for
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from error


def set_aside(path: Path) -> Path:
    """Give a file that cannot be read a telling name, so that another one can take its place; returns the new path.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    numbers = (n for n in itertools.count(1) if not exists(_unread(path, n)))
    aside = _unread(path, next(numbers))
    try:
        path.rename(aside)
    except OSError as error:
        raise LeukocyteError(f"{path} cannot be set aside ({refusal(error)}): check its access rights.") from error
    return aside


def _unread(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.unreadable-{number}{path.suffix}")


def real_path(path: str | os.PathLike[str]) -> Path:
    """The file that is meant, without links; a link that leads round in a circle stays as it is."""
    return Path(os.path.realpath(path))  # Path.resolve raises for such a circle


def unreadable(path: str | os.PathLike[str], error: Exception) -> UnreadableError:
    """Say that the system does not let a file be read, and why."""
    if isinstance(error, FileNotFoundError):
        reason = "it is not there"
    else:
        reason = refusal(error) if isinstance(error, OSError) else str(error)
    return UnreadableError(f"{path} cannot be read ({reason}): check its name, its access rights and its disk.")


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_hash(folder: Path, *, instead: Mapping[str, str] = MappingProxyType({})) -> str:
    """SHA-256 over the files of a folder of Zarr: their names from there on, and the hashes of their bytes.

    What systems put into folders unasked does not count.

    Parameters
    ----------
    folder
        It is there.
    instead
        Hashes by name of files as they will be; an empty one takes the file out.
    """
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if (
            (path.name.isdigit() or path.name.startswith((".z", "zarr.json")))
            and name not in instead
            and path.is_file()
        ):
            found[name] = file_hash(path)
    found |= {name: code for name, code in instead.items() if code}
    return hashlib.sha256("".join(f"{name} {found[name]}\n" for name in sorted(found)).encode()).hexdigest()


def refusal(error: OSError) -> str:
    """Why the system refused, in words that are the same everywhere."""
    if error.errno in _REASONS:
        return _REASONS[error.errno]
    return (error.strerror or str(error) or type(error).__name__).strip().rstrip(".")


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:  # Windows flushes only what is open for writing
        os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Put the rename itself on the disk where the system offers it (POSIX); elsewhere it is not needed."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
