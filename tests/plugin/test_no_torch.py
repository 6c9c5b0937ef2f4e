"""No dock makes napari wait for torch: it takes seconds to load, and is loaded beside the window when a model runs."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.gui

OPENED = """
import sys
import napari
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer(show=False)
import scipy.ndimage  # which docks need; newer ones load scipy.linalg themselves
slow = {"torch", "skimage.segmentation", "skimage.morphology", "scipy.spatial", "scipy.linalg"} - set(sys.modules)
for name in ("Segment", "Measure", "Compare", "Correct", "Train"):
    viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
    QApplication.processEvents()
    assert not slow & set(sys.modules), name
    # what writes files is loaded to write some
    assert name != "Measure" or "napari_leukocyte.core.exchange.formats" not in sys.modules
viewer.close()
"""

WORKED = """
import sys
from pathlib import Path
import napari, numpy as np
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer(show=False)
docks = {name: viewer.window.add_plugin_dock_widget("napari-leukocyte", name)[1] for name in ("Measure", "Correct")}
correct, folder = docks["Correct"], Path(sys.argv[1])

def rest():
    while correct.disk.busy:
        correct.disk.catch_up()
    QApplication.processEvents()
    assert "torch" not in sys.modules, step

step = "opening a set"
correct.new_set(folder / "set")
rest()
step = "painting by hand"
from napari_leukocyte.core.imaging.image_list import sources_from_files
correct.session.open_files(list(sources_from_files([folder / "a.png"])))
correct.session.start_empty()
correct.session.classes_layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[5:9, 5:9]), 2)
correct.save_work()
rest()
step = "accepting"
correct.corrections.accept(0)
rest()
assert correct.corrections.accepted == 1
step = "saving all"
docks["Measure"].save(folder / "out")
docks["Measure"].output.writer.wait()
rest()
assert (folder / "out" / "cells.csv").is_file()
viewer.close()
"""


@pytest.mark.parametrize("script", [OPENED, WORKED], ids=["opened", "painted, accepted and saved"])
def test_a_dock_loads_no_torch(tmp_path, script):
    Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(tmp_path / "a.png")
    run = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
