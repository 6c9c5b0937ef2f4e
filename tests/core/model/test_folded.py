import pytest
import torch
from torch import nn

from napari_leukocyte.core.model.folded import folded
from napari_leukocyte.core.model.unet import UNet, UNetConfig, after_thesis


@pytest.mark.parametrize("config", [UNetConfig(widths=(4, 6, 8)), after_thesis(2), UNetConfig(widths=(4, 6), inputs=8)])
def test_the_copy_computes_the_same_without_normalisations(config):
    torch.manual_seed(0)
    network = UNet(config).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    rgb = torch.rand(2, config.inputs, 32, 48)
    copy = folded(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in copy.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    with torch.inference_mode():
        torch.testing.assert_close(copy(rgb), network(rgb), rtol=1e-4, atol=1e-4)
