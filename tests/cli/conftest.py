import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from napari_leukocyte.cli import app
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import ModelInfo, save_model


@pytest.fixture
def run():
    """Run the program in this process: ``run("segment", path, ...)``."""

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@torch.no_grad()
def tiny_model(path: Path, *, classes: int = 3) -> Path:
    """Write a network with weights set by hand: dark is nucleus, grey is cytoplasm or (2 classes) cell."""
    network = UNet(UNetConfig(classes=classes, widths=(4, 8)))
    for weights in network.parameters():
        weights.zero_()
    first, second = (network.down[0][i] for i in range(2))
    first[0].weight[0, :, 1, 1] = -1 / 3  # darkness, from -2 to 2 in the network's units
    first[1].bias[0] = 2  # from 0 to 4
    for convolution in (second, *network.up[0].merge):
        convolution[0].weight[0, 0, 1, 1] = 1  # passed on
    for part in (first, second, *network.up[0].merge):
        part[1].weight[0] = 1
    # logits: background 0, cell 4 (d - 1), and for a nucleus 8 (d - 2.2) more
    network.head.weight[:, 0, 0, 0] = torch.tensor([0.0, 4, 12] if classes == 3 else [4.0])
    network.head.bias[:] = torch.tensor([0.0, -4, -21.6] if classes == 3 else [-4.0])
    info = ModelInfo(
        name=path.stem, architecture=network.config, pixel_size=1 / 3, recipe="default", licence="none: set by hand"
    )
    save_model(path, network, info)
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="session")
def binary_model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny-binary.safetensors", classes=2)


@pytest.fixture
def picture():
    """Draw a small (Y, X, 3) uint8 image: a dark disc with a darker core on a pale ground."""

    def draw(seed: int = 0, size: tuple[int, int] = (40, 48), radius: float = 13) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.ogrid[: size[0], : size[1]]
        distance = np.hypot(y - size[0] / 2, x - size[1] / 2)[..., np.newaxis]
        colour = np.where(distance < 7, [70, 30, 120], np.where(distance < radius, [150, 130, 190], [230, 225, 220]))
        return np.clip(colour + rng.normal(0, 6, (*size, 3)), 0, 255).astype(np.uint8)

    return draw


@pytest.fixture
def interrupt_when():
    """Press Ctrl+C as soon as a file is there."""
    stop = threading.Event()
    threads = []

    def start(path: Path) -> None:
        def watch() -> None:
            while not stop.is_set():
                if path.exists():
                    os.kill(os.getpid(), signal.SIGINT)
                    return
                time.sleep(0.001)

        threads.append(threading.Thread(target=watch))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()
