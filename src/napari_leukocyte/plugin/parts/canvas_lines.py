"""Lines over the canvas that belong to no layer: the stroke of a tool, and the outlines that a click would give."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

__all__ = ["CanvasLines"]


class CanvasLines(QWidget):  # type: ignore[misc]
    """Lies over the canvas, takes no mouse events and costs nothing while there is no line.

    It is no layer, because to add and remove one holds napari up for a third of a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._stroke: list[QPointF] = []
        self._outlines: list[QPolygonF] = []
        self.hide()

    def lay_over(self, canvas: QWidget | None) -> None:
        """Choose the canvas; without one nothing is drawn."""
        if canvas is not self.parentWidget():
            self.setParent(canvas)

    @property
    def lines(self) -> list[QPolygonF]:
        """What is drawn, in px of the canvas."""
        return [*self._outlines, *([QPolygonF(self._stroke)] if self._stroke else [])]

    def add(self, x: float, y: float) -> None:
        """Draw the stroke on to a point of the canvas, in its px."""
        self._stroke.append(QPointF(x, y))
        self._draw()

    def show_outlines(self, outlines: Iterable[NDArray[np.float64]]) -> None:
        """Draw outlines, each (N, 2) x and y on the canvas, in place of those before."""
        self._outlines = [QPolygonF([QPointF(x, y) for x, y in outline.tolist()]) for outline in outlines]
        self._draw()

    def clear(self) -> None:
        """Take the lines away."""
        if self._stroke or self._outlines:
            self._stroke, self._outlines = [], []
            self.hide()

    def _draw(self) -> None:
        canvas = self.parentWidget()
        if canvas is not None:
            self.setGeometry(canvas.rect())
            self.show()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802, D102  (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # white on black is seen on any stain
        for colour, more in ((QColor(0, 0, 0, 200), 2.5), (QColor(255, 255, 255), 0.0)):
            for lines, width in ((self._outlines, 1.5), ([QPolygonF(self._stroke)], 2.5)):
                painter.setPen(QPen(colour, width + more, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                for line in lines:
                    painter.drawPolyline(line)
