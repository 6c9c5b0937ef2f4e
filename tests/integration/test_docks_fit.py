"""Every dock in a window of a small laptop: it opens without making the window larger, and nothing in it is cut."""

import numpy as np
import pytest
from driving import LONG, drag_to, go_to_dock, open_dock
from qtpy.QtCore import QPoint, QSize, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QScrollArea,
    QScrollBar,
    QWidget,
)

from napari_leukocyte.plugin.parts.shared_height import SharedHeight

DOCKS = ("Segment", "Measure", "Compare", "Correct", "Train")
WINDOWS = (QSize(1280, 800), QSize(1000, 700))
_WHOLE = (QAbstractScrollArea, QAbstractSpinBox, QComboBox)  # the style lays out what is inside


def cut(dock):
    """Widgets of a dock that are lower than what they hold, or reach out of it; what scrolls is looked at inside."""
    found = []
    for widget in dock.findChildren(QWidget):
        inside = widget.parentWidget()
        if not widget.isVisible() or widget.isWindow() or isinstance(widget, QScrollBar | QHeaderView):
            continue
        if isinstance(inside, _WHOLE) or inside.objectName().startswith("qt_scrollarea_"):
            continue
        if isinstance(widget, QScrollArea) and widget.widget().width() > widget.viewport().width():
            found.append((widget, widget.widget().width(), widget.viewport().width()))
        if widget.height() < min(widget.minimumSizeHint().height(), widget.maximumHeight()):
            found.append((widget, widget.height(), widget.minimumSizeHint().height()))
        if not inside.rect().contains(widget.geometry()):
            found.append((widget, widget.geometry(), inside.rect()))
    return found


@pytest.mark.parametrize("size", WINDOWS, ids=lambda size: f"{size.width()}x{size.height()}")
def test_docks_neither_make_a_small_window_larger_nor_are_cut(viewer, qtbot, segmentation, disc_map, size):
    window = viewer.window._qt_window
    viewer.window.resize(size.width(), size.height())
    qtbot.waitUntil(lambda: window.size() == size, timeout=LONG)
    opened = {}

    def open_and_look(name):
        opened[name] = open_dock(viewer, qtbot, name)
        qtbot.waitUntil(lambda: opened[name]._settled and not cut(opened[name]), timeout=LONG)
        assert window.size() == size, name

    open_and_look("Segment")
    image = viewer.add_image(np.full((200, 260, 3), 200, np.uint8), name="smear")
    session = opened["Segment"].session
    session.open_layer(image)
    session.put(0, segmentation(disc_map((200, 260), (60, 60, 30, 15), (60, 180, 28, 20))))
    for name in DOCKS[1:]:
        open_and_look(name)
    session.select(0, 1)
    for dock in opened.values():
        go_to_dock(viewer, qtbot, dock)
        qtbot.waitUntil(lambda dock=dock: not cut(dock), timeout=LONG)
        assert window.size() == size
        assert dock.minimumSizeHint().height() > 60  # which is what its content needs, now that it has its place


def test_a_dock_that_scrolls_shows_its_whole_width_in_a_low_window_too(viewer, qtbot, tmp_path):
    viewer.window.resize(1000, 700)
    viewer.add_labels(np.zeros((50, 60), np.uint8))  # of another tool, which the dock offers to take
    dock = open_dock(viewer, qtbot, "Correct")
    dock.new_set(tmp_path / "set")
    qtbot.waitUntil(lambda: not dock.disk.busy and dock.set_bar.reader.field.isVisible(), timeout=LONG)
    (room,) = [room for room in dock.findChildren(QScrollArea) if room.parent() is dock]
    qtbot.waitUntil(room.verticalScrollBar().isVisible, timeout=LONG)
    qtbot.waitUntil(lambda: not cut(dock), timeout=LONG)


def test_a_question_below_the_fold_comes_into_view(viewer, qtbot):
    viewer.window.resize(1000, 560)
    dock = open_dock(viewer, qtbot, "Segment")
    dock.question.ask("May it?", {f"Answer {number}": lambda: None for number in range(9)})
    qtbot.waitUntil(lambda: not dock.question.buttons["Answer 8"].visibleRegion().isEmpty(), timeout=LONG)


def test_on_a_large_screen_all_below_the_table_is_seen_until_somebody_moves_the_line(viewer, qtbot):
    viewer.window.resize(1920, 1080)
    dock = open_dock(viewer, qtbot, "Measure")
    histogram, line = dock.histogram, dock.findChild(SharedHeight).handle(1)
    qtbot.waitUntil(lambda: histogram.visibleRegion().boundingRect() == histogram.rect(), timeout=LONG)
    assert dock.table.height() > dock.table.minimumHeight() + 100
    viewer.window.resize(1920, 1180)
    qtbot.waitUntil(lambda: dock.table.height() > 400, timeout=LONG)
    assert histogram.visibleRegion().boundingRect() == histogram.rect()
    at, before = line.rect().center(), dock.table.height()
    QTest.mousePress(line, Qt.MouseButton.LeftButton, pos=at)
    drag_to(line, at + QPoint(0, 90))
    QTest.mouseRelease(line, Qt.MouseButton.LeftButton, pos=at)
    assert dock.table.height() == before + 90
    viewer.window.resize(1920, 1160)
    qtbot.waitUntil(lambda: dock.table.height() == before + 70, timeout=LONG)
