"""The parts of every dock: notes, rows, the footer; and its beginning, its end and the way back to the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QCloseEvent, QColor, QIcon, QPixmap, QShowEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_leukocyte.plugin.parts.wheel_guard import WheelGuard

__all__ = ["Dock", "bring_into_view", "footer", "note", "row", "rule", "scrolling", "stack", "swatch"]

_BLIND = (
    "A blind reading is under way: figures, outlines of the model and the work of others are hidden until it ends, in "
    "the Correct dock."
)
_FOOTER = "For research use only. Not for use in diagnostic procedures."


def note(text: str = "") -> QLabel:
    """A line of text that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    return label


def footer() -> QLabel:
    """The line at the foot of every dock."""
    label = note(_FOOTER)
    label.setEnabled(False)
    return label


def row(*widgets: QWidget) -> QWidget:
    """Widgets side by side."""
    parent = QWidget()
    layout = QHBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return parent


def rule() -> QFrame:
    """A thin line between two groups of a dock."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setEnabled(False)
    return line


def swatch(rgba: Sequence[float]) -> QIcon:
    """A square of a colour (RGBA, 0-1), for the button that stands for it."""
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor.fromRgbF(*rgba))
    return QIcon(pixmap)


class _Room(QScrollArea):  # type: ignore[misc]
    """Scrolls up and down alone, so it is never narrower than what it shows and the bar beside it."""

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        shown, bar = self.widget().minimumSizeHint().width(), self.verticalScrollBar().sizeHint().width()
        return QSize(shown + bar + 2 * self.frameWidth(), super().minimumSizeHint().height())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # what it shows may need another width now
            self.updateGeometry()
        return bool(super().event(event))


def scrolling(widget: QWidget) -> QScrollArea:
    """A widget that scrolls on a small screen, so that the window need not grow."""
    room = _Room()
    room.setWidget(widget)
    room.setWidgetResizable(True)
    room.setFrameShape(QFrame.Shape.NoFrame)
    room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return room


def bring_into_view(widget: QWidget) -> None:
    """Scroll to a widget that has come to light, once it has its place; where it lies in a `scrolling` one."""

    def scroll() -> None:
        room = widget.parentWidget() if isalive(widget) else None
        while room is not None and not isinstance(room, QScrollArea):
            room = room.parentWidget()
        if room is not None:
            room.ensureWidgetVisible(widget)

    QTimer.singleShot(0, scroll)


def stack(parent: QWidget, *widgets: QWidget) -> None:
    """Widgets one below the other in a parent."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)


class Dock(QWidget):  # type: ignore[misc]
    """A dock of this plugin. All of them share one place, as tabs.

    Its life ends when napari's X takes it out of its window, with the window, or with the program: `end`. To hide,
    float, tabify or move it ends nothing.
    """

    # of the class, for Qt sends events early
    _framed = False  # whether napari has put it into a frame
    _settled = False  # whether it lies where it stays: as a tab beside its siblings

    LEAST_WIDTH = 340
    """In px; a dock whose content needs more is wider."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self._closing = False  # whether the window is being asked to close
        self._heard: list[tuple[Any, Callable[..., Any]]] = []
        self.listen(QApplication.instance().aboutToQuit, self.end)
        # the footer lies at the foot: napari adds a stretch below a widget that does not want the room
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._placed = False
        self._cover_note: QWidget | None = None

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().showEvent(event)
        if not self._placed:
            self._placed = True
            WheelGuard(self)
            QTimer.singleShot(0, self._settle)  # napari places the dock first

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Ask for no height while it lies below its siblings, as napari puts it: the window would grow for both."""
        hint: QSize = super().minimumSizeHint()
        return QSize(max(self.LEAST_WIDTH, hint.width()), hint.height() if self._settled else 0)

    # ---- the end ----------------------------------------------------------------------------------------

    def listen(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Follow something that may outlive the dock, until its end."""
        signal.connect(slot)
        self._heard.append((signal, slot))

    def end(self) -> None:
        """Disconnect from everything outside, for good. A second call does nothing."""
        if self.ended:
            return
        self.ended = True
        for signal, slot in self._heard:
            signal.disconnect(slot)
        self.release()

    # ---- blind readings -----------------------------------------------------------------------------------

    def cover_when_blind(self, session: Any) -> None:
        """Hide all of the dock while the images of a ``Session`` are read blind; it goes on working underneath."""
        self.listen(session.images_changed, lambda: self._cover(session.blind is not None))
        self._cover(session.blind is not None)

    def _cover(self, on: bool) -> None:
        if self._cover_note is None:
            if not on:
                return
            # what the dock shows and hides by itself goes on in a widget that is hidden as a whole
            self._content = QWidget()
            self._content.setLayout(self.layout())
            self._cover_note = QWidget()
            stack(self._cover_note, note(_BLIND))
            self._cover_note.layout().addStretch(1)
            self._cover_note.layout().addWidget(footer())
            self._cover_note.layout().setContentsMargins(10, 10, 10, 10)
            stack(self, self._content, self._cover_note)
        self._content.setVisible(not on)
        self._cover_note.setVisible(on)
        for window in self.findChildren(QWidget):
            if on and window.isWindow():  # one that the dock has opened beside itself
                window.hide()

    def release(self) -> None:
        """Stop running work and remove added layers; called once, at the end. For docks that have any."""

    def save_work(self) -> None:
        """Write the user's work to the disk: the window may be about to close. For docks that hold any."""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:  # what floats or moves later is the frame
                self._framed = True
                QTimer.singleShot(0, self._watch_window)  # the frame gets its window last
            elif self._framed:  # napari's X sends no close event: it takes the dock out of its frame
                self.end()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802, D102  (Qt's name)
        self.end()
        super().closeEvent(event)

    def _stay(self) -> None:
        self._closing = False

    def _watch_window(self) -> None:
        window, _ = self._window_and_dock()
        if window is not None:
            window.installEventFilter(self)  # held by Qt alone: a reference would keep a closed window alive

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, D102  (Qt's name)
        if event.type() == QEvent.Type.Close and not self.ended:
            self.save_work()  # the user may still call it off
            self._closing = True
            QTimer.singleShot(0, self._stay)
            if not watched.isVisible():  # nobody is asked
                self.end()
        elif event.type() == QEvent.Type.Hide and self._closing:
            self.end()  # it is closed; where nobody holds the window, Qt deletes it now, and tells nobody
        elif event.type() == QEvent.Type.DeferredDelete:  # a closed window deletes its docks without asking them
            self.end()
        return False

    # ---- the place --------------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._join_siblings()
        self._settled = True
        self.updateGeometry()

    def _join_siblings(self) -> None:
        window, own = self._window_and_dock()
        if window is None or own is None:
            return
        own.setWindowTitle(own.windowTitle().partition(" (")[0])  # a tab has no room for the plugin's name
        for other in window.findChildren(QDockWidget):
            if other is not own and other.isVisible() and not other.isFloating() and other.findChild(Dock) is not None:
                window.tabifyDockWidget(other, own)
                own.raise_()
                return

    def focus_canvas(self) -> None:
        """Let keys go to the brush again, not to the dock."""
        window, _ = self._window_and_dock()
        if window is not None:
            window.centralWidget().setFocus()

    def bring_forward(self) -> None:
        """Show this dock in front of those that share its place."""
        _, own = self._window_and_dock()
        if own is not None:
            own.raise_()

    @property
    def canvas(self) -> QWidget | None:
        """The widget on which napari draws the layers beside the dock; None while it stands in no window."""
        window, _ = self._window_and_dock()
        return None if window is None else window.centralWidget().findChild(QOpenGLWidget)

    def _window_and_dock(self) -> tuple[QMainWindow | None, QDockWidget | None]:
        dock, parent = None, self.parent()
        while parent is not None and not isinstance(parent, QMainWindow):
            dock = parent if isinstance(parent, QDockWidget) else dock
            parent = parent.parent()
        return parent, dock
