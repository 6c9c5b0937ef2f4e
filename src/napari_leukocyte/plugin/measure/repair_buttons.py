"""The buttons of repairs: split, join, split off, fill, no white cell; and what is asked before a join."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton, QWidget

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.plugin.measure.canvas_tools import MARKS, CanvasTools
from napari_leukocyte.plugin.parts.docks import row, stack
from napari_leukocyte.plugin.parts.question import Question

__all__ = ["RepairButtons"]

_STROKES = (
    ("split", "Split", "Draw a line between two cells (Y)"),
    ("join", "Join", "Draw a line from one cell into the other, or select rows of one image first (J)"),
    ("split_off", "Split off", "Draw a line that cuts a platelet off; it becomes background (Shift+Y)"),
)


class RepairButtons(QWidget):  # type: ignore[misc]
    """Two rows of buttons, the last of which is given.

    Signals
    -------
    pressed()
        Before a button does what it is for.
    used()
        It did: the keys belong to the canvas again.
    asking()
        A question waits for its answer.
    """

    pressed = Signal()
    used = Signal()
    asking = Signal()

    def __init__(self, tools: CanvasTools, last: QPushButton) -> None:
        super().__init__()
        self._tools = tools
        self.strokes = {
            name: self._button(text, tip, partial(tools.run, name), checkable=True) for name, text, tip in _STROKES
        }
        self.fill_button = self._button(
            "Fill hole",
            "Holes of the chosen cell, or of all selected ones, become cytoplasm; without one, the deepest indent (G)",
            tools.fill_chosen,
        )
        self.mark_button = QPushButton("Not a WBC")
        self.mark_button.setToolTip("Withhold the CNR of the selected cells and say why (R: next kind)")
        menu = QMenu(self.mark_button)
        for flag, words in MARKS.items():
            menu.addAction(words[:1].upper() + words[1:], lambda flag=flag: self._do(lambda: self._mark(flag)))
        menu.addSeparator()
        menu.addAction("A white cell after all", lambda: self._do(lambda: self._mark(None)))
        self.mark_button.setMenu(menu)
        self.question = Question()
        stack(self, row(*self.strokes.values()), row(self.fill_button, self.mark_button, last), self.question)
        tools.armed.connect(self._on_armed)
        tools.asked.connect(self._ask)

    def _button(self, text: str, tip: str, act: Callable[[], None], *, checkable: bool = False) -> QPushButton:
        button = QPushButton(text, checkable=checkable)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self._do(act))
        return button

    def _do(self, job: Callable[[], None]) -> None:
        self.pressed.emit()
        job()
        self.used.emit()

    def _mark(self, flag: Flag | None) -> None:
        self._tools.mark_selected(flag)

    def _on_armed(self, name: str) -> None:
        for key, button in self.strokes.items():
            button.setChecked(key == name)

    def _ask(self, sentence: str, act: Callable[[], None]) -> None:
        self.question.ask(sentence, {"Leave them": lambda: None, "Join them": act})
        self.asking.emit()
