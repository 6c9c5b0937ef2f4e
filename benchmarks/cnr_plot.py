"""The CNR of a model against the CNR of the expert mask, a marker for each cell, as a figure for the docs."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from napari_leukocyte.core.files import atomic_path
from summary import Scored

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/); the marker says the same without colour.
STYLE = {
    "lymphocyte": ("#D55E00", "o"),
    "monocyte": ("#009E73", "^"),
    "neutrophil": ("#0072B2", "s"),
    "eosinophil": ("#CC79A7", "D"),
    "basophil": ("#E69F00", "v"),
}
OTHER = ("#555555", "P")  # a type that has no colour here, or none at all
TICKS = [0.3, 0.4, 0.5, 0.7, 1, 1.4, 2, 3, 4, 6]
RATIO_TICKS = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2]
BAND = 1.1  # up to 10 % off, as a factor to both sides


def draw(images: Sequence[Scored], path: Path) -> None:
    """Write the figure; cells that lack a CNR on one side have no place in it."""
    cells = [(image, pair) for image in images for pair in image.pairs if pair.compared]
    sources = list(dict.fromkeys(image.source for image, _ in cells))
    count = Counter(image.cell_type for image, _ in cells)
    types = [*(name for name in STYLE if name in count), *sorted(count.keys() - STYLE.keys())]
    cells.sort(key=lambda cell: -count[cell[0].cell_type])  # the rarer a type, the later it is drawn, on top
    cnrs = [side.cnr for _, pair in cells for side in (pair.predicted, pair.truth) if side]
    limits = min(cnrs) / 1.5, max(cnrs) * 1.35
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(8.4, 4.7), layout="constrained", facecolor="white")
        scatter, ratio = figure.subplots(1, 2)
        for image, pair in cells:
            assert pair.predicted is not None  # both sides have a CNR
            assert pair.truth is not None
            colour, marker = STYLE.get(image.cell_type, OTHER)
            fill = colour if image.source == sources[0] else "white"
            # a range may reach down to 0 or up to infinity
            ends = np.clip([pair.predicted.cnr_low, pair.predicted.cnr_high], *limits)
            for axes, unit in ((scatter, 1.0), (ratio, pair.truth.cnr)):
                axes.plot([pair.truth.cnr] * 2, ends / unit, color=colour, lw=0.8, alpha=0.45, zorder=2)
                y = pair.predicted.cnr / unit
                axes.plot(pair.truth.cnr, y, marker, ms=5, mec=colour, mew=1.1, mfc=fill, zorder=3)
        ends = np.array(limits)
        furnish(scatter, ends, ends, TICKS, lambda value, _: f"{value:g}")
        scatter.set(ylim=limits, aspect="equal", ylabel="CNR, model", title="CNR of each cell")
        furnish(
            ratio, ends, np.ones(2), RATIO_TICKS, lambda value, _: "0" if value == 1 else f"{100 * (value - 1):+.0f} %"
        )
        ratio.set(ylabel="model against expert", title="How far the model is off")
        figure.legend(handles=legend(types, sources), loc="outside lower center", ncols=4, frameon=False)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=200)


def furnish(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    y_ticks: Sequence[float],
    y_text: Callable[[float, int | None], str],
) -> None:
    """Log axes, with the line (x, y) on which model and expert agree and the band around it."""
    axes.fill_between(x, y / BAND, y * BAND, color="0.9", lw=0, zorder=0)
    axes.plot(x, y, color="0.35", lw=1, zorder=1)
    axes.set(xscale="log", yscale="log", xlim=tuple(x), xlabel="CNR, expert mask")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(y_text))
    for axis, ticks in ((axes.xaxis, TICKS), (axes.yaxis, y_ticks)):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())


def legend(types: Sequence[str], sources: Sequence[str]) -> list[Artist]:
    """Cell types by colour and marker, sources by filling, then what the bars and the band are."""

    def key(label: str, marker: str, colour: str, fill: str, size: float = 5) -> Line2D:
        return Line2D([], [], ls="", marker=marker, ms=size, mec=colour, mfc=fill, mew=1.1, label=label)

    styles = [(name, STYLE.get(name, OTHER)) for name in types]
    return [
        *(key(name or "type unknown", marker, colour, colour) for name, (colour, marker) in styles),
        *(key(source, "o", "0.35", "0.35" if source == sources[0] else "white") for source in sources),
        key("CNR range of the model", "|", "0.55", "0.55", size=11),
        Patch(color="0.9", label=f"up to {100 * (BAND - 1):.0f} % off"),
    ]
