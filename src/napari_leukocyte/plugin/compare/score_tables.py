"""The tables of the Compare dock: the figures of the shown image, and a row for each image of the list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_leukocyte.core.scoring.evaluation import ImageScore
from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, Score

__all__ = ["ClassTable", "ImageTable", "percent"]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NONE = "–"
_FIGURES = (("IoU", "iou"), ("IoU_b", "iou_b"), ("scored", "scored"))
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
        self.setColumnCount(len(shown) * max(1, len(scores)))
        titles = [
            f"{title} {number}" if len(scores) > 1 else title for number, _ in _numbered(scores) for title, _ in shown
        ]
        self.setHorizontalHeaderLabels(titles)
        for row, cls in enumerate(CLASS_NAMES):
            column = 0
            for _, score in _numbered(scores):
                for _, figure in shown:
                    value = None if score is None else score.score(cls, figure)  # type: ignore[arg-type]
                    self._put(row, column, value, figure)
                    column += 1

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
    """A figure that sorts by its value, NaN last."""

    def __init__(self) -> None:
        super().__init__()
        self.value = math.nan
        self.setTextAlignment(_RIGHT)

    def set_figure(self, value: float, text: str) -> None:
        self.value = value
        self.setText(text)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, theirs = self.value, getattr(other, "value", math.nan)
        return mine < theirs if not math.isnan(mine) and not math.isnan(theirs) else not math.isnan(mine)


class ImageTable(QTableWidget):  # type: ignore[misc]
    """A row for each image that has a score, the worst cell IoU_b first.

    Signals
    -------
    image_chosen(index)
        The user clicked an image of the list.
    """

    image_chosen = Signal(int)
    TITLES = ("Image", "cell IoU_b", "nucleus IoU_b", "CNR error", "False cells")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(self.TITLES), parent)
        self._rows: dict[int, QTableWidgetItem] = {}
        self.setHorizontalHeaderLabels(list(self.TITLES))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.setSortingEnabled(True)
        self.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.itemClicked.connect(lambda item: self.image_chosen.emit(self._index_of(item.row())))

    def show_scores(self, scores: Mapping[int, ImageScore]) -> None:
        """Show the scores of images, by their place in the list."""
        if self._rows.keys() != scores.keys():
            self.setRowCount(0)
            self._rows = {}
        for index, score in scores.items():
            self.show_score(index, score)

    def show_score(self, index: int, score: ImageScore) -> None:
        """Show the score of one image; its row may move."""
        self.setSortingEnabled(False)  # or the row would move between two of its fields
        if index not in self._rows:
            row = self.rowCount()
            self.insertRow(row)
            name = QTableWidgetItem(score.name)
            name.setData(Qt.ItemDataRole.UserRole, index)
            self.setItem(row, 0, name)
            for column in range(1, len(self.TITLES)):
                self.setItem(row, column, _Number())
            self._rows[index] = name
        row = self._rows[index].row()
        cell, nucleus = (score.score(cls, "iou_b") for cls in ("cell", "nucleus"))
        error = score.cnr.median_error
        for column, (value, text) in enumerate(
            (
                (cell.value, str(cell) if not math.isnan(cell.value) else _NONE),
                (nucleus.value, str(nucleus) if not math.isnan(nucleus.value) else _NONE),
                (error, percent(error)),
                (score.false_cells, str(score.false_cells)),
            ),
            start=1,
        ):
            item = self.item(row, column)
            assert isinstance(item, _Number)
            item.set_figure(value, text)
        self.setSortingEnabled(True)

    def select_image(self, index: int) -> None:
        """Mark the row of an image, without a signal."""
        if index in self._rows:
            self.selectRow(self._rows[index].row())
        else:
            self.clearSelection()

    def _index_of(self, row: int) -> int:
        return int(self.item(row, 0).data(Qt.ItemDataRole.UserRole))
