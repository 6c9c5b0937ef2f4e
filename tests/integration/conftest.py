import sys
import threading
from pathlib import Path

import pytest

from napari_leukocyte.core.cells import live, measures

# the helpers beside the tests are imported by name
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def viewer(make_napari_viewer):
    """A napari window large enough for a dock beside the canvas."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1300, 900)
    return viewer


@pytest.fixture
def measured_here(monkeypatch):
    """Of each measurement of a cell so far, whether the window's own thread made it."""
    here = []

    def watched(measure):
        def measure_cell(*args, **options):
            here.append(threading.current_thread() is threading.main_thread())
            return measure(*args, **options)

        return measure_cell

    for module in (live, measures):
        monkeypatch.setattr(module, "measure_cell", watched(module.measure_cell))
    return here
