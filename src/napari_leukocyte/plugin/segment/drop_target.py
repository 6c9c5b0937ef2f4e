"""Files and folders that are dropped on a dock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QWidget

__all__ = ["DropTarget"]


class DropTarget(QObject):  # type: ignore[misc]
    """Takes what is dropped on a widget, which napari would otherwise ask about: several plugins read folders.

    Parameters
    ----------
    dropped
        Called with the paths.
    """

    def __init__(self, widget: QWidget, dropped: Callable[[Sequence[Path]], None]) -> None:
        super().__init__(widget)
        self._dropped = dropped
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802, D102  (Qt's name)
        if event.type() not in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            return False
        paths = _paths(event)
        if not paths:
            return False  # napari, or a field of the dock, may know what it is
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self._dropped(paths)
        return True


def _paths(event: QDropEvent) -> list[Path]:
    """What is dropped, as far as it lies on this computer."""
    mime = event.mimeData()
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()] if mime is not None else []
