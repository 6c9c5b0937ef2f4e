"""A list of entries beside the canvas, that takes no more keys than it needs."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QComboBox

__all__ = ["Choice"]

_KEY = Qt.Key
_OWN_KEYS = {
    *(_KEY.Key_Up, _KEY.Key_Down, _KEY.Key_Left, _KEY.Key_Right, _KEY.Key_PageUp, _KEY.Key_PageDown),
    *(_KEY.Key_Home, _KEY.Key_End, _KEY.Key_Space, _KEY.Key_F4, _KEY.Key_Tab, _KEY.Key_Backtab),
}


class Choice(QComboBox):  # type: ignore[misc]
    """One entry of several.

    Arrow keys step through the entries, and a digit goes to the entry that begins with it; what other keys mean, the
    window knows: a letter would choose another entry, where somebody wants the next image.

    Signals
    -------
    left()
        An entry was picked from the open list, or Return or Escape pressed: the user is done here.
    """

    left = Signal()

    def __init__(self, entries: Iterable[str]) -> None:
        super().__init__()
        self._stepping = False
        self.addItems(list(entries))
        self.activated.connect(self._on_activated)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, D102  (Qt's name)
        if event.key() in (_KEY.Key_Return, _KEY.Key_Enter, _KEY.Key_Escape):
            self.left.emit()
        elif event.key() in _OWN_KEYS or self._is_entry(event.text()):
            self._stepping = True
            super().keyPressEvent(event)
            self._stepping = False
        else:
            event.ignore()

    def _is_entry(self, text: str) -> bool:
        return text.isdigit() and self.findText(text, Qt.MatchFlag.MatchStartsWith) >= 0

    def _on_activated(self) -> None:
        if not self._stepping:
            self.left.emit()
