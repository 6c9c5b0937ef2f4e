"""Which inputs of a command are slides, which are images, and where each slide's results go."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import real_path
from napari_leukocyte.core.imaging.raster import open_raster
from napari_leukocyte.core.imaging.read import find_images, natural_key
from napari_leukocyte.core.imaging.tiff import is_tiff
from napari_leukocyte.core.slides.opening import LARGE_PX, SLIDE_SUFFIXES, is_address, is_slide, is_zarr, slide_stem
from napari_leukocyte.core.slides.slide import slide_name
from napari_leukocyte.core.slides.tiff_slides import tiff_size

__all__ = ["AsSlides", "divide", "in_one_piece", "slide_folders"]

AsSlides = Literal["auto", "all", "none"]

_LEAST_BYTES = 1_000_000  # of a TIFF that can be a slide: the heads of thousands of crops need not be read
_BYTES_PER_PX = 16  # of memory, for an image in one piece: pixels, probabilities of a row of windows, maps, labels


def divide(inputs: Sequence[str], how: AsSlides = "auto") -> tuple[list[str], list[Path]]:
    """Part inputs into slides (paths or addresses) and images, each in their order and once.

    Parameters
    ----------
    inputs
        Files, folders, patterns, addresses.
    how
        ``auto`` goes by names and heads; ``all`` takes every file for a slide, ``none`` none.

    Raises
    ------
    LeukocyteError
        As `find_images`; and for an address where nothing is to be a slide.
    """
    slides: dict[str, None] = {}
    images: dict[Path, Path] = {}
    for item in inputs:
        if is_address(item) or is_zarr(item):
            if how == "none":
                raise LeukocyteError(f"{item} is a slide: leave out --slides none, or name images.")
            slides[item.rstrip("/")] = None
            continue
        folder = Path(item)
        inside = [] if how == "none" else _slides_in(folder)
        slides |= dict.fromkeys(map(str, inside))
        try:
            found = find_images([item])
        except LeukocyteError:
            if not inside:
                raise
            found = []
        for path in found:
            if how == "all" or (how == "auto" and _large(path) and is_slide(path)):
                slides[str(path)] = None
            else:
                images.setdefault(real_path(path), path)
    return list(slides), list(images.values())


def in_one_piece(images: Sequence[Path]) -> list[str]:
    """What large images take that are no slides, a part of a sentence each. What cannot be read is said in its turn."""
    said = []
    for path in images:
        pixels = _pixels(path) if _large(path) else 0
        if pixels > LARGE_PX:
            said.append(
                f"{path.name} has {pixels / 1e6:.0f} megapixels and is worked on in one piece, which takes about "
                f"{pixels * _BYTES_PER_PX / 1e9:.0f} GB of memory; as a tiled TIFF it would be worked on in parts"
            )
    return said


def slide_folders(out: Path, slides: Sequence[str]) -> dict[str, Path]:
    """The folder of each slide's results: ``out/<stem>``, with the whole name where stems are alike.

    Raises
    ------
    LeukocyteError
        When two have one name, or results would lie in a slide.
    """
    stems = [slide_stem(slide) for slide in slides]
    folders: dict[str, Path] = {}
    for slide, stem in zip(slides, stems, strict=True):
        folder = out / (stem if stems.count(stem) == 1 else slide_name(slide))
        if folder in folders.values():
            raise LeukocyteError(f"Two slides are called {slide_name(slide)}: segment one of them into another folder.")
        if not is_address(slide) and real_path(slide) in (real_path(folder), *real_path(folder).parents):
            raise LeukocyteError(f"The results of {slide} would lie in the slide itself: choose another folder.")
        folders[slide] = folder
    return folders


def _slides_in(folder: Path) -> list[Path]:
    """Files of a folder that are slides by their names, and folders that hold Zarr."""
    try:
        if not folder.is_dir():
            return []
        inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
        named = [path for path in inside if path.suffix.lower() in SLIDE_SUFFIXES and path.is_file()]
        return sorted([*named, *(path for path in inside if is_zarr(path))], key=natural_key)
    except OSError:  # find_images says what is wrong with it
        return []


def _pixels(path: Path) -> int:
    """How many an image has by its head; 0 where that does not tell."""
    try:
        if is_tiff(path):
            return tiff_size(path).pixels
        with open_raster(path) as image:
            return image.width * image.height
    except Exception:  # decoders raise almost anything
        return 0


def _large(path: Path) -> bool:
    """Whether a file may be a slide by its name or its size."""
    try:
        return path.suffix.lower() in SLIDE_SUFFIXES or path.stat().st_size >= _LEAST_BYTES
    except (OSError, ValueError):
        return path.suffix.lower() in SLIDE_SUFFIXES
