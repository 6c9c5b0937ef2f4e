"""A button for what is done to the image on screen, after which another one is there."""

from __future__ import annotations

from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QPushButton

__all__ = ["OneClickButton"]


class OneClickButton(QPushButton):  # type: ignore[misc]
    """A button for which a double click is one click: the second would act on an image that nobody has seen."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the second press and do nothing; Qt would count it as a click."""
        event.accept()
