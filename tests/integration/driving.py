"""A person's hands: clicks, strokes and keys as real Qt events."""

import numpy as np
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QScrollArea, QTabBar

from napari_leukocyte.core.training_set.reader import Reader
from napari_leukocyte.core.training_set.records import user_name

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_THROTTLED_MS = 10  # napari passes over moves that come within 5 ms of another
LONG = 180_000  # ms that a wait may take before it counts as never; a busy machine is no failure


def of_account(training_set):
    """A training set as the one sees it who has said no other name: the account."""
    return training_set.as_reader(Reader(user_name()))


def block(y0, y1, x0, x1, *, plane=None):
    """Indices of a rectangle as ``data_setitem`` wants them."""
    y, x = (axis.ravel() for axis in np.mgrid[y0:y1, x0:x1])
    return (y, x) if plane is None else (np.full_like(y, plane), y, x)


def click(button):
    """A click in the middle of a button, scrolled to as a person would; it must lie there, under nothing else."""
    assert button.isVisible()
    _bring_into_view(button)
    window = button.window()
    assert window.childAt(button.mapTo(window, button.rect().center())) is button
    QTest.mouseClick(button, LEFT, NO_KEY)


def _bring_into_view(widget):
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()


def open_dock(viewer, qtbot, name):
    """A dock of the plugin from the menu, in front of those that are open."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
    wait_for_front(dock, qtbot)
    return dock


def frame_of(dock):
    """What napari puts around a dock: title bar and buttons."""
    frame = dock.parentWidget()
    while not isinstance(frame, QDockWidget):
        frame = frame.parentWidget()
    return frame


def close_dock(dock):
    """A click on the X of a dock's title bar."""
    click(frame_of(dock).titleBarWidget().close_button)
    assert dock.parentWidget() is None


def go_to_dock(viewer, qtbot, dock):
    """A click on the tab of a dock that lies behind others."""
    frame = frame_of(dock)
    bars = viewer.window._qt_window.findChildren(QTabBar)
    (bar, at), *_ = [(b, i) for b in bars for i in range(b.count()) if b.tabText(i) == frame.windowTitle()]
    QTest.mouseClick(bar, LEFT, NO_KEY, bar.tabRect(at).center())
    wait_for_front(dock, qtbot)


def wait_for_front(dock, qtbot):
    """Docks open beside the others, join them as tabs a moment later, and only then get their height."""

    def lies_as_it_stays():
        QApplication.processEvents()  # the layouts that are due
        height = dock.minimumSizeHint().height()
        return not dock.visibleRegion().isEmpty() and 0 < height <= dock.height()

    qtbot.waitUntil(lies_as_it_stays, timeout=LONG)


def choose(combo, letters):
    """An entry of a list by its first letters, as keys find it; the dialog that it may open is not typed into."""
    combo.view().keyboardSearch("")  # letters of a choice just before would count as its beginning
    QTest.keyClicks(combo, letters)


def type_into(field, text):
    """Digits and letters in place of what a field holds."""
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def canvas_point(viewer, row, column):
    canvas = viewer.window._qt_viewer.canvas
    transform = canvas.view.scene.node_transform(canvas._scene_canvas.scene)
    x, y = transform.map([column, row])[:2]
    return QPoint(round(x), round(y))


def paint(viewer, start, end, modifier=NO_KEY):
    native = viewer.window._qt_viewer.canvas.native
    a, b = canvas_point(viewer, *start), canvas_point(viewer, *end)
    QTest.mouseMove(native, a)
    QTest.mousePress(native, LEFT, modifier, a)
    for t in np.linspace(0, 1, 8):
        drag_to(native, a + (b - a) * float(t), modifier)
        QTest.qWait(_THROTTLED_MS)
    QTest.mouseRelease(native, LEFT, modifier, b)


def hover(viewer, row, column):
    """The mouse moves over the canvas, no button held."""
    native, at = viewer.window._qt_viewer.canvas.native, QPointF(canvas_point(viewer, row, column))
    none = Qt.MouseButton.NoButton
    QTest.qWait(_THROTTLED_MS)
    QApplication.sendEvent(native, QMouseEvent(QEvent.Type.MouseMove, at, native.mapToGlobal(at), none, none, NO_KEY))


def drag_to(native, point, modifier=NO_KEY):
    """The mouse moves with its button held; QTest's own move asks the X server, which answers some time later."""
    at = QPointF(point)
    event = QMouseEvent(QEvent.Type.MouseMove, at, native.mapToGlobal(at), Qt.MouseButton.NoButton, LEFT, modifier)
    QApplication.sendEvent(native, event)


def turn_wheel(widget, notches=-1):
    """The wheel over the middle of a widget, down is negative; returns whether it took the turn."""
    at, none = QPointF(widget.rect().center()), Qt.MouseButton.NoButton
    turn, phase = QPoint(0, 120 * notches), Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, widget.mapToGlobal(at), QPoint(), turn, none, NO_KEY, phase, False)
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drop(widget, *paths):
    """Files and folders, dropped on the middle of a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at, copy = widget.rect().center(), Qt.DropAction.CopyAction
    QApplication.sendEvent(widget, QDragEnterEvent(at, copy, mime, LEFT, NO_KEY))  # else nothing is dropped
    QApplication.sendEvent(widget, QDropEvent(QPointF(at), copy, mime, LEFT, NO_KEY))


def press(viewer, key, modifier=NO_KEY):
    """A key, to whatever has the focus; also where no window manager makes windows active."""
    QTest.keyClick(viewer.window._qt_window.focusWidget(), key, modifier)
