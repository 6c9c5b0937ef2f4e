"""Whose name stands on the masks: said in one line, asked for once, and changed when another person sits down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QLineEdit, QPushButton, QSizePolicy, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.reader import check_reader
from napari_leukocyte.plugin.parts.docks import note, row, stack
from napari_leukocyte.plugin.reader_name import is_said, reader_name, say_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_leukocyte.plugin.session import Session

__all__ = ["ReaderLine"]


class ReaderLine(QWidget):  # type: ignore[misc]
    """Shows the reader, and asks for the name.

    Parameters
    ----------
    say
        Takes a sentence on a name that cannot be one.

    Signals
    -------
    chosen(name, first)
        The reader has another name from now on; ``first``: nobody had said one before.
    answered()
        The question is closed: the field that had the focus is gone.
    """

    chosen = Signal(str, bool)
    answered = Signal()

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        super().__init__()
        self._session, self._say = session, say
        self._unanswered = False
        self.text = QLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.change_button = QPushButton("Change …", clicked=self.ask)
        self.change_button.setToolTip("Another person reads: their masks and drafts are kept apart from yours")
        self.question = note()
        self.field = QLineEdit()
        self.field.returnPressed.connect(self._answer)
        self.use_button = QPushButton("Use this name", clicked=self._answer)
        self._asking = QWidget()
        stack(self._asking, self.question, row(self.field, self.use_button))
        stack(self, row(self.text, self.change_button), self._asking)
        self._asking.hide()
        self.show_name()

    @property
    def settled(self) -> bool:
        """Whether a person has said the name."""
        return is_said(self._session)

    @property
    def name(self) -> str:
        """The name that masks carry: what was said, else that of the account; empty where there is neither."""
        return reader_name(self._session)

    def show_name(self) -> None:
        """Say who reads."""
        account = "" if self.settled or not self.name else " (name of the account)"
        self.text.setText(f"Reader: {self.name or 'not known'}{account}")

    def ask(self) -> None:
        """Ask for the name; nothing waits for the answer."""
        if self.settled:
            self.question.setText("Who reads? Masks and drafts of each reader are kept apart.")
        elif self.name:
            self.question.setText(
                f"Who reads? The name stands on every mask. Until you say one, it is that of the account, {self.name}."
            )
        else:
            self.question.setText("Who reads? The name stands on every mask: nothing is saved before.")
        self.field.setText(self.name)
        self.field.selectAll()
        self._unanswered = True
        self._asking.show()

    def hold(self, on: bool) -> None:
        """Ask nothing for a while, as in a blind reading, whose masks carry the name that it began with."""
        self.change_button.setEnabled(not on)
        self._asking.setVisible(self._unanswered and not on)

    def _answer(self) -> None:
        try:
            name = check_reader(self.field.text())
        except LeukocyteError as error:
            self._say(str(error))
            return
        first, before = not self.settled, self.name
        say_reader(self._session, name)
        self._unanswered = False
        self._asking.hide()
        self.show_name()
        if first or name != before:
            self.chosen.emit(name, first)
        self.answered.emit()
