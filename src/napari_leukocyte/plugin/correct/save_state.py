"""What the Correct dock says about saving: always the state of all images, whichever of them is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from datetime import datetime

    from napari_leukocyte.plugin.correct.corrections import Corrections
    from napari_leukocyte.plugin.correct.disk import QtDisk

__all__ = ["SaveState"]


class SaveState:
    """Follows what is painted and written; what it says is found anew each time, so that an alarm ends when it is over.

    Parameters
    ----------
    corrections
        They know which edits no disk has been given.
    disk
        It knows which drafts are not written yet.
    """

    def __init__(self, corrections: Corrections, disk: QtDisk) -> None:
        self._corrections, self._disk = corrections, disk
        self._refusal = ""  # why the disk did not take a draft; it keeps the draft and tries again
        self._last = ""
        self._written = ""  # the id that came last: its writer tells before it has put the pen down

    def edited(self) -> None:
        """There are new edits."""
        self._last = self._written = ""

    def shown(self) -> None:
        """Another image is shown: when the last one was saved is of no interest."""
        self._last = ""

    def saved(self, id_: str, when: datetime) -> None:
        """A draft is on the disk."""
        self._written, self._last = id_, f"Draft saved {when.astimezone():%H:%M:%S}"

    def refused(self, sentence: str) -> None:
        """A draft is not on the disk, and why."""
        self._written, self._refusal = "", f"NOT SAVED: {sentence}"

    def sentence(self) -> tuple[str, bool]:
        """What to say, and whether it is an alarm."""
        unsaved = self._corrections.unsaved
        if unsaved and self._corrections.training_set is None:
            return "NOT SAVED: choose a training set.", True
        if unsaved and not get_settings().autosave:
            return "Not saved: autosave is switched off in the preferences.", True
        if unsaved or self._disk.unwritten - {self._written}:
            return self._refusal or "Draft not saved yet …", bool(self._refusal)
        self._refusal = ""
        return self._last, False
