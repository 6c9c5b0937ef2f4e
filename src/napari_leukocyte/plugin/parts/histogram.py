"""A histogram that is drawn when the hand rests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QWidget

from napari_leukocyte.core.bins import histogram_bins
from napari_leukocyte.plugin.parts.plot import TEXT_PT, Plot, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Histogram"]

_REST_MS = 150
_HEIGHT = 140


class Histogram(Plot):
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
        empty = QLabel(f"No {figure} to show.")
        super().__init__(empty, height=_HEIGHT, rest=_REST_MS, theme=theme, parent=parent)
        self._figure, self._noun = figure, noun
        self._values: list[float] = []
        self._selected: float | None = None
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

    def has_content(self) -> bool:  # noqa: D102  (see Plot)
        return bool(self._values)

    def plot(self, figure: Figure, theme: str) -> None:  # noqa: D102  (see Plot)
        _plot(figure, self._values, self._selected, theme, (self._figure, self._noun))


def _plot(figure: Figure, values: list[float], selected: float | None, theme: str, words: tuple[str, str]) -> None:
    import numpy as np
    from matplotlib.ticker import MaxNLocator
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    text, bars, mark = (getattr(colours, name).as_hex("long") for name in ("text", "highlight", "current"))
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
        fontsize=TEXT_PT,
    )
    if selected is not None:
        axes.axvline(selected, color=mark, linewidth=2)
    axes.set_xlabel(words[0], color=text, fontsize=TEXT_PT)
    axes.set_ylabel(f"{len(values)} {words[1]}{'s' * (len(values) != 1)}", color=text, fontsize=TEXT_PT)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    style_axes(axes, text)
