"""The list of images that the package works on: one layer or array, the planes of a stack, files of mixed sizes."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.planes import get_plane, plane_count, plane_shape
from napari_leukocyte.core.imaging.read import ImageFile, image_facts, read_image
from napari_leukocyte.core.imaging.remote import local_copy, url_of

__all__ = ["BrokenImage", "ImageSource", "sources_from_array", "sources_from_files"]

_KEPT_BYTES = 32 * 2**20  # of files that were read last; the very last is kept whatever its size


@dataclass(frozen=True)
class ImageSource:
    """One image of the list; its pixels are read when they are asked for.

    Attributes
    ----------
    name
        What tables call it: the file's name or the layer's.
    plane
        Index in its stack, 0 for a single image.
    planes
        How many planes the stack has, 1 for a single image.
    shape
        (Y, X), px.
    region_at
        Row and column where it begins in a larger image, of which it is a region; None: it is whole.
    """

    name: str
    plane: int
    planes: int
    rgb: bool | None
    pixel_size: PixelSize
    path: Path | None
    shape: tuple[int, int]
    read: Callable[[], NDArray[np.generic]]
    region_at: tuple[int, int] | None = None

    @property
    def label(self) -> str:
        """Name and, in a stack, the plane counted from 0 as the table does."""
        return self.name if self.planes == 1 else f"{self.name} [{self.plane}]"

    def portable(self) -> "ImageSource":
        """The same for another computer: a file by its whole path, an array by the pixels of this plane alone.

        Raises
        ------
        LeukocyteError
            When the plane of an array cannot be read.
        """
        if isinstance(self.read, _FileReader):
            path = self.read.path if url_of(self.read.path) else self.read.path.absolute()
            return replace(self, path=path, read=_FileReader(path, self.plane))
        return replace(self, path=None, read=_Pixels(np.asarray(self.read())))


@dataclass(frozen=True)
class BrokenImage:
    """A file of the list that could not be read, with the reason as a sentence."""

    name: str
    path: Path
    reason: str


def sources_from_array(
    array: Any, *, name: str, rgb: bool | None = None, pixel_size: PixelSize | None = None, path: Path | None = None
) -> list[ImageSource]:
    """One source for each plane of an array (numpy, dask, zarr), see ``core.imaging.planes``."""
    pixel_size = pixel_size or PixelSize(None)
    count, shape = plane_count(array.shape, rgb=rgb), plane_shape(array.shape, rgb=rgb)
    readers = [_PlaneReader(array, i, rgb) for i in range(count)]
    return [ImageSource(name, i, count, rgb, pixel_size, path, shape, read) for i, read in enumerate(readers)]


@dataclass(frozen=True)
class _PlaneReader:
    array: Any
    index: int
    rgb: bool | None

    def __call__(self) -> NDArray[np.generic]:
        return get_plane(self.array, self.index, rgb=self.rgb)


@dataclass(frozen=True, eq=False)
class _Pixels:
    pixels: NDArray[np.generic]

    def __call__(self) -> NDArray[np.generic]:
        return self.pixels


@dataclass(frozen=True)
class _FileReader:
    """Reads its file anew when it is not among the last ones, so that a folder of thousands never sits in memory."""

    path: Path
    index: int

    def __call__(self) -> NDArray[np.generic]:
        file = _recent.read(self.path)
        return get_plane(file.array, self.index, rgb=file.rgb, name=str(self.path))


class _Recent:
    """The files that were read last: the list, the look at pixel sizes and the planes of a stack share one reading."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[Path, int, int], ImageFile] = OrderedDict()
        self._bytes = 0  # of all of them: with small files they are thousands, too many to add up at each reading
        self._lock = Lock()

    def read(self, path: Path) -> ImageFile:
        """Read a file, unless it has not changed since it was read a moment ago; raises as `read_image`."""
        try:
            found = local_copy(path).stat()
            key = path, found.st_mtime_ns, found.st_size
        except OSError:
            return read_image(path)  # which says in words what is wrong
        with self._lock:
            file = self._files.get(key)
        if file is None:
            file = read_image(path)
        with self._lock:
            if key not in self._files:
                self._bytes += file.array.nbytes
            self._files[key] = file
            self._files.move_to_end(key)
            while len(self._files) > 1 and self._bytes > _KEPT_BYTES:
                _, oldest = self._files.popitem(last=False)
                self._bytes -= oldest.array.nbytes
        return file


_recent = _Recent()


def sources_from_files(paths: Sequence[Path], *, by_heads: bool = False) -> Iterator[ImageSource | BrokenImage]:
    """Sources for each file in turn; a file that cannot be read comes as ``BrokenImage`` and the rest go on.

    Parameters
    ----------
    paths
        The files.
    by_heads
        For long lists: believe what the heads of PNG, JPEG, BMP and WebP files say. What is wrong with their pixels is
        then said only when they are read.
    """
    for path in paths:
        try:
            facts = image_facts(path) if by_heads else None
            if facts is None:
                file = _recent.read(path)
                facts = tuple(file.array.shape), file.rgb, PixelSize(file.pixel_size, file.pixel_size_source)
            whole, rgb, pixel_size = facts
            # "colours or not" is known for files: a last axis of 3 is never a stack's width by chance
            count, shape = plane_count(whole, rgb=rgb), plane_shape(whole, rgb=rgb)
        except LeukocyteError as error:
            yield BrokenImage(path.name, path, str(error))
            continue
        for i in range(count):
            yield ImageSource(path.name, i, count, rgb, pixel_size, path, shape, _FileReader(path, i))
