import math

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize, pixel_size_from_diameter
from napari_leukocyte.core.model.weights import model_path
from napari_leukocyte.core.segmentation import white_cells
from napari_leukocyte.core.segmentation.pixel_size import RED_CELL_UM, estimate_pixel_size
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.windowed import WindowDone
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


def test_many_red_cells_are_the_ruler(predictor, draw, with_red_cells, crowd):
    white, _ = draw((300, 300), [(150, 150, 25)])  # at 13 um wide it would say 0.26 um
    image = with_red_cells(white, crowd, 20)
    size = estimate(image, predictor)
    assert size.source == "estimated from 8 red cells and 1 cell"
    assert size.um == pytest.approx(RED_CELL_UM / 40, rel=0.1)
    assert estimate(image[..., 0], predictor).um == pytest.approx(size.um, rel=0.02)  # grayscale
    empty = with_red_cells(draw((300, 300), [])[0], crowd, 20)
    size = estimate(empty, predictor)
    assert size.source == "estimated from 8 red cells"
    assert size.um == pytest.approx(RED_CELL_UM / 40, rel=0.05)


def test_few_red_cells_count_beside_the_white_one(predictor, draw, with_red_cells, crowd):
    image = with_red_cells(draw((300, 300), [(150, 150, 40)])[0], crowd[:2], 24)
    size = estimate(image, predictor)
    assert size.source == "estimated from 2 red cells and 1 cell"
    assert RED_CELL_UM / 48 < size.um < 13 / 80


def test_lobes_of_a_nucleus_are_no_red_cells(predictor, draw):
    image, classes = draw((300, 300), [(150, 150, 45)])
    rows, columns = np.mgrid[:300, :300]
    image[classes > 0] = 150
    for y in (130, 172):
        image[np.hypot(rows - y, columns - 150) < 17] = 50
    size = estimate(image, predictor)
    assert size.source == "estimated from 1 cell"
    assert size.um == pytest.approx(13 / 90, rel=0.05)


def test_in_a_large_plane_the_discs_lie_where_the_white_cells_are_seen(
    predictor, draw, with_red_cells, crowd, monkeypatch
):
    monkeypatch.setattr(white_cells, "_LARGEST", 300 * 300)
    image = with_red_cells(draw((300, 300), [(150, 150, 25)])[0], crowd, 20)
    wide = np.full((600, 600, 3), 240, np.uint8)  # of which the middle 300 x 300 are looked at
    wide[150:450, 150:450] = image
    size = estimate(wide, predictor)
    assert size.source == "estimated from 8 red cells and 1 cell"
    assert size.um == pytest.approx(RED_CELL_UM / 40, rel=0.1)


@pytest.mark.parametrize("px_per_um", [5.0, 12.0])
def test_a_drawn_smear(shipped, px_per_um):
    smear = draw_field(seed=1, size=(round(45 * px_per_um), round(60 * px_per_um)), px_per_um=px_per_um, n_cells=2)
    size = estimate(smear.image, shipped)
    assert "red cells" in size.source
    assert abs(math.log(size.um * px_per_um)) < math.log(1.15)


def test_from_a_typical_cell():
    assert pixel_size_from_diameter(130) == pytest.approx(0.1)
    for wrong in (0, -3, math.nan, np.inf):
        with pytest.raises(LeukocyteError, match="give the diameter of a typical cell"):
            pixel_size_from_diameter(wrong)
