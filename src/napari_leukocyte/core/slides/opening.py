"""Which files are slides, and how each kind is opened."""

from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import unreadable
from napari_leukocyte.core.imaging.remote import url_of
from napari_leukocyte.core.imaging.tiff import is_tiff
from napari_leukocyte.core.slides.openslide_slides import open_with_openslide
from napari_leukocyte.core.slides.slide import Slide, slide_name
from napari_leukocyte.core.slides.tiff_slides import open_tiff_slide, tiff_size
from napari_leukocyte.core.slides.zarr_slides import open_zarr_slide

__all__ = ["LARGE_PX", "SLIDE_SUFFIXES", "is_address", "is_slide", "is_zarr", "open_slide", "slide_stem"]

SLIDE_SUFFIXES = (".svs", ".ndpi", ".scn", ".mrxs", ".bif", ".vms", ".vmu")
"""Files that are slides by their names; TIFF files are slides when they are pyramids or large."""

_PYRAMID_PX = 16_000_000  # a pyramid of fewer pixels is a field of a camera, and an image as any other
LARGE_PX = 100_000_000  # so many take gigabytes in one piece, and are read in parts where that can be
_COMPOUND = (".ome.zarr", ".ome.tiff", ".ome.tif")
_ODD_TIFF = (".ndpi", ".scn", ".bif")  # TIFF inside, with pyramids of their own kinds


def open_slide(path: str | Path) -> Slide:
    """Open a pyramidal TIFF (also SVS and OME-TIFF), an OME-Zarr folder or address, or what OpenSlide reads.

    Nothing but heads is read. The slide is to be closed, for instance by ``with``.

    Raises
    ------
    LeukocyteError
        When there is no such slide, it is damaged or of a kind that is not read, or a library is missing.
    """
    text = str(path)
    if is_address(text) or is_zarr(text):
        return open_zarr_slide(text)
    file = Path(path)
    try:
        if not file.exists():
            raise LeukocyteError(f"{file} does not exist; check the name and the folder.")
        if file.is_dir():
            raise LeukocyteError(f"{file} is a folder, but no OME-Zarr: name the slide in it.")
        if file.stat().st_size == 0:
            raise LeukocyteError(f"{file} is empty (0 bytes); copy it again from its source.")
        tiff = is_tiff(file)
    except OSError as error:
        raise unreadable(file, error) from error
    if tiff and file.suffix.lower() not in _ODD_TIFF:
        return open_tiff_slide(file)
    return open_with_openslide(file)


def is_slide(path: str | Path) -> bool:
    """Whether a file, folder or address is a slide rather than an image, by its name or its head.

    What cannot be read is none: whoever reads it as an image says what is wrong.
    """
    text = str(path)
    if is_address(text) or is_zarr(text) or text.lower().endswith(SLIDE_SUFFIXES):
        return True
    try:
        if not is_tiff(Path(path)):
            return False
        size = tiff_size(Path(path))
    except Exception:  # as above
        return False
    return size.pixels >= _PYRAMID_PX if size.levels > 1 else size.in_parts and size.pixels >= LARGE_PX


def is_address(text: str) -> bool:
    """Whether it is no path but Zarr elsewhere: https, s3 and the like. Other files there are read as images.

    >>> is_address("https://example.org/slide.zarr/"), is_address("https://example.org/a.png"), is_address("a.zarr")
    (True, False, False)
    """
    return url_of(text) is not None and text.rstrip("/").lower().endswith(".zarr")


def is_zarr(path: str | Path) -> bool:
    """Whether a folder holds Zarr."""
    folder = Path(path)
    try:
        return folder.is_dir() and any((folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))
    except (OSError, ValueError):
        return False


def slide_stem(path: str | Path) -> str:
    """What the names of a slide's results begin with.

    >>> slide_stem("/a/b.ome.zarr"), slide_stem("https://example.org/c.zarr/"), slide_stem("d.1.svs")
    ('b', 'c', 'd.1')
    """
    name = slide_name(str(path))
    for suffix in _COMPOUND:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name.rpartition(".")[0] or name
