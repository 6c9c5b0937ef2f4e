"""The card of the selected cell: its CNR large enough to read while painting, and what is doubtful in words."""

from __future__ import annotations

import math

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_leukocyte.core.cells.measures import CellMeasure, cnr_text
from napari_leukocyte.core.cells.summary import is_binary
from napari_leukocyte.plugin.measure.columns import NO_NUMBER, calibrated_words, range_text, why_no_cnr

__all__ = ["CellCard"]

_NOTHING = "Click a cell, or a row."
_LINES_OF_REMARKS = 4


class CellCard(QWidget):  # type: ignore[misc]
    """CNR with its range, both N:C's, areas and remarks of one cell; of the same height whatever it shows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QElidingLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.cnr = QLabel(NO_NUMBER)
        self.cnr.setStyleSheet("font-size: 26pt; font-weight: 300;")
        self.cnr.setIndent(0)
        self.cnr.setToolTip("CNR: cytoplasm area / nucleus area of the cell")
        self.range = QLabel(NO_NUMBER)
        self.range.setToolTip("The CNR if the outlines are off by 1 px or 0.1 µm, whichever is more")
        self.calibrated = QLabel(NO_NUMBER)
        self.nc_ratio, self.nucleus_share, self.cytoplasm, self.nucleus = (_figure() for _ in range(4))
        self.cytoplasm_word = QLabel("Cytoplasm")
        self.remarks = QLabel()
        self.remarks.setWordWrap(True)
        self.remarks.setTextFormat(Qt.TextFormat.RichText)
        self.remarks.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)

        self.figures = QWidget()
        figures = QGridLayout(self.figures)
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setHorizontalSpacing(10)
        figures.setVerticalSpacing(2)
        figures.addWidget(QLabel("CNR cyt / nuc"), 0, 0)
        figures.addWidget(self.cnr, 1, 0, 2, 1)
        figures.addWidget(self.range, 3, 0)
        figures.addWidget(self.calibrated, 4, 0)
        in_cell, in_cytoplasm = QLabel("N:C nuc / cell"), QLabel("N:C nuc / cyt")
        in_cell.setToolTip("N:C as cytology has it: nucleus area / area of the whole cell")
        in_cytoplasm.setToolTip("N:C as 1 / CNR: nucleus area / cytoplasm area")
        words = (in_cell, in_cytoplasm, self.cytoplasm_word, QLabel("Nucleus"))
        values = (self.nucleus_share, self.nc_ratio, self.cytoplasm, self.nucleus)
        for row, (word, value) in enumerate(zip(words, values, strict=True)):
            figures.addWidget(word, row, 2)
            figures.addWidget(value, row, 3)
        figures.setColumnStretch(1, 1)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(self.figures)
        column.addWidget(_Room(self.remarks))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.show_cell(None)

    def show_cell(self, measure: CellMeasure | None, image: str = "", factor: float = math.nan) -> None:
        """Show a cell of an image, with the calibrated range of its model's factor, or that none is selected."""
        self.figures.setEnabled(measure is not None)
        if measure is None:
            self.title.setText(_NOTHING)
            self.title.setToolTip("")
            self.remarks.clear()
            figures = (self.nc_ratio, self.nucleus_share, self.cytoplasm, self.nucleus)
            for label in (self.cnr, self.range, self.calibrated, *figures):
                label.setText(NO_NUMBER)
            self.calibrated.setToolTip("")
            return
        title = f"Cell {measure.cell} · {image}" if image else f"Cell {measure.cell}"
        self.title.setText(title)
        self.title.setToolTip(title)
        self.cnr.setText(cnr_text(measure, short=True))
        self.range.setText(_range(measure))
        words, meaning = calibrated_words(measure, factor)
        self.calibrated.setText(words)
        self.calibrated.setToolTip(meaning)
        self.nc_ratio.setText(NO_NUMBER if math.isnan(measure.nc_ratio) else f"{measure.nc_ratio:.2f}")
        share = measure.nucleus_fraction
        self.nucleus_share.setText(NO_NUMBER if math.isnan(share) else f"{share:.2f}")
        binary = is_binary(measure)
        self.cytoplasm_word.setText("Whole cell" if binary else "Cytoplasm")
        self.cytoplasm.setText(_area(measure.cytoplasm_px, measure.cytoplasm_um2))
        self.nucleus.setText(NO_NUMBER if binary else _area(measure.nucleus_px, measure.nucleus_um2))
        self.remarks.setText(_remarks(measure))


class _Room(QScrollArea):  # type: ignore[misc]
    """Room for so many lines of a label; more than that scrolls, so that the dock does not jump while painting."""

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self.setWidget(label)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        self.widget().ensurePolished()  # the theme sets the size of the letters
        return QSize(200, _LINES_OF_REMARKS * self.widget().fontMetrics().lineSpacing() + 2)


def _range(measure: CellMeasure) -> str:
    if not math.isnan(measure.cnr):
        return range_text(measure)
    return "withheld" if measure.withheld else "binary map"


def _remarks(measure: CellMeasure) -> str:
    """Sentences, those that withhold the CNR first and bold."""
    strong = [f"<b>{sentence}</b>" for sentence in why_no_cnr(measure)]
    return "<br>".join([*strong, *(flag.words for flag in measure.flags if not flag.withholds)])


def _area(px: int, um2: float) -> str:
    return f"{px} px²" if math.isnan(um2) else f"{um2:.1f} µm²"


def _figure() -> QLabel:
    return QLabel(NO_NUMBER, alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
