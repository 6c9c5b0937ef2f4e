import pytest
from napari.components import ViewerModel

from napari_leukocyte.plugin.session import get_session


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def session(viewer):
    return get_session(viewer)
