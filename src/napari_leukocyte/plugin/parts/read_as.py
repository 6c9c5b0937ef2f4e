"""The question what the values of a mask mean, asked where its reading is doubtful."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QWidget

from napari_leukocyte.plugin.parts.docks import row, stack

if TYPE_CHECKING:
    from napari_leukocyte.core.imaging.mask_reading import ReadAs

__all__ = ["ReadAsChoice"]

_WORDS: dict[ReadAs, str] = {
    "auto": "ask where it is doubtful",
    "as-found": "right as it stands",
    "swapped": "nucleus and cytoplasm exchanged",
    "inverted": "cells and background exchanged",
    "cells": "each number a cell",
    "numbers": "numbers of the palette, not its colours",
}


class ReadAsChoice(QWidget):  # type: ignore[misc]
    """What the user says of masks; hidden until one is doubtful, and then there to change it again.

    Signals
    -------
    chosen()
        The user says something else now.
    """

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.combo = QComboBox()
        self.combo.setToolTip("What the values of the masks mean")
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(20)
        for word, text in _WORDS.items():
            self.combo.addItem(text, word)
        self.combo.activated.connect(lambda _: self.chosen.emit())
        choice = row(QLabel("Read as"), self.combo)
        choice.layout().setStretch(1, 1)
        stack(self, choice)
        self.hide()

    @property
    def read_as(self) -> ReadAs:
        """The word for it."""
        word: ReadAs = self.combo.currentData()
        return word

    def forget(self) -> None:
        """Other masks: nothing is said of them yet."""
        self.combo.setCurrentIndex(0)
        self.hide()

    def offer(self, others: Iterable[str]) -> None:
        """Show the choice where there is a doubt, the readings in bold for which it speaks."""
        doubted = set(others)
        for at in range(self.combo.count()):
            font = self.combo.font()
            font.setBold(self.combo.itemData(at) in doubted)
            self.combo.setItemData(at, font, Qt.ItemDataRole.FontRole)
        if doubted:
            self.show()
