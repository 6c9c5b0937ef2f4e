"""Saves the edits of each image as a draft in the training set, and restores drafts. No Qt."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.plugin.correct import set_jobs
from napari_leukocyte.plugin.correct.entry import Place
from napari_leukocyte.plugin.correct.read_back import from_draft
from napari_leukocyte.plugin.correct.tracker import Tracker
from napari_leukocyte.plugin.image_state import ImageState

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.drafts import DraftClaim
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["DraftKeeper"]


class DraftKeeper(Tracker):
    """A tracker that saves drafts, and restores or drops those of earlier sessions."""

    def save_all(self) -> None:
        """Save the unsaved edits of every image."""
        for index in [index for index, entry in self._entries.items() if entry.unsaved]:
            self.save_draft(index)

    def save_draft(self, index: int) -> None:
        """Save the edits of an image as its draft; edits that were undone again take the draft with them."""
        training_set, entry, state = self.set_of(index), self.entry(index), self.session.states.get(index)
        if training_set is None or state is None:
            return
        if entry.place is Place.UNKNOWN:  # an earlier look-up failed
            self._look_up(index)
        if entry.place is not Place.KNOWN:
            return
        if entry.id is None or not entry.owns(state):
            self._join(index, state)
            return
        entry.want_saving(False)
        if entry.accepting and not state.live.edited:
            pass  # all edits go into the mask
        elif state.edited:
            draft = self.draft_of(index, state)
            # a value above 2, painted by mistake, counts as nucleus, as in the measures
            draft = replace(draft, classes=np.minimum(draft.classes, 2))
            self._disk.save(training_set, entry.id, draft)
        else:
            self.discard_working_copy(training_set, entry.id)
        if entry.restoring is not None:
            self._restore_when_saved(index, training_set, entry.id, entry.restoring)
            entry.restoring = None

    def _join(self, index: int, state: ImageState) -> None:
        """Add an image to the set, claim its draft and make room for the draft of a map, then save.

        A draft of another map or an earlier session is set aside, and the user is asked about it.
        """
        training_set, entry, wanted = self.set_of(index), self.entry(index), self._wanted()
        assert training_set is not None
        entry.place = Place.JOINING

        def joined(result: tuple[str, DraftClaim, tuple[Draft, ...]]) -> None:
            entry.place = Place.KNOWN
            entry.id, claim, drafts = result
            if wanted():
                entry.claim, entry.owner, entry.drafts = claim, state, drafts
                self.save_draft(index)
                self.changed.emit(index)
            else:
                claim.release()

        def failed(sentence: str) -> None:
            entry.place, entry.restoring = Place.KNOWN, None
            self.said.emit(f"NOT SAVED: {sentence}")
            self.not_saved.emit(index, sentence)

        source, continued = self.session.images[index], entry.continued(state)
        job = partial(set_jobs.join_and_claim, self._disk, training_set, source, continued, entry.claim)
        self._disk.run(job, joined, failed)

    def draft_of(self, index: int, state: ImageState) -> Draft:
        """The current class map of an image as a draft."""
        training_set, id_ = self.set_of(index), self.entry(index).id
        assert training_set is not None  # callers have seen to it
        return Draft(
            state.classes.copy(),
            state.cells.copy(),
            state.facts(self.entry(index).difficulty),
            saved=training_set.drafts.moment(id_),
            makers=state.live.origin.makers.copy(),
            by=training_set.reader.name,
        )

    def restore_draft(self, index: int) -> None:
        """Go on where an earlier session stopped. Edits on screen are saved first, as another draft."""
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
        entry, wanted = self.entry(index), self._wanted()

        def settled(_result: None) -> None:
            if wanted():
                self.session.flush()
                if entry.unsaved:  # the user painted on meanwhile
                    self._restore(index, draft)
                else:
                    self._put_draft(index, draft)

        def failed(sentence: str) -> None:
            self.said.emit(f"NOT RESTORED: {sentence}")

        self._disk.run(partial(self._disk.settle, training_set, id_), settled, failed)

    def _put_draft(self, index: int, draft: Draft) -> None:
        """Show a draft once its cells are measured; what is painted until then is saved first."""
        entry, wanted, size = self.entry(index), self._wanted(), self.session.images[index].pixel_size
        before = self._moment(index)
        entry.answered(draft)
        self.changed.emit(index)

        def measured(state: ImageState) -> None:
            if not wanted():
                return
            self.session.flush()
            if self._moment(index) != before or self.session.images[index].pixel_size != size:
                self._ask_again(index, draft)  # until the strokes are saved
                self._restore(index, draft)
                return
            entry.answered(draft)  # joining the set meanwhile has brought the question back
            entry.difficulty = draft.facts.difficulty
            self.session.put(index, state)
            entry.restored, entry.restored_in = draft, state
            self.changed.emit(index)

        def failed(sentence: str) -> None:
            self._ask_again(index, draft)
            self.said.emit(f"NOT RESTORED: {sentence}")

        self._disk.run(lambda: ImageState(from_draft(draft, size)), measured, failed)

    def _moment(self, index: int) -> tuple[ImageState | None, int]:
        """The map of an image, and how often it has changed."""
        state = self.session.states.get(index)
        return state, 0 if state is None else state.live.revision

    def _ask_again(self, index: int, draft: Draft) -> None:
        """What the user wanted with a draft could not be done."""
        entry = self.entry(index)
        entry.answered(draft)
        entry.drafts = (draft, *entry.drafts)
        self.changed.emit(index)

    def discard_draft(self, index: int) -> None:
        """Drop the draft of an earlier session."""
        entry, draft, training_set = self.entry(index), self.entry(index).draft, self.set_of(index)
        if draft is not None and training_set is not None and entry.id is not None:
            entry.answered(draft)

            def discarded(_result: None) -> None:
                entry.answered(draft)  # joining the set meanwhile has brought the question back
                self.changed.emit(index)

            def failed(sentence: str) -> None:
                self._ask_again(index, draft)
                self.said.emit(sentence)

            self._disk.run(partial(set_jobs.discard, training_set, entry.id, draft), discarded, failed)
            self.changed.emit(index)

    def discard_working_copy(self, training_set: TrainingSet, id_: str) -> None:
        """Delete the working copy, unless it is saved anew before that."""
        until = training_set.drafts.moment(id_)
        self._disk.run(partial(self._disk.discard, training_set, id_, until), _nothing, self.said.emit)


def _nothing(_result: object) -> None:
    """Ignore the end of a job that has no result."""
