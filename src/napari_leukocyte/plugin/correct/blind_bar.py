"""Blind readings in the Correct dock: the switch, how far it has come, and what it says at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton, QSpinBox, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.correct import set_jobs
from napari_leukocyte.plugin.parts.docks import note, row, stack
from napari_leukocyte.plugin.parts.one_click import OneClickButton
from napari_leukocyte.plugin.parts.question import Question

if TYPE_CHECKING:
    from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
    from napari_leukocyte.core.training_set.blind_set import BlindList
    from napari_leukocyte.core.training_set.reading import Reading
    from napari_leukocyte.plugin.correct.corrections import Corrections
    from napari_leukocyte.plugin.correct.disk import QtDisk

__all__ = ["BlindBar"]

_SHARE = 10  # %


class BlindBar(QWidget):  # type: ignore[misc]
    """Begins, pauses, goes on with and ends a blind reading.

    Parameters
    ----------
    save
        Writes all edits to the disk.
    go
        Shows an image of the list.
    say
        Takes a sentence.
    """

    def __init__(
        self,
        corrections: Corrections,
        disk: QtDisk,
        *,
        save: Callable[[], None],
        go: Callable[[int], None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._corrections, self._disk, self._save, self._go, self._say = corrections, disk, save, go, say
        self._session = corrections.session
        self._last: int | None = None  # the image that was accepted last
        self.switch = QCheckBox("Blind reading")
        self.switch.setToolTip(
            "Images in a random order without names, figures, outlines of the model or masks of others; some come twice"
        )
        self.switch.clicked.connect(self._on_switch)
        self.share = QSpinBox(minimum=0, maximum=50, value=_SHARE, suffix=" %", prefix="read twice: ")
        self.share.setToolTip("How many of the images come twice, unseen, to find the error within the reader")
        self.question = Question()
        self.back_button = OneClickButton("Take back the last", clicked=self._take_back)
        self.back_button.setToolTip("The mask that was accepted last is revoked, and its image shown again")
        self.end_button = QPushButton("End and show names", clicked=self._ask_end)
        self.result = note()
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.under_way = row(self.back_button, self.end_button)
        top = row(self.switch, QLabel(), self.share)
        top.layout().setStretch(1, 1)
        stack(self, top, self.under_way, self.question, self.result)
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done now."""
        blind = self._session.blind is not None
        if not blind:
            self._last = None
        self.switch.setChecked(blind)
        self.share.setVisible(not blind)
        self.under_way.setVisible(blind)
        self.back_button.setEnabled(self._last is not None)
        self.result.setVisible(bool(self.result.text()) and not blind)

    def forget_result(self) -> None:
        """Another person reads: how far the one before agrees with themselves is not about them."""
        self.result.clear()
        self.refresh()

    def accepted(self, index: int) -> None:
        """Note which mask was accepted last."""
        self._last = index
        self.refresh()

    @property
    def position(self) -> str:
        """How far the reading has come."""
        blind = self._session.blind
        assert blind is not None  # whoever asks has looked
        before = blind.read_before
        read = before + self._corrections.accepted
        return f"{before + self._session.index + 1} of {len(blind.reading.items)}, {read} read"

    # ---- beginning ----------------------------------------------------------------------------------------

    def _on_switch(self, on: bool) -> None:
        self.refresh()  # it is on when the reading is
        if not on:
            self._ask_stop()
            return
        training_set = self._corrections.training_set
        if training_set is None:
            self._say("Choose a training set first: the masks of a reading are kept in one.")
            return
        self.result.clear()
        self._disk.run(partial(set_jobs.look_for_reading, training_set), self._ask_begin, self._say)

    def _ask_begin(self, found: tuple[Reading, int] | None) -> None:
        session = self._session
        number, others = len(session.images), len(self._others())
        what = counted(number, "image") if number else "All images of the training set"
        text = (
            f"{what} will come in a random order, {self.share.value()} % of them twice. Names, figures, outlines of "
            "the model and masks of others are hidden; every map begins empty and is drawn by hand."
        )
        if others:
            text += f" {counted(others, 'layer')} will be taken out of the window."
        answers: dict[str, Callable[[], None]] = {"Begin": self._begin}
        if found is not None:
            reading, left = found
            text = (
                f"Your reading of {reading.begun.astimezone():%Y-%m-%d %H:%M} is not over: {left} of "
                f"{len(reading.items)} are left. A new one: {text}"
            )
            answers = {"Go on with it": partial(self._go_on, reading), "Begin a new one": self._begin}
        self.question.ask(text, {**answers, "Not now": lambda: None})

    def _begin(self) -> None:
        training_set, sources = self._corrections.training_set, list(self._session.images)
        if training_set is not None:
            share = self.share.value() / 100
            self._open(partial(set_jobs.begin_blind, training_set, sources, share))

    def _go_on(self, reading: Reading) -> None:
        training_set = self._corrections.training_set
        if training_set is not None:
            self._open(partial(set_jobs.go_on_blind, training_set, reading))

    def _open(self, job: Callable[[], BlindList]) -> None:
        self._save()
        if self._corrections.unsaved:
            self._say("Some edits are not saved, and would be lost: accept them first, or undo them.")
            return
        self._say("Preparing the reading …")
        self._disk.run(job, self._on_begun, self._say)

    def _on_begun(self, blind: BlindList) -> None:
        session = self._session
        if self._corrections.closed:
            return
        if not blind.sources:
            self._say("All images of the reading are read.")
            self._end(blind.reading)
            return
        try:
            session.open_files(blind.sources, blind=blind)
        except LeukocyteError as error:
            self._say(str(error))
            return
        session.layers.remove(*self._others())
        session.viewer.status = "Blind reading"  # it may tell the name of a layer that was under the pointer
        self._say("")

    def _others(self) -> list[object]:
        """Layers that would tell names, or show what others drew."""
        session = self._session
        own = [session.classes_layer, session.cells_layer]
        own += [session.image_layer] if session.own_image else []
        return [layer for layer in session.viewer.layers if layer not in own]

    # ---- going back, stopping -------------------------------------------------------------------------------

    def _take_back(self) -> None:
        index, self._last = self._last, None
        if index is not None:
            try:
                self._corrections.revoke(index)
            except LeukocyteError as error:
                self._say(str(error))
            self._go(index)
        self.refresh()

    def _left(self) -> int:
        return len(self._session.images) - self._corrections.accepted

    def _ask_stop(self) -> None:
        self.question.ask(
            f"{counted(self._left(), 'image')} of the reading left. Paused, it can be gone on with; ended, it shows "
            "names and figures, and is over.",
            {"Go on reading": lambda: None, "Pause": self._pause, "End and show names": self._end_this},
        )

    def _ask_end(self) -> None:
        if self._left():
            self._ask_stop()
        else:
            self._end_this()

    def _pause(self) -> None:
        self._session.close_list()
        self._say("The reading is paused: switch it on again to go on.")

    def _end_this(self) -> None:
        if self._session.blind is not None:
            self._save()
            self._end(self._session.blind.reading)

    def _end(self, reading: Reading) -> None:
        training_set = self._corrections.training_set
        if training_set is not None:
            self._say("Ending the reading …")
            self._disk.run(partial(set_jobs.end_blind, training_set, reading), self._on_ended, self._say)

    def _on_ended(self, told: tuple[str, list[ImageSource | BrokenImage]]) -> None:
        text, sources = told
        if self._corrections.closed:
            return
        self.result.setText(text)
        self._say("")
        try:
            self._session.open_files(sources)
        except LeukocyteError as error:
            self._say(str(error))
        self.refresh()
