"""Image files: which ones are meant, and what is in them."""

import errno
import glob
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.files import real_path, unreadable
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.raster import raster_facts, raster_pixel_size, read_raster
from napari_leukocyte.core.imaging.remote import images_behind, local_copy, local_head, path_of, url_of
from napari_leukocyte.core.imaging.tiff import is_tiff, read_tiff, tiff_facts
from napari_leukocyte.core.text import counted

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageFile",
    "find_images",
    "natural_key",
    "passed_over",
    "read_image",
    "stated_pixel_size",
]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff")

_OUTPUT_STEMS = ("_classes", "_cells")  # what we write ourselves next to the images
_LABELS = "_cells"
_RECORDS = ("cells.csv", "cells.json", "results.jsonl")  # the same, but no images
_NAMED = 5  # of files that are passed over


@dataclass(frozen=True)
class ImageFile:
    """What a file holds.

    Attributes
    ----------
    array : array-like
        (Y, X), (Y, X, 3 or 4), or a stack (N, Y, X) or (N, Y, X, 3 or 4), in the type of the file. A numpy
        array; a large TIFF is memory-mapped or a zarr array and not read yet:
        `napari_leukocyte.core.imaging.planes.get_plane` reads one plane of it, whole. Not to be written to.
    rgb : bool
        Whether the last axis holds colours.
    pixel_size : float or None
        um per px, when the file states one that a microscope can have.
    pixel_size_source : str
        Where it is stated; "unknown" when it is not; why not, where one is stated that is not used.
    """

    array: Any
    rgb: bool
    pixel_size: float | None
    pixel_size_source: str


def find_images(
    inputs: str | Path | Sequence[str | Path],
    *,
    skip_stems: Sequence[str] = _OUTPUT_STEMS,
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
) -> list[Path]:
    """List the image files that are meant.

    Parameters
    ----------
    inputs : str, Path or sequence of them
        Files, folders (not their subfolders) and glob patterns, also behind URLs, see ``core.imaging.remote``. A file
        that is named is listed as it is, even when it is missing or no image: `read_image` then says so, and the
        others still run.
    skip_stems : sequence of str
        Leave out files of folders and patterns whose names end so: by default ``*_classes`` and ``*_cells``, which
        are results. The latter are so only when they are TIFF and their class map or image lies beside them:
        ``blood_cells.png`` is an image.
    suffixes : sequence of str
        What counts as an image in a folder or a pattern, in lower case.

    Returns
    -------
    list of Path
        In the order of ``inputs``, each file once; those of a folder or pattern in natural order
        (2.png before 10.png), hidden ones left out.

    Raises
    ------
    LeukocyteError
        When a folder or a pattern holds no image, or cannot be read.
    """
    found: dict[Path, Path] = {}
    for item in [inputs] if isinstance(inputs, str | Path) else inputs:
        try:
            for file in _images_of(item, suffixes, skip_stems):
                found.setdefault(real_path(file), file)
        except LeukocyteError:  # a ValueError with a sentence of its own
            raise
        except (OSError, ValueError) as error:
            raise unreadable(item, error) from error
    return list(found.values())


def passed_over(
    inputs: str | Path | Sequence[str | Path], found: Sequence[Path], *, results: bool = True
) -> list[tuple[str, str]]:
    """Name what folders and patterns hold beside the images that were found in them, in words.

    Parameters
    ----------
    inputs : str, Path or sequence of them
        As they were given to `find_images`.
    found : sequence of Path
        What that returned.
    results : bool
        Count class maps, cell labels and tables, too.

    Returns
    -------
    list of tuple
        The folder or pattern, and a part of a sentence: results are counted, other files named. Hidden files and
        folders are left out.
    """
    known = {real_path(path) for path in found}
    said = []
    for item in [inputs] if isinstance(inputs, str | Path) else inputs:
        try:
            inside = _inside(_path_of(item))
            rest = sorted((p for p in inside if p.is_file() and real_path(p) not in known), key=natural_key)
        except (OSError, ValueError):
            continue  # find_images has said what is wrong with it
        rest = [path for path in rest if not path.name.startswith(".")]
        ours = {path for path in rest if path.name in _RECORDS or path.suffix.lower() in IMAGE_SUFFIXES}
        others = [path.name for path in rest if path not in ours]
        if ours and results:
            said.append((str(item), f"{counted(len(ours), 'file')} of earlier results passed over"))
        if others:
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            said.append((str(item), f"passed over, no kind of image that is read: {', '.join(others[:_NAMED])}{more}"))
    return said


def _inside(path: Path) -> Iterable[Path]:
    """What a folder or a pattern holds; nothing for a file."""
    if path.is_dir():
        return path.iterdir()
    if path.exists() or not glob.has_magic(str(path)):
        return []
    return map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207 - takes absolute patterns


def _path_of(item: str | Path) -> Path:
    try:
        return path_of(item).expanduser()
    except RuntimeError:  # no such user: a name that begins so
        return Path(item)


def _images_of(item: str | Path, suffixes: Sequence[str], skip_stems: Sequence[str]) -> list[Path]:
    """The files that one folder, pattern or name stands for."""
    path = _path_of(item)
    if (url := url_of(path)) is not None:
        there = images_behind(url, suffixes)
        files = sorted((one for one in there if not one.stem.endswith(tuple(skip_stems))), key=natural_key)
        if not files:
            raise LeukocyteError(f"There is no image behind {url} ({', '.join(suffixes)}).")
        return files
    try:
        folder, named = path.is_dir(), path.exists()
    except OSError:  # access denied, or no possible name
        folder, named = False, False
    if folder:
        files = _images_among(path.iterdir(), suffixes, skip_stems)
        if not files:
            raise LeukocyteError(f"There is no image in the folder {path} ({', '.join(suffixes)}).")
        return files
    if named or not glob.has_magic(str(path)):
        return [path]
    matches = (Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - takes absolute patterns
    files = _images_among(matches, suffixes, skip_stems)
    if not files:
        raise LeukocyteError(f"No image matches {item} ({', '.join(suffixes)}).")
    return files


def read_image(path: str | Path, *, planes: bool = False) -> ImageFile:
    """Read an image or a stack from a PNG, JPEG, BMP, WebP or TIFF file, told apart by its content.

    Palette images become RGB, CMYK becomes RGB, 16 bits stay 16 bits. The orientation that a TIFF or EXIF tag states
    is ignored, as napari's own reader does, so that masks fit the image as it is stored. Of a TIFF with several
    images (a thumbnail, a pyramid) the largest is read; several of that size are a stack.

    Parameters
    ----------
    path : str or Path
        The file.
    planes : bool
        It holds class maps or labels: a short first axis of a TIFF is the planes of a stack, not colours.

    Returns
    -------
    ImageFile
        The array, whether it is RGB, and the pixel size if the file states one.

    Raises
    ------
    LeukocyteError
        When there is no such file, or it is empty, damaged, no image, or has two readings.
    """
    path = Path(path)
    with _in_words(path) as file:
        array, rgb, size = read_tiff(file, planes=planes) if is_tiff(file) else read_raster(file)
        if 0 in array.shape:
            raise LeukocyteError(f"{path} has no pixels (shape {tuple(array.shape)}); copy it again from its source.")
        return ImageFile(array, rgb, size.um, size.source)


def image_facts(path: str | Path) -> tuple[tuple[int, ...], bool, PixelSize] | None:
    """Find out what `read_image` would read, without its pixels: shape, whether it has colours, pixel size.

    None for a TIFF and for other files whose head does not tell: they have to be read.

    Raises
    ------
    LeukocyteError
        As `read_image`, but for what is wrong with the pixels.
    """
    path = Path(path)
    if url_of(path) is not None:
        with suppress(LeukocyteError), _in_words(path, local_head) as file:  # the first bytes may not be enough
            return None if is_tiff(file) else raster_facts(file)
    with _in_words(path) as file:
        return None if is_tiff(file) else raster_facts(file)


def stated_pixel_size(path: str | Path) -> PixelSize:
    """Read the pixel size that an image file states, without its pixels; every door asks here.

    OME metadata go before ImageJ's, and those before the resolution (tags of a TIFF, dpi of a PNG or JPEG). What no
    microscope can have is unknown.

    Raises
    ------
    LeukocyteError
        As `read_image`.
    """
    path = Path(path)
    with _in_words(path) as file:
        return tiff_facts(file).pixel_size if is_tiff(file) else raster_pixel_size(file)


@contextmanager
def _in_words(path: Path, copy: Callable[[Path], Path] = local_copy) -> Iterator[Path]:
    """Fetch what lies behind a URL, and call it that in whatever is said of it."""
    file = copy(path)
    try:
        with _one_sentence(file):
            yield file
    except LeukocyteError as error:
        if file == path:
            raise
        raise type(error)(str(error).replace(str(file), str(url_of(path)))) from error


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Make one sentence, which names the file, of whatever keeps it from being read."""
    try:
        if not path.exists():
            raise LeukocyteError(f"{path} does not exist; check the name and the folder.")
        if path.is_dir():
            raise LeukocyteError(f"{path} is a folder; name an image file in it.")
        if path.stat().st_size == 0:
            raise LeukocyteError(f"{path} is empty (0 bytes); copy it again from its source.")
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        yield
    except LeukocyteError as error:
        if str(path) in str(error):
            raise
        raise LeukocyteError(f"{path}: {error}") from error
    except MemoryError as error:
        raise LeukocyteError(f"{path} needs more memory than is free; close other programs, or save a part.") from error
    except Exception as error:  # decoders raise almost anything on a damaged file
        # theirs have no number, but for a seek to where no byte can be
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise unreadable(path, error) from error
        raise LeukocyteError(
            f"{path} is damaged or of an unusual kind ({reason_in(error)}); copy it again or save it as PNG or TIFF."
        ) from error


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that reads runs of digits as numbers.

    Examples
    --------
    >>> [p.name for p in sorted(map(Path, ["b.png", "a10.png", "a2.png"]), key=natural_key)]
    ['a2.png', 'a10.png', 'b.png']
    """
    parts = re.split(r"([0-9]+)", str(path).casefold())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts], str(path)


def _images_among(paths: Iterable[Path], suffixes: Sequence[str], skip_stems: Sequence[str]) -> list[Path]:
    beside = lru_cache(_stems_in)
    return sorted(
        (
            path
            for path in paths
            if path.suffix.lower() in suffixes
            and not path.name.startswith(".")
            and not (path.stem.endswith(tuple(skip_stems)) and _is_result(path, beside))
            # a link that leads nowhere is no file, but somebody meant one
            and (path.is_file() or (path.is_symlink() and not path.exists()))
        ),
        key=natural_key,
    )


def _is_result(path: Path, beside: Callable[[Path], frozenset[str]]) -> bool:
    """Whether a file that is called as results are is one: cell labels are TIFF, and never without their image."""
    if not path.stem.endswith(_LABELS):
        return True
    base = path.stem.removesuffix(_LABELS)
    return path.suffix.lower() == ".tif" and not beside(path.parent).isdisjoint((base, f"{base}_classes"))


def _stems_in(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
