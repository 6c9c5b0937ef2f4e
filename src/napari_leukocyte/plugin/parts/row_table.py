"""A table whose rows are picked by mouse or key, as all of ours are that lead to a cell."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

__all__ = ["SORT_DOWN", "SORT_UP", "RowTable"]

SORT_UP, SORT_DOWN = " ▴", " ▾"
"""What a model puts behind the title of the column that sorts."""

_KEY = Qt.Key
_OWN_KEYS = {
    *(_KEY.Key_Up, _KEY.Key_Down, _KEY.Key_Left, _KEY.Key_Right, _KEY.Key_PageUp, _KEY.Key_PageDown),
    *(_KEY.Key_Home, _KEY.Key_End, _KEY.Key_Return, _KEY.Key_Enter, _KEY.Key_Tab, _KEY.Key_Backtab),
}
# Qt's arrow would lie on the title, so the title has one
_NO_ARROW = "QHeaderView::up-arrow, QHeaderView::down-arrow { image: none; width: 0; height: 0; }"


class RowTable(QTableView):  # type: ignore[misc]
    """Picks whole rows.

    Arrow keys and the like step through the rows; what other keys mean, the window knows: the brush can be taken up
    while the table has the focus.

    Signals
    -------
    row_chosen(row)
        The user picked a row by mouse or key, also the one that was picked already: to come back to it. A row that is
        selected by program is not told.
    """

    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.setWordWrap(False)
        self.horizontalHeader().setStyleSheet(_NO_ARROW)
        self.horizontalHeader().setHighlightSections(False)

    def _choose_current(self) -> None:
        current = self.currentIndex()
        if current.isValid() and self.selectionModel().isRowSelected(current.row(), QModelIndex()):
            self.row_chosen.emit(current.row())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.pos()).isValid():
            self._choose_current()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, D102  (Qt's name)
        if event.key() not in _OWN_KEYS and not event.matches(QKeySequence.StandardKey.SelectAll):
            event.ignore()  # the window hands it to the layer that is worked on
            return
        before = self.currentIndex().row()
        super().keyPressEvent(event)
        if self.currentIndex().row() != before or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose_current()

    def moveCursor(  # noqa: N802, D102  (Qt's name)
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        ends = (QAbstractItemView.CursorAction.MoveHome, QAbstractItemView.CursorAction.MoveEnd)
        if action in ends:  # of the table, and not of the row
            modifiers |= Qt.KeyboardModifier.ControlModifier
        return super().moveCursor(action, modifiers)
