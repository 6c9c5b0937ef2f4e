"""Saves drafts when the brush rests, and says whether all images are saved, whichever of them is shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel

from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari_leukocyte.plugin.correct.corrections import Corrections
    from napari_leukocyte.plugin.correct.disk import QtDisk

__all__ = ["SaveState"]

_REST_MS = 400  # a draft is saved when the brush has rested so long,
_LATEST_MS = 900  # or so long after the first stroke that no draft holds


class SaveState(QLabel):  # type: ignore[misc]
    """One line, worked out anew at each change, so that an alarm ends when its cause does.

    Parameters
    ----------
    corrections
        They know which edits the disk was not given.
    disk
        It knows which drafts are not written yet.
    """

    def __init__(self, corrections: Corrections, disk: QtDisk) -> None:
        super().__init__()
        self._corrections, self._disk = corrections, disk
        self._refusal = ""  # why the disk did not take a draft; it keeps the draft and tries again
        self._last = ""  # when the last draft of the shown image was written
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._latest = QTimer(self, singleShot=True, interval=_LATEST_MS)
        for timer in (self._rest, self._latest):
            timer.timeout.connect(self.save_drafts)
        disk.saved.connect(self._on_saved)
        disk.not_saved.connect(self._on_not_saved)
        corrections.edited.connect(self._on_edited)
        corrections.not_saved.connect(self._on_not_saved)

    def leave(self) -> None:
        """Stop listening, and save nothing more."""
        self._rest.stop()
        self._latest.stop()
        self._disk.saved.disconnect(self._on_saved)
        self._disk.not_saved.disconnect(self._on_not_saved)
        self._corrections.edited.disconnect(self._on_edited)
        self._corrections.not_saved.disconnect(self._on_not_saved)

    def save_drafts(self) -> None:
        """Pass all unsaved edits to the disk, unless the user has switched drafts off."""
        self._rest.stop()
        self._latest.stop()
        if get_settings().autosave:
            self._corrections.save_all()
        self.refresh()

    def save_work(self) -> None:
        """Write all edits to the disk as drafts, and wait for it: their images are about to be closed."""
        for _ in range(2):  # an image that was not looked for in the set yet can join it only afterwards
            self.save_drafts()
            while self._corrections.under_way and self._disk.busy:
                self._disk.catch_up()
        self._disk.flush()

    def another_image(self) -> None:
        """Another image is shown: forget when a draft of the previous one was saved."""
        self._last = ""

    def refresh(self) -> None:
        """Work out the line anew."""
        text, alarm = self._sentence()
        self.setText(text)
        self.setStyleSheet("font-weight: bold;" if alarm else "")

    def _sentence(self) -> tuple[str, bool]:
        """What to say, and whether it is an alarm."""
        unsaved = self._corrections.unsaved
        if unsaved and self._corrections.training_set is None:
            return "NOT SAVED: choose a training set.", True
        if unsaved and not get_settings().autosave:
            return "Not saved: autosave is switched off in the preferences.", True
        if unsaved or self._disk.unwritten:
            return self._refusal or "Draft not saved yet …", bool(self._refusal)
        self._refusal = ""
        return self._last, False

    def _on_edited(self, _index: int) -> None:
        self._last = ""
        self.refresh()
        if self._corrections.training_set is not None:
            self._rest.start()
            if not self._latest.isActive():
                self._latest.start()

    def _on_saved(self, _id: str, when: datetime) -> None:
        self._last = f"Draft saved {when.astimezone():%H:%M:%S}"
        self.refresh()

    def _on_not_saved(self, _which: object, sentence: str) -> None:
        self._refusal = f"NOT SAVED: {sentence}"
        self.refresh()
