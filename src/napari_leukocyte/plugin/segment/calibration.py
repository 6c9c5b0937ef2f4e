"""Calibration: a line on a picture of a stage micrometer gives the pixel size, which is kept as a named preset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QLineEdit, QPushButton, QSpinBox, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.presets import Preset, calibrated
from napari_leukocyte.plugin.canvas.layers import placed_like
from napari_leukocyte.plugin.parts.docks import note, row
from napari_leukocyte.plugin.settings import change_presets, get_presets

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Shapes

__all__ = ["MICROMETER", "Calibration"]

MICROMETER = "stage micrometer"  # what the layer with the line is called


class Calibration(QWidget):  # type: ignore[misc]
    """Line, its length, the optics and a name; hidden until it is asked for.

    Parameters
    ----------
    viewer
        Gets a layer to draw the line on, for as long as the calibration lasts.
    image
        Returns the image that the line is drawn on; None: there is none.
    chosen
        Returns the preset in force, from which other optics of the same camera follow without a line.

    Signals
    -------
    saved(name)
        A preset was kept.
    """

    saved = Signal(str)

    def __init__(
        self, viewer: ViewerModel, image: Callable[[], Image | None], chosen: Callable[[], Preset | None]
    ) -> None:
        super().__init__()
        self._viewer, self._image, self._chosen = viewer, image, chosen
        self._layer: Shapes | None = None
        self.draw_button = QPushButton("Draw the line", clicked=self.draw)
        self.draw_button.setToolTip("Drag along the scale of the micrometer, over as many divisions as are in view")
        self.length = _number(100.0, 0.1, 10_000.0, " µm")
        self.length.setToolTip("How long the line is on the micrometer")
        self.objective = _number(100.0, 1.0, 250.0, " x")
        self.adapter = _number(1.0, 0.1, 10.0, " x")
        self.binning = QSpinBox()
        self.binning.setRange(1, 16)
        self.name = QLineEdit(placeholderText="100x oil")
        self.said = note()
        self.save_button = QPushButton("Save set-up", clicked=self.save)
        self.close_button = QPushButton("Close", clicked=self.end)
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow(self.draw_button)
        for label, field in (
            ("The line is", self.length),
            ("Objective", self.objective),
            ("Adapter", self.adapter),
            ("Binning", self.binning),
            ("Name", self.name),
        ):
            rows.addRow(label, field)
        rows.addRow(self.said)
        rows.addRow(row(self.save_button, self.close_button))
        for field in (self.length, self.objective, self.adapter, self.binning):
            field.valueChanged.connect(self._say)
        self.hide()

    def begin(self) -> None:
        """Show the fields, with the optics of the preset in force."""
        preset = self._chosen()
        if preset is not None:
            self.objective.setValue(preset.objective)
            self.adapter.setValue(preset.adapter)
            self.binning.setValue(preset.binning)
        self.show()
        self._say()

    def end(self) -> None:
        """Hide the fields, and take the line away."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None
        self.hide()

    def draw(self) -> None:
        """Let the next drag on the canvas be the line; one that was drawn before goes."""
        image = self._image()
        if image is None:
            self.said.setText("Open a picture of a stage micrometer first.")
            return
        if self._layer is None or self._layer not in self._viewer.layers:
            self._layer = self._viewer.add_shapes(name=MICROMETER, ndim=2, edge_color="yellow", **placed_like(image, 2))
            self._layer.current_edge_width = max(1.0, max(image.data.shape[:2]) / 300)
            self._layer.events.set_data.connect(self._say)
        self._layer.data = []
        self._viewer.layers.selection.active = self._layer
        self._layer.mode = "add_line"
        self._say()

    @property
    def line_px(self) -> float | None:
        """Length of the last line in pixels of the image; None without a line."""
        if self._layer is None or self._layer not in self._viewer.layers or not self._layer.data:
            return None
        start, end = np.asarray(self._layer.data[-1])[:2]
        return float(np.hypot(*(end - start)))

    def _preset(self) -> Preset | None:
        """What would be kept; None when there is nothing to go by."""
        name = self.name.text().strip() or self.name.placeholderText()
        optics: dict[str, Any] = {
            "objective": self.objective.value(),
            "adapter": self.adapter.value(),
            "binning": self.binning.value(),
        }
        if self.line_px is not None:
            return Preset(name, calibrated(self.line_px, self.length.value()), **optics)
        chosen = self._chosen()
        return None if chosen is None else chosen.with_optics(name, **optics)

    def _say(self, _changed: object = None) -> None:
        try:
            preset = self._preset()
        except LeukocyteError as error:
            self.said.setText(str(error))
            return
        if preset is None:
            self.said.setText("Draw a line along the scale of a stage micrometer.")
        elif self.line_px is None:
            self.said.setText(f"{preset.um:.4g} µm/px, from the set-up in force by its optics.")
        else:
            self.said.setText(f"A line of {self.line_px:.1f} px: {preset.um:.4g} µm/px.")

    def save(self) -> None:
        """Keep the preset under its name, in place of an earlier one of that name."""
        try:
            preset = self._preset()
            if preset is None:
                raise LeukocyteError("Draw a line along the scale of a stage micrometer first.")
            if not self.name.text().strip():
                raise LeukocyteError("Give the set-up a name, such as 100x oil.")
            change_presets({**get_presets(), preset.name: preset})
        except LeukocyteError as error:
            self.said.setText(str(error))
            return
        self.end()
        self.saved.emit(preset.name)


def _number(value: float, least: float, most: float, suffix: str) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setRange(least, most)
    field.setDecimals(2)
    field.setSuffix(suffix)
    field.setValue(value)
    return field
