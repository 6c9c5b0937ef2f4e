"""The buttons for gestures, the same in each dock that offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_leukocyte.plugin.gestures.hand import CLICK_CELL, get_hand
from napari_leukocyte.plugin.parts.docks import row, stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_leukocyte.plugin.parts.docks import Dock
    from napari_leukocyte.plugin.session import Session

__all__ = ["GestureBar"]


class GestureBar(QWidget):  # type: ignore[misc]
    """Click a cell.

    Signals
    -------
    used()
        A button was pressed: the keys belong to the canvas again.
    """

    used = Signal()

    def __init__(self, session: Session, dock: Dock, say: Callable[[str], None]) -> None:
        super().__init__()
        self.hand = get_hand(session)
        self.hand.open()
        self._dock = dock
        self.click_button = QPushButton("Click a cell (C)", checkable=True)
        self.click_button.setToolTip(
            "One click, and the cell stands there; Shift and click takes what is none away (C)"
        )
        self.click_button.clicked.connect(lambda: self._press(CLICK_CELL))
        stack(self, row(self.click_button))
        dock.listen(self.hand.held, self._on_held)
        dock.listen(self.hand.said, say)
        self._on_held(self.hand.on)

    def leave(self) -> None:
        """Let go of the canvas."""
        self.hand.close()

    def _press(self, name: str) -> None:
        self.hand.run(name)
        self._on_held(self.hand.on)  # Qt has pressed the button already, whether or not the tool was taken up
        self.used.emit()

    def _on_held(self, on: bool) -> None:
        self.click_button.setChecked(on)
        if on:
            self.hand.lay_over(self._dock.canvas)
