"""Image files that lie behind a URL (s3://, gs://, https://, ...) and are read through fsspec.

Everywhere in the program a file is a `Path`, and ``Path("s3://bucket/a.png")`` is ``s3:/bucket/a.png``: from that the
URL can be told again, so that lists, names and records need to know nothing of it. Only what opens a file asks here.
"""

import atexit
import contextlib
import os
import re
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from napari_leukocyte.core.errors import LeukocyteError, UnreadableError, reason_in

__all__ = ["images_behind", "local_copy", "local_head", "path_of", "url_of"]

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):/+(?=[^/])")  # two letters at least: one is a drive of Windows
_KEPT = 3  # copies at a time: a stack is read plane by plane, and a large one is not decoded at once
_HEAD = 2**16


def url_of(path: str | os.PathLike[str]) -> str | None:
    """The URL that a path stands for; None for an ordinary one.

    >>> url_of(Path("s3://bucket/a/b.png")), url_of(Path("/data/a.png")), url_of("C:/data/a.png")
    ('s3://bucket/a/b.png', None, None)
    """
    text = os.fspath(path).replace("\\", "/") if os.sep == "\\" else os.fspath(path)
    found = _URL.match(text)
    return f"{found[1]}://{text[found.end() :]}" if found else None


def path_of(text: str | os.PathLike[str]) -> Path:
    """A path, or a URL as one; ``file://`` is an ordinary path.

    >>> path_of("file:///data/a%20b.png").as_posix()
    '/data/a b.png'
    """
    text = os.fspath(text)
    return Path(unquote(urlsplit(text).path)) if text.lower().startswith("file://") else Path(text)


def images_behind(url: str, suffixes: Sequence[str]) -> list[Path]:
    """The image files of a folder or a pattern behind a URL; a URL that has such an ending is itself one.

    Raises
    ------
    UnreadableError
        When the place cannot be listed.
    """
    if Path(urlsplit(url).path).suffix.lower() in suffixes and "*" not in url:
        return [Path(url)]
    try:
        system, inside = _system(url)
        names = system.glob(inside) if "*" in url else system.ls(inside, detail=False)
        found = [name for name in names if Path(str(name)).suffix.lower() in suffixes]
        return [Path(system.unstrip_protocol(name)) for name in found]
    except LeukocyteError:
        raise
    except Exception as error:  # whatever a driver raises
        raise _refused(url, error) from error


def local_copy(path: Path) -> Path:
    """The file itself, or of one behind a URL a copy on this computer, which lasts until a few others were read.

    Raises
    ------
    UnreadableError
        When it cannot be fetched.
    """
    url = url_of(path)
    return path if url is None else _copies.get(url)


def local_head(path: Path) -> Path:
    """The same, but of one behind a URL it may hold the first bytes alone, and zeros up to the size of the file."""
    url = url_of(path)
    return path if url is None else _copies.get(url, head=True)


class _Copies:
    """The files that were fetched last; they go with the process."""

    def __init__(self) -> None:
        self._paths: OrderedDict[tuple[str, str, bool], Path] = OrderedDict()  # by URL, version, whether a head
        self._folder = ""
        self._lock = Lock()
        self._number = 0

    def get(self, url: str, *, head: bool = False) -> Path:
        """Fetch a file, unless it is here and has not changed."""
        try:
            system, inside = _system(url)
            version = str(system.ukey(inside))
        except LeukocyteError:
            raise
        except Exception as error:  # whatever a driver raises
            raise _refused(url, error) from error
        with self._lock:
            for key in ((url, version, False), (url, version, head)):
                if key in self._paths:
                    self._paths.move_to_end(key)
                    return self._paths[key]
            if not self._folder:
                self._folder = tempfile.mkdtemp(prefix="napari-leukocyte-")
                atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
            self._number += 1
            path = Path(self._folder, f"{self._number}{Path(urlsplit(url).path).suffix}")
        try:
            if head:
                path.write_bytes(system.cat_file(inside, start=0, end=_HEAD))
                size = system.size(inside)
                if size is None:  # a server that does not say
                    system.get_file(inside, str(path))
                else:
                    os.truncate(path, size)
            else:
                system.get_file(inside, str(path))
        except Exception as error:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            raise _refused(url, error) from error
        with self._lock:
            self._paths[url, version, head] = path
            while len(self._paths) > _KEPT:
                with contextlib.suppress(OSError):  # Windows keeps what is open
                    self._paths.popitem(last=False)[1].unlink()
        return path


_copies = _Copies()


def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the name in it."""
    try:
        from fsspec.core import url_to_fs

        system, inside = url_to_fs(url)
    except (ImportError, ValueError) as error:  # a driver that is not installed; a protocol that nobody knows
        raise UnreadableError(
            f"{url} cannot be read ({reason_in(error)}): install the driver that fsspec names, or copy the file here."
        ) from error
    return system, str(inside)


def _refused(url: str, error: Exception) -> UnreadableError:
    reason = "it is not there" if isinstance(error, FileNotFoundError) else reason_in(error)
    return UnreadableError(f"{url} cannot be read ({reason}): check its name, your rights and the network.")
