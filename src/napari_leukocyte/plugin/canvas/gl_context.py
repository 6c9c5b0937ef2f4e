"""The OpenGL context in which napari frees what a removed layer held on the graphics card."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["make_current"]


def make_current(viewer: ViewerModel) -> None:
    """Make the context of a viewer's canvas the current one; without a canvas there is nothing to do.

    napari frees buffers and programs at once when a layer goes, in whatever context is current: as a rule the one in
    which Qt puts the window together. Mesa's drivers then draw the next image with a program that is gone, and the
    process ends with a segmentation fault.
    """
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    if window is None:
        return
    from qtpy.QtOpenGLWidgets import QOpenGLWidget

    canvas = window.findChild(QOpenGLWidget)
    if canvas is not None and canvas.isValid():  # it was shown, so that it has a context
        canvas.makeCurrent()
