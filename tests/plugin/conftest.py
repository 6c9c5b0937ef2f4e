"""Segmentations made by hand, so that the plugin's tests need no network."""

import numpy as np
import pytest

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.pixel_size import PixelSize


@pytest.fixture
def segmentation():
    """Make a ``Segmentation`` from a class map."""
    from napari_leukocyte.core.segmentation.segment import Segmentation

    def make(classes, *, pixel_size=0.1, estimated=False):
        classes = np.array(classes, np.uint8)
        return Segmentation(
            classes=classes,
            cells=label_cells(classes, pixel_size=pixel_size),
            binary=False,
            pixel_size=PixelSize(pixel_size, "typed", estimated),
            keep="all",
            notes=(),
            provenance={"model": "by hand", "pixel_size_um": str(pixel_size)},
        )

    return make


@pytest.fixture
def disc_map():
    """A class map of concentric discs: (centre y, x, cell radius, nucleus radius) each."""

    def make(shape, *discs):
        y, x = np.mgrid[: shape[0], : shape[1]]
        classes = np.zeros(shape, np.uint8)
        for cy, cx, cell, nucleus in discs:
            distance = np.hypot(y - cy, x - cx)
            classes[distance <= cell] = 1
            classes[distance <= nucleus] = 2
        return classes

    return make
