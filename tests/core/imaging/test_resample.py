import numpy as np
import pytest

from napari_leukocyte.core.imaging.resample import area_resize


def noise(shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_the_same_shape_changes_nothing():
    image = noise((3, 7, 9))
    np.testing.assert_array_equal(area_resize(image, (7, 9)), image)


@pytest.mark.parametrize("shape", [(5, 5), (20, 33), (1, 1), (50, 8), (64, 90)])
def test_range_and_constants_are_kept(shape):
    image = noise((2, 32, 45))
    resized = area_resize(image, shape)
    assert resized.shape == (2, *shape)
    assert resized.dtype == np.float32
    assert resized.min() >= image.min() - 1e-6
    assert resized.max() <= image.max() + 1e-6
    np.testing.assert_allclose(area_resize(np.full((1, 32, 45), 0.3, np.float32), shape), 0.3, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_fine_texture_averages_out(factor):
    checks = (np.indices((96, 96)).sum(axis=0) % 2).astype(np.float32)[None]
    small = area_resize(checks, (96 // factor, 96 // factor))[0, 1:-1, 1:-1]
    np.testing.assert_allclose(small, 0.5, atol=0.07)


@pytest.mark.parametrize("shape", [(24, 30), (60, 75), (96, 120)])
def test_nothing_shifts(shape):
    """A ramp stays the same ramp in physical coordinates: pixel centres, not pixel corners, are scaled."""
    y, x = np.mgrid[:48, :60].astype(np.float32) + 0.5
    ramps = np.stack([y / 48, x / 60])
    resized = area_resize(ramps, shape)
    rows, columns = ((np.arange(n) + 0.5) / n for n in shape)
    inside = (slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(resized[0][inside], np.broadcast_to(rows[:, None], shape)[inside], atol=1e-4)
    np.testing.assert_allclose(resized[1][inside], np.broadcast_to(columns, shape)[inside], atol=1e-4)


def test_shares_still_sum_to_one():
    classes = np.random.default_rng(1).integers(3, size=(40, 40))
    shares = np.stack([classes == c for c in range(3)]).astype(np.float32)
    np.testing.assert_allclose(area_resize(shares, (17, 23)).sum(axis=0), 1, atol=1e-5)


def test_views_are_taken_too():
    image = noise((20, 30, 3))
    expected = area_resize(np.ascontiguousarray(image.transpose(2, 0, 1)), (10, 15))
    np.testing.assert_array_equal(area_resize(image.transpose(2, 0, 1), (10, 15)), expected)
