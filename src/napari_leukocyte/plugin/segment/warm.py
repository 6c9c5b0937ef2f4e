"""What napari compiles when the first labels are shown, for some seconds, is compiled beside the window."""

from __future__ import annotations

from threading import Event

import numpy as np

from napari_leukocyte.plugin.background import Background

__all__ = ["wait_until_warm", "warm_up"]

_begun: list[Background] = []  # once in a process
_ended = Event()
_LONGEST_S = 30.0


def warm_up() -> None:
    """Begin, beside the window; a second call does nothing."""
    if not _begun:
        _begun.append(Background("the preparation of the canvas"))
        _begun[0].start(_compile, failed=lambda _sentence: None)  # then it is compiled when it is needed


def wait_until_warm() -> None:
    """For a worker: a result that comes sooner would have the window wait for the same."""
    if _begun:
        _ended.wait(_LONGEST_S)


def _compile() -> None:
    """Colour a few labels of each kind, in layers that no viewer has, and load what draws the plots."""
    try:
        _colour_labels()
        _draw_nothing()
    finally:
        _ended.set()


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
