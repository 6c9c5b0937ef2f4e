"""A drawn slide in napari: the map of its film, the table of its cells, and one of them, corrected and written back."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from .hands import LEFT, NO_KEY, OUT, click, new_viewer, open_dock, press, stroke, wait_for, window_picture

_ROWS, _COLUMNS = 12, 18  # tiles of 128 um
_BRUSH_PX = 9


def slide() -> None:
    """The Segment dock on a slide, before and after a row of its table is clicked, and after the cell was corrected."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import slides

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slides.write_tiff(slides.Slide(_ROWS, _COLUMNS, slides.STAIN, 0.25), folder / "smear.svs")
        viewer = new_viewer()
        dock = open_dock(viewer, "Segment")
        dock.open_paths([folder / "smear.svs"])
        QFileDialog.getExistingDirectory = lambda *_: str(folder)  # nobody is there to choose one
        click(dock.slide.find_button)
        wait_for(lambda: not dock.slide.job.running, timeout=3600)
        (OUT / "slide-overview.png").write_bytes((folder / "smear" / "overview.png").read_bytes())
        viewer.reset_view(margin=0.02)
        dock.slide.table.sortByColumn(1, dock.slide.table.horizontalHeader().sortIndicatorOrder())
        QTest.qWait(2000)
        window_picture(viewer, "slide.png")
        table = dock.slide.table
        place = table.visualRect(table.model().index(2, 1)).center()
        QTest.mouseClick(table.viewport(), LEFT, NO_KEY, place)
        QTest.qWait(1500)
        window_picture(viewer, "slide-cell.png")
        session = dock.session
        session.reader = "A. Reader"
        cell = session.state.cells == session.selection[1]
        middle = np.argwhere(cell & (session.state.classes == 2)).mean(axis=0)
        rim = np.argwhere(cell & (session.state.classes == 1))
        far = rim[np.argmax(np.hypot(*(rim - middle).T))]  # where the cytoplasm is widest
        press(viewer, Qt.Key.Key_Q)  # the brush of the nucleus
        session.classes_layer.brush_size = _BRUSH_PX
        stroke(viewer, [middle + share * (far - middle) for share in np.linspace(0.3, 0.7, 9)])
        wait_for(lambda: session.state.edited)
        click(dock.slide.write_button)
        wait_for(lambda: not dock.slide.writer.running and dock.slide.write_button.isEnabled())
        window_picture(viewer, "slide-written.png")
        viewer.close()
