"""The hands of a day at the microscope: real mouse and key events, counted, and a watch over the window's thread."""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep, thread_time
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QTabBar, QWidget

__all__ = ["Hands", "Hold", "Watch"]

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
HOLD_S = 0.1  # of the window's own processor time: what other programs take is no hold of ours
_BEAT_MS, _LOOK_S = 5, 0.01
_THROTTLED_MS = 10  # napari passes over moves that come within 5 ms of another
_PATIENCE_S = 180
_OURS, _HAND = "napari_leukocyte", ("day.py", "day_hands.py", "test_day.py")
_OTHERS = ("napari", "vispy", "magicgui", "superqt", "numba", "npe2", "app_model")


@dataclass
class Hold:
    """The window's thread answered nothing for this long.

    Attributes
    ----------
    step
        What was being done.
    seconds
        Processor time of the thread.
    where
        How often a function was met in it at the top of what the plugin, napari or another package did, by name.
    """

    step: str
    seconds: float
    where: Counter[str] = field(default_factory=Counter)

    @property
    def whose(self) -> str:
        """The function that took most of it, with its package."""
        return self.where.most_common(1)[0][0] if self.where else "unknown"

    @property
    def ours(self) -> bool:
        """Whether it was the plugin's own code that held, and not what napari or a library did for it."""
        return self.whose.startswith(_OURS)


class Watch:
    """Beats in the window's thread, looked at from another one, which takes down what holds the beat up."""

    def __init__(self) -> None:
        self.holds: list[Hold] = []
        self.step = ""
        self._seen: Counter[str] = Counter()
        self._last, self._cpu = perf_counter(), thread_time()
        self._main = threading.get_ident()
        self._ended = False
        self._timer = QTimer(interval=_BEAT_MS)
        self._timer.timeout.connect(self.beat)
        self._timer.start()
        self._thread = threading.Thread(target=self._look, daemon=True, name="watch over the window")
        self._thread.start()

    def beat(self) -> None:
        """The window's thread is at its event loop."""
        now = thread_time()
        if now - self._cpu > HOLD_S and self._seen:
            self.holds.append(Hold(self.step, now - self._cpu, self._seen))
        self._seen, self._last, self._cpu = Counter(), perf_counter(), now

    def end(self) -> None:
        """Look no more."""
        self._ended = True
        self._timer.stop()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended:
            sleep(_LOOK_S)
            if perf_counter() - self._last > 2 * _LOOK_S:
                frame = sys._current_frames().get(self._main)
                where = _where(frame)
                if where:
                    self._seen[where] += 1


def _where(frame: Any) -> str:
    """The innermost function of the plugin, of napari or of a package like it, and for whom it works; empty: the hands.

    What numpy or Qt does counts for who called it.
    """
    found, caller = "", ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        name = f"{module}.{getattr(frame.f_code, 'co_qualname', frame.f_code.co_name)}"
        if package == _OURS:
            if not found:
                return name
            caller = name
            break
        if package in _OTHERS and not found:
            found = name
        if not found and Path(frame.f_code.co_filename).name in _HAND:
            return ""
        frame = frame.f_back
    return f"{found} for {caller.removeprefix(f'{_OURS}.')}" if caller else found


class Hands:
    """A person's hands at one window.

    Parameters
    ----------
    viewer
        The window; `sit_down` goes to another one.
    counts
        How many clicks, keys and strokes there were; a stroke is a press, a way and a release.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.counts: Counter[str] = Counter()

    # ---- the mouse --------------------------------------------------------------------------------------

    def click(self, button: QWidget) -> None:
        """A click in the middle of a button, scrolled to as a person would; it must lie there, under nothing else."""
        parent = button.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(button)
            parent = parent.parentWidget()
        window = button.window()
        if not button.isEnabled() or window.childAt(button.mapTo(window, button.rect().center())) is not button:
            raise AssertionError(f"{button.text() if hasattr(button, 'text') else button} cannot be clicked")
        self.counts["clicks"] += 1
        QTest.mouseClick(button, LEFT, NO_KEY)

    def click_row(self, table: Any, row: int, column: int = 2) -> None:
        """A click in a table."""
        at = table.visualRect(table.model().index(row, column)).center()
        self.counts["clicks"] += 1
        QTest.mouseClick(table.viewport(), LEFT, NO_KEY, at)

    def click_header(self, table: Any, column: int) -> None:
        """A click on the title of a column."""
        header = table.horizontalHeader()
        at = QPoint(header.sectionViewportPosition(column) + header.sectionSize(column) // 2, header.height() // 2)
        self.counts["clicks"] += 1
        QTest.mouseClick(header.viewport(), LEFT, NO_KEY, at)

    def open_dock(self, name: str) -> Any:
        """A dock from the Plugins menu: two clicks."""
        self.counts["clicks"] += 2
        _, dock = self.viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
        # it opens below the others, and gets its height when it has joined them as a tab
        self.wait(
            lambda: not dock.visibleRegion().isEmpty() and 0 < dock.minimumSizeHint().height() <= dock.height(), name
        )
        return dock

    def go_to_dock(self, dock: Any) -> None:
        """A click on the tab of a dock that lies behind others."""
        title = dock._window_and_dock()[1].windowTitle()
        bars = self.viewer.window._qt_window.findChildren(QTabBar)
        bar, at = next((b, i) for b in bars for i in range(b.count()) if b.tabText(i) == title)
        self.counts["clicks"] += 1
        QTest.mouseClick(bar, LEFT, NO_KEY, bar.tabRect(at).center())
        self.wait(lambda: not dock.visibleRegion().isEmpty(), title)

    def drop(self, onto: QWidget, *paths: Path) -> None:
        """Files or folders dropped on a dock, or the canvas: one gesture."""
        self.counts["drops"] += 1
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        middle = onto.rect().center()
        enter = QDragEnterEvent(middle, Qt.DropAction.CopyAction, mime, LEFT, NO_KEY)
        QApplication.sendEvent(onto, enter)  # Qt drops nothing that has not come in
        QApplication.sendEvent(onto, QDropEvent(QPointF(middle), Qt.DropAction.CopyAction, mime, LEFT, NO_KEY))

    def stroke(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A stroke over the shown image, from one pixel (row, column) to another."""
        self.counts["strokes"] += 1
        native = self.viewer.window._qt_viewer.canvas.native
        a, b = self._on_canvas(*start), self._on_canvas(*end)
        QTest.mouseMove(native, a)
        QTest.mousePress(native, LEFT, NO_KEY, a)
        for share in np.linspace(0, 1, 8):
            at = QPointF(a + (b - a) * float(share))
            where = native.mapToGlobal(at)
            move = QMouseEvent(QEvent.Type.MouseMove, at, where, Qt.MouseButton.NoButton, LEFT, NO_KEY)
            QApplication.sendEvent(native, move)
            QTest.qWait(_THROTTLED_MS)
        QTest.mouseRelease(native, LEFT, NO_KEY, b)

    def _on_canvas(self, row: float, column: float) -> QPoint:
        world = self.viewer.layers["classes"].data_to_world((row, column))
        canvas = self.viewer.window._qt_viewer.canvas
        transform = canvas.view.scene.node_transform(canvas._scene_canvas.scene)
        x, y = transform.map([world[-1], world[-2]])[:2]
        return QPoint(round(x), round(y))

    # ---- keys -------------------------------------------------------------------------------------------

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NO_KEY) -> None:
        """A key, to whatever has the focus."""
        self.counts["keys"] += 1
        QTest.keyClick(self.viewer.window._qt_window.focusWidget(), key, modifier)

    def type_into(self, widget: Any, text: str) -> None:
        """Digits and letters in place of what a field holds."""
        self.counts["keys"] += len(text) + 1
        widget.setFocus()
        widget.selectAll()
        QTest.keyClicks(widget, text)
        QTest.keyClick(widget, Qt.Key.Key_Return)

    # ---- patience ---------------------------------------------------------------------------------------

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Let napari work until something is so."""
        end = perf_counter() + _PATIENCE_S
        while not until():
            QTest.qWait(10)
            if perf_counter() > end:
                raise TimeoutError(f"it never came to this: {what}")
