"""From the end of a brush stroke to the new figures on screen, and how long the event loop is held during a stroke.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/live.py [--strokes 100]

Real mouse events paint on the class map of a drawn smear, with the Measure dock open, and then with the Compare dock
open, the drawing's own map as truth and the difference image shown. A number is on screen when the canvas has been
drawn with it; the docks hold it by then too. The floor in the same run is the same stroke on a napari Labels layer that
nobody follows.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QEvent, QObject, QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.truth import make_truth
from napari_leukocyte.core.synthetic.smear import Smear, draw_cell, draw_field

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@dataclass
class Times:
    """Seconds of each stroke: until the number stands in the dock, until it is drawn, and the longest hold."""

    known: list[float] = field(default_factory=list)
    drawn: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)


class TimedApplication(QApplication):  # type: ignore[misc]
    """Notes how long the longest event held the event loop."""

    def __init__(self) -> None:
        super().__init__([])
        self.longest = 0.0
        self._depth = 0

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        start = perf_counter()
        self._depth += 1
        try:
            return bool(super().notify(receiver, event))
        finally:
            self._depth -= 1
            if self._depth == 0:  # an event inside another holds the loop no longer than that one
                self.longest = max(self.longest, perf_counter() - start)


class Painter:
    """A viewer whose canvas can be painted on, and that says when it was drawn."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1400, 900)
        self.canvas: Any = self.viewer.window._qt_viewer.canvas
        self.drawn_at = 0.0
        self.canvas._scene_canvas.events.draw.connect(self._on_draw, position="last")

    def _on_draw(self, _: object) -> None:
        self.drawn_at = perf_counter()

    def settle(self) -> None:
        """Let everything that is due happen, the histogram too."""
        QTest.qWait(250)

    def point(self, y: float, x: float, layer: Any) -> QPoint:
        """Where a pixel of a layer lies on the canvas."""
        world = layer.data_to_world((y, x))
        transform = self.canvas.view.scene.node_transform(self.canvas._scene_canvas.scene)
        across, down = transform.map([world[1], world[0]])[:2]
        return QPoint(round(across), round(down))

    def stroke(self, points: list[QPoint], times: Times, known: Callable[[], float]) -> None:
        """Draw a stroke; ``known`` says when the number was last set in the dock."""
        native = self.canvas.native
        application = QApplication.instance()
        assert isinstance(application, TimedApplication)
        QTest.mouseMove(native, points[0])
        QTest.qWait(30)
        application.longest = 0.0
        QTest.mousePress(native, LEFT, NO_KEY, points[0])
        for point in points:
            QTest.mouseMove(native, point)
            QApplication.processEvents()
            QTest.qWait(8)  # a mouse reports about every 8 ms
        times.held.append(application.longest)
        start = perf_counter()
        QTest.mouseRelease(native, LEFT, NO_KEY, points[-1])
        native.update()  # the floor has nothing new to draw after the last move, and would wait for ever
        while self.drawn_at < max(start, known()):
            QApplication.processEvents()
            if perf_counter() - start > 2:
                raise TimeoutError("the canvas was not drawn")
        times.known.append(max(0.0, known() - start))
        times.drawn.append(self.drawn_at - start)


def strokes(smear: Smear, count: int, seed: int) -> list[tuple[list[tuple[float, float]], int]]:
    """Short curved strokes across the outlines of cells, each with the class that it paints (0 erases)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        number = int(rng.integers(1, smear.cells.max() + 1))
        y, x = np.nonzero(smear.cells == number)
        radius = np.sqrt(y.size / np.pi)
        turn = rng.uniform(0, 2 * np.pi) + np.linspace(0, 0.6, 14)
        path = [(y.mean() + 0.9 * radius * np.sin(t), x.mean() + 0.9 * radius * np.cos(t)) for t in turn]
        found.append(([(float(a), float(b)) for a, b in path], int(rng.integers(0, 3))))
    return found


def result(smear: Smear) -> Segmentation:
    """The drawing's own class map, as a segmentation would give it."""
    return Segmentation(
        classes=smear.classes,
        cells=smear.cells,
        binary=False,
        pixel_size=PixelSize(smear.pixel_size, "drawn"),
        keep="all",
        notes=(),
        provenance={"model": "drawn"},
    )


def measure(smear: Smear, count: int, *, dock_name: str | None) -> Times:
    """Paint strokes on a smear, followed by the plugin with a dock, or (None) on a plain Labels layer."""
    painter = Painter()
    viewer = painter.viewer
    image = viewer.add_image(smear.image, name="smear")
    last = [0.0]
    if dock_name is not None:
        _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", dock_name)
        dock.session.open_layer(image)
        dock.session.put(0, result(smear))
        if dock_name == "Compare":
            compare_with(dock, smear)
        layer = dock.session.classes_layer
        # connected last, so that every dock has the number when this is called
        dock.session.changed.connect(lambda *_: last.__setitem__(0, perf_counter()))
    else:
        layer = viewer.add_labels(smear.classes.copy(), opacity=0.45)
        layer.events.paint.connect(lambda _: last.__setitem__(0, perf_counter()))
    viewer.reset_view()
    layer.mode = "paint"
    layer.brush_size = 12
    painter.settle()
    times = Times()
    for path, value in strokes(smear, count, seed=1):
        layer.selected_label = value
        painter.settle()
        painter.stroke([painter.point(y, x, layer) for y, x in path], times, lambda: last[0])
    viewer.close()
    return times


def compare_with(dock: Any, smear: Smear) -> None:
    """Give the Compare dock the drawing's map as truth, and show the difference image."""
    truth = make_truth(
        smear.classes,
        whole_cell=False,
        pixel_size=smear.pixel_size,
        reading="",
        source="drawn",
        cells=smear.cells,
    )
    dock.comparison.set_truth(0, truth)
    dock.boxes["difference"].setChecked(True)


def told(name: str, seconds: list[float]) -> str:
    """Median and 95th percentile in ms."""
    median, high = (1000 * float(np.quantile(seconds, share)) for share in (0.5, 0.95))
    return f"{name} median {median:6.1f} ms, 95 % {high:6.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--strokes", type=int, default=100)
    given = parser.parse_args()
    application = TimedApplication()  # napari takes the one that is there
    application.setQuitOnLastWindowClosed(False)
    smears = {
        "480x480, 1 cell": draw_cell(seed=3, size=(480, 480), px_per_um=10.2),
        "2000x3000, 20 cells": draw_field(seed=1, size=(2000, 3000), px_per_um=10.2, n_cells=20),
    }
    for name, smear in smears.items():
        for dock_name in ("Measure", "Compare", None):
            times = measure(smear, given.strokes, dock_name=dock_name)
            print(f"{name:20s} {f'{dock_name} dock' if dock_name else 'floor: plain layer'}")
            print(f"    {told('number in the dock', times.known)}")
            print(f"    {told('number on screen  ', times.drawn)}")
            print(f"    {told('longest hold      ', times.held)}, at most {1000 * max(times.held):.1f} ms")


if __name__ == "__main__":
    main()
