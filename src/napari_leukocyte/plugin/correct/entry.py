"""What is known of one image of the list while it is corrected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from napari_leukocyte.core.training_set.draft import same_draft

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.draft import Draft
    from napari_leukocyte.core.training_set.drafts import DraftClaim
    from napari_leukocyte.core.training_set.records import Version
    from napari_leukocyte.plugin.image_state import ImageState

__all__ = ["Edits", "Entry", "Place", "Status"]


class Status(StrEnum):
    """Where an image of the list stands."""

    OPEN = "not corrected yet"
    EDITED = "edited, not accepted"
    ACCEPTED = "accepted"
    OTHER_ACCEPTED = "another map is accepted"
    SKIPPED = "skipped"
    EXCLUDED = "excluded"


class Place(Enum):
    """How far an image has come into the training set."""

    UNKNOWN = "it is not looked for yet"
    SOUGHT = "it is being looked for"
    KNOWN = "it was looked for, and is in the set if it has an id"
    JOINING = "it is on its way into the set, or its draft is being claimed"


class Edits(Enum):
    """Where the edits of an image are: the one answer to whether they are saved."""

    SAVED = "there are none, or the disk was given them"
    UNSAVED = "the disk was not given them yet"
    ACCEPTING = "the disk was given them as a mask, and has not answered yet"
    ACCEPTING_MORE = "likewise, and the image was painted on meanwhile"


@dataclass
class Entry:
    """What is known of one image of the list.

    Attributes
    ----------
    id
        Its name in the training set; None before it is a part of it.
    version
        The accepted mask in force.
    drafts
        The drafts of earlier sessions, the newest first; each waits until the user restores or discards it.
    restored, restored_in
        The draft that the user restored last, and the map that it became.
    excluded
        Why the image does not train; empty when it may.
    held_out
        Whether the image never trains, but shows whether training helped.
    difficulty
        Difficulty class 1-8 that the next accepted version gets; None when it was not judged.
    skipped
        Whether the user passed it over in this session.
    claim
        Held while this window drafts the image, so that no other window does.
    owner
        The map that the working copy on the disk belongs to; no other map may be saved over it.
    restoring
        A draft that is restored as soon as the strokes on screen are saved.
    place, edits
        How far the image, and what was painted on it, have come.
    """

    id: str | None = None
    version: Version | None = None
    drafts: tuple[Draft, ...] = ()
    restored: Draft | None = None
    restored_in: ImageState | None = None
    excluded: str = ""
    held_out: bool = False
    difficulty: int | None = None
    skipped: bool = False
    claim: DraftClaim | None = None
    owner: ImageState | None = None
    restoring: Draft | None = None
    place: Place = Place.UNKNOWN
    edits: Edits = Edits.SAVED

    # ---- edits ------------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> bool:
        """Whether there are edits that the disk was not given."""
        return self.edits in (Edits.UNSAVED, Edits.ACCEPTING_MORE)

    @property
    def accepting(self) -> bool:
        """Whether its mask is being written."""
        return self.edits in (Edits.ACCEPTING, Edits.ACCEPTING_MORE)

    def want_saving(self, unsaved: bool = True) -> None:
        """Note that there are edits that the disk does not have, or that there are none any more."""
        if self.accepting:
            self.edits = Edits.ACCEPTING_MORE if unsaved else Edits.ACCEPTING
        else:
            self.edits = Edits.UNSAVED if unsaved else Edits.SAVED

    def answer_acceptance(self) -> None:
        """The mask is written; edits made meanwhile are still unsaved."""
        self.edits = Edits.UNSAVED if self.unsaved else Edits.SAVED

    @property
    def waits_for_disk(self) -> bool:
        """Whether edits, or an acceptance, wait for an answer from the disk."""
        return self.place is Place.JOINING or self.accepting or (self.unsaved and self.place is Place.SOUGHT)

    # ---- drafts -----------------------------------------------------------------------------------------

    @property
    def draft(self) -> Draft | None:
        """The draft that is asked about."""
        return self.drafts[0] if self.drafts else None

    def answered(self, draft: Draft) -> None:
        """Stop asking about a draft."""
        self.drafts = tuple(one for one in self.drafts if not same_draft(one, draft))

    def has_accepted(self, state: ImageState) -> bool:
        """Whether a map is the accepted one, or began with it."""
        origin = state.result.origin
        return self.version is not None and origin is not None and origin.parent == self.version.number

    def owns(self, state: ImageState) -> bool:
        """Whether the strokes of a map may be saved over the working copy."""
        return self.claim is not None and self.owner is state

    def continued(self, state: ImageState) -> Draft | None:
        """The draft that a map goes on with."""
        return self.restored if state is self.restored_in else None

    def status(self, state: ImageState | None) -> Status:
        """Where the image stands; edits after an acceptance count as edited, a map that is made anew as another one."""
        if self.excluded:
            return Status.EXCLUDED
        if state is not None and state.edited:
            return Status.EDITED
        if self.version is not None:
            shows_it = state is None or self.has_accepted(state)
            return Status.ACCEPTED if shows_it else Status.OTHER_ACCEPTED
        return Status.SKIPPED if self.skipped else Status.OPEN
