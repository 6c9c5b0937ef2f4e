"""Red cells and platelets keep clear of the white cells."""

import numpy as np
import pytest

from napari_leukocyte.core.synthetic.canvas import Canvas
from napari_leukocyte.core.synthetic.leukocytes import depths, make_leukocyte
from napari_leukocyte.core.synthetic.platelets import draw_platelets
from napari_leukocyte.core.synthetic.red_cell_layout import place_red_cells
from napari_leukocyte.core.synthetic.red_cells import draw_red_cells
from napari_leukocyte.core.synthetic.stain import STAINS

STAIN = STAINS["wright-giemsa"]


def canvas_with_a_cell():
    canvas = Canvas((160, 200), 4.0)
    cell = make_leukocyte(np.random.default_rng(0), "monocyte", y=20.0, x=25.0)
    window = canvas.window(cell.y, cell.x, cell.reach)
    canvas.inside[window.at] = depths(cell, window.y, window.x)[0]
    return canvas, cell


@pytest.mark.parametrize("pressed", [False, True])
def test_red_cells_do_not_cover_a_white_cell(pressed):
    canvas, cell = canvas_with_a_cell()
    rng = np.random.default_rng(1)
    places = place_red_cells(rng, canvas.extent, [cell], coverage=0.5, pressed=pressed)
    draw_red_cells(rng, canvas, STAIN, places, pressed=pressed)
    assert len(places) > 10
    assert (2 * places[:, 2] > 6.5).all()
    assert (2 * places[:, 2] < 8).all()
    assert canvas.density[canvas.inside > 0.2].max() < 1e-6
    assert canvas.density.max() > 0.1
    assert (canvas.classes == 0).all()


def test_platelets_keep_clear_of_white_cells_and_mostly_of_red_ones():
    canvas, _ = canvas_with_a_cell()
    draw_platelets(np.random.default_rng(2), canvas, STAIN, np.empty((0, 3)), per_1000_um2=10)
    assert canvas.density[canvas.inside > 0].max() == 0
    assert canvas.density.max() > 0.1
    assert (canvas.cells == 0).all()


def test_a_window_beyond_the_frame_is_empty():
    canvas = Canvas((10, 10), 2.0)
    assert canvas.window(-20, 2, 3).empty
    assert canvas.window(2, 40, 3).empty
    assert canvas.window(2, 2, 30).at == (slice(0, 10), slice(0, 10))
