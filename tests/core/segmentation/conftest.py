from copy import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import ModelInfo, save_model
from napari_leukocyte.core.segmentation.predictor import Predictor

# What the network below takes for background, cytoplasm and nucleus.
GREY = np.array([240, 150, 50], np.uint8)


def threshold_network(classes):
    """A U-Net that looks at one pixel only: bright is background, dark is nucleus.

    Its first channel carries darkness 0 (white) to 4 (black) down the topmost level and across to the head.
    """
    model = UNet(UNetConfig(classes=classes, widths=(2, 2)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        first, second = model.down[0]
        first[0].weight[0, :, 1, 1] = -1 / 3
        first[1].weight[0], first[1].bias[0] = 1, 2
        for conv, norm, _ in (second, *model.up[0].merge):
            conv.weight[0, 0, 1, 1] = 1
            norm.weight[0] = 1
        weight, bias = ([5], [-5]) if classes == 2 else ([0, 10, 20], [0, -10, -35])
        model.head.weight[:, 0, 0, 0] = torch.tensor(weight).float()
        model.head.bias[:] = torch.tensor(bias).float()
    return model


@pytest.fixture(scope="session")
def model_files(tmp_path_factory):
    """Paths of a three-class and a binary weight file of the threshold network, 0.2 um per px."""
    folder = tmp_path_factory.mktemp("models")
    files = {}
    for name, classes in (("three", 3), ("two", 2)):
        info = ModelInfo(
            name=name,
            architecture=UNetConfig(classes=classes, widths=(2, 2)),
            pixel_size=0.2,
            recipe="default",
            licence="none",
        )
        save_model(folder / f"{name}.safetensors", threshold_network(classes), info)
        files[name] = folder / f"{name}.safetensors"
    return SimpleNamespace(**files)


@pytest.fixture(scope="session")
def loaded(model_files):
    """Loading once is enough."""
    return [Predictor(file, device="cpu") for file in (model_files.three, model_files.two)]


def fresh(predictor):
    own = copy(predictor)
    own.notes = []
    return own


@pytest.fixture
def predictor(loaded):
    return fresh(loaded[0])


@pytest.fixture
def binary_predictor(loaded):
    return fresh(loaded[1])


def drawn_classes(shape, cells):
    """Class map with one cell, nucleus in its middle, for each (y, x, radius)."""
    classes = np.zeros(shape, np.uint8)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for y, x, radius in cells:
        distance = np.hypot(rows - y, columns - x)
        classes[distance < radius] = 1
        classes[distance < radius / 2] = 2
    return classes


@pytest.fixture
def draw():
    """(shape, cells) to the RGB image (Y, X, 3) uint8 and its class map."""

    def both(shape, cells):
        classes = drawn_classes(shape, cells)
        return np.repeat(GREY[classes][..., None], 3, axis=-1), classes

    return both


RED = 215  # grey of a red cell, which the threshold network takes for background


@pytest.fixture
def with_red_cells():
    """(image, places, radius) to the image with faint discs with soft outlines on it."""

    def drawn(image, places, radius):
        rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
        mask = sum(np.hypot(rows - y, columns - x) < radius for y, x in places) > 0
        cover = ndimage.gaussian_filter(mask.astype(float), 1.0)[..., None]
        return (image * (1 - cover) + RED * cover).round().astype(np.uint8)

    return drawn


@pytest.fixture
def crowd():
    """Eight places (y, x) in an image of 300 x 300 px that leave its middle free."""
    return [(40, 40), (40, 130), (40, 250), (150, 40), (150, 265), (260, 60), (260, 160), (255, 250)]
