"""What the training set in use knows of each image of the session's list. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_leukocyte.plugin.correct import set_jobs
from napari_leukocyte.plugin.correct.entry import Entry, Place, Status
from napari_leukocyte.plugin.correct.read_back import from_version
from napari_leukocyte.plugin.correct.set_jobs import Disk, Found
from napari_leukocyte.plugin.image_state import ImageState

if TYPE_CHECKING:
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.training_set.draft import Draft
    from napari_leukocyte.core.training_set.training_set import TrainingSet
    from napari_leukocyte.plugin.session import Session

__all__ = ["Tracker"]


class Tracker:
    """Looks for the images of the list in the training set, and keeps what it found.

    Signals
    -------
    changed(index)
        What is known of an image changed; -1: of all of them.
    edited(index)
        An image has edits that want saving.
    said(sentence)
        What was done, or why not.
    not_saved(index, sentence)
        Why the edits of an image could not be given to the disk.
    """

    changed = Signal(int)
    edited = Signal(int)
    said = Signal(str)
    not_saved = Signal(int, str)

    def __init__(self, session: Session, disk: Disk) -> None:
        self.session, self._disk = session, disk
        self._entries: dict[int, Entry] = {}
        self._round = 0  # counts image lists and training sets, see `_wanted`
        self._closed = False
        session.images_changed.connect(self._on_images)
        session.images_added.connect(self._on_added)
        session.training_set_changed.connect(self._on_images)
        session.changed.connect(self._on_changed)
        session.is_drafted = self._is_drafted
        self._on_images()

    def close(self) -> None:
        """Stop listening to the session, and let other windows draft these images."""
        self.session.images_changed.disconnect(self._on_images)
        self.session.images_added.disconnect(self._on_added)
        self.session.training_set_changed.disconnect(self._on_images)
        self.session.changed.disconnect(self._on_changed)
        self.session.is_drafted = lambda _index: False
        self._forget()
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether the images are left to others."""
        return self._closed

    @property
    def training_set(self) -> TrainingSet | None:
        """The set that is corrected into: the session's, until this tracker is closed."""
        return None if self._closed else self.session.training_set

    def set_of(self, index: int) -> TrainingSet | None:
        """The set as it is seen for an image of the list: in a blind reading nothing of before is in it."""
        blind = self.session.blind
        return None if self._closed else self.training_set if blind is None else blind.sets[index]

    def entry(self, index: int) -> Entry:
        """What is known of an image of the list."""
        return self._entries.setdefault(index, Entry())

    def status(self, index: int) -> Status:
        """Where an image stands."""
        return self.entry(index).status(self.session.states.get(index))

    @property
    def accepted(self) -> int:
        """How many images of the list have an accepted mask in force."""
        return sum(entry.version is not None for entry in self._entries.values())

    @property
    def unsaved(self) -> bool:
        """Whether an image of the list has edits that were not yet given to the disk."""
        return any(entry.unsaved for entry in self._entries.values())

    @property
    def under_way(self) -> bool:
        """Whether edits, or an acceptance, wait for what the disk is asked for."""
        return any(entry.waits_for_disk for entry in self._entries.values())

    def _is_drafted(self, index: int) -> bool:
        return not self.entry(index).unsaved

    # ---- looking for images -----------------------------------------------------------------------------

    def _on_images(self) -> None:
        self._forget()
        for index, state in self.session.states.items():
            self.entry(index).want_saving(state.edited)  # it may have been painted before this set was opened
        for index in range(len(self.session.images)):
            self._look_up(index)
        self.changed.emit(-1)

    def _on_added(self, first: int) -> None:
        for index in range(first, len(self.session.images)):
            self._look_up(index)
        self.changed.emit(-1)

    def _forget(self) -> None:
        for entry in self._entries.values():
            if entry.claim is not None:
                entry.claim.release()
        self._entries = {}
        self._round += 1

    def _wanted(self) -> Callable[[], bool]:
        """Ask later whether the image list and the training set are still those of now."""
        now = self._round
        return lambda: now == self._round

    def _look_up(self, index: int) -> None:
        training_set, source, wanted = self.set_of(index), self.session.images[index], self._wanted()
        if training_set is None:
            return
        entry = self.entry(index)
        entry.place = Place.SOUGHT

        def look() -> tuple[Found, ImageState | None]:
            if not wanted():  # the user may leave a long list early
                return Found(), None
            found = set_jobs.find(training_set, source)
            return found, _accepted(found, source.pixel_size)

        def found(result: tuple[Found, ImageState | None]) -> None:
            if not wanted():
                return
            if self.session.images[index].pixel_size == source.pixel_size:
                self._on_found(index, *result)
            else:  # the image has got another one meanwhile
                self._look_up(index)

        def failed(sentence: str) -> None:
            entry.place = Place.UNKNOWN  # `save_draft` looks for it again
            self.said.emit(sentence)

        self._disk.run(look, found, failed)

    def _on_found(self, index: int, found: Found, accepted: ImageState | None) -> None:
        entry, state = self.entry(index), self.session.states.get(index)
        entry.place = Place.KNOWN
        entry.id, entry.version, entry.drafts = found.id, found.version, found.drafts
        if self.session.blind is None:  # to others it would tell what somebody thinks of the image
            entry.excluded, entry.held_out = found.excluded, found.held_out
        if found.version is not None:
            entry.difficulty = found.version.facts.difficulty
        if accepted is not None and (state is None or not state.edited):
            self.session.put(index, accepted)
        if entry.draft is not None and entry.difficulty is None:
            entry.difficulty = entry.draft.facts.difficulty
        for draft in entry.drafts:
            if state is not None and entry.unsaved and _shows(state, draft):  # the dock was closed and opened again
                entry.answered(draft)
                entry.restored, entry.restored_in = draft, state
                entry.want_saving(False)
        for sentence in found.problems:
            self.said.emit(sentence)
        self.changed.emit(index)
        if entry.unsaved:  # the user painted before the set was opened, or during the look-up
            self.edited.emit(index)

    def _on_changed(self, index: int) -> None:
        state, entry = self.session.states.get(index), self.entry(index)
        if state is None:
            return
        if state.live.edited or entry.unsaved or entry.claim is not None:
            # when edits are undone their draft must be deleted, so that counts as unsaved too
            entry.want_saving(state.edited or entry.place is Place.JOINING or entry.claim is not None)
            self.edited.emit(index)
        self.changed.emit(index)


def _accepted(found: Found, pixel_size: PixelSize) -> ImageState | None:
    """The mask in force, its cells measured."""
    if found.version is None:
        return None
    classes, cells, makers = found.mask
    return ImageState(from_version(found.version, classes, cells, makers, pixel_size))


def _shows(state: ImageState, draft: Draft) -> bool:
    """Whether a map on screen holds what a draft holds."""
    same = np.array_equal(np.minimum(state.classes, 2), draft.classes) and np.array_equal(state.cells, draft.cells)
    return same and (state.remarks, state.types) == (draft.facts.remarks, draft.facts.types)
