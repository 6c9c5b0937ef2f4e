"""The button and menu of cell types: a letter for each of the usual names, own words, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QLineEdit, QMenu, QPushButton, QWidget, QWidgetAction

from napari_leukocyte.core.cells.cell_types import CELL_TYPES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.measure.cell_typing import CellTyping

if TYPE_CHECKING:
    from napari_leukocyte.plugin.session import Session

__all__ = ["LETTERS", "TypeButton"]

LETTERS = dict(zip(CELL_TYPES, "NDTYPBRMLVAGCEOHKSU", strict=True))
"""The key of each type while the menu is open."""


class TypeButton(QPushButton):  # type: ignore[misc]
    """Gives the selected cells a type; its menu opens at the pointer, too.

    Parameters
    ----------
    session
        Whose cells they are.
    selected
        Image index and number of each selected cell.
    say
        Called with a sentence: what was done, or why it could not be.
    """

    def __init__(
        self, session: Session, selected: Callable[[], list[tuple[int, int]]], *, say: Callable[[str], None]
    ) -> None:
        super().__init__("Type")
        self.setToolTip("Say what type the selected cells are (I, then a letter)")
        self._session, self._selected, self._say = session, selected, say
        self.typing = CellTyping(session)
        menu = TypeMenu(self, self.typing)
        menu.chosen.connect(self._give)
        menu.take_back.connect(lambda: self._say(self.typing.take_back()))
        self.setMenu(menu)

    def ask(self, canvas: QWidget | None = None) -> None:
        """Open the menu at the pointer; over a canvas for the cell under it, unless that is one of several selected."""
        session = self._session
        over = canvas is not None and canvas.underMouse()
        cell = session.cell_pointed_at() if over else 0
        if cell and (session.index, cell) not in self._selected():
            session.select(session.index, cell)
        if self._selected():
            self.menu().popup(QCursor.pos())
        else:
            self._say("There is no cell to give a type to: point at one, or select rows.")

    def _give(self, words: str) -> None:
        try:
            self._say(self.typing.give(self._selected(), words))
        except LeukocyteError as error:
            self._say(str(error))


class TypeMenu(QMenu):  # type: ignore[misc]
    """Asks for a type.

    Signals
    -------
    chosen(words)
        A type was chosen or typed; "" for none.
    take_back()
        The last types are to be taken back.
    """

    chosen = Signal(str)
    take_back = Signal()

    def __init__(self, parent: QWidget, typing: CellTyping) -> None:
        super().__init__(parent)
        self._typing = typing
        self.aboutToShow.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        for name in [*CELL_TYPES, *self._typing.own_words()]:
            self.addAction(_with_letter(name), lambda name=name: self.chosen.emit(name))
        self.words = QLineEdit()  # anew, as it goes with its action
        self.words.setPlaceholderText("Own words, then Enter")
        self.words.returnPressed.connect(self._on_words)
        field = QWidgetAction(self)
        field.setDefaultWidget(self.words)
        self.addAction(field)
        self.addSeparator()
        self.addAction("No type", lambda: self.chosen.emit(""))
        back = self.addAction("Take the last types back", self.take_back.emit)
        back.setEnabled(self._typing.can_take_back)

    def _on_words(self) -> None:
        words = self.words.text()
        self.close()
        if words.strip():
            self.chosen.emit(words)


def _with_letter(name: str) -> str:
    """A name with its letter in front, which napari's style underlines nowhere; own words have none."""
    letter = LETTERS.get(name, "")
    return f"&{letter}   {name}" if letter else f"      {name.replace('&', '&&')}"
