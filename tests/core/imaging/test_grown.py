import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_leukocyte.core.imaging.grown import grown, shrunk


def blobs(seed):
    """Random blobs and specks, also in arrays as small as 2 x 2, some of them touching the sides."""
    rng = np.random.default_rng(seed)
    noise = ndi.gaussian_filter(rng.normal(size=tuple(rng.integers(2, 60, 2))), rng.uniform(0.3, 5))
    mask = noise >= np.quantile(noise, rng.uniform(0.4, 1))
    mask[0, 0], mask[-1, -1] = True, False
    return mask


@pytest.mark.parametrize("distance", [0, 1, 1.4, 1.5, 2, 2.3, 5, 7.7, 100])
def test_moved_outlines_are_thresholds_on_the_distance(distance):
    for seed in range(30):
        mask = blobs(seed)
        before = mask.copy()
        np.testing.assert_array_equal(grown(mask, distance), ndi.distance_transform_edt(~mask) <= distance)
        np.testing.assert_array_equal(shrunk(mask, distance), ndi.distance_transform_edt(mask) > distance)
        np.testing.assert_array_equal(mask, before)
