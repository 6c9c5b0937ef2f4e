"""The rows of the cell table as a Qt model that changes in place, sorted, and of some images or of all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QColor, QIcon

from napari_leukocyte.core.scoring.report.plots import MARKERS
from napari_leukocyte.core.sorting import sorted_order
from napari_leukocyte.plugin.measure.columns import COLUMNS, CellRow
from napari_leukocyte.plugin.parts.docks import swatch
from napari_leukocyte.plugin.parts.row_table import SORT_DOWN, SORT_UP

__all__ = ["CellTableModel"]

_NOWHERE = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_MANY_BLOCKS = 50  # changes at so many places are told as one
_SORTED_AGAIN = QAbstractTableModel.LayoutChangeHint.VerticalSortHint
_known = attrgetter("image", "made_otherwise", "patient", "group", "group_number")
_figures = attrgetter("cnr", "cnr_low", "cnr_high", "cytoplasm_px", "nucleus_px", "flags", "cell_type")


class CellTableModel(QAbstractTableModel):  # type: ignore[misc]
    """A row for each cell of all images.

    A proxy of Qt's would ask Python for each comparison, which takes seconds for tens of thousands of rows: here the
    order is found at once, by ``core.sorting``. Without a column to sort by it is that of images and cell numbers.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: list[tuple[int, int]] = []  # (image index, cell) of each of _rows, increasing
        self._rows: list[CellRow] = []
        self._late: dict[int, tuple[bool, bool, bool]] = {}  # of each image: whether any cell has um2, type, group
        self._shown: list[CellRow] = []  # what Qt sees
        self._places: dict[tuple[int, int], int] | None = None  # of what Qt sees, by key; None: to be found
        self._images: frozenset[int] | None = None  # of which cells are shown; None: of all
        self._by: tuple[int, bool] | None = None  # the column to sort by, and whether downwards

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
        new = sorted(rows, key=lambda row: row.measure.cell)
        start, stop = self._span(image_index)
        old = self._rows[start:stop]
        self._keys[start:stop] = [(image_index, row.measure.cell) for row in new]
        self._rows[start:stop] = new
        self._note_late(image_index, new)
        if self._images is None or image_index in self._images:
            self._show(image_index, old, new)

    def set_all(self, rows: Mapping[int, Iterable[CellRow]]) -> None:
        """Replace the rows of all images."""
        self._keys, self._rows, self._late = [], [], {}
        for image_index in sorted(rows):
            new = sorted(rows[image_index], key=lambda row: row.measure.cell)
            self._keys += [(image_index, row.measure.cell) for row in new]
            self._rows += new
            self._note_late(image_index, new)
        self._show_anew()

    def clear(self) -> None:
        """Remove all rows."""
        self.set_all({})

    def show_only(self, images: Collection[int] | None) -> None:
        """Show the cells of some images; None: of all."""
        wanted = None if images is None else frozenset(images)
        if wanted != self._images:
            self._images = wanted
            self._show_anew()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, what has no value last in both directions; -1: by image and cell number."""
        self._by = None if column < 0 else (column, order == Qt.SortOrder.DescendingOrder)
        self._sort_again()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def _note_late(self, image_index: int, rows: Sequence[CellRow]) -> None:
        self._late.pop(image_index, None)
        if rows:
            has_um2 = any(row.measure.cytoplasm_um2 == row.measure.cytoplasm_um2 for row in rows)
            has_types = any(row.measure.cell_type for row in rows)
            self._late[image_index] = has_um2, has_types, any(row.group or row.patient for row in rows)

    # ---- what Qt hears ----------------------------------------------------------------------------------

    def _show(self, image_index: int, old: Sequence[CellRow], new: Sequence[CellRow]) -> None:
        """Bring what Qt sees in step with the rows of an image, telling of no more than what differs."""
        now, before = {row.measure.cell: row for row in new}, {row.measure.cell for row in old}
        gone = sorted(self._place((image_index, cell)) for cell in before - now.keys())
        if len(_blocks(gone)) > _MANY_BLOCKS:
            self._show_anew()
            return
        for first, last in reversed(_blocks(gone)):
            self.beginRemoveRows(_NOWHERE, first, last)
            del self._shown[first : last + 1]
            self._places = None
            self.endRemoveRows()
        moved = False
        for row in old:
            cell = row.measure.cell
            if cell in now:
                moved |= self._exchange(self._place((image_index, cell)), row, now[cell])
        come = np.array([cell not in before for cell in now], bool)
        if not moved and not come.any():
            return
        order = self._order()
        if moved:
            added = np.zeros(len(self._rows), bool)
            start, stop = self._span(image_index)
            added[start:stop] = come
            self._rearrange([self._rows[i] for i in order[~added[order]].tolist()])
        if come.any():
            self._insert(image_index, come, order)

    def _exchange(self, place: int, old: CellRow, new: CellRow) -> bool:
        """Put a row in place of what was known of its cell; returns whether it may belong elsewhere now."""
        self._shown[place] = new
        if _same(old, new):
            return False
        different = [
            i
            for i, column in enumerate(COLUMNS)
            if column.text(old) != column.text(new)
            or _differ(column.value(old), column.value(new))
            or column.tooltip(old) != column.tooltip(new)
        ]
        for first, last in _blocks(different):
            self.dataChanged.emit(self.index(place, first), self.index(place, last))
        return self._by is not None and self._by[0] in different

    def _insert(self, image_index: int, come: NDArray[np.bool_], order: NDArray[np.intp]) -> None:
        """Insert the new rows of an image where they belong, block by block from the first."""
        added = np.zeros(len(self._rows), bool)
        start, stop = self._span(image_index)
        added[start:stop] = come
        blocks = _blocks(np.flatnonzero(added[order]).tolist())
        if len(blocks) > _MANY_BLOCKS:
            self._show_anew()
            return
        for first, last in blocks:
            self.beginInsertRows(_NOWHERE, first, last)
            self._shown[first:first] = [self._rows[i] for i in order[first : last + 1].tolist()]
            self._places = None
            self.endInsertRows()

    def _sort_again(self) -> None:
        self._rearrange([self._rows[i] for i in self._order().tolist()])

    def _rearrange(self, shown: list[CellRow]) -> None:
        """Show the same rows in another order; a selection goes with them."""
        if all(a is b for a, b in zip(shown, self._shown, strict=True)):
            return
        self.layoutAboutToBeChanged.emit([], _SORTED_AGAIN)
        before, held = self._shown, self.persistentIndexList()
        self._shown, self._places = shown, None
        moved = [self.index(self._place(_key(before[index.row()])), index.column()) for index in held]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit([], _SORTED_AGAIN)

    def _show_anew(self) -> None:
        """Tell of everything at once: a selection is lost, and a view that wants it must bring it back."""
        self.beginResetModel()
        self._shown, self._places = [self._rows[i] for i in self._order().tolist()], None
        self.endResetModel()

    def _order(self) -> NDArray[np.intp]:
        """Which of ``_rows`` are shown, from the first to the last."""
        if self._images is None:
            places = np.arange(len(self._rows))
        else:
            spans = [np.arange(*self._span(image)) for image in sorted(self._images)]
            places = np.concatenate([np.arange(0), *spans])
        if self._by is None:
            return places
        column, down = self._by
        value = COLUMNS[column].value
        return places[sorted_order([value(self._rows[i]) for i in places.tolist()], down=down)]  # type: ignore[arg-type]  # a column's values are of one type

    # ---- asking -----------------------------------------------------------------------------------------

    def row(self, number: int) -> CellRow:
        """What stands in a row."""
        return self._shown[number]

    def row_of(self, image_index: int, cell: int) -> int | None:
        """Number of a cell's row; None if it is not shown."""
        return self._found().get((image_index, cell))

    @property
    def has_um2(self) -> bool:
        """Whether the area of any cell is known in um2."""
        return any(um2 for um2, _, _ in self._late.values())

    @property
    def has_types(self) -> bool:
        """Whether a person has said of any cell what type it is."""
        return any(types for _, types, _ in self._late.values())

    @property
    def has_groups(self) -> bool:
        """Whether a study knows the patient or the group of any cell."""
        return any(groups for _, _, groups in self._late.values())

    @property
    def has_images(self) -> bool:
        """Whether there are cells of several images."""
        return len(self._late) > 1

    def _place(self, key: tuple[int, int]) -> int:
        return self._found()[key]

    def _found(self) -> dict[tuple[int, int], int]:
        if self._places is None:
            self._places = {_key(row): place for place, row in enumerate(self._shown)}
        return self._places

    def _span(self, image_index: int) -> tuple[int, int]:
        """First of an image's rows, and the one behind its last."""
        return bisect_left(self._keys, (image_index,)), bisect_left(self._keys, (image_index + 1,))

    # ---- what Qt asks -----------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802, D102  (Qt's name)
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802, D102  (Qt's name)
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102  (Qt's name)
        column = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(self._shown[index.row()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tooltip(self._shown[index.row()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        if role == Qt.ItemDataRole.DecorationRole and column.name == "group" and self._shown[index.row()].group:
            return _swatch(self._shown[index.row()].group_number)
        return None

    def headerData(  # noqa: N802, D102  (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            sign = "" if self._by is None or self._by[0] != section else SORT_DOWN if self._by[1] else SORT_UP
            return f"{column.title}{sign}" + (f"\n{column.formula}" if column.formula else "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.meaning
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.number else _LEFT
        return None


@cache
def _swatch(number: int) -> QIcon:
    """The colour of a group, as in the report."""
    return swatch(QColor(MARKERS[number % len(MARKERS)][0]).getRgbF())


def _key(row: CellRow) -> tuple[int, int]:
    return row.image_index, row.measure.cell


def _differ(a: float | str, b: float | str) -> bool:
    return a != b and not (a != a and b != b)  # what is missing in both is the same


def _blocks(places: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of places, which increase."""
    runs = (list(run) for _, run in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]))
    return [(run[0][1], run[-1][1]) for run in runs]


def _same(old: CellRow, new: CellRow) -> bool:
    """Whether two rows of a cell show the same in every column; never true by mistake, and quick when it is."""
    if _known(old) != _known(new) or _differ(old.factor, new.factor):
        return False
    a, b = old.measure, new.measure
    return a is b or bool(
        _figures(a) == _figures(b)
        and (
            a.cytoplasm_um2 == b.cytoplasm_um2
            or (a.cytoplasm_um2 != a.cytoplasm_um2 and b.cytoplasm_um2 != b.cytoplasm_um2)
        )
    )
