"""The buttons for gestures, the same in each dock that offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QWidget

from napari_leukocyte.plugin.gestures.hand import CLICK_CELL, get_hand
from napari_leukocyte.plugin.parts.docks import row, stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_leukocyte.core.interactive.grow import Part
    from napari_leukocyte.plugin.parts.docks import Dock
    from napari_leukocyte.plugin.session import Session

__all__ = ["GestureBar"]


class GestureBar(QWidget):  # type: ignore[misc]
    """Click a cell, delete it, move its outline, go to the next.

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
        self.click_button.clicked.connect(self._press)
        self.delete_button = self._button(
            "Delete cell", "Take the chosen cell, or all selected ones, away (Delete)", self.hand.cells.delete_chosen
        )
        self.steps = {(part, by): self._step_button(part, by) for part in ("cell", "nucleus") for by in (-1, 1)}
        self.doubtful_button = self._button(
            "Next doubtful", "What the model is unsure of first (U)", lambda: self.hand.run("next_doubtful")
        )
        self.next_button = self._button(
            "Next cell", "In the order of their numbers (Shift+U)", lambda: self.hand.run("next_cell")
        )
        cell, nucleus = QLabel("Cell outline"), QLabel("Nucleus")
        stack(
            self,
            row(self.click_button, self.delete_button),
            row(
                cell,
                self.steps["cell", -1],
                self.steps["cell", 1],
                nucleus,
                self.steps["nucleus", -1],
                self.steps["nucleus", 1],
            ),
            row(self.doubtful_button, self.next_button),
        )
        dock.listen(self.hand.held, self._on_held)
        dock.listen(self.hand.said, say)
        self._on_held(self.hand.on)

    def _button(self, text: str, tip: str, pressed: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: pressed())
        button.clicked.connect(lambda: self.used.emit())
        return button

    def _step_button(self, part: Part, by: int) -> QPushButton:
        button = QPushButton("+" if by > 0 else "−")
        whose = "chosen cell" if part == "cell" else "chosen cell's nucleus"
        way, key = ("out", "A") if by > 0 else ("in", "S")
        button.setToolTip(f"Move the outline of the {whose} half a pixel {way} (Shift+wheel over it, or {key})")
        button.setMaximumWidth(36)
        button.setAutoRepeat(True)
        button.clicked.connect(lambda: self._move(part, by))
        return button

    def _move(self, part: Part, by: int) -> None:
        self.hand.cells.move_chosen(part, by)
        self.used.emit()

    def leave(self) -> None:
        """Let go of the canvas."""
        self.hand.close()

    def _press(self) -> None:
        self.hand.run(CLICK_CELL)
        self._on_held(self.hand.on)  # Qt has pressed the button already, whether or not the tool was taken up
        self.used.emit()

    def _on_held(self, on: bool) -> None:
        self.click_button.setChecked(on)
        if on:
            self.hand.lay_over(self._dock.canvas)
