"""What is needed at the first labels and the first docks is compiled and loaded beside the window."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from threading import Event

import numpy as np

from napari_leukocyte.plugin.background import Background

__all__ = ["until_warm", "warm_up"]

_begun: list[Background] = []  # once in a process
_ended = Event()
_LOOK_S = 0.1
# what other docks load when they open, or when something is saved there for the first time
_LATER = (
    "napari_leukocyte.core.exchange.formats",
    "napari_leukocyte.core.training_set.training_set",
    "napari_leukocyte.core.training_set.reading",
    "napari_leukocyte.plugin.correct.set_jobs",
    "napari_leukocyte.plugin.measure.saving",
)


def warm_up() -> None:
    """Begin, beside the window; a second call does nothing."""
    if not _begun:
        _begun.append(Background("the preparation of the canvas"))
        _begun[0].start(_compile, failed=lambda _sentence: None)  # then it is compiled when it is needed


def until_warm() -> Iterator[None]:
    """For a worker: yields, so that Cancel works, until a result would not have the window wait for the same."""
    while _begun and not _ended.wait(_LOOK_S):
        yield None


def _compile() -> None:
    """Colour a few labels of each kind, in layers that no viewer has, and load what draws the plots."""
    try:
        _colour_labels()
    finally:
        _ended.set()
    _draw_nothing()
    for module in _LATER:
        import_module(module)


def _draw_nothing() -> None:
    """Have matplotlib load its backend and fonts."""
    import matplotlib.backends.backend_qtagg  # noqa: F401
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    figure.add_subplot().set_xlabel("0")
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]


def _colour_labels() -> None:
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap, LockedLabels
    from napari_leukocyte.plugin.canvas.layers import cell_colormap, class_colormap
    from napari_leukocyte.plugin.settings import get_settings

    ClassMap(np.ones((2, 2), np.uint8), colormap=class_colormap(get_settings().palette))
    LockedLabels(np.ones((2, 2), np.int32), colormap=cell_colormap())
