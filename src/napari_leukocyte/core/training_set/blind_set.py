"""A training set in a blind reading: images go by their places alone, and only what was drawn in it is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import ImageSource, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.training_set.reading import Reading, ReadingItem, left_to_read
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["BlindList", "BlindSet", "blind_images"]


class BlindSet(TrainingSet):
    """The set as a reader sees it in one pass of a blind reading.

    Images are not looked for by name and pixels, but by what they are called in the reading.
    """

    def __init__(self, training_set: TrainingSet, reading: Reading, *, repeat: bool, ids: Mapping[str, str]) -> None:
        super().__init__(training_set.folder, (), reading.who(repeat=repeat))
        self._ids = dict(ids)

    def find_image(self, pixels: NDArray[np.generic], *, name: str) -> str | None:  # noqa: ARG002
        """Return the id of the image that is called so in the reading."""
        return self._ids.get(name)

    def add_image(
        self,
        pixels: NDArray[np.generic],  # noqa: ARG002
        *,
        name: str,
        pixel_size: float | None = None,  # noqa: ARG002
        group: str = "",  # noqa: ARG002
        source: Path | None = None,  # noqa: ARG002
    ) -> str:
        """Return the id of the image that is called so in the reading: all of its images are in the set."""
        return self._ids[name]


@dataclass(frozen=True)
class BlindList:
    """What is left of a reading, as a list of images.

    Attributes
    ----------
    reading
        The reading.
    sources
        Its images under their places; one that comes for the second time looks as any other.
    sets
        For each the set that its mask goes into.
    """

    reading: Reading
    sources: list[ImageSource]
    sets: list[BlindSet]

    @property
    def read_before(self) -> int:
        """How many images of the reading are not in the list: they were read before."""
        return len(self.reading.items) - len(self.sources)


def blind_images(training_set: TrainingSet, reading: Reading) -> BlindList:
    """Return what is left of a reading.

    Raises
    ------
    LeukocyteError
        When an image cannot be read.
    """
    places = {item: place for place, item in enumerate(reading.items, start=1)}
    left = left_to_read(training_set, reading)
    names = {item: f"Image {places[item]}" for item in left}
    sets = {
        again: BlindSet(
            training_set, reading, repeat=again, ids={names[item]: item.image for item in left if item.repeat == again}
        )
        for again in (False, True)
    }
    sources = [_source(training_set, item, names[item]) for item in left]
    return BlindList(reading, sources, [sets[item.repeat] for item in left])


def _source(training_set: TrainingSet, item: ReadingItem, name: str) -> ImageSource:
    image = training_set.image(item.image)
    (source,) = sources_from_files([image.path])
    if not isinstance(source, ImageSource):
        raise LeukocyteError(source.reason)
    um = image.pixel_size or training_set.pixel_size
    size = source.pixel_size if um is None else PixelSize(um, "training set")
    return replace(source, name=name, path=None, pixel_size=size)
