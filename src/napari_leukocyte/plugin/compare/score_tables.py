"""The tables of the Compare dock: the figures of the shown image, and a row for each image of the list."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_leukocyte.core.scoring.evaluation import ImageScore, Measure
from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, Score
from napari_leukocyte.core.scoring.overview import Overview, worst_class

__all__ = ["ClassTable", "ImageTable", "percent"]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NONE = "–"
_FIGURES: tuple[tuple[str, Measure], ...] = (("IoU", "iou"), ("IoU_b", "iou_b"), ("scored", "scored"))
_MEANINGS = {
    "iou": "Intersection over union",
    "iou_b": "Intersection over union outside the border band",
    "scored": "Share of the class's true pixels that lie outside the band",
}


def percent(value: float, *, signed: bool = False) -> str:
    """Write a share as a percentage; "–" for NaN.

    Examples
    --------
    >>> percent(0.0512), percent(-0.089, signed=True), percent(float("nan"))
    ('5.1 %', '-8.9 %', '–')
    """
    return _NONE if math.isnan(value) else share(value, signed=signed)


class ClassTable(QTableWidget):  # type: ignore[misc]
    """IoU, IoU_b and scored share of each class, for one segmentation or two beside each other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(len(CLASS_NAMES), len(_FIGURES), parent)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalHeaderLabels(list(CLASS_NAMES))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.show_scores(())
        height = self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth() + 6
        self.setFixedHeight(height + sum(self.rowHeight(row) for row in range(len(CLASS_NAMES))))

    def show_scores(self, scores: Sequence[ImageScore]) -> None:
        """Show one score, or two of the same image; none empties the table."""
        shown = _FIGURES if len(scores) < 2 else _FIGURES[:2]
        self._set_columns(
            [f"{title} {number}" if len(scores) > 1 else title for number, _ in _numbered(scores) for title, _ in shown]
        )
        for row, cls in enumerate(CLASS_NAMES):
            column = 0
            for _, score in _numbered(scores):
                for _, figure in shown:
                    value = None if score is None else score.score(cls, figure)
                    self._put(row, column, value, figure)
                    column += 1

    def show_overview(self, found: Overview) -> None:
        """Show the mean IoU and IoU_b of several images with their 95 % intervals; the table has room for no more."""
        self._set_columns([title for title, _ in _FIGURES[:2]])
        for row, cls in enumerate(CLASS_NAMES):
            for column, (_, figure) in enumerate(_FIGURES[:2]):
                mean = found.means[cls, figure]
                self._put(row, column, mean.mean, figure)
                if not math.isnan(mean.low):
                    self.item(row, column).setText(f"{mean.mean} ({mean.low:.2f}–{mean.high:.2f})")
                    self.item(row, column).setToolTip(f"{_MEANINGS[figure]}: mean over images, 95 % interval")

    def _set_columns(self, titles: list[str]) -> None:
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(titles)
        # Qt gives the columns that are left the room of those that are gone only when it is asked again
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def _put(self, row: int, column: int, score: Score | None, figure: str) -> None:
        text = _NONE if score is None or math.isnan(score.value) else f"{score.value:.3f}"
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(_RIGHT)
            self.setItem(row, column, item)
        item.setText(text)
        reason = "" if score is None else score.reason
        item.setToolTip(f"{_MEANINGS[figure]}. {reason}".strip())


def _numbered(scores: Sequence[ImageScore]) -> list[tuple[str, ImageScore | None]]:
    return list(zip("AB", scores, strict=False)) if scores else [("", None)]


class _Number(QTableWidgetItem):  # type: ignore[misc]
    """A figure that sorts by its value; without one it counts as ``missing``."""

    def __init__(self, missing: float) -> None:
        super().__init__(_NONE)
        self._missing = missing
        self.rank = missing
        self.setTextAlignment(_RIGHT)

    def set_figure(self, value: float, text: str) -> None:
        self.rank = self._missing if math.isnan(value) else value
        self.setText(text)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return isinstance(other, _Number) and self.rank < other.rank


class ImageTable(QTableWidget):  # type: ignore[misc]
    """A row for each image that has a score, the worst first: by the CNR error, else by the IoU_b of its worst class.

    Signals
    -------
    image_chosen(index)
        The user clicked an image of the list.
    """

    image_chosen = Signal(int)
    TITLES = ("Image", "CNR error", "IoU_b", "False/missed")
    _TIPS = (
        "",
        "Median over the cells of the image of how far the CNR is off",
        "IoU_b of the class that is worst in the image",
        "Cells where the truth has none, and true cells that were not found",
    )
    _WIDTHS = (72, 86, 54, 88)  # with room for the arrow of the column that sorts
    # without a figure at the end, in the order that has the worst first
    _MISSING = (-math.inf, math.inf, -math.inf)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(self.TITLES), parent)
        self._rows: dict[int, QTableWidgetItem] = {}
        self._by_cnr: bool | None = None  # what the list was last ordered by, unasked
        self.setHorizontalHeaderLabels(list(self.TITLES))
        for column, tip in enumerate(self._TIPS):
            self.horizontalHeaderItem(column).setToolTip(tip)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        for column, width in enumerate(self._WIDTHS):
            self.setColumnWidth(column, width)
        self.horizontalHeader().setStretchLastSection(True)
        self.setSortingEnabled(True)
        self.itemClicked.connect(lambda item: self.image_chosen.emit(self._index_of(item.row())))

    def show_scores(self, scores: Mapping[int, ImageScore], *, among: Collection[int]) -> None:
        """Show new scores, by their place in the list; the rows of images that are not ``among`` those go."""
        self.setSortingEnabled(False)  # or a row would move between two of its fields
        for index in [index for index in self._rows if index not in among]:
            self.removeRow(self._rows.pop(index).row())
        for index, score in scores.items():
            self._show_score(index, score)
        self.setSortingEnabled(True)
        if not self._rows:
            self._by_cnr = None
        elif any(not score.whole_cell for score in scores.values()):
            if not self._by_cnr:
                self._by_cnr = True
                self.sortByColumn(1, Qt.SortOrder.DescendingOrder)
        elif self._by_cnr is None:
            self._by_cnr = False
            self.sortByColumn(2, Qt.SortOrder.AscendingOrder)

    def _show_score(self, index: int, score: ImageScore) -> None:
        if index not in self._rows:
            row = self.rowCount()
            self.insertRow(row)
            name = QTableWidgetItem()
            name.setData(Qt.ItemDataRole.UserRole, index)
            self.setItem(row, 0, name)
            for column, missing in enumerate(self._MISSING, start=1):
                self.setItem(row, column, _Number(missing))
            self._rows[index] = name
        self._rows[index].setText(score.name)
        self._rows[index].setToolTip(score.name)
        row = self._rows[index].row()
        cls, worst = worst_class(score)
        error = score.cnr.median_error
        figures = (
            (error, percent(error)),
            (worst, f"{worst:.3f}" if cls else _NONE),
            (score.false_cells + score.missed_cells, f"{score.false_cells} / {score.missed_cells}"),
        )
        for column, (value, text) in enumerate(figures, start=1):
            item = self.item(row, column)
            assert isinstance(item, _Number)
            item.set_figure(value, text)
        self.item(row, 2).setToolTip(cls)

    def select_image(self, index: int) -> None:
        """Mark the row of an image, without a signal."""
        if index in self._rows:
            self.selectRow(self._rows[index].row())
        else:
            self.clearSelection()

    def _index_of(self, row: int) -> int:
        return int(self.item(row, 0).data(Qt.ItemDataRole.UserRole))
