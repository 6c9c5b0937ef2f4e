"""What is corrected, what is saved and what is accepted, for each image of the session's list. No Qt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.plugin.correct import set_jobs
from napari_leukocyte.plugin.correct.entry import Entry, Status
from napari_leukocyte.plugin.correct.queue import Order, QueueItem, in_order, next_in_queue
from napari_leukocyte.plugin.correct.read_back import empty_segmentation, from_draft, from_version
from napari_leukocyte.plugin.correct.set_jobs import Disk, Found

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.drafts import DraftClaim
    from napari_leukocyte.core.training_set.records import Version
    from napari_leukocyte.core.training_set.training_set import TrainingSet
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["Corrections"]


class Corrections:
    """The tracker of corrections over a session.

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
        self.training_set: TrainingSet | None = None
        self._entries: dict[int, Entry] = {}
        session.images_changed.connect(self._on_images)
        session.changed.connect(self._on_changed)
        self._on_images()

    def close(self) -> None:
        """Listen to the session no longer, and let other windows draft."""
        self.session.images_changed.disconnect(self._on_images)
        self.session.changed.disconnect(self._on_changed)
        self._forget()
        self.training_set = None  # so that no image is looked for any more

    # ---- the training set -------------------------------------------------------------------------------

    def use(self, training_set: TrainingSet | None) -> None:
        """Correct into a training set from now on, and look for the images of the list in it."""
        self.save_all()
        self._forget()
        self.training_set = training_set
        self._on_images()
        if training_set is not None:
            self.session.set_training_set(training_set.folder)

    def entry(self, index: int) -> Entry:
        """What is known of an image of the list."""
        return self._entries.setdefault(index, Entry())

    def status(self, index: int) -> Status:
        """Where an image stands; edits after an acceptance count as edited, a map that is made anew as another one."""
        entry, state = self.entry(index), self.session.states.get(index)
        if entry.excluded:
            return Status.EXCLUDED
        if state is not None and state.edited:
            return Status.EDITED
        if entry.version is not None:
            shows_it = state is None or entry.has_accepted(state)
            return Status.ACCEPTED if shows_it else Status.OTHER_ACCEPTED
        return Status.SKIPPED if entry.skipped else Status.OPEN

    def _items(self, order: Order) -> list[QueueItem]:
        """The list as the queue sees it."""
        return [self._item(index, order) for index in range(len(self.session.images))]

    def _item(self, index: int, order: Order) -> QueueItem:
        name, state = self.session.images[index].label, self.session.states.get(index)
        # an image whose accepted mask is in force waits for nobody, whatever else a model finds in it
        done = self.status(index) not in (Status.OPEN, Status.EDITED) or self.entry(index).skipped
        if state is None:
            return QueueItem(name, done=done)
        flagged = 0
        if order == "flags":  # a look at every cell of the list, and the queue is asked at every stroke
            flagged = sum(1 for measure in state.measures if set(measure.flags) - {Flag.EDITED})
        return QueueItem(name, state.result.uncertainty, flagged, done)

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
        return any(one.joining or one.accepting or (one.unsaved and not one.found) for one in self._entries.values())

    def next(self, order: Order) -> int | None:
        """The next image that waits for a person; None when none does."""
        return next_in_queue(self._items(order), order, self.session.index)

    def place(self, order: Order) -> int:
        """The place of the shown image in the queue, from 1."""
        return in_order(self._items(order), order).index(self.session.index) + 1

    def neighbour(self, order: Order, by: int) -> int | None:
        """The image that lies so many places on in the queue; None beyond its ends."""
        positions = in_order(self._items(order), order)
        at = positions.index(self.session.index) + by if positions else -1
        return positions[at] if 0 <= at < len(positions) else None

    def _on_images(self) -> None:
        self._forget()
        for index, state in self.session.states.items():
            self.entry(index).unsaved = state.edited  # painted before there was this set
        if self.training_set is not None:
            for index in range(len(self.session.images)):
                self._look_up(index)
        self.changed.emit(-1)

    def _forget(self) -> None:
        for entry in self._entries.values():
            if entry.claim is not None:
                entry.claim.release()
        self._entries = {}

    def _look_up(self, index: int) -> None:
        training_set, source, generation = self.training_set, self.session.images[index], self.session.generation
        assert training_set is not None

        def wanted() -> bool:
            return training_set is self.training_set and generation == self.session.generation

        def look() -> Found:
            return set_jobs.find(training_set, source) if wanted() else Found()  # a long list may be left early

        def found(result: Found) -> None:
            if wanted():
                self._on_found(index, result)

        self._disk.run(look, found, self.said.emit)

    def _on_found(self, index: int, found: Found) -> None:
        entry, state = self.entry(index), self.session.states.get(index)
        entry.found = True
        entry.id, entry.version, entry.drafts = found.id, found.version, found.drafts
        entry.excluded, entry.held_out = found.excluded, found.held_out
        source = self.session.images[index]
        if found.version is not None:
            entry.difficulty = found.version.difficulty
            if state is None or not state.edited:
                classes, cells = found.mask
                self.session.put(index, from_version(found.version, classes, cells, source.pixel_size))
        if entry.draft is not None and entry.difficulty is None:
            entry.difficulty = entry.draft.difficulty
        for draft in entry.drafts:
            if state is not None and entry.unsaved and _shows(state, draft):  # a dock that is opened again
                entry.answered(draft)
                entry.restored, entry.restored_in, entry.unsaved = draft, state, False
                self.session.drafted.add(index)
        for sentence in found.problems:
            self.said.emit(sentence)
        self.changed.emit(index)
        if entry.unsaved:  # painted before there was a set, or while it was looked for
            self.edited.emit(index)

    # ---- drafts -----------------------------------------------------------------------------------------

    def _on_changed(self, index: int) -> None:
        state, entry = self.session.states.get(index), self.entry(index)
        if state is None:
            return
        if state.live.edited or entry.unsaved or entry.claim is not None:
            # edits that are undone take their draft with them, which wants saving, too
            entry.unsaved = state.edited or entry.joining or entry.claim is not None
            self.session.drafted.discard(index)
            self.edited.emit(index)
        self.changed.emit(index)

    def save_all(self) -> None:
        """Save what no draft holds yet, of every image."""
        for index in [index for index, entry in self._entries.items() if entry.unsaved]:
            self.save_draft(index)

    def save_draft(self, index: int) -> None:
        """Save the edits of an image as its draft; edits that were undone again take the draft with them."""
        training_set, entry, state = self.training_set, self.entry(index), self.session.states.get(index)
        if training_set is None or state is None or not entry.found or entry.joining:
            return
        if entry.id is None or not entry.owns(state):
            self._join(index, state)
            return
        entry.unsaved = False
        if entry.accepting and not state.live.edited:
            pass  # what there is becomes a mask
        elif state.edited:
            draft = self._draft(index, state)
            # a value painted by a slip counts as nucleus, as in the measures
            draft = replace(draft, classes=np.minimum(draft.classes, 2))
            self._disk.save(training_set, entry.id, draft)
            self.session.drafted.add(index)
        else:
            self._discard(training_set, entry.id)
        if entry.restoring is not None:
            self._restore_when_saved(index, training_set, entry.id, entry.restoring)
            entry.restoring = None

    def _join(self, index: int, state: ImageState) -> None:
        """Make an image part of the set, claim its draft and make room for that of a map, then save.

        What another map or an earlier session left there is set aside, and asked about.
        """
        training_set, entry, generation = self.training_set, self.entry(index), self.session.generation
        assert training_set is not None
        entry.joining = True

        def joined(result: tuple[str, DraftClaim, tuple[Draft, ...]]) -> None:
            entry.joining = False
            entry.id, claim, drafts = result
            if training_set is self.training_set and generation == self.session.generation:
                entry.claim, entry.owner, entry.drafts = claim, state, drafts
                self.save_draft(index)
                self.changed.emit(index)
            else:
                claim.release()

        def failed(sentence: str) -> None:
            entry.joining, entry.restoring = False, None
            self.said.emit(f"NOT SAVED: {sentence}")
            self.not_saved.emit(index, sentence)

        source, continued = self.session.images[index], entry.continued(state)
        job = partial(set_jobs.join_and_claim, self._disk, training_set, source, continued, entry.claim)
        self._disk.run(job, joined, failed)

    def _draft(self, index: int, state: ImageState) -> Draft:
        result, origin = state.result, state.result.origin
        return Draft(
            classes=state.classes.copy(),
            cells=state.cells.copy(),
            remarks=_remarks(state),
            saved=datetime.now(UTC),
            parent=origin.parent if origin is not None else None,
            model=result.provenance.get("model", ""),
            model_sha256=result.provenance.get("model_sha256", ""),
            pixels_changed=state.pixels_changed,
            labels_edited=state.labels_edited,
            pixel_size=result.pixel_size.um,
            pixel_size_source=result.pixel_size.source,
            whole_cell=result.binary,
            difficulty=self.entry(index).difficulty,
        )

    def restore_draft(self, index: int) -> None:
        """Go on where an earlier session stopped. Edits on screen are saved first, and wait as a draft then."""
        draft = self.entry(index).draft
        if draft is not None:
            self._restore(index, draft)

    def _restore(self, index: int, draft: Draft) -> None:
        self.session.flush()
        entry, state = self.entry(index), self.session.states.get(index)
        if state is not None and state.edited:
            entry.restoring = draft
            self.save_draft(index)
        else:
            self._put_draft(index, draft)

    def _restore_when_saved(self, index: int, training_set: TrainingSet, id_: str, draft: Draft) -> None:
        entry, generation = self.entry(index), self.session.generation

        def settled(_result: None) -> None:
            if training_set is self.training_set and generation == self.session.generation:
                self.session.flush()
                if entry.unsaved:  # painted on meanwhile
                    self._restore(index, draft)
                else:
                    self._put_draft(index, draft)

        def failed(sentence: str) -> None:
            self.said.emit(f"NOT RESTORED: {sentence}")

        self._disk.run(partial(self._disk.settle, training_set, id_), settled, failed)

    def _put_draft(self, index: int, draft: Draft) -> None:
        entry = self.entry(index)
        entry.answered(draft)
        entry.difficulty = draft.difficulty
        self.session.put(index, from_draft(draft, self.session.images[index].pixel_size))
        entry.restored, entry.restored_in = draft, self.session.states[index]
        self.changed.emit(index)

    def discard_draft(self, index: int) -> None:
        """Drop the draft of an earlier session."""
        entry, draft = self.entry(index), self.entry(index).draft
        if draft is not None and self.training_set is not None and entry.id is not None:
            entry.answered(draft)

            def discarded(_result: None) -> None:
                entry.answered(draft)  # if the image joined the set meanwhile, it was asked about again
                self.changed.emit(index)

            def failed(sentence: str) -> None:
                entry.answered(draft)
                entry.drafts = (draft, *entry.drafts)
                self.said.emit(sentence)
                self.changed.emit(index)

            self._disk.run(partial(set_jobs.discard, self.training_set, entry.id, draft), discarded, failed)
            self.changed.emit(index)

    def _discard(self, training_set: TrainingSet, id_: str) -> None:
        """Drop the working copy, unless it is saved anew until then."""
        self._disk.run(partial(self._disk.discard, training_set, id_, datetime.now(UTC)), _nothing, self.said.emit)

    def start_empty(self, index: int) -> None:
        """Give an image a class map without cells, to be painted by hand."""
        source = self.session.images[index]
        height, width = source.read().shape[:2]
        self.session.put(index, empty_segmentation((height, width), source.pixel_size))

    # ---- accepting --------------------------------------------------------------------------------------

    def accept(self, index: int) -> None:
        """Make the class map of an image a training mask, as a new version; it is written while the user goes on.

        Raises
        ------
        LeukocyteError
            When there is no training set or no class map, or the map holds a value that is no class.
        """
        training_set = self._needed()
        self.session.flush()
        state, entry = self.session.states.get(index), self.entry(index)
        if state is None:
            raise LeukocyteError("There is no class map to accept: segment the image, or start with an empty map.")
        if index == self.session.index and (problem := self.session.problem()):
            raise LeukocyteError(problem)
        if entry.excluded:
            raise LeukocyteError(f"The image is excluded ({entry.excluded}): include it again before you accept it.")
        version, same = entry.version, entry.has_accepted(state) and not state.edited
        if version is not None and same and version.difficulty == entry.difficulty:
            self.said.emit(f"{self.session.images[index].label}: accepted already as version {version.number}.")
            return
        draft, cnr_after = self._draft(index, state), set_jobs.cnr_of(state.measures)
        state.live.keep()
        entry.unsaved, entry.accepting = False, True
        owned, continued = entry.owns(state), entry.continued(state)
        generation = self.session.generation

        def accepted(result: tuple[str, Version]) -> None:
            entry.accepting = False
            if training_set is self.training_set and generation == self.session.generation:
                entry.id, entry.version = result
                entry.skipped = False
                entry.restored = entry.restored_in = None
                state.accepted_as(entry.version.number)
                label = self.session.images[index].label
                self.said.emit(f"{label}: accepted as version {entry.version.number}.{_still_waiting(entry)}")
                if state.edited:  # painted on while it was written
                    entry.unsaved = True
                    self.edited.emit(index)
                elif entry.owns(state):  # also a draft of the same that was saved meanwhile
                    self._discard(training_set, entry.version.image)
                self._masks_changed(index)

        def failed(sentence: str) -> None:
            state.live.keep_nothing()
            entry.unsaved, entry.accepting = True, False
            self.said.emit(f"NOT ACCEPTED: {sentence}")
            self.edited.emit(index)
            self.changed.emit(index)

        source = self.session.images[index]
        job = partial(
            set_jobs.accept,
            self._disk,
            training_set,
            source,
            draft,
            state.result,
            cnr_after,
            owned=owned,
            continued=continued,
        )
        self._disk.run(job, accepted, failed)
        self.changed.emit(index)

    def revoke(self, index: int) -> None:
        """Take the accepted mask of an image out of force; the one before it, if there is one, is in force again.

        Raises
        ------
        LeukocyteError
            When there is no accepted mask.
        """
        training_set, entry = self._needed(), self.entry(index)
        if entry.version is None or entry.id is None:
            raise LeukocyteError("This image has no accepted mask to revoke.")
        label, number = self.session.images[index].label, entry.version.number

        def revoked(version: Version | None) -> None:
            entry.version = version
            now = "none is in force now" if version is None else f"version {version.number} is in force again"
            self.said.emit(f"{label}: version {number} revoked; {now}.")
            self._masks_changed(index)

        self._disk.run(partial(set_jobs.revoke, training_set, entry.id, number), revoked, self.said.emit)

    def skip(self, index: int) -> None:
        """Pass an image over on the way to the next one, in this session."""
        self.entry(index).skipped = True
        self.changed.emit(index)

    def exclude(self, index: int, reason: str) -> None:
        """Keep an image out of training for a reason; an empty reason lets it in again.

        Raises
        ------
        LeukocyteError
            When there is no training set.
        """
        training_set, entry = self._needed(), self.entry(index)

        def excluded(id_: str) -> None:
            entry.id, entry.excluded = id_, reason
            self._masks_changed(index)

        self._disk.run(
            partial(set_jobs.exclude, training_set, self.session.images[index], reason), excluded, self.said.emit
        )

    def _masks_changed(self, index: int) -> None:
        self.changed.emit(index)
        if self.training_set is not None:
            self.session.set_training_set(self.training_set.folder)

    def set_difficulty(self, index: int, difficulty: int | None) -> None:
        """Note the difficulty class (1-8) for the next version that is accepted."""
        entry = self.entry(index)
        if entry.difficulty != difficulty:
            entry.difficulty = difficulty
            self.changed.emit(index)

    def _needed(self) -> TrainingSet:
        if self.training_set is None:
            raise LeukocyteError("Choose a training set first: open one, or make a new one.")
        return self.training_set


def _nothing(_result: object) -> None:
    """A job without a result is done."""


def _still_waiting(entry: Entry) -> str:
    if entry.draft is None:
        return ""
    when = f"{entry.draft.saved.astimezone():%Y-%m-%d %H:%M:%S}"
    return f" Its draft of {when} is kept: go back to the image to restore or discard it."


def _shows(state: ImageState, draft: Draft) -> bool:
    """Whether a map on screen holds what a draft holds."""
    same = np.array_equal(np.minimum(state.classes, 2), draft.classes) and np.array_equal(state.cells, draft.cells)
    return same and _remarks(state) == draft.remarks


def _remarks(state: ImageState) -> dict[int, frozenset[Flag]]:
    kept = {Flag.LOW_CONFIDENCE, Flag.EDITED, *state.live.marks.values()}
    flags = {measure.cell: frozenset(kept & set(measure.flags)) for measure in state.measures}
    return {cell: found for cell, found in flags.items() if found}
