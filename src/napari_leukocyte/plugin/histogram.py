"""A histogram that is drawn when the hand rests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QLabel, QStackedLayout, QWidget

from napari_leukocyte.core.bins import histogram_bins

if TYPE_CHECKING:
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

__all__ = ["Histogram"]

_REST_MS = 150
_HEIGHT = 140
_TEXT_PT = 8


class Histogram(QWidget):  # type: ignore[misc]
    """How a figure spreads over cells or images, with its median and that of the selected one.

    Parameters
    ----------
    figure
        What the figure is called.
    noun
        What has it, in the singular.
    theme
        Name of a napari theme.
    """

    def __init__(
        self, figure: str = "CNR", noun: str = "cell", theme: str = "dark", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._figure, self._noun = figure, noun
        self.canvas: FigureCanvasQTAgg | None = None
        self._values: list[float] = []
        self._selected: float | None = None
        self._theme = theme
        self._empty = QLabel(f"No {figure} to show.", alignment=Qt.AlignmentFlag.AlignCenter)
        self._empty.setEnabled(False)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._timer = QTimer(self, singleShot=True, interval=_REST_MS)
        self._timer.timeout.connect(self._draw)
        self.setFixedHeight(_HEIGHT)
        self.setToolTip(f"The {figure} of each {noun}. Thin line: the median. Coloured line: the selected {noun}.")

    def set_values(self, values: Sequence[float], selected: float | None = None) -> None:
        """Take the figures and draw them at the next pause.

        Parameters
        ----------
        values : sequence of float
            NaN, where there is none, is left out.
        selected : float, optional
            That of the selected one, which is marked.
        """
        self._values = [value for value in values if math.isfinite(value)]
        self._selected = None if selected is None or not math.isfinite(selected) else selected
        self._timer.start()

    def set_theme(self, name: str) -> None:
        """Take the colours of a napari theme."""
        self._theme = name
        self._timer.start()

    def sizeHint(self) -> QSize:  # noqa: N802, D102  (Qt's name)
        return QSize(300, _HEIGHT)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().showEvent(event)
        self._timer.start()

    def _draw(self) -> None:
        if not self.isVisible():
            return  # showEvent comes back to it
        if not self._values:
            self._pages.setCurrentWidget(self._empty)
            return
        canvas = self._canvas()
        self._pages.setCurrentWidget(canvas)
        _plot(canvas, self._values, self._selected, self._theme, (self._figure, self._noun))
        canvas.draw_idle()  # type: ignore[no-untyped-call]

    def _canvas(self) -> FigureCanvasQTAgg:
        if self.canvas is None:
            # imported at the first histogram: napari must not wait for matplotlib to open a dock
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure

            self.canvas = FigureCanvasQTAgg(Figure(layout="constrained"))  # type: ignore[no-untyped-call]
            self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._pages.addWidget(self.canvas)
        return self.canvas


def _plot(
    canvas: FigureCanvasQTAgg, values: list[float], selected: float | None, theme: str, words: tuple[str, str]
) -> None:
    import numpy as np
    from matplotlib.ticker import MaxNLocator
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    text, bars, mark = (getattr(colours, name).as_hex("long") for name in ("text", "highlight", "current"))
    figure = canvas.figure
    figure.clear()
    ground = colours.background.as_hex("long")
    figure.set_facecolor(ground)
    axes = figure.add_subplot(facecolor=ground)
    axes.hist(values, histogram_bins(values).tolist(), color=bars, edgecolor=ground, linewidth=0.8)
    median = float(np.median(values))
    axes.axvline(median, color=text, linewidth=1)
    axes.annotate(
        f"median {median:.2f}",
        (median, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        color=text,
        fontsize=_TEXT_PT,
    )
    if selected is not None:
        axes.axvline(selected, color=mark, linewidth=2)
    axes.set_xlabel(words[0], color=text, fontsize=_TEXT_PT)
    axes.set_ylabel(f"{len(values)} {words[1]}{'s' * (len(values) != 1)}", color=text, fontsize=_TEXT_PT)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.tick_params(colors=text, labelsize=_TEXT_PT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(text)
