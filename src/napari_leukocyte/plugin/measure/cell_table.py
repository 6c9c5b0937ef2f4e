"""The cell table as the user sees it: sorts, filters, chooses columns, copies, and says which cell was picked."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from qtpy.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from qtpy.QtGui import QFont, QGuiApplication, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QMenu, QWidget

from napari_leukocyte.plugin.measure.cell_delegate import CellDelegate
from napari_leukocyte.plugin.measure.cell_model import CellTableModel
from napari_leukocyte.plugin.measure.columns import COLUMNS, CellRow, Column, place_of
from napari_leukocyte.plugin.parts.row_table import SORT_DOWN, RowTable

__all__ = ["CellRow", "CellTable", "CellTableModel"]

_PADDING = 8  # px beside the text of a column
_SIGN_PX = 22
_SIGN, _CELL = place_of("sign"), place_of("cell")
_LATE = [i for i, column in enumerate(COLUMNS) if column.in_um2 or column.in_types or column.in_groups]


class CellTable(RowTable):
    """A row for each cell.

    Signals
    -------
    cell_chosen(image_index, cell)
        The user picked a row by mouse or key. Selecting by `select_cell` does not emit it.
    type_asked()
        The user pressed I, to say what type the selected cells are.
    columns_chosen(hidden)
        The user hid a column or took it back: the names of all that are hidden, a list.

    Attributes
    ----------
    cells : CellTableModel
        The rows; fill it with ``cells.set_rows``.
    """

    cell_chosen = Signal(int, int)
    type_asked = Signal()
    columns_chosen = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = CellTableModel(self)
        self.setModel(self.cells)
        self._unwanted: set[int] = set()  # columns that the user has hidden
        self._held: tuple[list[tuple[int, int]], tuple[int, int] | None] = [], None  # what was selected, and current

        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(CellDelegate(self.cells.row, self))
        self.setShowGrid(False)
        _align_digits(self)
        self._set_up_headers()
        for signal in (self.cells.rowsInserted, self.cells.rowsRemoved, self.cells.modelReset):
            signal.connect(self._show_columns)
        self.cells.modelAboutToBeReset.connect(self._hold_selection)
        self.cells.modelReset.connect(self._bring_selection_back)
        self.cells.dataChanged.connect(self._on_data_changed)
        self.row_chosen.connect(self._on_row)
        self._show_columns()

    def _set_up_headers(self) -> None:
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header.setSectionsClickable(True)
        header.setMinimumSectionSize(20)
        for i, column in enumerate(COLUMNS):
            texts = (column.title + SORT_DOWN, column.formula, column.widest)
            self.setColumnWidth(i, max(self.fontMetrics().horizontalAdvance(text) for text in texts) + _PADDING)
        self.setColumnWidth(_SIGN, _SIGN_PX)
        header.setStretchLastSection(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # the order of the list
        if hasattr(header, "setSortIndicatorClearable"):  # Qt 6.1
            header.setSortIndicatorClearable(True)  # a third click brings the order of the list back
        self.setSortingEnabled(True)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._open_column_menu)

    # ---- selecting --------------------------------------------------------------------------------------

    def select_cell(self, image_index: int, cell: int | None) -> None:
        """Select a cell and bring it into view; None, or a cell that is not shown: select nothing.

        A cell that is one of several selected ones leaves them selected.
        """
        row = None if cell is None else self.cells.row_of(image_index, cell)
        if row is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
            return
        index = self.cells.index(row, _CELL)
        sideways = self.horizontalScrollBar().value()
        selection = self.selectionModel()
        flag = QItemSelectionModel.SelectionFlag
        kept = selection.isRowSelected(index.row(), QModelIndex())
        selection.setCurrentIndex(index, flag.NoUpdate if kept else flag.ClearAndSelect | flag.Rows)
        self.scrollTo(index)
        self.horizontalScrollBar().setValue(sideways)

    def selected_cells(self) -> list[tuple[int, int]]:
        """(image index, cell) of each selected row, in the order on screen."""
        return [(row.image_index, row.measure.cell) for row in self._selected_rows()]

    def show_only(self, images: Collection[int] | None) -> None:
        """Show the cells of some images; None: of all."""
        self.cells.show_only(images)

    def _selected_rows(self) -> list[CellRow]:
        indexes = sorted(self.selectionModel().selectedRows(), key=QModelIndex.row)
        return [self.cells.row(index.row()) for index in indexes]

    def _on_row(self, number: int) -> None:
        row = self.cells.row(number)
        self.cell_chosen.emit(row.image_index, row.measure.cell)

    def _hold_selection(self) -> None:
        """Remember what is selected, while the model forgets it."""
        current = self.currentIndex()
        row = self.cells.row(current.row()) if current.isValid() else None
        self._held = self.selected_cells(), None if row is None else (row.image_index, row.measure.cell)

    def _bring_selection_back(self) -> None:
        cells, current = self._held
        rows = [row for row in (self.cells.row_of(*cell) for cell in cells) if row is not None]
        flag, selection = QItemSelectionModel.SelectionFlag, QItemSelection()
        for row in rows:
            selection.select(self.cells.index(row, 0), self.cells.index(row, len(COLUMNS) - 1))
        self.selectionModel().select(selection, flag.ClearAndSelect)
        at = None if current is None else self.cells.row_of(*current)
        if at is not None:
            self.selectionModel().setCurrentIndex(self.cells.index(at, _CELL), flag.NoUpdate)
            self.scrollTo(self.cells.index(at, _CELL))

    # ---- keys -------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:  # noqa: D102  (Qt's name)
        # napari copies points with the same keys
        if event.type() == QEvent.Type.ShortcutOverride and event.matches(QKeySequence.StandardKey.Copy):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, D102  (Qt's name)
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        if event.key() == Qt.Key.Key_I and not event.modifiers():
            self.type_asked.emit()
            return
        super().keyPressEvent(event)

    def copy(self) -> None:
        """Put the selected rows on the clipboard: the columns shown, with their titles, separated by tabs."""
        rows = self._selected_rows()
        if rows:
            shown = [column for i, column in enumerate(COLUMNS) if not self.isColumnHidden(i) and i != _SIGN]
            lines = [[column.heading for column in shown], *[[column.text(row) for column in shown] for row in rows]]
            QGuiApplication.clipboard().setText("\n".join("\t".join(line) for line in lines))

    # ---- columns ----------------------------------------------------------------------------------------

    def column_menu(self) -> QMenu:
        """The choice of columns."""
        menu = QMenu(self)
        for i, column in enumerate(COLUMNS):
            action = menu.addAction(column.heading or "Sign of remarks")
            action.setCheckable(True)
            action.setChecked(i not in self._unwanted)
            # without its number a row says nothing
            action.setEnabled(i != _CELL and self._has(column))
            action.toggled.connect(lambda on, i=i: self._want_column(i, wanted=on))
        return menu

    def _open_column_menu(self, at: QPoint) -> None:
        menu = self.column_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.horizontalHeader().viewport().mapToGlobal(at))

    def hide_columns(self, names: Iterable[str]) -> None:
        """Hide columns by their names, and no others; a name of no column is passed over."""
        names = set(names) - {"cell"}
        self._unwanted = {i for i, column in enumerate(COLUMNS) if column.name in names}
        self._show_columns()

    def _want_column(self, column: int, *, wanted: bool) -> None:
        (self._unwanted.discard if wanted else self._unwanted.add)(column)
        self._show_columns()
        self.columns_chosen.emit([COLUMNS[i].name for i in sorted(self._unwanted)])

    def _show_columns(self) -> None:
        for i, column in enumerate(COLUMNS):
            hidden = i in self._unwanted or not self._has(column)
            if hidden != self.isColumnHidden(i):
                self.setColumnHidden(i, hidden)

    def _has(self, column: Column) -> bool:
        """Whether a column that may be empty has anything to show."""
        cells = self.cells
        return not (
            (column.in_um2 and not cells.has_um2)
            or (column.in_types and not cells.has_types)
            or (column.in_images and not cells.has_images)
            or (column.in_groups and not cells.has_groups)
        )

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        if first.column() <= _LATE[-1] and last.column() >= _LATE[0]:
            self._show_columns()


def _align_digits(widget: QWidget) -> None:
    """Ask for digits of one width, which not every system font has by itself."""
    if hasattr(QFont, "Tag"):  # Qt 6.7
        font = QFont()
        font.setFeature(QFont.Tag("tnum"), 1)
        widget.setFont(font)
