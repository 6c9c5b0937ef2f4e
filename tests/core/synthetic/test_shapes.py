import numpy as np
import pytest

from napari_leukocyte.core.synthetic.noise import lattice_noise
from napari_leukocyte.core.synthetic.shapes import Blob, Ribbon, Union, area_of, random_blob


@pytest.mark.parametrize("seed", range(3))
def test_a_blob_has_the_area_of_its_circle(seed):
    blob = random_blob(np.random.default_rng(seed), 3.0, stretch=0.15, bumps=0.05)
    assert area_of(blob, 5, step=0.03) == pytest.approx(np.pi * 9, rel=0.01)


def test_depth_is_the_distance_for_circles_and_bands():
    at = np.float32([[0.0]]), np.float32([[5.0]])
    assert Blob(0, 1, 3).depth(*at)[0, 0] == pytest.approx(-1)
    assert Ribbon(((-4.0, 0.0, 0.5), (4.0, 0.0, 0.5))).depth(*at)[0, 0] == pytest.approx(-4.5)


def test_moved_and_scaled():
    shape = Union(
        (random_blob(np.random.default_rng(1), 2.0, stretch=0.1), Ribbon(((0.0, 0.0, 0.4), (3.0, 0.0, 0.4)))), 0.3
    )
    y, x = np.float32([[0.7]]), np.float32([[1.1]])
    there = shape.moved(2, -1).depth(y + 2, x - 1)
    assert there[0, 0] == pytest.approx(shape.depth(y, x)[0, 0], abs=1e-5)
    assert shape.scaled(2).depth(2 * y, 2 * x)[0, 0] == pytest.approx(2 * shape.depth(y, x)[0, 0], abs=1e-5)


def test_noise_is_one_field_at_any_sampling():
    coarse, fine = np.arange(-4, 4, 0.5), np.arange(-4, 4, 0.25)
    a = lattice_noise(np.random.default_rng(2), coarse, coarse, length=0.8, reach=5)
    b = lattice_noise(np.random.default_rng(2), fine, fine, length=0.8, reach=5)
    np.testing.assert_allclose(a, b[::2, ::2], atol=1e-5)


def test_noise_has_unit_spread_and_repeats_its_edge():
    axis = np.linspace(-50, 50, 300)
    noise = lattice_noise(np.random.default_rng(3), axis, axis, length=1.0, reach=50)
    assert noise.mean() == pytest.approx(0, abs=0.05)
    assert noise.std() == pytest.approx(1, abs=0.1)
    beyond = lattice_noise(np.random.default_rng(3), np.float32([50, 80]), axis, length=1.0, reach=50)
    np.testing.assert_array_equal(beyond[0], beyond[1])
