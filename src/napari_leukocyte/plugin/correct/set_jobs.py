"""What the Correct dock asks of the disk while the user goes on: no layer, no session, no Qt."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.segment import Segmentation
from napari_leukocyte.core.training_set.drafts import Draft, correction_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_leukocyte.core.training_set.drafts import DraftClaim
    from napari_leukocyte.core.training_set.records import Version
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["Disk", "Found", "accept", "cnr_of", "exclude", "find", "join_and_claim", "revoke", "sources_of"]


class Disk(Protocol):
    """Does what takes time, in the order in which it was asked for, and tells the result later in the same thread."""

    def run(self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """Run a job; then either ``done`` with its result or ``failed`` with a sentence."""

    def save(self, training_set: TrainingSet, id_: str, draft: Draft) -> None:
        """Save a draft; a newer one of the same image takes the place of one that waits."""

    def discard(self, training_set: TrainingSet, id_: str) -> None:
        """Inside a job: drop the draft of an image, also one that waits or is just being written."""


@dataclass(frozen=True)
class Found:
    """What a training set knows of an image: id, mask in force, draft, why it is excluded, whether it is held out."""

    id: str | None = None
    version: Version | None = None
    mask: Any = None
    draft: Draft | None = None
    excluded: str = ""
    held_out: bool = False


def find(training_set: TrainingSet, source: ImageSource) -> Found:
    """Look for an image in the set, by its pixels."""
    id_ = training_set.find_image(source.read(), name=source.label)
    if id_ is None:
        return Found()
    version = training_set.current(id_)
    mask = None if version is None else training_set.read_mask(version)
    excluded, held_out = training_set.image(id_).excluded, id_ in training_set.held_out
    return Found(id_, version, mask, training_set.read_draft(id_), excluded, held_out)


def join_and_claim(training_set: TrainingSet, source: ImageSource) -> tuple[str, DraftClaim]:
    """Make an image part of the set, and be the one window that drafts it."""
    id_ = _add(training_set, source)
    return id_, training_set.claim(id_)


def accept(
    disk: Disk,
    training_set: TrainingSet,
    source: ImageSource,
    draft: Draft,
    began: Segmentation,
    cnr_after: Mapping[int, float | None],
) -> tuple[str, Version]:
    """Write a draft as a new version, and drop it. ``began`` is the map that was corrected."""
    id_ = _add(training_set, source)
    size = began.pixel_size.for_areas
    before = measure_cells(began.classes, began.cells, pixel_size=size, binary=began.binary, remarks=began.remarks)
    correction = replace(correction_of(draft), cnr_before=cnr_of(before), cnr_after=cnr_after)
    version = training_set.accept(id_, correction)
    disk.discard(training_set, id_)
    return id_, version


def revoke(training_set: TrainingSet, id_: str, number: int) -> Version | None:
    """Take a version out of force; returns the one that is in force now."""
    training_set.revoke(id_, number)
    now: Version | None = training_set.current(id_)
    return now


def exclude(training_set: TrainingSet, source: ImageSource, reason: str) -> str:
    """Keep an image out of training; an empty reason lets it in."""
    id_ = _add(training_set, source)
    training_set.set_excluded(id_, reason)
    return id_


def sources_of(training_set: TrainingSet) -> list[ImageSource | BrokenImage]:
    """Return the images of a set as a list to work through, under the names that they were added by."""
    found: list[ImageSource | BrokenImage] = []
    for image in training_set.images():
        um = image.pixel_size or training_set.pixel_size
        for source in sources_from_files([image.path]):
            if isinstance(source, ImageSource):
                stated = source.pixel_size if um is None else PixelSize(um, "training set")
                found.append(replace(source, name=image.name, pixel_size=stated))
            else:
                found.append(source)
    return found


def cnr_of(measures: Iterable[CellMeasure]) -> dict[int, float | None]:
    """CNR by cell number; None where it is withheld."""
    return {one.cell: None if math.isnan(one.cnr) else one.cnr for one in measures}


def _add(training_set: TrainingSet, source: ImageSource) -> str:
    file: Path | None = source.path if source.planes == 1 else None
    id_: str = training_set.add_image(
        source.read(), name=source.label, pixel_size=source.pixel_size.for_areas, source=file
    )
    return id_
