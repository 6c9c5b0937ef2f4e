import math

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize, pixel_size_from_diameter
from napari_leukocyte.core.model.weights import model_path
from napari_leukocyte.core.segmentation.class_map import WindowDone
from napari_leukocyte.core.segmentation.pixel_size import estimate_pixel_size
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.synthetic.smear import draw_field


@pytest.fixture(scope="module")
def shipped():
    try:
        return Predictor(model_path("default"), device="cpu")
    except LeukocyteError:
        pytest.skip("default has not been trained yet")


def estimate(image, predictor):
    *progress, size = estimate_pixel_size(image, find_conversion(image), predictor)
    assert progress
    assert all(isinstance(event, WindowDone) for event in progress)
    assert isinstance(size, PixelSize)
    assert size.estimated
    return size


@pytest.mark.parametrize("diameter", [30, 60, 130])
def test_cells_are_the_ruler(predictor, draw, diameter):
    side = 4 * diameter
    image, _ = draw((side, side), [(side / 3, side / 3, diameter / 2), (0.8 * side, 0.5 * side, diameter / 2)])
    size = estimate(image, predictor)
    assert size.um == pytest.approx(13 / diameter, rel=0.05)
    assert size.source == "estimated from 2 cells"


def test_cells_cut_by_the_edge_count_only_when_there_are_no_others(predictor, draw):
    cut = [(0, 60, 40), (299, 200, 40)]
    image, _ = draw((300, 300), [*cut, (150, 150, 25)])
    assert estimate(image, predictor).source == "estimated from 1 cell"
    assert estimate(image, predictor).um == pytest.approx(13 / 50, rel=0.05)
    assert estimate(draw((300, 300), cut)[0], predictor).source == "estimated from 2 cells"


def test_specks_are_no_ruler(predictor, draw):
    specks = [(y, x, 4) for y in (20, 60, 240) for x in (30, 90, 200, 260)]
    image, _ = draw((300, 300), [*specks, (150, 150, 40)])
    assert estimate(image, predictor).um == pytest.approx(13 / 80, rel=0.05)


@pytest.mark.parametrize("px_per_um", [5.0, 12.0])
def test_a_drawn_smear(shipped, px_per_um):
    smear = draw_field(seed=1, size=(round(45 * px_per_um), round(60 * px_per_um)), px_per_um=px_per_um, n_cells=2)
    size = estimate(smear.image, shipped)
    # within 30 %: what the network is trained to bear
    assert abs(math.log(size.um * px_per_um)) < math.log(1.3)


def test_from_a_typical_cell():
    assert pixel_size_from_diameter(130) == pytest.approx(0.1)
    for wrong in (0, -3, math.nan, np.inf):
        with pytest.raises(LeukocyteError, match="give the diameter of a typical cell"):
            pixel_size_from_diameter(wrong)
