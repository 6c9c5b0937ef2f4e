"""The cells that were found on a slide, as a table to click in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.sorting import sorted_order
from napari_leukocyte.plugin.parts.row_table import SORT_DOWN, SORT_UP, RowTable

__all__ = ["SlideTable"]

_NOWHERE = QModelIndex()
_COLUMNS = {
    "Cell": "Number of the cell on the slide",
    "CNR": "Cytoplasm area / nucleus area",
    "x mm": "How far from the left side of the slide",
    "y mm": "How far from the top of the slide",
    "Place": "Where on the film it lies",
    "Flags": "What is doubtful about it",
}
_FIELDS = ("cell", "cnr", "x_um", "y_um", "place", "flags")  # of cells.csv, by column
_NUMBERS = 4  # columns that hold numbers; the others hold words


class _Cells(QAbstractTableModel):  # type: ignore[misc]
    """Rows of cells.csv, in the order that was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[dict[str, str]] = ()
        self._order: list[int] = []
        self._by = 0, False  # the column to sort by, and whether downwards

    def set_rows(self, rows: Sequence[dict[str, str]]) -> None:
        self.beginResetModel()
        self._rows = rows
        self._find_order()
        self.endResetModel()

    def number(self, place: int) -> int:
        """Which of the rows that were given stands at a place."""
        return self._order[place]

    def cell(self, place: int) -> str:
        return self._rows[self._order[place]]["cell"]

    def place_of(self, cell: str) -> int | None:
        return next((place for place, number in enumerate(self._order) if self._rows[number]["cell"] == cell), None)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; what has no value comes last in both directions."""
        self._by = column, order == Qt.SortOrder.DescendingOrder
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        numbers = [self._order[index.row()] for index in held]
        self._find_order()
        places = {number: place for place, number in enumerate(self._order)}
        moved = [self.index(places[n], index.column()) for n, index in zip(numbers, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(_COLUMNS) - 1)

    def _find_order(self) -> None:
        column, down = self._by
        texts = [row[_FIELDS[column]] for row in self._rows]
        values = [float(text or math.nan) for text in texts] if column < _NUMBERS else texts
        self._order = sorted_order(values, down=down).tolist()

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802  (Qt's name)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802  (Qt's name)
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._rows[self._order[index.row()]], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.ToolTipRole and _FIELDS[column] == "flags":
            return "\n".join(flag.words for flag in Flag if flag in row["flags"].split(";"))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            cnr = f"{float(row['cnr']):.2f}" if row["cnr"] else "–"
            flags = row["flags"].replace("_", " ").replace(";", ", ")
            x, y = (f"{float(row[name]) / 1000:.3f}" if row[name] else "" for name in ("x_um", "y_um"))
            return (row["cell"], cnr, x, y, row["place"], flags)[column]
        return None

    def headerData(  # noqa: N802  (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            by, down = self._by
            return list(_COLUMNS)[section] + ("" if section != by else SORT_DOWN if down else SORT_UP)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(section)
        return list(_COLUMNS.values())[section] if role == Qt.ItemDataRole.ToolTipRole else None


class SlideTable(RowTable):
    """A row for each cell.

    Signals
    -------
    chosen(row)
        The user picked a cell, by its row in cells.csv.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._cells = _Cells()
        self.setModel(self._cells)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalHeader().setDefaultSectionSize(22)
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate((44, 48, 50, 50, 72, 40)):
            self.setColumnWidth(column, width)
        self.setMinimumHeight(180)
        self.row_chosen.connect(lambda place: self.chosen.emit(self._cells.number(place)))

    def show_cells(self, rows: Sequence[dict[str, str]]) -> None:
        """Show the rows of a cells.csv."""
        self._cells.set_rows(rows)

    def renew(self, rows: Sequence[dict[str, str]]) -> None:
        """Show what became of the same cells; the one that was picked stays so, and the table where it was."""
        now, scrolled = self.currentIndex(), self.verticalScrollBar().value()
        picked = self._cells.cell(now.row()) if now.isValid() else None
        self._cells.set_rows(rows)
        place = None if picked is None else self._cells.place_of(picked)
        if place is not None:
            self.setCurrentIndex(self._cells.index(place, now.column()))
        self.verticalScrollBar().setValue(scrolled)


def _side(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column < _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
