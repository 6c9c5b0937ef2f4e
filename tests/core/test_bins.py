import numpy as np
import pytest

from napari_leukocyte.core.bins import histogram_bins

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "values",
    [
        [1.0],
        [1.0, 1.0, 1.0],
        [0.0, 0.0],
        [0.3, 0.3, 0.3, 0.3, 9.0],
        RNG.lognormal(size=40),
        RNG.lognormal(sigma=2, size=5000),
    ],
    ids=["one", "equal", "zeros", "one far off", "forty", "long tail"],
)
def test_every_value_is_in_one_of_five_to_thirty_equal_bins(values):
    edges = histogram_bins(values)
    assert 5 <= len(edges) - 1 <= 30
    assert (np.diff(edges) > 0).all()
    assert np.allclose(np.diff(edges), np.diff(edges)[0])
    assert np.histogram(values, edges)[0].sum() == len(values)


def test_between_the_caps_the_width_is_that_of_freedman_and_diaconis():
    values = RNG.normal(1, 0.2, 200)
    assert len(histogram_bins(values)) == len(np.histogram_bin_edges(values, "fd"))
    assert 6 < len(histogram_bins(values)) < 30
