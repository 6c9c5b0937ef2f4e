"""Accepted masks written as files that other programs read."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import make_folder, real_path
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png, write_picture
from napari_leukocyte.core.results.remarks import remarks_text
from napari_leukocyte.core.training_set.images import SetImage
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.records import Version
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["ExportFailed", "Format", "MaskExported", "export_masks"]

Format = Literal["rgb", "index", "cell-nucleus"]

_PLANE = re.compile(r" \[[0-9]+\]$")  # how the names of planes of a stack end, see ``ImageSource.label``
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in file names, on Windows
_UNFIT = re.compile(r"$|\.|(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)  # nothing, hidden, or a device
_LONGEST = 240  # bytes; with what is appended here, 255 are allowed


@dataclass(frozen=True)
class MaskExported:
    """The mask of an image is written, to these files."""

    id: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class ExportFailed:
    """A mask could not be written, with the reason as a sentence; the others go on."""

    id: str
    reason: str


def export_masks(
    training_set: TrainingSet, format: Format, out: Path, *, overwrite: bool = False
) -> Iterator[MaskExported | ExportFailed]:
    """Write the mask in force of each image, also of excluded ones. Stop iterating to cancel.

    ``rgb`` writes ``<stem>.png`` in the mask colours (background blue, cytoplasm green, nucleus red), ``index``
    ``<stem>_classes.png`` with 0, 1 and 2 and ``<stem>_cells.tif`` with the cell labels and what is marked of cells,
    ``cell-nucleus`` ``<stem>_cell.png`` and ``<stem>_nucleus.png`` in black and white. A mask of whole cells is
    written as ``<stem>_cell.png`` alone in the last, and has no colours.
    The stem is that of the image's name, as in the results of `segment`, with ``_`` for what some system forbids in
    file names; it is the image's id where two images have the same, or where it is no file name.

    Parameters
    ----------
    out : Path
        A folder, made when it is not there.
    overwrite : bool
        Replace files of these names in it; else such an image fails.

    Raises
    ------
    LeukocyteError
        When the folder cannot be written to or is a part of the set, or no mask is accepted.
    """
    parts = {real_path(folder) for folder in _own_folders(training_set)}
    if parts & {real_path(out), *real_path(out).parents}:
        raise LeukocyteError(f"{out} belongs to the training set itself: choose another folder.")
    found = [(image, training_set.current(image.id)) for image in training_set.images()]
    masks = [(image, version) for image, version in found if version is not None]
    if not masks:
        raise LeukocyteError(f"{training_set.folder} has no accepted mask yet: accept one first.")
    make_folder(out)
    stems = _stems([image for image, _ in masks])
    for image, version in masks:
        try:
            files = _files(format, out / stems[image.id], whole_cell=version.facts.whole_cell)
            there = next((file for file in files if file.exists()), None)
            if there is not None and not overwrite:
                raise LeukocyteError(f"{there} is there already: choose another folder, or give --overwrite.")
            _write(training_set, image, version, format, files)
            yield MaskExported(image.id, files)
        except LeukocyteError as error:
            yield ExportFailed(image.id, str(error))


def _own_folders(training_set: TrainingSet) -> tuple[Path, ...]:
    layout = Layout(training_set.folder)
    return layout.images, layout.masks, layout.drafts


def _files(format: Format, stem: Path, *, whole_cell: bool) -> tuple[Path, ...]:
    ends = {
        "index": ("_classes.png", "_cells.tif"),
        "rgb": (".png",),
        "cell-nucleus": ("_cell.png",) if whole_cell else ("_cell.png", "_nucleus.png"),
    }
    return tuple(stem.with_name(stem.name + end) for end in ends[format])


def _stems(images: list[SetImage]) -> dict[str, str]:
    plain = {image.id: _stem(image.name) for image in images}
    # ids count, too: a copy taken out of a set and added anew is called by one
    times = Counter(name.casefold() for pair in plain.items() for name in pair)
    return {
        one: one if times[stem.casefold()] > 1 or _UNFIT.match(stem) or len(stem.encode()) > _LONGEST else stem
        for one, stem in plain.items()
    }


def _stem(name: str) -> str:
    plane = _PLANE.search(name)
    end = "" if plane is None else plane[0]
    return _FORBIDDEN.sub("_", Path(name.removesuffix(end)).stem + end)


def _write(
    training_set: TrainingSet, image: SetImage, version: Version, format: Format, files: tuple[Path, ...]
) -> None:
    classes, cells = training_set.read_mask(version)
    facts = version.facts
    um = facts.pixel_size.for_areas  # an estimate as the file's resolution would pass for a measured size
    about: dict[str, Any] = {
        **facts.provenance,
        **facts.made_with_text,
        "image": image.name,
        "version": version.number,
        "reader": version.by,
        "mask_sha256": version.sha256,
    }

    if format == "index":
        write_class_png(files[0], classes, provenance=about, pixel_size=um, palette=False)
        write_cells_tiff(
            files[1], cells, provenance={**about, **remarks_text(facts.remarks, facts.types)}, pixel_size=um
        )
        return
    if format == "rgb":
        if facts.whole_cell:
            raise LeukocyteError(
                f"The mask of {image.name} knows only whole cells, which have no colour: export it as index or "
                "cell-nucleus."
            )
        colours = np.array([MASK_COLOURS[value] for value in range(3)], np.uint8)
        write_picture(files[0], colours[classes], provenance=about, pixel_size=um)
        return
    for file, mask in zip(files, (classes > 0, classes == 2), strict=False):  # whole cells have no second one
        write_picture(file, _black_and_white(mask), provenance=about, pixel_size=um)


def _black_and_white(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(mask, 255, 0).astype(np.uint8)
