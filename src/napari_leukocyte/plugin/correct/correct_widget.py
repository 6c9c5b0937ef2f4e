"""The Correct dock. Ten seconds of work: see the error, paint it away, accept; the next image appears.

Nothing is lost meanwhile: strokes are saved as a draft within a second, and the dock always says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QPushButton,
    QWidget,
)

from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.correct.brushes import Brushes
from napari_leukocyte.plugin.correct.import_button import ImportButton
from napari_leukocyte.plugin.correct.save_state import SaveState
from napari_leukocyte.plugin.parts.choice import Choice
from napari_leukocyte.plugin.parts.docks import Dock, footer, note, row, rule, scrolling, stack
from napari_leukocyte.plugin.parts.one_click import OneClickButton
from napari_leukocyte.plugin.parts.question import Question
from napari_leukocyte.plugin.take_labels import TakeLabels

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

    from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
    from napari_leukocyte.plugin.correct.entry import Entry
    from napari_leukocyte.plugin.correct.queue import Order

__all__ = ["CorrectWidget"]

_ORDERS: dict[str, Order] = {"Name": "name", "Most uncertain first": "uncertainty", "Most flags first": "flags"}
_DIFFICULTIES = {"Not judged": None} | {f"{n} {name.capitalize()}": n for n, name in DIFFICULTIES.items()}
_REST_MS = 150
_AT_ONCE = 200  # images whose order is worked out in a moment
_LAST = "No image waits any more: all are accepted, skipped or excluded."
_ALL_READ = "All images are read or skipped: end the reading to see names and figures."
_TRAINS = "Trains once accepted"
_REASONS = ("Out of focus", "No white cell in it", "Another stain", "Same cell as another image")


class CorrectWidget(Dock):
    """Training set, classes to paint with, queue over the image list, and what is saved."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        # imported here: the manifest names this module, and opening napari must not wait for scipy
        from napari_leukocyte.plugin.cnr_text import get_cnr_text
        from napari_leukocyte.plugin.correct.corrections import Corrections
        from napari_leukocyte.plugin.correct.disk import QtDisk
        from napari_leukocyte.plugin.correct.recovery import Recovery
        from napari_leukocyte.plugin.session import get_session

        self.session = get_session(napari_viewer)
        self.viewer = self.session.viewer
        get_cnr_text(self.session)
        self.disk = QtDisk()
        self.corrections = Corrections(self.session, self.disk)
        self.recovery = Recovery(self.corrections)
        self.saved = SaveState(self.corrections, self.disk)
        self._build()
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._show_position)

        self.listen(self.corrections.changed, self._refresh)
        self.listen(self.corrections.said, self._on_said)
        self.listen(self.session.images_changed, self.question.withdraw)
        self.listen(self.session.images_changed, self._refresh)
        self.listen(self.session.shown_changed, self._on_shown)
        self.listen(self.session.renamed, self._show_position)
        self.listen(self.session.commanded, self._on_command)
        self.listen(self.session.leaving, self.save_work)
        for event in (self.viewer.layers.events.inserted, self.viewer.layers.events.removed):
            self.listen(event, self.labels.refresh)
        self.listen(self.viewer.layers.events.renamed, self.labels.refresh)
        self._refresh()

    # ---- building ---------------------------------------------------------------------------------------

    def _build(self) -> None:
        from napari_leukocyte.plugin.correct.blind_bar import BlindBar
        from napari_leukocyte.plugin.correct.set_bar import SetBar
        from napari_leukocyte.plugin.gestures.bar import GestureBar
        from napari_leukocyte.plugin.gestures.hand import get_hand

        self.set_bar = SetBar(self.corrections, self.disk, leave=self._leave_list, say=self._say)
        self.set_bar.images_button.clicked.connect(self._open_its_images)
        self.set_bar.reader.answered.connect(self.focus_canvas)
        self.new_set, self.open_set = self.set_bar.new_set, self.set_bar.open_set
        self.set_name, self.images_button = self.set_bar.set_name, self.set_bar.images_button
        self.new_button, self.open_button = self.set_bar.new_button, self.set_bar.open_button
        self.blind = BlindBar(self.corrections, self.disk, save=self.save_work, go=self._show, say=self._say)
        self.set_bar.reader.chosen.connect(self.blind.forget_result)

        self.question = Question()

        self.brushes = Brushes(self.session, get_hand(self.session))
        self.brushes.used.connect(self.focus_canvas)
        self.brushes.holes_button.clicked.connect(self._fill_holes)

        self.gestures = GestureBar(self.session, self, self._say)
        self.gestures.used.connect(self.focus_canvas)

        self.position = note()
        self.position.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.position.setStyleSheet("font-size: 12pt;")
        self.image_name = note()
        self.image_name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.order = Choice(_ORDERS)
        self.order.currentIndexChanged.connect(lambda _: self._show_position())
        self.order.left.connect(self.focus_canvas)
        self.previous_button = self._button("◀ Previous", lambda: self._step(-1), "Shift+N")
        self.skip_button = self._button("Skip", self._skip, "Pass this image over (K)")
        self.next_button = self._button("Next ▶", lambda: self._step(+1), "N")
        self.accept_button = self._button(
            "Accept and next", self._accept, "This mask becomes a training mask (Shift+D)"
        )
        self.revoke_button = self._button("Revoke", self._revoke, "Take the accepted mask out of training again")
        self.empty_button = self._button("Start with an empty map", self._start_empty, "Paint the cells by hand")
        self.import_button = ImportButton(self.session, self.disk, self._say)
        self.labels = TakeLabels(self.session, self._image_of_labels, self._say)
        self.difficulty = Choice(_DIFFICULTIES)
        self.difficulty.setToolTip("Difficulty class that the accepted mask is given: the highest that applies")
        self.difficulty.activated.connect(lambda _: self._on_difficulty())
        self.difficulty.left.connect(self.focus_canvas)
        self.training = QComboBox(editable=True)
        self.training.addItems([_TRAINS, *_REASONS])
        self.training.setToolTip("Whether this image may train; if not, choose or type why")
        self.training.activated.connect(lambda: self._on_training())
        self.training.lineEdit().returnPressed.connect(self._on_training)

        self.status = note()
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        form = QWidget()
        self.rows = rows = QFormLayout(form)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Order", self.order)
        rows.addRow("Difficulty", self.difficulty)
        rows.addRow("Training", self.training)
        accepting = row(self.accept_button, self.revoke_button)
        accepting.layout().setStretch(0, 2)
        accepting.layout().setStretch(1, 1)
        content = QWidget()
        stack(
            content,
            self.set_bar,
            self.question,
            self.blind,
            rule(),
            self.gestures,
            rule(),
            self.brushes,
            rule(),
            self.position,
            self.image_name,
            row(self.previous_button, self.skip_button, self.next_button),
            self.recovery,
            row(self.empty_button, self.import_button),
            self.import_button.read_as,
            self.labels,
            accepting,
            self.saved,
            rule(),
            form,
            self.status,
        )
        content.layout().addStretch(1)
        stack(self, scrolling(content), footer())
        self.layout().setContentsMargins(10, 10, 10, 10)

    def _button(self, text: str, pressed: Callable[[], None], tip: str) -> QPushButton:
        button = (OneClickButton if pressed in (self._accept, self._skip) else QPushButton)(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: pressed())
        return button

    # ---- the training set -------------------------------------------------------------------------------

    def _leave_list(self, go: Callable[[], None]) -> None:
        self.question.ask_before_leaving(self.session.edits_at_stake(), go)

    def _open_its_images(self) -> None:
        self._leave_list(self._show_its_images)

    def _show_its_images(self) -> None:
        from napari_leukocyte.plugin.correct.set_jobs import sources_of

        training_set = self.corrections.training_set
        if training_set is not None:
            self.disk.run(lambda: sources_of(training_set), self._on_its_images, self._say)

    def _on_its_images(self, sources: list[ImageSource | BrokenImage]) -> None:
        if not self.ended:
            self._try(lambda: self.session.open_files(sources))

    # ---- painting ---------------------------------------------------------------------------------------

    def _fill_holes(self) -> None:
        from napari_leukocyte.core.cells import live_repairs  # loads scipy

        self._try(lambda: self.session.edit_map(live_repairs.holes, 1))
        self.focus_canvas()

    # ---- the queue --------------------------------------------------------------------------------------

    def _on_command(self, name: str) -> None:
        commands = {
            "accept": self._accept,
            "next": lambda: self._step(+1),
            "previous": lambda: self._step(-1),
            "skip": self._skip,
        }
        if name in commands:
            commands[name]()
        elif name == "blind":
            self._say("Hidden while you read blind.")

    def _accept(self) -> None:
        index = self.session.index
        if self._try(lambda: self.corrections.accept(index)):
            self.blind.accepted(index)
            self._go_on()

    def _skip(self) -> None:
        self.corrections.skip(self.session.index)
        self._go_on()

    def _order(self) -> Order:
        if self.session.blind is not None:
            return "name"  # the places of the reading
        return _ORDERS[self.order.currentText()]

    def _go_on(self) -> None:
        index = self.corrections.next(self._order())
        if index is None:
            self._say(_LAST if self.session.blind is None else _ALL_READ)
        else:
            self._show(index)
        self.focus_canvas()

    def _step(self, by: int) -> None:
        index = self.corrections.neighbour(self._order(), by)
        if index is not None:
            self._show(index)
        self.focus_canvas()

    def _show(self, index: int) -> None:
        self.saved.save_drafts()
        self._try(lambda: self.session.show(index))

    def _revoke(self) -> None:
        self._try(lambda: self.corrections.revoke(self.session.index))
        self.focus_canvas()

    def _image_of_labels(self) -> Image | None:
        """The shown image; where no list is open, the topmost image."""
        from napari.layers import Image

        images = [layer for layer in self.viewer.layers if isinstance(layer, Image)]
        return self.session.image_layer or (images[-1] if images else None)

    def _start_empty(self) -> None:
        self._try(lambda: self.session.start_empty())
        self.session.take_brush("nucleus")
        self.focus_canvas()

    def _on_difficulty(self) -> None:
        self.corrections.set_difficulty(self.session.index, _DIFFICULTIES[self.difficulty.currentText()])

    def _on_training(self) -> None:
        reason = self.training.currentText().strip()
        self._try(lambda: self.corrections.exclude(self.session.index, "" if reason == _TRAINS else reason))
        self.focus_canvas()

    def _try(self, job: Callable[[], None]) -> bool:
        try:
            job()
        except LeukocyteError as error:
            self._say(str(error))
            return False
        self._say("")
        return True

    def save_work(self) -> None:
        """Write all edits to the disk as drafts, and wait for it: their images are about to be closed."""
        self.saved.save_work()

    # ---- showing ----------------------------------------------------------------------------------------

    def _on_shown(self) -> None:
        self.saved.another_image()
        if self.session.blind is not None and self.session.state is None and self.session.image_layer is not None:
            self._start_empty()
        self._refresh()

    def _refresh(self, index: int = -1) -> None:
        self.saved.refresh()
        if index not in (-1, self.session.index):
            if len(self.session.images) <= _AT_ONCE:
                self._show_position()
            elif not self._rest.isActive():  # a thousand images that are looked up are counted now and then
                self._rest.start()
            return
        shown, count = self.session.index, len(self.session.images)
        training_set = self.corrections.training_set
        entry = self.corrections.entry(shown)
        has_map = self.session.state is not None
        self.set_bar.show_set()
        self._show_blindness()
        self._show_position()
        self.brushes.follow_layer()
        for button in (self.previous_button, self.next_button, self.skip_button):
            button.setEnabled(count > 1)
        self.accept_button.setEnabled(has_map)
        self.revoke_button.setEnabled(entry.version is not None)
        self.empty_button.setVisible(count > 0 and not has_map)
        self.import_button.setEnabled(count > 0)
        for field in (self.difficulty, self.training):
            field.setEnabled(count > 0 and training_set is not None)
        self._show_entry(entry)
        self.recovery.show_drafts(shown, entry.drafts)

    def _show_blindness(self) -> None:
        """In a blind reading: no network, no masks of other programs, no order but its own, no word on training."""
        blind = self.session.blind is not None
        self.blind.refresh()
        for part in (self.gestures, self.brushes.extend, self.import_button, self.revoke_button):
            part.setVisible(not blind)
        for field in (self.order, self.training):
            self.rows.setRowVisible(field, not blind)

    def _show_entry(self, entry: Entry) -> None:
        names = {number: text for text, number in _DIFFICULTIES.items()}
        self.difficulty.setCurrentText(names[entry.difficulty])
        if not self.training.lineEdit().hasFocus():
            self.training.setEditText(entry.excluded or _TRAINS)

    def _show_position(self) -> None:
        from napari_leukocyte.plugin.correct.entry import Status  # loads what reads drafts

        count = len(self.session.images)
        if not count:
            self.position.setText("No images: open one, or a folder in the Segment dock.")
            self.image_name.clear()
            return
        if self.session.blind is not None:
            self.position.setText(self.blind.position)
            shown = self.session.index
            status = self.corrections.status(shown)
            said = "not read yet" if status is Status.OPEN else status
            self.image_name.setText(f"{self.session.images[shown].label}: {said}")
            return
        at = self.corrections.place(self._order())
        self.position.setText(f"{at} of {count}, {self.corrections.accepted} accepted")
        shown = self.session.index
        held_out = ", held out of training" if self.corrections.entry(shown).held_out else ""
        self.image_name.setText(f"{self.session.images[shown].label}: {self.corrections.status(shown)}{held_out}")

    def _on_said(self, sentence: str) -> None:
        done = self.corrections.finished and len(self.session.images) > 1
        last = _LAST if self.session.blind is None else _ALL_READ
        self._say(f"{sentence}\n{last}" if done else sentence)

    def _say(self, sentence: str) -> None:
        self.status.setText(sentence)

    def release(self) -> None:
        """Save what is left, and let other windows draft these images."""
        self._rest.stop()
        self.save_work()
        self.saved.leave()
        self.labels.leave()
        self.recovery.compare_button.setChecked(False)
        self.brushes.leave()
        self.gestures.leave()
        self.corrections.close()
        self.disk.close()
