"""The line that a stroke leaves on the canvas while a cell is split or joined."""

from __future__ import annotations

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

__all__ = ["StrokeLine"]


class StrokeLine(QWidget):  # type: ignore[misc]
    """Lies over the canvas, takes no mouse events and costs nothing while there is no line.

    It is no layer, because to add and remove one holds napari up for a third of a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._points: list[QPointF] = []
        self.hide()

    def lay_over(self, canvas: QWidget | None) -> None:
        """Choose the canvas; without one nothing is drawn."""
        if canvas is not self.parentWidget():
            self.setParent(canvas)

    def add(self, x: float, y: float) -> None:
        """Draw the line on to a point of the canvas, in its px."""
        self._points.append(QPointF(x, y))
        canvas = self.parentWidget()
        if canvas is not None:
            self.setGeometry(canvas.rect())
            self.show()
            self.update()

    def clear(self) -> None:
        """Take the line away."""
        self._points = []
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802, D102  (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QPolygonF(self._points)
        # white on black is seen on any stain
        for colour, width in ((QColor(0, 0, 0, 200), 5), (QColor(255, 255, 255), 2)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(line)
