from dataclasses import replace

import pytest
import torch
from torch import nn

from napari_leukocyte.core.model.unet import UNet, UNetConfig, after_thesis, probabilities


@pytest.mark.parametrize(("classes", "channels"), [(2, 1), (3, 3)])
@pytest.mark.parametrize("widths", [(4, 8), (4, 6, 8), (3, 4, 5, 6)])
def test_logits_have_the_size_of_the_image(classes, channels, widths):
    config = UNetConfig(classes=classes, widths=widths)
    side = 3 * config.multiple
    assert UNet(config)(torch.rand(2, 3, side, 2 * side)).shape == (2, channels, side, 2 * side)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_sum_to_one(classes):
    logits = UNet(UNetConfig(classes=classes, widths=(4, 8)))(torch.rand(1, 3, 8, 8)) * 30
    p = probabilities(logits.detach())
    assert p.shape == (1, classes, 8, 8)
    assert float(p.min()) >= 0
    torch.testing.assert_close(p.sum(dim=1), torch.ones(1, 8, 8))


def test_one_channel_is_the_probability_of_a_cell():
    p = probabilities(torch.tensor([-40.0, 0.0, 40.0]).reshape(1, 1, 1, 3))
    torch.testing.assert_close(p[0, 1, 0], torch.tensor([0.0, 0.5, 1.0]))


def test_half_precision_logits_give_float32():
    assert probabilities(torch.zeros(1, 3, 2, 2, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("classes", [2, 3])
def test_after_thesis_has_a_1x1_bottom_and_dropout(classes):
    model = UNet(after_thesis(classes))
    kernels = [m.kernel_size for m in model.bottom.modules() if isinstance(m, nn.Conv2d)]
    assert kernels == [(3, 3), (1, 1)]
    assert model.dropout.p == 0.5
    model, x = UNet(replace(after_thesis(classes), widths=(4, 8))), torch.rand(2, 3, 8, 8)
    model.train()
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_size_of_the_default_network():
    config = UNetConfig()
    assert 1.6e6 < sum(p.numel() for p in UNet(config).parameters()) < 2.3e6
    assert config.multiple == 16
    # every later convolution reads what the whole of the earlier ones wrote: nothing hangs in the air
    model = UNet(UNetConfig(widths=(4, 6, 8)))
    model(torch.rand(1, 3, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in model.parameters())


def test_normalisation_is_part_of_the_network():
    plain = UNet(UNetConfig(widths=(4, 8), input_mean=0.0, input_std=1.0)).eval()
    normalising = UNet(UNetConfig(widths=(4, 8), input_mean=0.3, input_std=0.2)).eval()
    normalising.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(normalising(x), plain((x - 0.3) / 0.2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": 1},
        {"classes": 4},
        {"widths": (8,)},
        {"widths": (8, 0)},
        {"bottom_kernel": 2},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"input_std": 0.0},
    ],
)
def test_impossible_configurations_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        UNetConfig(**wrong)


def test_further_channels_enter_as_they_are():
    config = UNetConfig(widths=(4, 8), inputs=5, input_mean=0.3, input_std=0.2)
    model = UNet(config).eval()
    seen = []
    model.down[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.rand(1, 5, 8, 8)
    assert model(x).shape == (1, 3, 8, 8)
    torch.testing.assert_close(seen[0][:, :3], (x[:, :3] - 0.3) / 0.2)
    assert torch.equal(seen[0][:, 3:], x[:, 3:])


@pytest.mark.parametrize("inputs", [2, 0, 3.5])
def test_fewer_channels_than_colours(inputs):
    with pytest.raises(ValueError, match="inputs"):
        UNetConfig(inputs=inputs)
