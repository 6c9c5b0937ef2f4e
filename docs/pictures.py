"""Make the pictures of the documentation: napari on drawn smears, worked with real mouse clicks.

    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/pictures.py

Writes into docs/images. Only drawn images appear in them.
"""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import matplotlib.pyplot as plt
import napari
import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.smear import draw_cell, draw_field
from napari_leukocyte.core.synthetic.stain import STAINS
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet

OUT = Path(__file__).with_name("images")
LEFT = Qt.MouseButton.LeftButton
CNR_COLUMN = 2


def wait_for(condition: Callable[[], bool], timeout: float = 120) -> None:
    """Let napari work until the condition holds; ``timeout`` in seconds."""
    end = monotonic() + timeout
    while not condition():
        if monotonic() > end:
            raise TimeoutError("napari did not come to rest")
        QTest.qWait(20)


def segmented(sample: str) -> tuple[napari.Viewer, Any]:
    """A viewer on a sample, after a press on Segment, and the Segment dock."""
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    viewer.open_sample("napari-leukocyte", sample)
    QTest.mouseClick(dock.segment_button, LEFT)
    wait_for(lambda: not dock.job.running)
    viewer.reset_view()
    return viewer, dock


def picture(viewer: napari.Viewer, name: str) -> None:
    """The whole window as a file."""
    QTest.qWait(600)  # the canvas draws at its own pace; nothing announces the last frame
    viewer.screenshot(str(OUT / name), canvas_only=False, flash=False)


def canvas_point(viewer: napari.Viewer, y: float, x: float) -> QPoint:
    """Where a pixel of the class map lies on the canvas."""
    world = viewer.layers["classes"].data_to_world((y, x))
    canvas = viewer.window._qt_viewer.canvas
    transform = canvas.view.scene.node_transform(canvas._scene_canvas.scene)
    across, down = transform.map([world[1], world[0]])[:2]
    return QPoint(round(across), round(down))


def drag(viewer: napari.Viewer, points: list[QPoint]) -> None:
    """A stroke with the left button, with real mouse events."""
    native = viewer.window._qt_viewer.canvas.native
    QTest.mouseMove(native, points[0])
    QTest.mousePress(native, LEFT, Qt.KeyboardModifier.NoModifier, points[0])
    for point in points:
        QTest.mouseMove(native, point)
        QTest.qWait(10)
    QTest.mouseRelease(native, LEFT, Qt.KeyboardModifier.NoModifier, points[-1])


def measure() -> None:
    """The Measure dock on a field: a row is clicked, its nucleus painted larger; before and after the stroke."""
    viewer, _ = segmented("field")
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    dock.table.sortByColumn(CNR_COLUMN, Qt.SortOrder.DescendingOrder)
    QTest.qWait(300)
    row = dock.table.model().index(0, CNR_COLUMN)
    QTest.mouseClick(dock.table.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, dock.table.visualRect(row).center())
    viewer.scene.camera.zoom *= 3
    layer = viewer.layers["classes"]
    layer.mode, layer.selected_label, layer.brush_size = "paint", 2, 14
    picture(viewer, "measure-before.png")
    _, cell = dock.session.selection
    found = dock.session.state.live.measure_of(cell)
    radius = 0.6 * np.sqrt((found.cytoplasm_px + found.nucleus_px) / np.pi)
    turns = np.linspace(-0.6, 0.9, 24)
    path = [canvas_point(viewer, found.y + radius * np.sin(t), found.x + radius * np.cos(t)) for t in turns]
    drag(viewer, path)
    picture(viewer, "measure-after.png")
    viewer.close()


def compare() -> None:
    """The Compare dock on a drawn field whose exact map is known, after a stroke that is wrong."""
    smear = draw_field(seed=5, size=(700, 900), px_per_um=10.2, n_cells=6)
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    _, segment = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    viewer.add_image(smear.image, name="drawn smear", scale=(smear.pixel_size,) * 2, units="um")
    QTest.mouseClick(segment.segment_button, LEFT)
    wait_for(lambda: not segment.job.running)
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Compare")
    truth = viewer.add_labels(smear.classes, name="experts", scale=(smear.pixel_size,) * 2, units="um", visible=False)
    dock.truth.setCurrentIndex(dock.truth.findData(truth))
    dock.truth.activated.emit(dock.truth.currentIndex())
    wait_for(lambda: dock.loader is None)
    layer = viewer.layers["classes"]
    viewer.layers.selection.active = layer
    found = max(dock.session.state.measures, key=lambda measure: measure.nucleus_px)
    dock.session.go_to(0, found.cell)
    viewer.scene.camera.zoom *= 2.5
    for name in ("truth", "difference"):
        QTest.mouseClick(dock.boxes[name], LEFT)
    layer.mode, layer.selected_label, layer.brush_size = "paint", 1, 16
    radius = 1.02 * np.sqrt((found.cytoplasm_px + found.nucleus_px) / np.pi)
    turns = np.linspace(2.2, 3.6, 24)
    drag(viewer, [canvas_point(viewer, found.y + radius * np.sin(t), found.x + radius * np.cos(t)) for t in turns])
    picture(viewer, "compare.png")
    viewer.close()


def drawn_set(folder: Path, n: int) -> TrainingSet:
    """A training set of drawn cells, each with its exact map as the accepted mask."""
    made = TrainingSet.create(folder)
    for number in range(n):
        smear = draw_cell(seed=300 + number, size=(240, 240), px_per_um=8, stain="rapid")
        id_ = made.add_image(smear.image, name=f"cell-{number + 1:02d}.png", pixel_size=smear.pixel_size)
        made.accept(id_, Correction(smear.classes, smear.cells, pixel_size=smear.pixel_size))
    return made


def train() -> None:
    """The Train dock when a training on ten drawn cells is over; it takes minutes, as the real one does."""
    with TemporaryDirectory() as folder:
        made = drawn_set(Path(folder) / "my-stain", 10)
        viewer = napari.Viewer()
        viewer.window.resize(1400, 900)
        viewer.add_image(made.read_image(made.image_ids()[0]), name="cell-01")
        _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Train")
        dock.open_set(made.folder)
        wait_for(lambda: dock.summary is not None and not dock.set.busy)
        QTest.mouseClick(dock.train_button, LEFT)
        wait_for(lambda: not dock.job.running and not dock.set.busy, timeout=1800)
        viewer.reset_view()
        picture(viewer, "train.png")
        viewer.close()


def synthetic() -> None:
    """A drawn smear of each difficulty class, above its class map."""
    figure, panels = plt.subplots(4, 4, figsize=(9, 9.5), layout="constrained")
    seeds, stains = (12, 9, 203, 204, 64, 62, 60, 65), cycle(STAINS)
    colours = np.array([MASK_COLOURS[number] for number in range(3)], dtype=np.uint8)
    for place, (difficulty, name) in enumerate(DIFFICULTIES.items()):
        smear = draw_difficulty(difficulty, seed=seeds[place], size=(400, 400), stain=next(stains))
        row, column = 2 * (place // 4), place % 4
        for panel, shown in ((panels[row, column], smear.image), (panels[row + 1, column], colours[smear.classes])):
            panel.imshow(shown)
            panel.set_axis_off()
        panels[row, column].set_title(f"{difficulty} {name}", fontsize=10)
    figure.savefig(OUT / "synthetic.png", dpi=110, bbox_inches="tight", pad_inches=0.05)
    plt.close(figure)


def main() -> None:
    """All pictures."""
    OUT.mkdir(exist_ok=True)
    synthetic()
    viewer, _ = segmented("field")
    picture(viewer, "segment-field.png")
    viewer.close()
    viewer, _ = segmented("cell")
    viewer.layers["classes"].contour = 3
    viewer.layers["classes"].opacity = 1
    picture(viewer, "segment-cell.png")
    viewer.close()
    measure()
    compare()
    train()


if __name__ == "__main__":
    main()
