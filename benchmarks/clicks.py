"""From a click on a cell to its new map and CNR on screen, and to the outline that a resting pointer brings up.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/clicks.py [--side 520] [--rounds 3]

Real mouse events on a drawn smear (tiled up to ``--side`` px), with the Measure dock open. A click finds nothing ready:
the pointer does not rest before it. The map is on screen when the canvas has been drawn after the session told of it.
"""

import argparse
from time import perf_counter

import numpy as np
from qtpy.QtTest import QTest

from live import LEFT, NO_KEY, Painter, TimedApplication
from napari_leukocyte.core.synthetic.smear import draw_field

_TILE = (520, 660)


def quantiles(seconds: list[float]) -> str:
    """Median and 95 % in ms."""
    median, high = np.quantile(np.array(seconds) * 1000, (0.5, 0.95))
    return f"median {median:.0f} ms, 95 % {high:.0f} ms, of {len(seconds)}"


def main() -> None:
    """Print both times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=_TILE[0], help="of the image, px")
    parser.add_argument("--rounds", type=int, default=3, help="clicks on each cell, undone in between")
    options = parser.parse_args()
    _application = TimedApplication()  # held until the end
    field = draw_field(seed=2, size=_TILE, px_per_um=10, n_cells=6)
    times = -(-options.side // _TILE[0])
    painter = Painter()
    viewer, native = painter.viewer, painter.canvas.native
    image = viewer.add_image(np.tile(field.image, (times, times, 1)), scale=(0.1, 0.1), units=("um", "um"))
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    painter.settle()
    session, hand = dock.session, dock.gestures.hand
    session.open_layer(image)
    hand.take_up()
    viewer.scene.camera.center = (0, _TILE[0] / 20, _TILE[1] / 20)  # the first tile
    viewer.scene.camera.zoom = 9.0
    told = 0.0

    def on_changed(*_: object) -> None:
        nonlocal told
        told = perf_counter()

    session.changed.connect(on_changed)
    while hand.engine.busy:
        QTest.qWait(50)
    clicked: list[float] = []
    rested: list[float] = []
    for number in [*range(1, int(field.cells.max()) + 1)] * options.rounds:
        y, x = np.argwhere((field.cells == number) & (field.classes == 2)).mean(axis=0)
        at = painter.point(y, x, session.classes_layer)
        QTest.mouseMove(native, at)
        start = perf_counter()
        while not hand.lines.lines and perf_counter() - start < 5:
            QTest.qWait(1)  # a loop that never sleeps would keep the interpreter from the thread that answers
        rested.append(perf_counter() - start)
        hand._forget_ahead()  # what is ready is not used: the click is timed as if the pointer had come in haste
        QTest.mousePress(native, LEFT, NO_KEY, at)
        start = perf_counter()
        QTest.mouseRelease(native, LEFT, NO_KEY, at)
        while (told < start or painter.drawn_at < told) and perf_counter() - start < 5:
            QTest.qWait(1)
        clicked.append(perf_counter() - start)
        session.classes_layer.undo()
        QTest.mouseMove(native, painter.point(2, 2, session.classes_layer))
        painter.settle()
    print(f"image of {image.data.shape[0]} x {image.data.shape[1]} px")
    print(f"from the release of a click to map and CNR on screen: {quantiles(clicked)}")
    print(f"from the move to the outline under the resting pointer: {quantiles(rested)}")
    dock.end()
    viewer.close()


if __name__ == "__main__":
    main()
