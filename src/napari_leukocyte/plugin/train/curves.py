"""The live curves of a training: losses above, IoU_b of each class below, over the epochs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_leukocyte.core.model.events import TrainEpoch
from napari_leukocyte.plugin.parts.docks import note
from napari_leukocyte.plugin.parts.plot import TEXT_PT, Plot, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Curves"]

_HEIGHT = 270
_REST_MS = 50
# dashes and marks tell the lines apart for colour-blind users too
_LINES = {
    "training": {"linestyle": "-", "marker": "o"},
    "validation": {"linestyle": "--", "marker": "s"},
    "cell": {"linestyle": "-", "marker": "o"},
    "cytoplasm": {"linestyle": "--", "marker": "s"},
    "nucleus": {"linestyle": ":", "marker": "^"},
}
_HUES = {  # legible on the backgrounds of napari's dark and light themes
    "dark": {"training": "#56b4e9", "validation": "#e69f00", "cytoplasm": "#56b4e9", "nucleus": "#e69f00"},
    "light": {"training": "#0072b2", "validation": "#a94500", "cytoplasm": "#0072b2", "nucleus": "#a94500"},
}


class Curves(Plot):
    """Draws the epochs so far; a thin line marks the epoch whose weights are kept."""

    def __init__(self, theme: str = "dark", parent: QWidget | None = None) -> None:
        empty = note("The curves begin with the first epoch.")
        super().__init__(empty, height=_HEIGHT, rest=_REST_MS, theme=theme, parent=parent)
        self.epochs: list[TrainEpoch] = []
        self.setToolTip(
            "Above: the loss on the windows that train, and on whole images that choose the best epoch. Below: IoU_b "
            "of each class on those images. Thin line: the epoch whose weights are kept."
        )

    def clear(self) -> None:
        """Remove all epochs."""
        self.epochs = []
        self._timer.start()

    def add(self, epoch: TrainEpoch) -> None:
        """Draw one more epoch at the next pause."""
        self.epochs.append(epoch)
        self._timer.start()

    def has_content(self) -> bool:  # noqa: D102  (see Plot)
        return bool(self.epochs)

    def plot(self, figure: Figure, theme: str) -> None:  # noqa: D102  (see Plot)
        _plot(figure, self.epochs, theme)


def _plot(figure: Figure, epochs: list[TrainEpoch], theme: str) -> None:
    from matplotlib.ticker import MaxNLocator
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    text, ground = (getattr(colours, name).as_hex("long") for name in ("text", "background"))
    hues = _HUES["light" if sum(colours.background.as_rgb_tuple()[:3]) > 3 * 128 else "dark"]
    figure.set_facecolor(ground)
    above, below = figure.subplots(2, 1, sharex=True)
    numbers = [epoch.epoch for epoch in epochs]
    curves = {
        "training": [epoch.train_loss for epoch in epochs],
        "validation": [epoch.validation_loss for epoch in epochs],
    }
    _lines(above, numbers, curves, "loss", hues, text)
    names = [name for name in ("cell", "cytoplasm", "nucleus") if any(_known(e, name) for e in epochs)]
    values = {name: [_iou_b(epoch, name) for epoch in epochs] for name in names}
    _lines(below, numbers, values, "IoU_b", hues, text)
    below.set_xlabel(f"epoch, of {epochs[-1].epochs}; line: the weights that are kept", color=text, fontsize=TEXT_PT)
    below.set_xlim(0.5, max(numbers[-1], 2) + 0.5)
    below.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    kept = next((epoch.epoch for epoch in reversed(epochs) if epoch.saved), None)
    for axes in (above, below):
        axes.set_facecolor(ground)
        if kept is not None:
            axes.axvline(kept, color=text, linewidth=0.8, alpha=0.5, zorder=0)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        style_axes(axes, text)


def _lines(
    axes: Axes, numbers: list[int], curves: dict[str, list[float]], label: str, hues: dict[str, str], text: str
) -> None:
    style: Any
    for name, values in curves.items():
        style = _LINES[name]
        axes.plot(numbers, values, label=name, color=hues.get(name, text), markersize=3.5, linewidth=1.4, **style)
    axes.set_ylabel(label, color=text, fontsize=TEXT_PT)
    if curves:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(curves),
            frameon=False,
            fontsize=TEXT_PT,
            labelcolor=text,
            borderaxespad=0.2,
            handlelength=2.4,
            columnspacing=1.4,
        )


def _known(epoch: TrainEpoch, name: str) -> bool:
    return not math.isnan(_iou_b(epoch, name))


def _iou_b(epoch: TrainEpoch, name: str) -> float:
    value = epoch.iou_b.get(name)
    return math.nan if value is None else value
