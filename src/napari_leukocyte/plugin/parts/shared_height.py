"""A table above what belongs to it: how the two share the height of a dock."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QSplitter, QWidget

from napari_leukocyte.plugin.parts.docks import scrolling

__all__ = ["SharedHeight"]


class SharedHeight(QSplitter):  # type: ignore[misc]
    """Gives the lower part all that it holds and the table the rest; where that is too little, the lower part scrolls.

    Whoever moves the line between them shares the height as they like; the table then gets what is gained.
    """

    def __init__(self, table: QWidget, below: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._table, self._below, self._room = table, below, scrolling(below)
        self._moved = False
        self.addWidget(table)
        self.addWidget(self._room)
        self.setChildrenCollapsible(False)
        self.setStretchFactor(0, 1)
        self.splitterMoved.connect(self._on_moved)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().resizeEvent(event)
        if not self._moved:
            room = self.height() - self.handleWidth()
            frame = self._room.height() - self._room.viewport().height()
            lower = min(self._below.sizeHint().height() + frame, room - self._table.minimumHeight())
            self.setSizes([room - lower, lower])

    def _on_moved(self) -> None:
        self._moved = True
