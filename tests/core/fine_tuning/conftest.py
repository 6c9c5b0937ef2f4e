import hashlib
from functools import partial

import numpy as np
import pytest

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.training_set.item import Annotated, TrainingItem


def drawn(seed, *, size, pixel_size, whole_cell, empty):
    """A dark nucleus in a violet cell on a pale ground, 12 um and 6 um wide."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]] * pixel_size
    middle = np.array(size) * pixel_size / 2 + rng.uniform(-1, 1, 2)
    distance = np.hypot(y - middle[0], x - middle[1])
    classes = np.where(distance < 3 + rng.uniform(-0.5, 0.5), 2, np.where(distance < 6, 1, 0)).astype(np.uint8)
    if empty:
        classes[:] = 0
    colours = np.array([[230, 225, 220], [150, 130, 190], [70, 30, 120]])[classes]
    image = np.clip(colours + rng.normal(0, 6, colours.shape), 0, 255).astype(np.uint8)
    if whole_cell:
        classes = np.minimum(classes, 1)
    return Annotated(image, classes, label_cells(classes, pixel_size=pixel_size))


@pytest.fixture
def make_item():
    """An accepted mask of a drawn cell."""

    def make(number, *, size=(60, 66), pixel_size=1 / 3, whole_cell=False, empty=False, **changes):
        read = partial(drawn, number, size=size, pixel_size=pixel_size, whole_cell=whole_cell, empty=empty)
        given = {
            "name": f"image-{number}",
            "version": 1,
            "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
            "group": f"image-{number}",
            "pixel_size": pixel_size,
            "edited": True,
            "held_out": False,
            "whole_cell": whole_cell,
            "read": read,
        }
        return TrainingItem(**{**given, **changes})

    return make
