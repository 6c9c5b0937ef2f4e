"""The Correct dock's work on the disk, which runs while the user paints on. No layer, no session, no Qt."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.training_set.blind_set import BlindList, blind_images
from napari_leukocyte.core.training_set.draft import Draft, correction_of, same_draft
from napari_leukocyte.core.training_set.intra_observer import intra_observer
from napari_leukocyte.core.training_set.reading import Reading, begin_reading, end_reading, left_to_read, readings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from napari_leukocyte.core.training_set.drafts import DraftClaim
    from napari_leukocyte.core.training_set.records import Version
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = [
    *("Disk", "Found", "accept", "begin_blind", "cnr_of", "discard", "end_blind", "exclude", "find", "hand_over"),
    *("go_on_blind", "join_and_claim", "look_for_reading", "revoke", "sources_of"),
]


class Disk(Protocol):
    """Runs slow jobs in the order of the requests, and reports each result later in the caller's thread."""

    def run(self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """Run a job; then either ``done`` with its result or ``failed`` with a sentence."""

    def save(self, training_set: TrainingSet, id_: str, draft: Draft) -> None:
        """Save a draft; a newer one of the same image takes the place of one that waits."""

    def settle(self, training_set: TrainingSet, id_: str) -> None:
        """Inside a job: wait until the draft of an image that was given to `save` is on the disk, or raise."""

    def discard(self, training_set: TrainingSet, id_: str, until: datetime) -> None:
        """Inside a job: drop the draft of an image, also one that waits or is being written; a later one stays."""


@dataclass(frozen=True)
class Found:
    """What a training set knows of an image.

    Its id, the mask in force (classes, cells, and what made each pixel, where known), drafts (the newest first),
    why it is excluded, whether it is held out, and a sentence for each draft that cannot be read.
    """

    id: str | None = None
    version: Version | None = None
    mask: Any = None
    drafts: tuple[Draft, ...] = ()
    excluded: str = ""
    held_out: bool = False
    problems: tuple[str, ...] = ()


def find(training_set: TrainingSet, source: ImageSource) -> Found:
    """Look for an image in the set, by its pixels."""
    id_ = training_set.find_image(source.read(), name=source.label)
    if id_ is None:
        return Found()
    version = training_set.current(id_)
    mask = None if version is None else (*training_set.read_mask(version), training_set.read_makers(version))
    excluded, held_out = training_set.image(id_).excluded, id_ in training_set.held_out
    drafts, problems = training_set.drafts.kept(id_)
    try:
        newest = training_set.drafts.read(id_)
    except LeukocyteError as error:
        newest, problems = None, [str(error), *problems]
    return Found(id_, version, mask, (*([newest] if newest else ()), *drafts), excluded, held_out, tuple(problems))


def join_and_claim(
    disk: Disk, training_set: TrainingSet, source: ImageSource, continued: Draft | None, claim: DraftClaim | None
) -> tuple[str, DraftClaim, tuple[Draft, ...]]:
    """Add an image to the set, claim its draft for this window, and make room for the draft of a map.

    ``continued`` is the draft that the map goes on with, ``claim`` what this window holds already. Returned are the
    image's id, the claim, and the drafts that wait beside the new one.
    """
    id_ = _add(training_set, source)
    if claim is not None:
        disk.settle(training_set, id_)
    held = training_set.drafts.claim(id_) if claim is None else claim
    try:
        training_set.drafts.begin(id_, continued)
        drafts, _ = training_set.drafts.kept(id_)
    except BaseException:
        if claim is None:
            held.release()
        raise
    return id_, held, tuple(drafts)


def discard(training_set: TrainingSet, id_: str, draft: Draft) -> None:
    """Delete a draft that waits for an answer; one that another window has saved over meanwhile stays.

    Raises
    ------
    LeukocyteError
        When another window is at it, or the system refuses.
    """
    if training_set.drafts.drop_kept(id_, draft):
        return
    with training_set.drafts.claim(id_):
        there = training_set.drafts.read(id_)
        if there is not None and same_draft(there, draft):
            training_set.drafts.discard(id_)


def accept(
    disk: Disk,
    training_set: TrainingSet,
    source: ImageSource,
    draft: Draft,
    began: Segmentation,
    cnr_after: Mapping[int, float | None],
    *,
    owned: bool,
    continued: Draft | None,
) -> tuple[str, Version]:
    """Write a draft as a new version, and delete the draft.

    ``began`` is the map that was corrected, ``continued`` the draft that it went on with. The working copy goes where
    it is this map's (``owned``); else it is somebody's that nobody has answered for, and stays.
    """
    id_ = _add(training_set, source)
    correction = replace(correction_of(draft), cnr_before=cnr_of(began.measure()), cnr_after=cnr_after)
    version = training_set.accept(id_, correction)
    if owned:
        disk.discard(training_set, id_, draft.saved)
    elif continued is not None:
        with contextlib.suppress(LeukocyteError):  # then it is asked about again
            discard(training_set, id_, continued)
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


def sources_of(training_set: TrainingSet, images: Collection[str] | None = None) -> list[ImageSource | BrokenImage]:
    """Return the images of a set, or those of these ids, as a list to work through, under their original names."""
    found: list[ImageSource | BrokenImage] = []
    for image in training_set.images():
        if images is not None and image.id not in images:
            continue
        um = image.pixel_size or training_set.pixel_size
        for source in sources_from_files([image.path]):
            if isinstance(source, ImageSource):
                stated = source.pixel_size if um is None else PixelSize(um, "training set")
                found.append(replace(source, name=image.name, pixel_size=stated))
            else:
                found.append(source)
    return found


def look_for_reading(training_set: TrainingSet) -> tuple[Reading, int] | None:
    """Return the newest blind reading of the set's reader that is not over, and what is left; None without one."""
    going_on = [one for one in readings(training_set, training_set.reader.name) if one.ended is None]
    return (going_on[-1], len(left_to_read(training_set, going_on[-1]))) if going_on else None


def hand_over(disk: Disk, before: TrainingSet, now: TrainingSet, ids: Iterable[str]) -> None:
    """Make drafts of a reader those of another one, who is the same person; ``before`` and ``now`` are one set.

    Each lies under the new name before it leaves the old one, and what lay there is set aside.
    """
    if before.reader.folder == now.reader.folder:
        return
    for id_ in ids:
        disk.settle(before, id_)
        draft = before.drafts.read(id_)
        if draft is not None:
            now.drafts.begin(id_)
            now.drafts.save(id_, replace(draft, by=now.reader.name, note=""))
            before.drafts.discard(id_, draft.saved)


def go_on_blind(training_set: TrainingSet, reading: Reading) -> BlindList:
    """Return what is left of a reading."""
    return blind_images(training_set, reading)


def begin_blind(training_set: TrainingSet, sources: Sequence[ImageSource], share: float) -> BlindList:
    """Begin a blind reading of a list of images, or of all of the set where there is none; they join the set."""
    ids = [_add(training_set, source) for source in sources] or training_set.image_ids()
    read = [one for one in dict.fromkeys(ids) if not training_set.image(one).excluded]
    return blind_images(training_set, begin_reading(training_set, training_set.reader.name, read, share=share))


def end_blind(training_set: TrainingSet, reading: Reading) -> tuple[str, list[ImageSource | BrokenImage]]:
    """End a blind reading: what it says of the error within the reader, and its images under their names."""
    end_reading(training_set, reading)
    return intra_observer(training_set, reading).text, sources_of(training_set, frozenset(reading.images))


def cnr_of(measures: Iterable[CellMeasure]) -> dict[int, float | None]:
    """CNR by cell number; None where it is withheld."""
    return {one.cell: None if math.isnan(one.cnr) else one.cnr for one in measures}


def _add(training_set: TrainingSet, source: ImageSource) -> str:
    file: Path | None = source.path if source.planes == 1 else None
    id_: str = training_set.add_image(
        source.read(), name=source.label, pixel_size=source.pixel_size.for_areas, source=file
    )
    return id_
