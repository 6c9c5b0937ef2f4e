"""Strip plots of CNR: every cell, and over them one mark for each patient."""

import math
from collections.abc import Sequence

import numpy as np

from napari_leukocyte.core.scoring.report.plots import INK, MARKERS, as_svg, new_figure

__all__ = ["MOST_DOTS", "SIZE", "strip_plot"]

SIZE = (380, 300)  # width and height on the page, px
MOST_DOTS = 300  # of a group; more would only be one bar of ink
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20)
_MOST_TICKS = 7


def strip_plot(
    cells: Sequence[Sequence[float]], patients: Sequence[Sequence[float]], middles: Sequence[float]
) -> bytes:
    """Draw the CNR of cells and patients by group, as SVG without text from outside: groups are 1, 2, ...

    Parameters
    ----------
    cells, patients : sequences of sequences of float
        CNRs above 0 of each group; some may be empty, not all. Of more than `MOST_DOTS` cells every n-th by size is
        drawn, so that the spread stays.
    middles : sequence of float
        Where each group has its line; NaN: nowhere.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    figure = new_figure(*SIZE)
    axes = figure.add_subplot()
    for number, (own, medians, line) in enumerate(zip(cells, patients, middles, strict=True)):
        colour, marker, _ = MARKERS[number % len(MARKERS)]
        dots = _thinned(own)
        axes.plot(number + 1 + 0.3 * _spread(len(dots)), dots, ".", color="0.72", markersize=3.5, markeredgewidth=0)
        middle = np.sort(medians)
        places = number + 1 + 0.22 * _spread(len(middle))
        axes.plot(places, middle, marker, color=colour, markersize=7, markeredgecolor="white", markeredgewidth=0.8)
        if not math.isnan(line):
            axes.plot([number + 0.66, number + 1.34], [line] * 2, color=INK, linewidth=1.2)
    every = [value for own in cells for value in own]
    low, high = min(every) / 1.1, max(every) * 1.1
    axes.set(yscale="log", ylim=(low, high), xlim=(0.4, len(cells) + 0.6), xlabel="group", ylabel="CNR")
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.yaxis.set_major_locator(FixedLocator(ticks[:: math.ceil(len(ticks) / _MOST_TICKS)] if ticks else [low, high]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.xaxis.set_ticks(range(1, len(cells) + 1))
    return as_svg(figure)


def _thinned(values: Sequence[float]) -> np.ndarray:
    sorted_ = np.sort(np.asarray(values, float))
    if sorted_.size <= MOST_DOTS:
        return sorted_
    chosen: np.ndarray = sorted_[np.linspace(0, sorted_.size - 1, MOST_DOTS).round().astype(int)]
    return chosen


def _spread(number: int) -> np.ndarray:
    """Places from -1 to 1 that scatter evenly, the same each time (golden-ratio steps)."""
    return 2 * ((np.arange(number) * 0.6180339887 + 0.5) % 1) - 1
