"""Make the pictures of the documentation: napari on drawn smears, worked with real mouse clicks.

    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/pictures.py

Writes into docs/images. Only drawn images appear in them.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import napari
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

OUT = Path(__file__).with_name("images")
LEFT = Qt.MouseButton.LeftButton


def wait_for(condition: Callable[[], bool], timeout: float = 120) -> None:
    """Let napari work until the condition holds; ``timeout`` in seconds."""
    end = monotonic() + timeout
    while not condition():
        if monotonic() > end:
            raise TimeoutError("napari did not come to rest")
        QTest.qWait(20)


def segmented(sample: str) -> napari.Viewer:
    """A viewer on a sample, after a press on Segment."""
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    viewer.open_sample("napari-leukocyte", sample)
    QTest.mouseClick(dock.segment_button, LEFT)
    wait_for(lambda: not dock.job.running)
    viewer.reset_view()
    return viewer


def picture(viewer: napari.Viewer, name: str) -> None:
    """The whole window as a file."""
    QTest.qWait(600)  # the canvas draws at its own pace; nothing announces the last frame
    viewer.screenshot(str(OUT / name), canvas_only=False, flash=False)


def main() -> None:
    """All pictures."""
    OUT.mkdir(exist_ok=True)
    viewer = segmented("field")
    picture(viewer, "segment-field.png")
    viewer.close()
    viewer = segmented("cell")
    viewer.layers["classes"].contour = 3
    viewer.layers["classes"].opacity = 1
    picture(viewer, "segment-cell.png")
    viewer.close()


if __name__ == "__main__":
    main()
