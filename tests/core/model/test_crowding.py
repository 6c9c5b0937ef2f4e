import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.model.crowding import add_red_cells, cut_out_red_cells
from napari_leukocyte.core.model.dataset import Sample

PIXEL_SIZE = 1 / 6
GLASS, RED = np.array((240.0, 220.0, 200.0)), np.array((225.0, 140.0, 130.0))
RADIUS = 21  # px: 7 um wide


def smear(red=(), white=(), *, radius=RADIUS, colour=RED, shape=(200, 240)):
    """Red discs on glass; the white cells are as dark and wide, but the target knows them."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.broadcast_to(GLASS, (*shape, 3)).copy()
    target = np.zeros((4, *shape), np.uint8)
    for own, cells in ((colour, red), (RED * 0.6, white)):
        for centre in cells:
            share = np.clip(radius + 0.5 - np.hypot(y - centre[0], x - centre[1]), 0, 1)[..., None]
            image += share * (own - image)
    for centre in white:
        target[1][np.hypot(y - centre[0], x - centre[1]) <= radius] = 255
    target[0] = 255 - target[1]
    return Sample("a", "lab", image.round().astype(np.uint8), target, whole_cell=False)


def window(of, size=200):
    return of.image[:size, :size].transpose(2, 0, 1).copy(), of.target[:, :size, :size].copy()


@pytest.fixture(scope="module")
def cells():
    return cut_out_red_cells([smear([(100, 100)])], pixel_size=PIXEL_SIZE)


def test_a_red_cell_is_cut_out_with_its_density_over_glass(cells):
    (cell,) = cells
    middle = cell.disc.shape[0] // 2
    np.testing.assert_allclose(cell.density[:, middle, middle], np.log(GLASS / RED), atol=0.02)
    assert cell.disc.sum() == pytest.approx(np.pi * (RADIUS + 0.5) ** 2, rel=0.1)
    assert cell.density[:, 0].max() < 0.01
    assert (cell.density >= 0).all()


@pytest.mark.parametrize(
    "other",
    [
        smear([(10, 100)]),  # cut by the frame
        smear([], [(100, 100)]),  # a white cell
        smear([(100, 80)], [(100, 80 + 2 * RADIUS)]),  # against a white cell
        smear([(100, 100)], radius=40),  # 13 um
        smear([(100, 100)], radius=10),  # 3 um
        smear([(100, 100)], colour=GLASS * 0.96),  # hardly there
        smear(),
    ],
)
def test_what_is_no_free_red_cell_stays_where_it_is(other):
    assert cut_out_red_cells([other], pixel_size=PIXEL_SIZE) == []


@pytest.mark.parametrize("seed", range(10))
def test_red_cells_come_under_the_white_ones_and_change_no_target(cells, seed):
    before = window(smear([], [(100, 100)]))
    copy = [part.copy() for part in before]
    image, target = add_red_cells(before, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)
    for was, kept in zip(before, copy, strict=True):
        np.testing.assert_array_equal(was, kept)
    np.testing.assert_array_equal(target, before[1])
    white = before[1][0] == 0
    np.testing.assert_array_equal(image[:, white], before[0][:, white])
    assert (image <= before[0]).all()
    darker = (image < 0.97 * before[0]).any(axis=0)
    distances = ndimage.distance_transform_edt(~white)[darker]
    assert distances.min() < 4  # in contact, or less than a micrometre away
    assert distances.max() < 2 * RADIUS + 10


def test_they_absorb_together_with_what_lies_there(cells):
    alone, over = window(smear([], [(100, 100)])), window(smear([(100, 100 - 2 * RADIUS)], [(100, 100)]))
    added = [add_red_cells(each, cells, np.random.default_rng(1), pixel_size=PIXEL_SIZE)[0] for each in (alone, over)]
    absorbed = [added[i] / np.maximum(each[0], 1) for i, each in enumerate((alone, over))]
    np.testing.assert_allclose(*absorbed, atol=0.02)


def test_each_window_has_a_colour_of_its_own_and_seeds_repeat(cells):
    before = window(smear([], [(100, 100)]))

    def added(seed):
        return add_red_cells(before, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)[0]

    np.testing.assert_array_equal(added(4), added(4))
    hues = []
    for seed in range(12):
        absorbed = np.log(np.maximum(before[0], 1) / np.maximum(added(seed), 1.0)).sum(axis=(1, 2))
        hues.append(absorbed[1] / absorbed[2])
    assert np.std(np.log(hues)) > 0.2


def test_a_window_without_a_white_cell_gets_them_anywhere(cells):
    image, target = add_red_cells(window(smear()), cells, np.random.default_rng(0), pixel_size=PIXEL_SIZE)
    assert (image[1] < 200).any()
    assert (target[0] == 255).all()
