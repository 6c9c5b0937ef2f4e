import numpy as np
import pytest


@pytest.fixture
def picture():
    """Draw a uint8 RGB image (Y, X, 3) with cells at (y, x, radius): dark nuclei in grey cells, a little noise."""

    def draw(*cells, size=(60, 80), seed=0):
        y, x = np.mgrid[: size[0], : size[1]]
        image = np.full((*size, 3), (235, 230, 225), float)
        for cy, cx, radius in cells:
            distance = np.hypot(y - cy, x - cx)
            image[distance < radius] = (150, 130, 170)
            image[distance < radius / 2] = (60, 30, 90)
        return np.clip(image + np.random.default_rng(seed).normal(0, 4, image.shape), 0, 255).astype(np.uint8)

    return draw
