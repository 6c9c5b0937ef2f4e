"""What is known of one image of the list while it is corrected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.drafts import Draft, DraftClaim
    from napari_leukocyte.core.training_set.records import Version

__all__ = ["Entry", "Status"]


class Status(StrEnum):
    """Where an image of the list stands."""

    OPEN = "not corrected yet"
    EDITED = "edited, not accepted"
    ACCEPTED = "accepted"
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
    draft
        Of an earlier session: it waits to be restored or discarded.
    excluded
        Why it does not train; empty when it may.
    held_out
        It never trains, but shows whether training helped.
    difficulty
        Difficulty class 1-8 that the next accepted version gets; None when it was not judged.
    claim
        Held while this window drafts the image, so that no other one does.
    unsaved
        There are edits that no draft holds.
    """

    id: str | None = None
    version: Version | None = None
    draft: Draft | None = None
    excluded: str = ""
    held_out: bool = False
    difficulty: int | None = None
    skipped: bool = False
    claim: DraftClaim | None = None
    unsaved: bool = False
    found: bool = False  # whether it was looked for in the set
    joining: bool = False  # whether it is on its way into the set
