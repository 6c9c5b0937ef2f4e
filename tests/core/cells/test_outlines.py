import numpy as np
import pytest
from scipy import ndimage as ndi
from scipy.spatial.distance import pdist
from skimage.morphology import convex_hull_image

from napari_leukocyte.core.cells.outlines import convex_hull, extent


def blobs(seed):
    """Random blobs and specks, also in arrays as small as 2 x 2, some of them touching the sides."""
    rng = np.random.default_rng(seed)
    noise = ndi.gaussian_filter(rng.normal(size=tuple(rng.integers(2, 60, 2))), rng.uniform(0.3, 5))
    mask = noise >= np.quantile(noise, rng.uniform(0.4, 1))
    mask[0, 0], mask[-1, -1] = True, False
    return mask


def test_the_hull_is_that_of_the_pixel_centres():
    for seed in range(60):
        mask = blobs(seed)
        if len(np.unique(np.nonzero(mask)[0])) > 1 < len(np.unique(np.nonzero(mask)[1])):
            np.testing.assert_array_equal(convex_hull(mask), convex_hull_image(mask, offset_coordinates=False))


@pytest.mark.parametrize("turn", [np.asarray, np.transpose])
def test_the_hull_of_a_line_is_the_line(turn):
    mask = turn(np.array([[0, 1, 0, 0, 1, 0]], bool))
    assert convex_hull(mask).tolist() == turn(np.array([[0, 1, 1, 1, 1, 0]], bool)).tolist()


def test_extent_is_the_largest_distance():
    for seed in range(30):
        mask = blobs(seed)
        points = np.argwhere(mask)
        assert extent(mask) == pytest.approx(1 + (pdist(points).max() if len(points) > 1 else 0))
