"""The cell table as the user sees it: sorts, filters, chooses columns, copies, and says which cell was picked."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from qtpy.QtGui import QFont, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_leukocyte.plugin.measure.cell_model import SORT_DOWN, CellTableModel, SortedCells
from napari_leukocyte.plugin.measure.columns import COLUMNS, CellRow, Column

__all__ = ["CellRow", "CellTable", "CellTableModel"]

_PADDING = 8  # px beside the text of a column
_IMAGE, _CELL = 0, 1
_LATE = [i for i, column in enumerate(COLUMNS) if column.in_um2 or column.in_types]


class CellTable(QTableView):  # type: ignore[misc]
    """A row for each cell.

    Signals
    -------
    cell_chosen(image_index, cell)
        The user picked a row by mouse or key. Selecting by `select_cell` does not emit it.
    type_asked()
        The user pressed I, to say what type the selected cells are.

    Attributes
    ----------
    cells : CellTableModel
        The rows; fill it with ``cells.set_rows``.
    """

    cell_chosen = Signal(int, int)
    type_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = CellTableModel(self)
        self._sorted = SortedCells(self.cells, self)
        self.setModel(self._sorted)
        self._unwanted: set[int] = set()  # columns that the user has hidden

        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(_CellDelegate(self))
        self.setWordWrap(False)
        self.setShowGrid(False)
        _align_digits(self)
        self._set_up_headers()
        for signal in (self.cells.rowsInserted, self.cells.rowsRemoved):
            signal.connect(self._show_columns)
        self.cells.dataChanged.connect(self._on_data_changed)
        self._show_columns()

    def _set_up_headers(self) -> None:
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setMinimumSectionSize(20)
        # Qt's arrow would lie on the title, so the title has one
        header.setStyleSheet("QHeaderView::up-arrow, QHeaderView::down-arrow { image: none; width: 0; height: 0; }")
        for i, column in enumerate(COLUMNS):
            widths = [self.fontMetrics().horizontalAdvance(text) for text in (column.title + SORT_DOWN, column.widest)]
            self.setColumnWidth(i, max(widths) + _PADDING)
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
        index = QModelIndex() if row is None else self._sorted.mapFromSource(self.cells.index(row, _CELL))
        if not index.isValid():
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
            return
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

    def show_only(self, image_index: int | None) -> None:
        """Show the cells of one image; None: of all."""
        self._sorted.show_only(image_index)

    def _selected_rows(self) -> list[CellRow]:
        indexes = sorted(self.selectionModel().selectedRows(), key=QModelIndex.row)
        return [self.cells.row(self._sorted.mapToSource(index).row()) for index in indexes]

    def _choose_current(self) -> None:
        current = self.currentIndex()
        if current.isValid() and self.selectionModel().isRowSelected(current.row(), QModelIndex()):
            row = self.cells.row(self._sorted.mapToSource(current).row())
            self.cell_chosen.emit(row.image_index, row.measure.cell)

    # ---- mouse and keys ---------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.pos()).isValid():
            self._choose_current()

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
        before = self.currentIndex().row()
        super().keyPressEvent(event)
        if self.currentIndex().row() != before or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose_current()

    def moveCursor(  # noqa: N802, D102  (Qt's name)
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        ends = (QAbstractItemView.CursorAction.MoveHome, QAbstractItemView.CursorAction.MoveEnd)
        if action in ends:  # of the table, and not of the row
            modifiers |= Qt.KeyboardModifier.ControlModifier
        return super().moveCursor(action, modifiers)

    def copy(self) -> None:
        """Put the selected rows on the clipboard: the columns shown, with their titles, separated by tabs."""
        rows = self._selected_rows()
        if rows:
            shown = [column for i, column in enumerate(COLUMNS) if not self.isColumnHidden(i)]
            lines = [[column.title for column in shown], *[[column.text(row) for column in shown] for row in rows]]
            QGuiApplication.clipboard().setText("\n".join("\t".join(line) for line in lines))

    # ---- columns ----------------------------------------------------------------------------------------

    def column_menu(self) -> QMenu:
        """The choice of columns."""
        menu = QMenu(self)
        for i, column in enumerate(COLUMNS):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(i))
            # without its number a row says nothing
            action.setEnabled(i != _CELL and self._has(column))
            action.toggled.connect(lambda on, i=i: self._want_column(i, wanted=on))
        return menu

    def _open_column_menu(self, at: QPoint) -> None:
        menu = self.column_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.horizontalHeader().viewport().mapToGlobal(at))

    def _want_column(self, column: int, *, wanted: bool) -> None:
        (self._unwanted.discard if wanted else self._unwanted.add)(column)
        self._show_columns()

    def _show_columns(self) -> None:
        for i, column in enumerate(COLUMNS):
            hidden = i in self._unwanted or not self._has(column)
            if hidden != self.isColumnHidden(i):
                self.setColumnHidden(i, hidden)

    def _has(self, column: Column) -> bool:
        """Whether a column that may be empty has anything to show."""
        return not ((column.in_um2 and not self.cells.has_um2) or (column.in_types and not self.cells.has_types))

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        if first.column() <= _LATE[-1] and last.column() >= _LATE[0]:
            self._show_columns()


class _CellDelegate(QStyledItemDelegate):  # type: ignore[misc]
    """Shows the end of a long image name, where names differ; marks the row, and not one field of it."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # noqa: N802
        super().initStyleOption(option, index)
        if index.column() == _IMAGE:
            option.textElideMode = Qt.TextElideMode.ElideLeft
        option.state &= ~QStyle.StateFlag.State_HasFocus


def _align_digits(widget: QWidget) -> None:
    """Ask for digits of one width, which not every system font has by itself."""
    if hasattr(QFont, "Tag"):  # Qt 6.7
        font = QFont()
        font.setFeature(QFont.Tag("tnum"), 1)
        widget.setFont(font)
