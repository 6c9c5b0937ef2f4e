"""What is known of one image of the list while it is corrected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from napari_leukocyte.core.training_set.draft import same_draft

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.draft import Draft
    from napari_leukocyte.core.training_set.drafts import DraftClaim
    from napari_leukocyte.core.training_set.records import Version
    from napari_leukocyte.plugin.image_state import ImageState

__all__ = ["Entry", "Status"]


class Status(StrEnum):
    """Where an image of the list stands."""

    OPEN = "not corrected yet"
    EDITED = "edited, not accepted"
    ACCEPTED = "accepted"
    OTHER_ACCEPTED = "another map is accepted"
    SKIPPED = "skipped"
    EXCLUDED = "excluded"


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
        Of earlier sessions, the newest first: they wait to be restored or discarded, whatever is done meanwhile.
    restored, restored_in
        The one that the user goes on with, and the map that it became.
    excluded
        Why it does not train; empty when it may.
    held_out
        It never trains, but shows whether training helped.
    difficulty
        Difficulty class 1-8 that the next accepted version gets; None when it was not judged.
    claim
        Held while this window drafts the image, so that no other one does.
    owner
        The map whose strokes the working copy on the disk is for; another one's must not be saved over them.
    restoring
        A draft that is restored as soon as the strokes on screen are saved.
    unsaved
        There are edits that no draft holds.
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
    unsaved: bool = False
    found: bool = False  # whether it was looked for in the set
    joining: bool = False  # whether it is on its way into the set
    accepting: bool = False  # whether its mask is being written

    @property
    def draft(self) -> Draft | None:
        """The draft that is asked about."""
        return self.drafts[0] if self.drafts else None

    def answered(self, draft: Draft) -> None:
        """Ask about a draft no more."""
        self.drafts = tuple(one for one in self.drafts if not same_draft(one, draft))

    def has_accepted(self, state: ImageState) -> bool:
        """Whether a map is the accepted one, or goes on from it."""
        origin = state.result.origin
        return self.version is not None and origin is not None and origin.parent == self.version.number

    def owns(self, state: ImageState) -> bool:
        """Whether the strokes of a map may be saved over the working copy."""
        return self.claim is not None and self.owner is state

    def continued(self, state: ImageState) -> Draft | None:
        """The draft that a map goes on with."""
        return self.restored if state is self.restored_in else None
