"""The figures of a model before and after its training, with the intervals of their difference."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter
from napari_leukocyte.core.fine_tuning.before_after_rows import before_after_rows

__all__ = ["BeforeAfterTable"]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TITLES = ("", "Before", "After", "Difference (95 %)")
_MEANINGS = {
    "IoU": "Intersection over union, mean over images",
    "IoU_b": "Intersection over union outside the border band, mean over images",
    "false cells an image": "Cells found where the mask has none, an image, before the keep rule",
    "CNR error": "Median of how far the CNR is off, whichever way",
    "CNR bias": "Median of how far the CNR is off, with its sign",
    "CNR coverage": "Share of the cells with a CNR that were given one",
}


class BeforeAfterTable(QTreeWidget):  # type: ignore[misc]
    """A row for each figure in sections that fold: the user's images, unedited masks apart, synthetic smears.

    The first section is open. How many images or cells a figure rests on stands in its tooltip.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderLabels(list(_TITLES))
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setIndentation(10)
        self.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.setUniformRowHeights(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(_TITLES)):
            self.headerItem().setTextAlignment(column, _RIGHT)
        self.itemExpanded.connect(self._fit)
        self.itemCollapsed.connect(self._fit)

    def show_figures(self, before_after: BeforeAfter | None) -> None:
        """Show a comparison; None empties the table."""
        self.clear()
        section = self.invisibleRootItem()
        for label, before, after, difference, on in [] if before_after is None else before_after_rows(before_after)[1:]:
            if not before:
                section = QTreeWidgetItem(self, [f"{label[:1].upper()}{label[1:]}: {on}"])
                font = section.font(0)
                font.setBold(True)
                section.setFont(0, font)
                section.setFirstColumnSpanned(True)
            else:
                # the dock is narrow, so the tooltip says what the figure is counted over
                texts = [label.removesuffix(" an image"), before, after, difference]
                _add(section, texts, f"{_meaning(label)}. On {on}.")
        if self.topLevelItemCount():
            self.topLevelItem(0).setExpanded(True)
        self._fit()

    def _fit(self) -> None:
        """Make the table as high as its unfolded sections: the dock scrolls, not the table."""
        rows = self.topLevelItemCount()
        for index in range(self.topLevelItemCount()):
            section = self.topLevelItem(index)
            rows += section.childCount() if section.isExpanded() else 0
        height = self.header().sizeHint().height() + 2 * self.frameWidth() + 2
        self.setFixedHeight(height + rows * max(self.sizeHintForRow(0), 0))


def _add(section: QTreeWidgetItem, texts: list[str], meaning: str) -> None:
    item = QTreeWidgetItem(section, texts)
    for column in range(len(texts)):
        item.setToolTip(column, meaning)
        if column:
            item.setTextAlignment(column, _RIGHT)


def _meaning(label: str) -> str:
    return _MEANINGS.get(label) or _MEANINGS[label.split(" ")[-1]]
