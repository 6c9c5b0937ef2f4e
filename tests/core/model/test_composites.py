import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.model.composites import add_neighbours, cut_out_cells, glass
from napari_leukocyte.core.model.dataset import Sample

PIXEL_SIZE = 1 / 6
GLASS, CELL, NUCLEUS = (240, 220, 200), (180, 140, 170), (90, 50, 120)


def disc(shape, centre, radius):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def sample(centres, *, source="lab", radius=30, nucleus=0.5, shape=(200, 240), white=GLASS):
    """Discs of ``radius`` px with a nucleus of a share of it, on even glass."""
    image = np.empty((*shape, 3), np.uint8)
    image[:] = white
    target = np.zeros((4, *shape), np.uint8)
    for centre in centres:
        cell, inner = disc(shape, centre, radius), disc(shape, centre, radius * nucleus)
        image[cell] = np.array(CELL) * (np.array(white) / GLASS)
        image[inner] = np.array(NUCLEUS) * (np.array(white) / GLASS)
        target[1][cell] = 255
        target[1][inner], target[2][inner] = 0, 255
    target[0] = 255 - target[1] - target[2]
    return Sample("a", source, image, target, whole_cell=False)


def window(of, size=200):
    return of.image[:size, :size].transpose(2, 0, 1).copy(), of.target[:, :size, :size].copy()


def test_whole_cells_are_cut_out_and_others_are_not():
    clump = sample([(100, 70), (100, 115), (100, 160)], source="clump")  # more than any one cell
    cells = cut_out_cells(
        [sample([(100, 100)]), sample([(100, 20)], source="cut"), clump, sample([(90, 90)], radius=8, source="small")],
        pixel_size=PIXEL_SIZE * 1.6,
    )
    assert {kind: len(own) for kind, own in cells.items()} == {("lab", False): 1}
    (cell,) = cells["lab", False]
    assert cell.target.shape == (4, 73, 73)
    assert (cell.target[2] == 255).sum() == disc((200, 240), (100, 100), 15).sum()
    middle = cell.opacity.shape[0] // 2
    assert cell.opacity[middle, middle] == pytest.approx(1)
    assert cell.opacity[0, 0] == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(cell.density[:, middle, middle], -np.log(np.array(NUCLEUS) / GLASS), atol=0.02)


def test_another_cell_in_the_box_stays_behind():
    near = sample([(100, 80), (130, 134)])  # the boxes overlap, the cells do not touch
    first, second = cut_out_cells([near], pixel_size=PIXEL_SIZE)["lab", False]
    for cell in (first, second):
        assert ndimage.label(cell.target[0] < 128)[1] == 1
        assert ndimage.label(cell.opacity > 0.5)[1] == 1


def test_glass_is_what_only_the_brightest_tenth_exceeds():
    image, _ = window(sample([(100, 100)]))
    np.testing.assert_array_equal(glass(image), GLASS)
    assert glass(np.zeros((3, 4, 4), np.uint8)).min() == 1


@pytest.mark.parametrize("seed", range(20))
def test_added_cells_touch_or_nearly_so_and_the_masks_fit_the_picture(seed):
    own = sample([(100, 100)])
    before = window(own)
    cells = cut_out_cells([own], pixel_size=PIXEL_SIZE)["lab", False]
    (image, target), _ = add_neighbours(before, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)
    cell = target[0] < 128
    assert cell.sum() > 1.2 * (before[1][0] < 128).sum()
    reach = ndimage.binary_dilation(cell, iterations=2)  # 0.3 um of gap at most
    assert ndimage.label(reach)[1] == 1
    assert np.abs(target.sum(axis=0, dtype=int) - 255).max() <= 2
    # the same stain on the same glass: the colour says which class a pixel has, except along outlines
    solid = ndimage.minimum_filter(target.max(axis=0), 5) == 255
    colours = np.array([GLASS, CELL, NUCLEUS])
    expected = colours[target.argmax(axis=0)].transpose(2, 0, 1)
    edges = ndimage.morphological_gradient(target.argmax(axis=0), 5) > 0
    inner = solid & ~edges
    assert inner.mean() > 0.5
    assert np.abs(image.astype(int) - expected)[:, inner].max() <= 12  # a soft edge of the cell beside it


def test_a_cell_is_laid_over_the_glass_of_its_new_image():
    pale = sample([(100, 100)], white=(200, 220, 240))
    cells = cut_out_cells([sample([(100, 100)])], pixel_size=PIXEL_SIZE)["lab", False]
    (image, target), _ = add_neighbours(window(pale), cells, np.random.default_rng(0), pixel_size=PIXEL_SIZE)
    nucleus = ndimage.binary_erosion(target[2] == 255, iterations=3)
    expected = np.array(NUCLEUS) * np.array((200, 220, 240)) / GLASS
    assert np.abs(image[:, nucleus] - expected[:, None]).max() <= 3


def test_a_cell_lies_over_or_under_the_one_it_touches():
    own = sample([(100, 100)])
    before = window(own)
    cells = cut_out_cells([sample([(100, 100)], nucleus=1.0)], pixel_size=PIXEL_SIZE)["lab", False]
    first = before[1][0] < 128
    kept = []
    for seed in range(40):
        (_, target), _ = add_neighbours(before, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)
        kept.append(bool((target[:, first] == before[1][:, first]).all()))
    assert 5 < sum(kept) < 35


def test_the_window_that_was_given_is_left_alone_and_seeds_repeat():
    own = sample([(100, 100)])
    before, copy = window(own), window(own)
    cells = cut_out_cells([own], pixel_size=PIXEL_SIZE)["lab", False]
    results = [add_neighbours(before, cells, np.random.default_rng(3), pixel_size=PIXEL_SIZE)[0] for _ in range(2)]
    for i in range(2):
        np.testing.assert_array_equal(before[i], copy[i])
        np.testing.assert_array_equal(results[0][i], results[1][i])


def test_half_cells_and_empty_windows():
    own = sample([(100, 100)])
    cells = cut_out_cells([own], pixel_size=PIXEL_SIZE)["lab", False]
    empty = window(sample([]))
    at_edge = 0
    for seed in range(30):
        (_, target), _ = add_neighbours(empty, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)
        cell = target[0] < 128
        assert cell.any()
        at_edge += bool(cell[0].any() or cell[-1].any() or cell[:, 0].any() or cell[:, -1].any())
    assert at_edge > 10


@pytest.mark.parametrize("seed", range(10))
def test_the_areas_of_added_cells_are_told(seed):
    before = window(sample([(100, 100)]))
    cells = cut_out_cells([sample([(100, 100)], nucleus=1.0)], pixel_size=PIXEL_SIZE)["lab", False]
    (_, target), areas = add_neighbours(before, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)
    cell = before[1][0] < 128
    assert areas
    for area in areas:
        assert area.any()
        cell |= area
    np.testing.assert_array_equal(target[0] < 128, cell)


def open_sample():
    """A cell around whose outline nothing is known, with an unknown part at the outline of its nucleus."""
    own = sample([(100, 100)])
    ring = disc((200, 240), (100, 100), 36) & ~disc((200, 240), (100, 100), 30)
    rim = disc((200, 240), (100, 100), 17) & ~disc((200, 240), (100, 100), 13)
    own.target[:, ring] = 0
    own.target[:, rim] = np.array([0, 0, 0, 255])[:, None]
    own.image[ring] = CELL  # the outline was drawn too tight: this is cytoplasm
    return own, ring, rim


def test_a_cell_is_cut_out_with_what_its_mask_leaves_open():
    own, ring, rim = open_sample()
    (cell,) = cut_out_cells([own], pixel_size=PIXEL_SIZE)["lab", False]
    assert (cell.target.sum(axis=0, dtype=int) == 0).sum() == ring.sum()
    assert (cell.target[3] == 255).sum() == rim.sum()
    assert (cell.opacity[cell.target.sum(axis=0, dtype=int) == 0] > 0.5).all()


@pytest.mark.parametrize("seed", range(10))
def test_what_is_not_known_stays_so_in_the_merged_window(seed):
    own, ring, _ = open_sample()
    cells = cut_out_cells([own], pixel_size=PIXEL_SIZE)["lab", False]
    before = window(own)
    (image, target), areas = add_neighbours(before, cells, np.random.default_rng(seed), pixel_size=PIXEL_SIZE)
    total = target.sum(axis=0, dtype=int)
    assert set(np.unique(total)) <= {0, 254, 255, 256}
    untouched = ~np.any([*areas, np.zeros_like(ring[:200, :200])], axis=0)
    np.testing.assert_array_equal(target[:, untouched], before[1][:, untouched])
    assert (total[~untouched] == 0).any()  # the added cells' own rings
    assert (target[3][~untouched] == 255).any()
    # nothing that looks like a cell is called glass
    dark = ndimage.binary_erosion((np.abs(image.astype(int) - np.array(CELL)[:, None, None]) < 5).all(axis=0))
    assert not (target[0][dark] > 128).any()
