from contextlib import contextmanager

import numpy as np
import pytest

from napari_leukocyte.core.model.dataset import Sample


def drawn_sample(name, *, source="lab", size=48, whole_cell=False, seed=0):
    """A dark disc in a violet disc on a bright ground, with its exact shares."""
    rng = np.random.default_rng([seed, *name.encode()])
    y, x = np.mgrid[:size, :size] - size / 2 + rng.uniform(-4, 4, (2, 1, 1))
    distance = np.hypot(y, x)
    nucleus, cell = distance < size / 8, distance < size / 4
    image = np.full((size, size, 3), 225, np.uint8)
    image[cell] = (160, 140, 190)
    if not whole_cell:
        image[nucleus] = (80, 40, 130)
    none = np.zeros_like(cell)
    shares = [~cell, none, none, cell] if whole_cell else [~cell, cell & ~nucleus, nucleus, none]
    noise = rng.integers(-6, 7, image.shape)
    return Sample(
        name=name,
        source=source,
        image=np.clip(image + noise, 0, 255).astype(np.uint8),
        target=np.stack(shares).astype(np.uint8) * 255,
        whole_cell=whole_cell,
    )


@pytest.fixture
def draw_sample():
    return drawn_sample


@pytest.fixture
def largest_file():
    """Make the system refuse to write files above so many bytes, as a full disk would."""
    resource = pytest.importorskip("resource", reason="Windows sets no such limit")

    @contextmanager
    def limited(size):
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)

    return limited
