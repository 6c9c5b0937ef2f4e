"""A person's hands: clicks, strokes and keys as real Qt events."""

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_THROTTLED_MS = 10  # napari passes over moves that come within 5 ms of another
LONG = 60_000  # ms that a wait may take before it counts as never


def block(y0, y1, x0, x1, *, plane=None):
    """Indices of a rectangle as ``data_setitem`` wants them."""
    y, x = (axis.ravel() for axis in np.mgrid[y0:y1, x0:x1])
    return (y, x) if plane is None else (np.full_like(y, plane), y, x)


def click(button):
    assert button.isVisible()
    QTest.mouseClick(button, LEFT, NO_KEY)


def canvas_point(viewer, row, column):
    canvas = viewer.window._qt_viewer.canvas
    transform = canvas.view.scene.node_transform(canvas._scene_canvas.scene)
    x, y = transform.map([column, row])[:2]
    return QPoint(round(x), round(y))


def paint(viewer, start, end):
    native = viewer.window._qt_viewer.canvas.native
    a, b = canvas_point(viewer, *start), canvas_point(viewer, *end)
    QTest.mouseMove(native, a)
    QTest.mousePress(native, LEFT, NO_KEY, a)
    for t in np.linspace(0, 1, 8):
        drag_to(native, a + (b - a) * float(t))
        QTest.qWait(_THROTTLED_MS)
    QTest.mouseRelease(native, LEFT, NO_KEY, b)


def drag_to(native, point):
    """The mouse moves with its button held; QTest's own move asks the X server, which answers some time later."""
    at = QPointF(point)
    event = QMouseEvent(QEvent.Type.MouseMove, at, native.mapToGlobal(at), Qt.MouseButton.NoButton, LEFT, NO_KEY)
    QApplication.sendEvent(native, event)


def press(viewer, key, modifier=NO_KEY):
    """A key, to whatever has the focus; also where no window manager makes windows active."""
    QTest.keyClick(viewer.window._qt_window.focusWidget(), key, modifier)
