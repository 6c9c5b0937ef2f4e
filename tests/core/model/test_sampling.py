import numpy as np
import pytest

from napari_leukocyte.core.model.composites import cut_out_cells
from napari_leukocyte.core.model.crowding import RedCell
from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.drawn import DRAWN
from napari_leukocyte.core.model.sampling import Additions, draw_batch, sample_weights


def coordinates(name="c", *, height=40, width=60, cell=None, whole_cell=False):
    """A sample whose red and green are its own row and column, so that a window tells where it lies."""
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    target = np.zeros((4, height, width), np.uint8)
    target[0] = 255
    if cell is not None:
        target[0][cell], target[3 if whole_cell else 1][cell] = 0, 255
    image = np.stack([y, x, np.zeros_like(x)], axis=-1)
    return Sample(name, "lab", image, target, whole_cell)


def named(name, source, *, whole_cell=False):
    return Sample(name, source, np.zeros((8, 8, 3), np.uint8), np.zeros((4, 8, 8), np.uint8), whole_cell)


def test_sources_weigh_alike_and_precise_masks_twice():
    samples = [named(f"a{i}", "large") for i in range(30)]
    samples += [named(f"b{i}", "small") for i in range(3)]
    samples += [named(f"c{i}", "whole", whole_cell=True) for i in range(7)]
    weights = sample_weights(samples)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()
    totals = [weights[:30].sum(), weights[30:33].sum(), weights[33:].sum()]
    assert totals == pytest.approx([0.4, 0.4, 0.2])


def test_drawn_smears_weigh_half_as_much_again_as_precise_photographs():
    weights = sample_weights([named("a", "photographs"), *(named(f"d{i}", DRAWN) for i in range(5))])
    assert [weights[0], weights[1:].sum()] == pytest.approx([0.4, 0.6])


def test_draws_follow_the_weights():
    everywhere = (slice(None), slice(None))
    samples = [coordinates("a", cell=everywhere), coordinates("b", cell=everywhere, whole_cell=True)]
    _, target = draw_batch(samples, np.array([0.2, 0.8]), 1000, 4, np.random.default_rng(0))
    whole = (target[:, 3] == 255).all(axis=(1, 2))
    assert ((target[:, 1] == 255).all(axis=(1, 2)) == ~whole).all()
    assert whole.mean() == pytest.approx(0.8, abs=0.05)


def test_most_windows_lie_around_a_cell():
    cell = (slice(10, 12), slice(50, 52))
    sample = coordinates(cell=cell)
    image, target = draw_batch([sample], np.ones(1), 400, 8, np.random.default_rng(1))
    assert (image.shape, target.shape) == ((400, 3, 8, 8), (400, 4, 8, 8))
    on_cell = (target[:, 1, 4, 4] == 255).mean()  # the drawn pixel is the window's centre
    assert 0.74 < on_cell < 0.86
    # the others lie anywhere: all four corners of the image are seen
    rows, columns = image[:, 0, 4, 4], image[:, 1, 4, 4]
    assert rows.min() < 5
    assert rows.max() > 34
    assert columns.min() < 8


def test_an_image_without_a_cell_is_sampled_everywhere():
    image, _ = draw_batch([coordinates()], np.ones(1), 300, 2, np.random.default_rng(2))
    assert np.unique(image[:, 0, 1, 1]).size > 30
    assert np.unique(image[:, 1, 1, 1]).size > 45


@pytest.mark.parametrize("size", [8, 90, 200])
def test_beyond_the_edge_image_and_target_are_mirrored_alike(size):
    sample = coordinates(cell=(slice(0, 15), slice(0, 20)))
    image, target = draw_batch([sample], np.ones(1), 20, size, np.random.default_rng(3))
    assert (image.shape, target.shape) == ((20, 3, size, size), (20, 4, size, size))
    y, x = image[:, 0].astype(int), image[:, 1].astype(int)
    np.testing.assert_array_equal(target[:, 1] == 255, (y < 15) & (x < 20))
    # neighbours in a mirrored window are neighbours in the image, and an edge row comes twice
    assert np.abs(np.diff(y, axis=1)).max() == 1
    assert np.abs(np.diff(x, axis=2)).max() == 1
    if size > 60:
        assert set(np.unique(y)) == set(range(40))
        assert (np.diff(y, axis=1) == 0).any()


def test_the_same_seed_draws_the_same():
    samples, weights = [coordinates(), coordinates("d", height=30)], np.array([0.5, 0.5])
    first, again = (draw_batch(samples, weights, 5, 16, np.random.default_rng(7)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_share_of_the_windows_gets_neighbours_of_its_own_kind():
    # blue is 0 in these images, so a blue pixel can only come from a cell that was added
    plain = coordinates(height=120, width=120, cell=(slice(50, 70), slice(50, 70)))
    blue = plain.image.copy()
    blue[..., 2] = 200
    cells = cut_out_cells([Sample("b", "lab", blue, plain.target, whole_cell=False)], pixel_size=0.5)
    for source, whole_cell, share in (("lab", False, 0.4), ("elsewhere", False, 0.0), ("lab", True, 0.0)):
        sample = Sample("s", source, plain.image, plain.target, whole_cell)
        rng = np.random.default_rng(0)
        additions = Additions(pixel_size=0.5, neighbours=0.4, cells=cells, red_share=0.0, red_cells=())
        image, target = draw_batch([sample], np.ones(1), 200, 100, rng, additions)
        added = image[:, 2].any(axis=(1, 2))
        assert added.mean() == pytest.approx(share, abs=0.1)
        assert (target.sum(axis=1, dtype=int) == 255).all()


def test_a_share_of_the_windows_gets_red_cells_whatever_their_kind():
    sample = coordinates(height=120, width=120, cell=(slice(50, 70), slice(50, 70)))
    bright = Sample("s", "drawn", np.full_like(sample.image, 240), sample.target, whole_cell=False)
    disc = np.hypot(*np.mgrid[-8:9, -8:9]) <= 7
    red = RedCell(np.broadcast_to(0.5 * disc, (3, 17, 17)).astype(np.float32), disc)
    additions = Additions(pixel_size=0.5, neighbours=1.0, cells={}, red_share=0.3, red_cells=[red])
    image, target = draw_batch([bright], np.ones(1), 200, 100, np.random.default_rng(0), additions)
    plain = draw_batch([bright], np.ones(1), 200, 100, np.random.default_rng(0))[1]
    assert (image < 200).any(axis=(1, 2, 3)).mean() == pytest.approx(0.3, abs=0.1)
    assert set(np.unique(target)) == set(np.unique(plain))


def test_windows_keep_open_what_the_mask_leaves_open():
    sample = coordinates(cell=(slice(10, 30), slice(10, 30)))
    sample.target[:, 5:10] = 0
    sample.target[:, 15:20, 15:20] = np.array([0, 0, 0, 255])[:, None, None]
    image, target = draw_batch([sample], np.ones(1), 50, 24, np.random.default_rng(5))
    y, x = image[:, 0].astype(int), image[:, 1].astype(int)
    np.testing.assert_array_equal(target.sum(axis=1, dtype=int) == 0, (y >= 5) & (y < 10))
    np.testing.assert_array_equal(target[:, 3] == 255, (y >= 15) & (y < 20) & (x >= 15) & (x < 20))
