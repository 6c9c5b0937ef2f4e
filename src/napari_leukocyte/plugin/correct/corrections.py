"""Everything that a person decides about the images of the list: accept, revoke, skip, exclude, go on. No Qt."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_leukocyte.core.cells.order import doubts_among
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.correct import set_jobs
from napari_leukocyte.plugin.correct.draft_keeper import DraftKeeper
from napari_leukocyte.plugin.correct.entry import Edits, Entry, Status
from napari_leukocyte.plugin.correct.queue import Order, QueueItem, in_order, next_in_queue

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.records import Version
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["Corrections"]


class Corrections(DraftKeeper):
    """The corrections of a session's images, as they become masks of a training set."""

    def use(self, training_set: TrainingSet, *, as_named: bool = False) -> None:
        """Correct into a training set from now on, and look for the images of the list in it.

        ``as_named``: it is the set in use, and the same person goes on under a name that was said just now; what this
        window has drafted is theirs.
        """
        self.save_all()
        before = self.training_set
        if as_named and before is not None:
            states = self.session.states
            owned = [entry for index, entry in self._entries.items() if index in states and entry.owns(states[index])]
            ids = [entry.id for entry in owned if entry.id is not None]
            job = partial(set_jobs.hand_over, self._disk, before, training_set, ids)
            self._disk.run(job, _done, self.said.emit)
        self.session.use_training_set(training_set)

    # ---- the queue --------------------------------------------------------------------------------------

    def next(self, order: Order) -> int | None:
        """The next image that waits to be corrected; None when none does."""
        return next_in_queue(self._items(order), order, self.session.index)

    @property
    def finished(self) -> bool:
        """Whether no image of the list waits to be corrected, the shown one included."""
        return all(item.done for item in self._items("name"))

    def place(self, order: Order) -> int:
        """The place of the shown image in the queue, from 1."""
        return in_order(self._items(order), order).index(self.session.index) + 1

    def neighbour(self, order: Order, by: int) -> int | None:
        """The image that many places further on in the queue; None beyond its ends."""
        items = self._items(order)
        positions = in_order(items, order)
        if self.session.blind is not None:  # what was accepted is closed: it may come again
            positions = [i for i in positions if not items[i].done or i == self.session.index]
        at = positions.index(self.session.index) + by if positions else -1
        return positions[at] if 0 <= at < len(positions) else None

    def _items(self, order: Order) -> list[QueueItem]:
        """The list as the queue sees it."""
        return [self._item(index, order) for index in range(len(self.session.images))]

    def _item(self, index: int, order: Order) -> QueueItem:
        name, state = self.session.images[index].label, self.session.states.get(index)
        # an image with an accepted mask in force is done, whatever a model finds in it now
        done = self.status(index) not in (Status.OPEN, Status.EDITED) or self.entry(index).skipped
        if state is None:
            return QueueItem(name, done=done)
        flagged = 0
        if order == "flags":  # only then: it visits every cell of the list, at every stroke
            flagged = sum(bool(doubts_among(measure.flags)) for measure in state.measures)
        return QueueItem(name, state.result.uncertainty, flagged, done)

    # ---- accepting --------------------------------------------------------------------------------------

    def accept(self, index: int) -> None:
        """Make the class map of an image a training mask, as a new version; it is written while the user goes on.

        Raises
        ------
        LeukocyteError
            When there is no training set or no class map, or the map holds a value that is no class.
        """
        training_set = self._needed(index)
        self.session.flush()
        state, entry = self.session.states.get(index), self.entry(index)
        if state is None:
            raise LeukocyteError("There is no class map to accept: segment the image, or start with an empty map.")
        if index == self.session.index and (problem := self.session.problem()):
            raise LeukocyteError(problem)
        if entry.excluded:
            raise LeukocyteError(f"The image is excluded ({entry.excluded}): include it again before you accept it.")
        version, same = entry.version, entry.has_accepted(state) and not state.edited
        if version is not None and same and version.facts.difficulty == entry.difficulty:
            number = "" if self.session.blind else f" as version {version.number}"
            self.said.emit(f"{self.session.images[index].label}: accepted already{number}.")
            return
        draft, cnr_after = self.draft_of(index, state), set_jobs.cnr_of(state.measures)
        state.live.keep()
        entry.edits = Edits.ACCEPTING
        owned, continued = entry.owns(state), entry.continued(state)
        wanted = self._wanted()

        def accepted(result: tuple[str, Version]) -> None:
            entry.answer_acceptance()
            if wanted():
                entry.id, entry.version = result
                entry.skipped = False
                entry.restored = entry.restored_in = None
                state.accepted_as(entry.version.number)
                label = self.session.images[index].label
                # the number would tell how often the image was read
                what = "accepted" if self.session.blind else f"accepted as version {entry.version.number}"
                self.said.emit(f"{label}: {what}.{_still_waiting(entry)}")
                if state.edited:  # the user painted on while the mask was written
                    entry.want_saving()
                    self.edited.emit(index)
                elif entry.owns(state):  # delete also a draft of the same map that was saved meanwhile
                    self.discard_working_copy(training_set, entry.version.image)
                self._masks_changed(index)

        def failed(sentence: str) -> None:
            state.live.keep_nothing()
            entry.edits = Edits.UNSAVED
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
            state.began,
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
        training_set, entry = self._needed(index), self.entry(index)
        if entry.version is None or entry.id is None:
            raise LeukocyteError("This image has no accepted mask to revoke.")
        label, number = self.session.images[index].label, entry.version.number

        def revoked(version: Version | None) -> None:
            entry.version = version
            now = "none is in force now" if version is None else f"version {version.number} is in force again"
            said = "taken back" if self.session.blind else f"version {number} revoked; {now}"
            self.said.emit(f"{label}: {said}.")
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
        training_set, entry = self._needed(index), self.entry(index)

        def excluded(id_: str) -> None:
            entry.id, entry.excluded = id_, reason
            self._masks_changed(index)

        self._disk.run(
            partial(set_jobs.exclude, training_set, self.session.images[index], reason), excluded, self.said.emit
        )

    def _masks_changed(self, index: int) -> None:
        self.changed.emit(index)
        self.session.masks_changed.emit()

    def set_difficulty(self, index: int, difficulty: int | None) -> None:
        """Note the difficulty class (1-8) for the next version that is accepted."""
        entry = self.entry(index)
        if entry.difficulty != difficulty:
            entry.difficulty = difficulty
            self.changed.emit(index)

    def _needed(self, index: int) -> TrainingSet:
        training_set = self.set_of(index)
        if training_set is None:
            raise LeukocyteError("Choose a training set first: open one, or make a new one.")
        return training_set


def _done(_result: object) -> None:
    """Ignore the end of a job that has no result."""


def _still_waiting(entry: Entry) -> str:
    if entry.draft is None:
        return ""
    when = f"{entry.draft.saved.astimezone():%Y-%m-%d %H:%M:%S}"
    return f" Its draft of {when} is kept: go back to the image to restore or discard it."
