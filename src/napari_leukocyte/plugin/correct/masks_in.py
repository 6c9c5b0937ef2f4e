"""Masks from other programs for the images of the list. No layer, no session, no Qt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_leukocyte.core.exchange.importing import Imported, ImportParameters, find_masks, read_masks
from napari_leukocyte.core.exchange.reading import FindImage, ImageHint, Read
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.results.names import same_name
from napari_leukocyte.plugin.image_state import ImageState

if TYPE_CHECKING:
    from napari_leukocyte.core.imaging.mask_reading import ReadAs

__all__ = ["MasksIn", "read_for_list"]


@dataclass
class MasksIn:
    """What was read, its cells measured, by the place of its image in the list, and sentences on the rest.

    ``doubtful`` are files whose values may mean something else, and the readings for which something speaks.
    """

    states: dict[int, ImageState] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    doubtful: dict[Path, tuple[str, ...]] = field(default_factory=dict)


def read_for_list(images: Sequence[ImageSource], paths: Sequence[Path], read_as: ReadAs = "auto") -> MasksIn:
    """Read mask files, each for the image of the list that has its name; the only image takes one of any name.

    ``read_as`` is what the user says of their values.

    Raises
    ------
    LeukocyteError
        When none of the files can be a mask.
    """
    found = MasksIn()
    for event in read_masks(find_masks(paths), ImportParameters(read_as=read_as), find_image=_finder(images)):
        if not isinstance(event, Imported):
            found.problems.append(event.doubt or event.reason)
            if event.others:
                found.doubtful[event.path] = event.others
            continue
        for read in event.reads:
            index = _place(images, read)
            if index is None:
                found.problems.append(f"{event.path.name}: no image of the list is called {read.cell_map.label}.")
            elif index in found.states:
                found.problems.append(f"{event.path.name}: {images[index].label} has another mask among these files.")
            else:
                found.states[index] = ImageState(read.cell_map.segmentation())
    return found


def _finder(images: Sequence[ImageSource]) -> FindImage:
    by_name = _by_name(images)

    def find(name: str) -> ImageHint | None:
        source = images[0] if len(images) == 1 else by_name.get(same_name(name)) or by_name.get(_stem(name))
        return None if source is None else ImageHint(Path(source.name), source.shape, source.pixel_size)

    return find


def _by_name(images: Sequence[ImageSource]) -> dict[str, ImageSource]:
    """Images by their names and, where only one has it, by their stems."""
    firsts = [source for source in images if source.plane == 0]
    times = Counter(_stem(source.name) for source in firsts)
    stems = {_stem(source.name): source for source in firsts if times[_stem(source.name)] == 1}
    return stems | {same_name(source.name): source for source in firsts}


def _place(images: Sequence[ImageSource], read: Read) -> int | None:
    """Where in the list the image of a mask is."""
    one = read.cell_map
    if len(images) == 1:
        return 0
    for index, source in enumerate(images):
        if (source.name, source.plane, source.planes) == (one.image, one.plane, one.planes):
            return index
    return None


def _stem(name: str) -> str:
    return same_name(Path(name).stem)
