"""A small plot in a dock, drawn when the hand rests, in the colours of napari's theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QLabel, QStackedLayout, QWidget

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
    from matplotlib.figure import Figure

__all__ = ["TEXT_PT", "Plot", "style_axes"]

TEXT_PT = 8


class Plot(QWidget):  # type: ignore[misc]
    """What plots share; a subclass says what there is to draw, and draws it into a cleared figure.

    Parameters
    ----------
    empty
        Shown while there is nothing to draw.
    height
        px.
    rest
        Milliseconds without news after which it draws.
    theme
        Name of a napari theme.
    """

    def __init__(self, empty: QLabel, *, height: int, rest: int, theme: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas: FigureCanvasQTAgg | None = None
        self._theme, self._height = theme, height
        self._empty = empty
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setEnabled(False)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._timer = QTimer(self, singleShot=True, interval=rest)
        self._timer.timeout.connect(self._draw)
        self.setFixedHeight(height)

    def set_theme(self, name: str) -> None:
        """Take the colours of a napari theme."""
        self._theme = name
        self._timer.start()

    def sizeHint(self) -> QSize:  # noqa: N802, D102  (Qt's name)
        return QSize(300, self._height)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().showEvent(event)
        self._timer.start()

    def has_content(self) -> bool:
        """Whether there is something to draw."""
        raise NotImplementedError

    def plot(self, figure: Figure, theme: str) -> None:
        """Draw it into an empty figure."""
        raise NotImplementedError

    def _draw(self) -> None:
        if not self.isVisible():
            return  # showEvent comes back to it
        if not self.has_content():
            self._pages.setCurrentWidget(self._empty)
            return
        canvas = self._canvas()
        self._pages.setCurrentWidget(canvas)
        canvas.figure.clear()
        self.plot(canvas.figure, self._theme)
        canvas.draw_idle()  # type: ignore[no-untyped-call]

    def _canvas(self) -> FigureCanvasQTAgg:
        if self.canvas is None:
            # imported at the first plot: napari must not wait for matplotlib to open a dock
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure

            self.canvas = FigureCanvasQTAgg(Figure(layout="constrained"))  # type: ignore[no-untyped-call]
            self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._pages.addWidget(self.canvas)
        return self.canvas


def style_axes(axes: Axes, text: str) -> None:
    """Ticks and two spines in the colour of the text."""
    axes.tick_params(colors=text, labelsize=TEXT_PT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(text)
