"""Segment, Measure and Compare on a drawn field."""

from typing import Any

import napari
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_leukocyte.core.synthetic.smear import draw_field

from .hands import click, click_row, new_viewer, open_dock, stroke, wait_for, window_picture

CNR_COLUMN = 3


def segmented_field() -> tuple[napari.Viewer, Any]:
    """A viewer on the sample field after a press on Segment, and the Segment dock."""
    viewer = new_viewer()
    dock = open_dock(viewer, "Segment")
    viewer.open_sample("napari-leukocyte", "field")
    click(dock.segment_button)
    wait_for(lambda: not dock.job.running)
    viewer.reset_view(margin=0.01)
    return viewer, dock


def segment() -> None:
    """The Segment dock on a field."""
    viewer, _ = segmented_field()
    viewer.window.resize(1400, 740)  # as wide as the field is
    QTest.qWait(300)
    viewer.reset_view(margin=0.01)
    window_picture(viewer, "segment-field.png")
    viewer.close()


def measure() -> None:
    """The Measure dock on a field: a row is clicked, its nucleus painted larger; before and after the stroke."""
    viewer, _ = segmented_field()
    dock = open_dock(viewer, "Measure")
    dock.table.sortByColumn(CNR_COLUMN, Qt.SortOrder.DescendingOrder)
    QTest.qWait(300)
    click_row(dock, 0)
    viewer.scene.camera.zoom *= 3
    layer = viewer.layers["classes"]
    layer.mode, layer.selected_label, layer.brush_size = "paint", 2, 14
    window_picture(viewer, "measure-before.png")
    _, cell = dock.session.selection
    found = dock.session.state.live.measure_of(cell)
    radius = 0.6 * np.sqrt((found.cytoplasm_px + found.nucleus_px) / np.pi)
    stroke(viewer, _arc(found, radius, -0.6, 0.9))
    window_picture(viewer, "measure-after.png")
    viewer.close()


def compare() -> None:
    """The Compare dock on a drawn field whose exact map is known, after a stroke that is wrong."""
    smear = draw_field(seed=5, size=(700, 900), px_per_um=10.2, n_cells=6, stain="wright-giemsa")
    viewer = new_viewer()
    dock = open_dock(viewer, "Segment")
    place = {"scale": (smear.pixel_size,) * 2, "units": "um"}
    viewer.add_image(smear.image, name="drawn smear", **place)
    click(dock.segment_button)
    wait_for(lambda: not dock.job.running)
    dock = open_dock(viewer, "Compare")
    truth = viewer.add_labels(smear.classes, name="experts", visible=False, **place)
    dock.truth.setCurrentIndex(dock.truth.findData(truth))
    dock.truth.activated.emit(dock.truth.currentIndex())
    wait_for(lambda: not dock.loader.running)
    layer = viewer.layers["classes"]
    viewer.layers.selection.active = layer
    middle = np.array(smear.classes.shape) / 2
    found = min(dock.session.state.measures, key=lambda one: np.hypot(*(middle - (one.y, one.x))))
    dock.session.go_to(0, found.cell)
    viewer.scene.camera.zoom *= 2.2
    for name in ("truth", "difference"):
        click(dock.boxes[name])
    layer.mode, layer.selected_label, layer.brush_size = "paint", 1, 16
    radius = 1.02 * np.sqrt((found.cytoplasm_px + found.nucleus_px) / np.pi)
    stroke(viewer, _arc(found, radius, 2.2, 3.6))
    window_picture(viewer, "compare.png")
    viewer.close()


def _arc(cell: Any, radius: float, begin: float, end: float) -> list[tuple[float, float]]:
    """Pixels along an arc around a cell's middle; angles in radians, clockwise from the right."""
    return [(cell.y + radius * np.sin(turn), cell.x + radius * np.cos(turn)) for turn in np.linspace(begin, end, 24)]
