"""The accepted masks in force: what trains and what models are compared on, whoever read it."""

from collections.abc import Iterator
from typing import Protocol

from napari_leukocyte.core.training_set.groups import groups_of
from napari_leukocyte.core.training_set.images import SetImage
from napari_leukocyte.core.training_set.item import ItemReader, TrainingItem
from napari_leukocyte.core.training_set.reader import NOBODY, Reader
from napari_leukocyte.core.training_set.records import Version

__all__ = ["MasksOfAll", "left_out", "training_items"]


class MasksOfAll(Protocol):
    """What is asked of a training set."""

    @property
    def held_out(self) -> frozenset[str]:
        """Ids of the images that never train."""

    @property
    def pixel_size(self) -> float | None:
        """Default in um per px."""

    def images(self) -> list[SetImage]:
        """Its images."""

    def as_reader(self, reader: Reader) -> "MasksOfAll":
        """The same set as a reader sees it."""

    def current(self, image_id: str) -> Version | None:
        """The newest accepted mask that is not revoked."""


def training_items(training_set: MasksOfAll) -> Iterator[TrainingItem]:
    """Yield the newest mask of each image that is not excluded, whoever read it; without a pixel size none."""
    groups, held_out = groups_of(training_set.images()), training_set.held_out
    for image, version, pixel_size in _in_force(training_set):
        if pixel_size is not None:
            yield TrainingItem(
                name=image.id,
                version=version.number,
                sha256=version.sha256,
                group=groups[image.id],
                pixel_size=pixel_size,
                edited=version.facts.edited,
                held_out=image.id in held_out,
                whole_cell=version.facts.whole_cell,
                read=ItemReader(image, version),
                by_gestures=version.facts.by_gestures,
            )


def left_out(training_set: MasksOfAll) -> list[str]:
    """Say of which masks there is no item, a sentence each."""
    return [
        f"{image.name} has no pixel size: add the image again with one (training-set add ... --pixel-size UM), or "
        "accept a mask that was segmented with one."
        for image, _, pixel_size in _in_force(training_set)
        if pixel_size is None
    ]


def _in_force(training_set: MasksOfAll) -> Iterator[tuple[SetImage, Version, float | None]]:
    of_all, default = training_set.as_reader(NOBODY), training_set.pixel_size
    for image in training_set.images():
        version = None if image.excluded else of_all.current(image.id)
        if version is not None:
            yield image, version, version.facts.pixel_size.um or image.pixel_size or default
