"""The rows of the cell table as a Qt model that changes in place, and how they are sorted and filtered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QSortFilterProxyModel, Qt

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.plugin.measure.columns import COLUMNS, CellRow

__all__ = ["SORT_DOWN", "SORT_UP", "CellTableModel", "SortedCells"]

SORT_UP, SORT_DOWN = " ▴", " ▾"

_NOWHERE = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_figures = attrgetter("cnr", "cnr_low", "cnr_high", "cytoplasm_px", "nucleus_px", "flags", "cell_type")


class CellTableModel(QAbstractTableModel):  # type: ignore[misc]
    """A row for each cell of all images, ordered by image and cell number."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: list[tuple[int, int]] = []  # (image index, cell) of each row, increasing
        self._rows: list[CellRow] = []

    # ---- changing ---------------------------------------------------------------------------------------

    def set_rows(self, image_index: int, rows: Iterable[CellRow]) -> None:
        """Replace the rows of one image.

        The row of a cell that was there stays, with its selection, and tells of the columns that differ only.

        Parameters
        ----------
        image_index : int
            The image; rows of others stay as they are.
        rows : iterable of CellRow
            All cells of the image, in any order.
        """
        new = {(image_index, row.measure.cell): row for row in rows}
        start, stop = self._span(image_index)
        self._remove([i for i in range(start, stop) if self._keys[i] not in new])
        start, stop = self._span(image_index)
        for i in range(start, stop):
            old, self._rows[i] = self._rows[i], new.pop(self._keys[i])
            self._tell_difference(i, old, self._rows[i])
        self._insert(new)

    def clear(self) -> None:
        """Remove all rows."""
        self._remove(range(len(self._rows)))

    def _tell_difference(self, row: int, old: CellRow, new: CellRow) -> None:
        if old.image == new.image and (old.measure is new.measure or _same(old.measure, new.measure)):
            return
        different = [
            i
            for i, column in enumerate(COLUMNS)
            if column.text(old) != column.text(new) or column.value(old) != column.value(new)
        ]
        if different:
            self.dataChanged.emit(self.index(row, different[0]), self.index(row, different[-1]))

    def _remove(self, rows: Sequence[int]) -> None:
        """Remove rows, given in increasing order, block by block from the last."""
        for _, numbered in groupby(reversed(list(enumerate(rows))), key=lambda pair: pair[1] - pair[0]):
            block = [row for _, row in numbered]
            first, last = block[-1], block[0]
            self.beginRemoveRows(_NOWHERE, first, last)
            del self._keys[first : last + 1], self._rows[first : last + 1]
            self.endRemoveRows()

    def _insert(self, new: dict[tuple[int, int], CellRow]) -> None:
        """Insert rows where their keys belong, block by block from the last."""
        places = [(bisect_left(self._keys, key), key) for key in sorted(new)]
        for at, placed in groupby(reversed(places), key=lambda pair: pair[0]):
            keys = [key for _, key in placed][::-1]
            self.beginInsertRows(_NOWHERE, at, at + len(keys) - 1)
            self._keys[at:at] = keys
            self._rows[at:at] = [new[key] for key in keys]
            self.endInsertRows()

    # ---- asking -----------------------------------------------------------------------------------------

    def row(self, number: int) -> CellRow:
        """What stands in a row."""
        return self._rows[number]

    def row_of(self, image_index: int, cell: int) -> int | None:
        """Number of a cell's row; None if there is none."""
        at = bisect_left(self._keys, (image_index, cell))
        return at if self._keys[at : at + 1] == [(image_index, cell)] else None

    @property
    def has_um2(self) -> bool:
        """Whether the area of any cell is known in um2."""
        return any(row.measure.cytoplasm_um2 == row.measure.cytoplasm_um2 for row in self._rows)

    @property
    def has_types(self) -> bool:
        """Whether a person has said of any cell what type it is."""
        return any(row.measure.cell_type for row in self._rows)

    def _span(self, image_index: int) -> tuple[int, int]:
        """First row of an image, and the row behind its last."""
        return bisect_left(self._keys, (image_index,)), bisect_left(self._keys, (image_index + 1,))

    # ---- what Qt asks -----------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802, D102  (Qt's name)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802, D102  (Qt's name)
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102  (Qt's name)
        column = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(self._rows[index.row()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tooltip(self._rows[index.row()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        return None

    def headerData(  # noqa: N802, D102  (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.meaning
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        return None


class SortedCells(QSortFilterProxyModel):  # type: ignore[misc]
    """Sorts by value, what has none last in both directions; shows the cells of one image or of all."""

    def __init__(self, cells: CellTableModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cells = cells
        self._image: int | None = None
        self.setSourceModel(cells)

    def show_only(self, image_index: int | None) -> None:
        """Show the cells of one image; None: of all."""
        if image_index != self._image:
            self._image = image_index
            self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:  # noqa: ARG002, N802, D102  (Qt's name)
        return self._image is None or self._cells.row(row).image_index == self._image

    def headerData(  # noqa: N802, D102  (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        data = super().headerData(section, orientation, role)
        titles = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        if titles and section == self.sortColumn():
            return data + (SORT_UP if self.sortOrder() == Qt.SortOrder.AscendingOrder else SORT_DOWN)
        return data

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:  # noqa: N802, D102  (Qt's name)
        value = COLUMNS[left.column()].value
        i, j = left.row(), right.row()
        a, b = value(self._cells.row(i)), value(self._cells.row(j))
        # Qt asks "less than" the other way round to sort downwards: what must not turn round is turned here
        down = self.sortOrder() == Qt.SortOrder.DescendingOrder
        if _missing(a) != _missing(b):
            return bool(_missing(b) != down)
        if _missing(a) or a == b:
            return bool((i < j) != down)
        return a < b  # type: ignore[operator]  # a column's values are of one type


def _missing(value: float | str) -> bool:
    return value != value or value == ""


def _same(old: CellMeasure, new: CellMeasure) -> bool:
    """Whether two measures show the same in every column; never true by mistake, and quick when it is."""
    return bool(
        _figures(old) == _figures(new)
        and (old.cytoplasm_um2 == new.cytoplasm_um2 or (_missing(old.cytoplasm_um2) and _missing(new.cytoplasm_um2)))
    )
