"""How a row of the cell table is drawn: its sign, and numbers that are doubtful or are none."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QModelIndex, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_leukocyte.plugin.measure.columns import CellRow, Sign, place_of, sign_of

__all__ = ["CellDelegate"]

_SIGN, _IMAGE, _CNR = (place_of(name) for name in ("sign", "image", "cnr"))
_AMBER_ON_DARK, _AMBER_ON_LIGHT = QColor("#ffb74d"), QColor("#a35200")  # both above 4.5 : 1
_LIGHT = 128  # a ground of this lightness and more is light


class CellDelegate(QStyledItemDelegate):  # type: ignore[misc]
    """Draws the sign of a row; shows the end of a long image name, where names differ; marks rows, not fields.

    Parameters
    ----------
    row_of
        What stands in a row of the view.
    """

    def __init__(self, row_of: Callable[[int], CellRow], parent: QWidget) -> None:
        super().__init__(parent)
        self._row_of = row_of

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # noqa: N802, D102
        super().initStyleOption(option, index)
        if index.column() == _IMAGE:
            option.textElideMode = Qt.TextElideMode.ElideLeft
        option.state &= ~QStyle.StateFlag.State_HasFocus
        if index.column() == _CNR and sign_of(self._row_of(index.row())) in (Sign.DOUBT, Sign.WITHHELD):
            option.font.setItalic(True)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # noqa: D102
        super().paint(painter, option, index)
        if index.column() == _SIGN:
            sign = sign_of(self._row_of(index.row()))
            if sign is not Sign.NONE:
                _draw(painter, sign, QRectF(option.rect), _colours(option))


def _colours(option: QStyleOptionViewItem) -> tuple[QColor, QColor]:
    """Of what warns, and of what only says something, on the ground of the row."""
    chosen = bool(option.state & QStyle.StateFlag.State_Selected)
    words = option.palette.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
    ground_is_dark = words.lightness() >= _LIGHT  # a style sheet sets the ground past the palette, the words it tells
    return (_AMBER_ON_DARK if ground_is_dark else _AMBER_ON_LIGHT), words


def _draw(painter: QPainter, sign: Sign, room: QRectF, colours: tuple[QColor, QColor]) -> None:
    side = min(room.height() - 6, room.width() - 6, 14.0)
    box = QRectF(room.center().x() - side / 2, room.center().y() - side / 2, side, side)
    warning, words = colours
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if sign is Sign.DOUBT:
        painter.setPen(QPen(warning, 1.4))
        painter.drawPolygon(QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()]))
        middle = box.center().x()
        painter.drawLine(QPointF(middle, box.top() + 0.40 * side), QPointF(middle, box.top() + 0.66 * side))
        painter.drawPoint(QPointF(middle, box.top() + 0.84 * side))
    elif sign is Sign.WITHHELD:
        painter.setPen(QPen(words, 1.4))
        painter.drawEllipse(box)
        painter.drawLine(
            QPointF(box.left() + 0.26 * side, box.center().y()), QPointF(box.right() - 0.26 * side, box.center().y())
        )
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(words)
        painter.drawEllipse(box.center(), 0.16 * side, 0.16 * side)
    painter.restore()
