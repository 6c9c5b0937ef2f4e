"""Windows, clicks, strokes, keys, and what is kept of them as a picture."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import napari
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QImage, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget

OUT = Path(__file__).parents[1] / "images"
SIZE = (1400, 900)  # of the window: docks of a smaller one squeeze the canvas
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
_COLOURS = 256
_TIMES = 2  # how large a pixel of a crop is drawn
_THROTTLED_MS = 10  # napari passes over moves that come within 5 ms of another
_CANVAS_MS = 600  # the canvas draws at its own pace; nothing announces the last frame


def new_viewer() -> napari.Viewer:
    """A viewer in a window of the usual size."""
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    return viewer


def open_dock(viewer: napari.Viewer, name: str) -> Any:
    """Open one of our docks; those open already become tabs beside it."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
    QTest.qWait(300)
    return dock


def show_dock(dock: Any) -> None:
    """Bring a dock to the front of its tabs."""
    dock._window_and_dock()[1].raise_()
    QTest.qWait(300)


def wait_for(condition: Callable[[], bool], timeout: float = 600) -> None:
    """Let napari work until the condition holds; ``timeout`` in seconds."""
    end = monotonic() + timeout
    while not condition():
        if monotonic() > end:
            raise TimeoutError("napari did not come to rest")
        QTest.qWait(20)


def click(button: QWidget) -> None:
    """Press a button; one that cannot be pressed is an error, not a picture of nothing."""
    assert button.isEnabled(), button.text()
    QTest.mouseClick(button, LEFT)


def press(viewer: napari.Viewer, key: Qt.Key, modifier: Qt.KeyboardModifier = NO_KEY) -> None:
    """Press a key over the canvas."""
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)


def click_row(dock: Any, row: int) -> None:
    """Click a row of the Measure dock's table."""
    table = dock.table
    place = table.visualRect(table.model().index(row, 2)).center()
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, place)


def stroke(viewer: napari.Viewer, places: Sequence[tuple[float, float]]) -> None:
    """Draw with the left button over pixels (row, column) of the class map."""
    native = viewer.window._qt_viewer.canvas.native
    points = [on_canvas(viewer, y, x) for y, x in places]
    QTest.mouseMove(native, points[0])
    QTest.mousePress(native, LEFT, NO_KEY, points[0])
    for point in points:
        at = QPointF(point)
        event = QMouseEvent(QEvent.Type.MouseMove, at, native.mapToGlobal(at), Qt.MouseButton.NoButton, LEFT, NO_KEY)
        QApplication.sendEvent(native, event)
        QTest.qWait(_THROTTLED_MS)
    QTest.mouseRelease(native, LEFT, NO_KEY, points[-1])


def on_canvas(viewer: napari.Viewer, y: float, x: float) -> QPoint:
    """Where a pixel (row, column) of the class map is seen."""
    world = viewer.layers["classes"].data_to_world((y, x))
    canvas = viewer.window._qt_viewer.canvas
    transform = canvas.view.scene.node_transform(canvas._scene_canvas.scene)
    across, down = transform.map([world[1], world[0]])[:2]
    return QPoint(round(across), round(down))


# ---- what is kept ---------------------------------------------------------------------------------------


def window_picture(viewer: napari.Viewer, name: str) -> None:
    """The whole window."""
    QTest.qWait(_CANVAS_MS)
    keep(viewer.screenshot(canvas_only=False, flash=False), name)


def dock_picture(viewer: napari.Viewer, dock: QWidget, name: str) -> None:
    """A dock alone, in a window so high that nothing of it is scrolled away."""
    bars = [room.verticalScrollBar() for room in dock.findChildren(QScrollArea) if room.parent() is dock]
    for _ in range(2):  # without its scroll bar the dock is wider, and its lines wrap anew
        viewer.window.resize(SIZE[0], viewer.window._qt_window.height() + sum(bar.maximum() for bar in bars))
        QTest.qWait(_CANVAS_MS)
    grabbed = dock.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    values = np.frombuffer(grabbed.constBits().asarray(grabbed.sizeInBytes()), np.uint8)
    rows = values.reshape(grabbed.height(), grabbed.bytesPerLine())[:, : 3 * grabbed.width()]
    keep(rows.reshape(grabbed.height(), grabbed.width(), 3), name)
    viewer.window.resize(*SIZE)
    QTest.qWait(_CANVAS_MS)


def canvas_picture(viewer: napari.Viewer) -> NDArray[np.uint8]:
    """The image with the layers over it, without the rest of the canvas, as (Y, X, 3)."""
    QTest.qWait(_CANVAS_MS)
    shot: NDArray[np.uint8] = viewer.export_figure(scale_factor=_TIMES, flash=False)[..., :3]
    return shot


def keep(picture: NDArray[np.uint8], name: str) -> None:
    """Write a picture with a palette of its own, a third as large and hardly to be told from the original."""
    OUT.mkdir(exist_ok=True)
    full = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    full.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=4).save(OUT / name, optimize=True)
