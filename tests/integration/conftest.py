import sys
from pathlib import Path

import pytest

# the helpers beside the tests are imported by name
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def viewer(make_napari_viewer):
    """A napari window large enough for a dock beside the canvas."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1300, 900)
    return viewer
