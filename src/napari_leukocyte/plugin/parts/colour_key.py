"""What the colours on the canvas mean: a square of each colour and its words."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from napari_leukocyte.plugin.parts.docks import note, swatch

__all__ = ["ColourKey"]

_COLUMNS = 2
_SIDE = 12  # px of a square


class ColourKey(QWidget):  # type: ignore[misc]
    """Two columns of entries; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[str] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(2 * column + 1, 1)
        self.hide()

    def show_entries(self, entries: Sequence[tuple[Sequence[float], str]]) -> None:
        """Show colours (RGBA, 0-1) with what they mean."""
        if [words for _, words in entries] == self.entries:
            return
        while self._grid.count():
            self._grid.takeAt(0).widget().deleteLater()
        self.entries = [words for _, words in entries]
        for number, (colour, words) in enumerate(entries):
            row, column = divmod(number, _COLUMNS)
            square = QLabel()
            square.setPixmap(swatch(colour).pixmap(_SIDE, _SIDE))
            square.setStyleSheet("border: 1px solid gray;")  # black on dark, and white on light
            square.setFixedSize(_SIDE + 2, _SIDE + 2)
            self._grid.addWidget(square, row, 2 * column)
            label = note(words)  # it wraps, so that the dock does not grow
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self._grid.addWidget(label, row, 2 * column + 1)
        self.setVisible(bool(entries))
