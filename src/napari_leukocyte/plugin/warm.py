"""What is needed at the first labels, edits and docks is compiled and loaded beside the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.canvas.after_event import after_event

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["until_warm", "warm_up", "warm_up_with_a_layer"]

_begun: list[Background] = []  # once in a process
_ended = Event()
_LOOK_S = 0.1
_FOR_EDITS = ("scipy.ndimage", "scipy.spatial.distance", "skimage.morphology", "skimage.segmentation")
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


def warm_up_with_a_layer(viewer: ViewerModel) -> None:
    """Begin as soon as the viewer has a layer: what napari begins with its first one is not made for two threads."""

    def begin(_event: object = None) -> None:
        viewer.layers.events.inserted.disconnect(begin)
        after_event(viewer, warm_up)

    if len(viewer.layers):
        warm_up()
    elif not _begun:
        viewer.layers.events.inserted.connect(begin)


def until_warm() -> Iterator[None]:
    """For a worker: yields, so that Cancel works, until a result would not have the window wait for the same."""
    while _begun and not _ended.wait(_LOOK_S):
        yield None


def _compile() -> None:
    """Colour and edit a few labels of each kind, in layers that no viewer has, and load what edits and plots need."""
    for module in _FOR_EDITS:
        import_module(module)
    try:
        if _numba_serves_two_threads():
            _colour_labels()
    finally:
        _ended.set()
    _draw_nothing()
    for module in _LATER:
        import_module(module)


def _numba_serves_two_threads() -> bool:
    """Whether the window may colour labels meanwhile: numba's own pool, for want of OpenMP or TBB, ends the process."""
    try:
        from numba import config
    except ImportError:
        return True  # nothing is compiled then
    if getattr(config, "THREADING_LAYER", "default") == "workqueue":
        return False
    for pool in ("omppool", "tbbpool"):
        with suppress(ImportError):
            import_module(f"numba.np.ufunc.{pool}")
            return True
    return False


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

    corner = np.array([0, 1]), np.array([0, 1])
    for layer in (
        ClassMap(np.ones((4, 4), np.uint8), colormap=class_colormap(get_settings().palette)),
        LockedLabels(np.ones((4, 4), np.int32), colormap=cell_colormap()),
    ):
        layer.data_setitem(corner, 2)  # which colours a part of them
