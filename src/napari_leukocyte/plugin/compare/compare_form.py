"""How the Compare dock compares: border band, which cells count, and the rule for an empty class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QWidget

from napari_leukocyte.plugin.parts.docks import row

if TYPE_CHECKING:
    from napari_leukocyte.core.scoring.evaluation import EvaluationParameters

__all__ = ["CompareForm"]

_KEEP = {"All cells": "all", "Whole cells only": "whole", "Centre cell only": "centre"}


class CompareForm(QWidget):  # type: ignore[misc]
    """The parameters of an evaluation, and above them what is compared with what.

    Signals
    -------
    changed()
        A parameter is another one.
    """

    changed = Signal()

    def __init__(self, truth: QWidget, files: QWidget, other: QWidget) -> None:
        super().__init__()
        self.band_width = QDoubleSpinBox(minimum=0, maximum=100, singleStep=0.5, decimals=2, value=4)
        self.nuclei = QComboBox()
        self.nuclei.setToolTip("Where the truth is a number for each cell: a layer with a number for each nucleus")
        self.unit = QComboBox()
        self.unit.addItems(["px", "µm"])
        self.keep = QComboBox()
        self.keep.addItems(list(_KEEP))
        self.keep.setToolTip("Which cells count, in the segmentation and in the truth alike")
        self.thesis_rule = QCheckBox("An empty class scores 0 (thesis)")
        for signal in (self.band_width.valueChanged, self.unit.currentIndexChanged, self.keep.currentIndexChanged):
            signal.connect(lambda _: self.changed.emit())
        self.thesis_rule.toggled.connect(lambda _: self.changed.emit())
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Truth", truth)
        self._nuclei_label = QLabel("its nuclei")
        rows.addRow(self._nuclei_label, self.nuclei)
        self.ask_nuclei(False)
        rows.addRow("", files)
        rows.addRow("Band width", row(self.band_width, self.unit))
        rows.addRow("Keep", self.keep)
        rows.addRow("Beside", other)
        rows.addRow(self.thesis_rule)

    def ask_nuclei(self, ask: bool) -> None:
        """Show the choice of nuclei, or hide it: only a layer of numbered cells has them beside it."""
        for widget in (self._nuclei_label, self.nuclei):
            widget.setVisible(ask)

    def parameters(self) -> EvaluationParameters:
        """The form as parameters."""
        from napari_leukocyte.core.scoring.evaluation import EvaluationParameters  # loads scipy

        in_px = self.unit.currentText() == "px"
        return EvaluationParameters(
            border_px=self.band_width.value() if in_px else None,
            border_um=None if in_px else self.band_width.value(),
            keep=_KEEP[self.keep.currentText()],  # type: ignore[arg-type]
            empty_scores_zero=self.thesis_rule.isChecked(),
        )
