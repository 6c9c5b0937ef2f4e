"""How many pixels of the canvas are one of the units in which Qt, and text on the canvas, is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["pixel_ratio"]


def pixel_ratio(viewer: ViewerModel) -> float:
    """Device pixels per unit on the screen that shows the viewer's window; 1 without a window."""
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return 1.0 if window is None else float(window.devicePixelRatioF())
