import numpy as np
import pytest

from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.segmentation.plausible import giant_platelets, mistaken_red_cells

PIXEL_SIZE = 0.1
RED, PURPLE = (0.12, 0.55, 0.45), (0.9, 1.1, 0.4)  # density of a red cell and of a nucleus in R, G, B
RED_CELLS = [(60, 60), (60, 150), (60, 240), (150, 60)]
WHITE, MISTAKEN = (200, 200), (150, 150)


def disc(centre, radius, shape=(300, 300)):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def scene(*, red_cells=RED_CELLS, glass=(250, 245, 230), grey=False):
    """Image, class map and labels: a white cell (1), and a red one (2) that was taken for a nucleus with a rim."""
    density = np.zeros((300, 300, 3))
    for centre in [*red_cells, MISTAKEN]:
        density[disc(centre, 30)] = RED
    density[disc(WHITE, 45)] = (0.15, 0.2, 0.1)
    density[disc(WHITE, 30)] = PURPLE
    image = np.round(glass * np.exp(-density)).astype(np.uint8)
    if grey:
        image = np.repeat(image.mean(axis=-1, keepdims=True).round().astype(np.uint8), 3, axis=-1)
    classes, cells = np.zeros((300, 300), np.uint8), np.zeros((300, 300), np.int32)
    for number, centre, outer, inner in ((1, WHITE, 45, 30), (2, MISTAKEN, 30, 25)):
        cells[disc(centre, outer)] = number
        classes[disc(centre, outer)] = 1
        classes[disc(centre, inner)] = 2
    return image, classes, cells


def found(image, classes, cells, *, unsure=(1, 2), share=0.5, no_cell=1.0, pixel_size=PIXEL_SIZE):
    """The network is unsure of such a share of some cells, and of ``no_cell`` of those pixels that they are cell."""
    chance = np.random.default_rng(0).random(cells.shape)
    there = np.isin(cells, unsure)
    sure, surely_cell = ~(there & (chance < share)), ~(there & (chance < share * no_cell))
    return mistaken_red_cells(image, find_conversion(image), classes, cells, sure, surely_cell, pixel_size=pixel_size)


@pytest.mark.parametrize("glass", [(250, 245, 230), (180, 200, 120), (120, 140, 130)])
def test_a_red_cell_goes_and_an_equally_unsure_white_cell_stays(glass):
    assert found(*scene(glass=glass)) == {2}


def test_in_grayscale_nothing_goes():
    assert found(*scene(grey=True)) == set()


@pytest.mark.parametrize("density", [(0.16, 0.8, 0.4), (0.3, 0.6, 0.4)])
def test_a_nucleus_dense_in_either_light_stays(density):
    image, classes, cells = scene()
    image[cells == 2] = np.round((250, 245, 230) * np.exp(-np.array(density)))
    assert found(image, classes, cells) == set()


def test_what_the_network_is_sure_of_stays():
    assert found(*scene(), unsure=()) == set()
    assert found(*scene(), share=0.15) == set()


def test_what_is_surely_a_cell_stays_whichever_part_is_which():
    assert found(*scene(), share=0.8, no_cell=0.1) == set()
    assert found(*scene(), share=0.8, no_cell=0.2) == {2}


def test_without_red_cells_in_view_nothing_goes():
    assert found(*scene(red_cells=[])) == set()


def test_a_cell_without_nucleus_stays():
    image, classes, cells = scene()
    classes[cells == 2] = 1
    assert found(image, classes, cells) == set()


def test_a_map_without_cells():
    image, classes, cells = scene()
    assert found(image, classes * 0, cells * 0) == set()


def test_large_images_are_looked_at_in_steps():
    image, classes, cells = (np.kron(a, np.ones((5, 5, *[1] * (a.ndim - 2)), a.dtype)) for a in scene())
    assert found(image, classes, cells, pixel_size=PIXEL_SIZE / 5) == {2}


def small_cell(*, radius=38, middle=28, grains=True, pixel_size=0.1, at=(150, 150)):
    """One small cell whose middle is granular like a platelet's or smooth like a lymphocyte's nucleus."""
    y, x = np.mgrid[:300, :300] * pixel_size
    grain = np.sin(2 * np.pi * y / 1.1) * np.sin(2 * np.pi * x / 1.1) if grains else np.zeros_like(x)
    density = np.zeros((300, 300))
    density[disc(at, radius)] = 0.2
    inside = disc(at, middle)
    density[inside] = 0.8 * (1 + 0.6 * grain[inside])
    image = np.round(240 * np.exp(-density)).astype(np.uint8)[..., None].repeat(3, axis=-1)
    classes, cells = np.zeros((300, 300), np.uint8), np.zeros((300, 300), np.int32)
    classes[disc(at, radius)], cells[disc(at, radius)] = 1, 1
    classes[inside] = 2
    return image, classes, cells


def platelets(scene, *, pixel_size=0.1):
    image, classes, cells = scene
    return giant_platelets(image, find_conversion(image), classes, cells, pixel_size=pixel_size)


@pytest.mark.parametrize("size", [0.05, 0.1, 0.15])
def test_a_granular_middle_in_a_small_cell_is_a_giant_platelets(size):
    inside = {"radius": round(3.8 / size), "middle": round(2.8 / size), "pixel_size": size}
    assert platelets(small_cell(**inside), pixel_size=size) == {1}
    assert platelets(small_cell(**inside, grains=False), pixel_size=size) == set()


def test_a_granular_cell_of_usual_size_stays():
    assert platelets(small_cell(radius=60, middle=28)) == set()
    assert platelets(small_cell(radius=43, middle=36)) == set()


def test_a_small_cell_without_nucleus_or_cut_by_the_edge_stays():
    image, classes, cells = small_cell()
    assert platelets((image, np.minimum(classes, 1), cells)) == set()
    assert platelets(small_cell(at=(20, 150))) == set()
    assert platelets((image, classes * 0, cells * 0)) == set()
