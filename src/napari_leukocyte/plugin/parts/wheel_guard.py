"""The wheel scrolls a dock: it changes no field that the pointer happens to pass."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QWidget

__all__ = ["WheelGuard"]


class WheelGuard(QObject):  # type: ignore[misc]
    """Keeps the wheel from choices and numbers inside a widget, but for the one that was clicked: what scrolls has it.

    Qt changes an entry, or a pixel size, under the pointer of somebody who only wants to see the end of the dock.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        for field in (*widget.findChildren(QComboBox), *widget.findChildren(QAbstractSpinBox)):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # else the wheel takes the focus, too
            field.installEventFilter(self)

    def eventFilter(self, field: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Pass a turn of the wheel on to the widget around the field."""
        if (
            event.type() == QEvent.Type.Wheel
            and isinstance(field, QWidget)
            and field.window().focusWidget() is not field
        ):
            event.ignore()
            return True
        return False
