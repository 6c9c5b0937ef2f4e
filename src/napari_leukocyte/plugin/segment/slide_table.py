"""The cells that were found on a slide, as a table to click in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

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


class _Cells(QAbstractTableModel):  # type: ignore[misc]
    """Rows of cells.csv."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[dict[str, str]] = ()

    def set_rows(self, rows: Sequence[dict[str, str]]) -> None:
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def cell_of(self, number: int) -> str:
        """The cell of a row of cells.csv; empty where there is no such row."""
        return self._rows[number]["cell"] if 0 <= number < len(self._rows) else ""

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802  (Qt's name)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802  (Qt's name)
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._rows[index.row()], index.column()
        number = column < 4
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.UserRole:  # what is sorted by; what has no CNR comes last
            numbers = (float(row[name] or "inf") for name in ("cnr", "x_um", "y_um"))
            return (int(row["cell"]), *numbers, row["place"], row["flags"])[column]
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
            return list(_COLUMNS)[section]
        return list(_COLUMNS.values())[section] if role == Qt.ItemDataRole.ToolTipRole else None


class SlideTable(QTableView):  # type: ignore[misc]
    """A row for each cell; a click tells its row in cells.csv.

    Signals
    -------
    chosen(row)
        A row was clicked, or reached with the arrow keys.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._cells = _Cells()
        self._restoring = False  # nobody has chosen what is chosen again
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._cells)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.verticalHeader().setDefaultSectionSize(22)
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate((42, 44, 52, 52, 78)):
            self.setColumnWidth(column, width)
        self.setMinimumHeight(180)
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def show_cells(self, rows: Sequence[dict[str, str]]) -> None:
        """Show the rows of a cells.csv."""
        self._cells.set_rows(rows)

    def renew(self, rows: Sequence[dict[str, str]]) -> None:
        """Show what became of the same cells; the one that was chosen stays so."""
        chosen = self._cells.cell_of(self._sorted.mapToSource(self.currentIndex()).row())
        self._cells.set_rows(rows)
        number = next((i for i, row in enumerate(rows) if row["cell"] == chosen), None)
        if number is not None:
            self._restoring = True
            self.setCurrentIndex(self._sorted.mapFromSource(self._cells.index(number, 0)))
            self._restoring = False

    def _on_row(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid() and not self._restoring:
            self.chosen.emit(self._sorted.mapToSource(now).row())
