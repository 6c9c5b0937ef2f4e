"""Plots as SVG files: the spread of scores, and predicted against true CNR. They hold no text from outside."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BIN_EDGES", "INK", "MARKERS", "SIZE", "as_svg", "histogram", "new_figure", "scatter"]

# Scores in twenty bins of 5 %, as in the thesis's Figures 5.2 and 5.4.
BIN_EDGES = np.linspace(0, 1, 21)

# What a cell type is drawn in: Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), and a marker, its name
# for matplotlib and as a character, that says the same without colour. The last is for all types beyond.
MARKERS = (
    ("#0072B2", "o", "●"),
    ("#D55E00", "^", "▲"),
    ("#009E73", "s", "■"),
    ("#CC79A7", "D", "◆"),
    ("#B87F00", "v", "▼"),
    ("#555555", "P", "✚"),
)

SIZE = {"histogram": (380, 230), "scatter": (380, 380)}  # width and height on the page, px

INK = "#333333"
_BARS = "#58709B"
_TICKS = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10)


def histogram(values: Sequence[float], *, tallest: int) -> bytes:
    """Draw how many images have which score.

    Parameters
    ----------
    values : sequence of float
        Scores 0-1, without NaN.
    tallest : int
        The fullest bin of all the plots that are to be compared; they get one vertical axis.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(*SIZE["histogram"])
    axes = figure.add_subplot()
    counts, _ = np.histogram(values, BIN_EDGES)
    axes.bar(100 * BIN_EDGES[:-1], counts, width=5, align="edge", color=_BARS, edgecolor="white", linewidth=0.6)
    for left, count in zip(BIN_EDGES[:-1], counts, strict=True):
        if count:  # a single bad image beside hundreds of good ones is a bar too low to see
            axes.annotate(
                f"{count}",
                (100 * left + 2.5, count),
                xytext=(0, 1.5),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=INK,
            )
    if len(values):
        # on the frame, where it hides no bar and no number
        axes.plot(
            100 * np.mean(values), 1, "v", color=INK, markersize=6, clip_on=False, transform=axes.get_xaxis_transform()
        )
    axes.set(xlim=(0, 100), ylim=(0, 1.2 * max(tallest, 1)), xlabel="IoU$_b$, %", ylabel="images")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_ticks(range(0, 101, 20))
    return as_svg(figure)


def scatter(
    true: Sequence[NDArray[np.float64]], predicted: Sequence[NDArray[np.float64]], *, limits: tuple[float, float]
) -> bytes:
    """Draw the predicted CNR of each cell against its true one.

    Parameters
    ----------
    true, predicted : sequences of (N,) arrays
        CNRs above 0; one array for each of `MARKERS`, some may be empty.
    limits : tuple of float
        The range of both axes, which are logarithmic: as much too high and too low look alike.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    figure = new_figure(*SIZE["scatter"])
    axes = figure.add_subplot()
    ends = np.array(limits)
    axes.fill_between(ends, ends / 1.1, ends * 1.1, color="0.9", linewidth=0)
    axes.plot(ends, ends, color=INK, linewidth=1)
    for x, y, (colour, marker, _) in zip(true, predicted, MARKERS, strict=False):
        axes.plot(x, y, marker, color=colour, markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="CNR of the truth", ylabel="CNR of the prediction")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(_TICKS))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return as_svg(figure)


def new_figure(width: int, height: int) -> "Figure":
    """Begin a plot of so many px on the page."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 96, height / 96), layout="constrained")


def as_svg(figure: "Figure") -> bytes:
    """Return a plot as the content of a file."""
    import matplotlib as mpl

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=INK)
        for text in (axes.xaxis.label, axes.yaxis.label):
            text.set(size=9, color=INK)
    file = io.BytesIO()
    # Letters as outlines and no date: one report looks the same everywhere, and is the same file each time.
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "napari-leukocyte"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
