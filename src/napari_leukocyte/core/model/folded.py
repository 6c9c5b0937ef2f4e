"""A trained network without its batch normalisations: each becomes part of the convolution before it."""

from copy import deepcopy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_leukocyte.core.model.unet import UNet

__all__ = ["folded"]


def folded(network: UNet) -> UNet:
    """Return a copy for use that computes the same with less work; it cannot be trained any more.

    In evaluation a batch normalisation multiplies each channel and adds to it, which the weights of the convolution in
    front of it can do as well.
    """
    result = deepcopy(network).eval()
    for module in list(result.modules()):
        if isinstance(module, nn.Sequential):
            for i, (first, second) in enumerate(zip(module, list(module)[1:], strict=False), start=1):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    module[i - 1] = fuse_conv_bn_eval(first, second)
                    module[i] = nn.Identity()
    return result.requires_grad_(False)
