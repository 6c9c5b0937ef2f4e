import pytest
import torch

from napari_leukocyte.core.interactive.encode import INPUTS
from napari_leukocyte.core.interactive.session import load_gesture_model
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import ModelInfo, save_model


@pytest.fixture(scope="session")
def wild_file(tmp_path_factory):
    """A network that answers anything: the rules must hold whatever it says."""
    torch.manual_seed(5)
    network = UNet(UNetConfig(widths=(6, 8), inputs=INPUTS))
    with torch.no_grad():
        network.head.weight *= 20
    path = tmp_path_factory.mktemp("gestures") / "wild.safetensors"
    info = ModelInfo(name="wild", architecture=network.config, pixel_size=1 / 6, recipe="gestures", licence="none")
    save_model(path, network, info)
    return path


@pytest.fixture(scope="session")
def wild(wild_file):
    return load_gesture_model(wild_file, device="cpu")
