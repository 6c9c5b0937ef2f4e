"""Which image of the list is shown, and a step to the one before it or behind it."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget
from superqt import QElidingLabel

__all__ = ["Stepper"]


class Stepper(QWidget):  # type: ignore[misc]
    """Two buttons, and the name and place of the image between them; hidden until there are several.

    Parameters
    ----------
    step
        Called with -1 or 1.
    """

    def __init__(self, step: Callable[[int], None]) -> None:
        super().__init__()
        self.previous_button = QToolButton(text="◀", clicked=lambda: step(-1))
        self.next_button = QToolButton(text="▶", clicked=lambda: step(+1))
        self.previous_button.setToolTip("Previous image of the list")
        self.next_button.setToolTip("Next image of the list")
        self.position = QElidingLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.position.setElideMode(Qt.TextElideMode.ElideMiddle)  # the number at its end stays in sight
        self.position.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.previous_button)
        line.addWidget(self.position, 1)
        line.addWidget(self.next_button)
        self.hide()

    def show_place(self, name: str, path: str, index: int, count: int) -> None:
        """Show an image's name, where it lies, and its place in a list of so many."""
        self.position.setText(f"{name}   {index + 1} of {count}")
        self.position.setToolTip(path)
        self.previous_button.setEnabled(index > 0)
        self.next_button.setEnabled(index < count - 1)
