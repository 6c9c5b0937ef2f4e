import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.border import band_width_px, border_band


def by_definition(truth, width_px, cell_only):
    classes = (truth > 0).astype(int) if cell_only else truth
    points = np.argwhere(np.ones(truth.shape, bool))
    values = classes.ravel()
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    near = (apart <= (width_px / 2 + 0.5) ** 2) & (values[:, None] != values[None])
    return near.any(axis=1).reshape(truth.shape)


@pytest.mark.parametrize("width_px", [0, 0.5, 1, 2, 3, 3.98, 4, 5.7, 8])
@pytest.mark.parametrize("cell_only", [False, True])
def test_against_the_definition(width_px, cell_only):
    rng = np.random.default_rng(int(10 * width_px))
    for density in (0.02, 0.2, 0.7):
        truth = rng.integers(1, 3, (17, 23)) * (rng.random((17, 23)) < density)
        band = border_band(truth, width_px=width_px, cell_only=cell_only)
        assert np.array_equal(band, by_definition(truth, width_px, cell_only))


def test_four_pixels_are_two_on_each_side():
    truth = np.repeat([[0] * 6 + [1] * 6], 5, axis=0)
    assert border_band(truth, width_px=4)[0].tolist() == [False] * 4 + [True] * 4 + [False] * 4
    assert np.array_equal(border_band(truth, width_px=band_width_px(1 / 10.2)), border_band(truth, width_px=4))


@pytest.mark.parametrize("value", [0, 1, 2])
def test_the_image_edge_is_no_border(value):
    assert not border_band(np.full((5, 7), value), width_px=40).any()


def test_width():
    assert band_width_px(None) == 4
    assert band_width_px(0.1) == pytest.approx(3.9)
    assert band_width_px(0.1, 1.0) == 10
    with pytest.raises(LeukocyteError, match="pixel size"):
        band_width_px(0)
    with pytest.raises(LeukocyteError, match="width"):
        band_width_px(0.1, -1)
    with pytest.raises(LeukocyteError, match="width"):
        border_band([[0, 1]], width_px=-1)
