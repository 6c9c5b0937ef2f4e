"""A network with weights set by hand, which segments in milliseconds: for tests and for what is not about accuracy."""

from pathlib import Path
from typing import Any

__all__ = ["tiny_model"]


def tiny_model(path: Path, *, classes: int = 3) -> Path:
    """Write a network with weights set by hand: dark is nucleus, grey is cytoplasm or (2 classes) cell."""
    import torch

    from napari_leukocyte.core.model.unet import UNet, UNetConfig
    from napari_leukocyte.core.model.weights import ModelInfo, save_model

    network: Any = UNet(UNetConfig(classes=classes, widths=(4, 8)))
    network.requires_grad_(False)
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
