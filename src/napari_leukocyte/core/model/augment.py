"""Augmentation of a whole batch on its device: geometry for image and target, then colour and optics."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

__all__ = ["AugmentParameters", "augment", "thesis_augmentation"]


@dataclass(frozen=True, kw_only=True)
class AugmentParameters:
    """How far each random change may go; 0 switches it off.

    Attributes
    ----------
    rotation
        Largest turn either way, degrees.
    shift
        Largest shift in each direction, share of the window.
    shear
        Largest shear either way, tangent of the angle.
    zoom
        Magnification between ``1 / (1 + zoom)`` and ``1 + zoom``, uniform in its logarithm.
    flip
        Mirror half of the windows left to right.
    gain, offset, mixing
        Changes in optical density for each channel: factor within ``1 +- gain``, shift within ``+- offset``,
        and up to ``mixing`` of one channel's density added to another (another stain's hue).
    shading
        Largest density, either way, that is added in the corners of a window, falling to none in its middle.
    cytoplasm
        Probability that the cytoplasm of a window, where its mask knows it, takes up less stain or more: 0.3 to 1.7
        times its density over the glass, and up to a quarter less or more for each channel.
    grey, blur, noise
        Probability that a window becomes grayscale (its channels weighted at random), is blurred (sigma up to
        1.5 px), gets sensor noise.
    """

    rotation: float = 180.0
    shift: float = 0.05
    shear: float = 0.15
    zoom: float = 0.35
    flip: bool = True
    gain: float = 0.3
    offset: float = 0.08
    mixing: float = 0.15
    shading: float = 0.0
    cytoplasm: float = 0.0
    grey: float = 0.1
    blur: float = 0.2
    noise: float = 0.2


def thesis_augmentation() -> AugmentParameters:
    """Rotation, shift, shear, zoom and horizontal flip (thesis section 3.1); the amounts are ours."""
    return AugmentParameters(shift=0.1, zoom=0.2, gain=0.0, offset=0.0, mixing=0.0, grey=0.0, blur=0.0, noise=0.0)


def augment(
    image: Tensor, target: Tensor, out_size: int, parameters: AugmentParameters, generator: Generator
) -> tuple[Tensor, Tensor]:
    """One random change for each window of the batch.

    Parameters
    ----------
    image, target
        (N, 3, S, S) float in 0-1, S at least ``out_size``: room for turned corners; beyond it the window is
        mirrored, image and target alike.
    out_size
        Side of the windows that come out, px.
    generator
        Source of every random number, on the CPU so that CPU and GPU runs draw the same ones.

    Returns
    -------
    image, target
        (N, 3, out_size, out_size), in 0-1.
    """
    n, _, size, _ = image.shape
    grid = _affine_grid(n, size, out_size, parameters, generator).to(image.device)
    both = torch.cat([image, target], dim=1)
    both = F.grid_sample(both, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    image, target = both[:, :3], both[:, 3:]
    if parameters.cytoplasm:
        image = _restain_cytoplasm(image, target, parameters.cytoplasm, generator)
    return _colour(image, parameters, generator), target


def _uniform(n: int, limit: float, generator: Generator) -> Tensor:
    return (2 * torch.rand(n, generator=generator) - 1) * limit


def _affine_grid(n: int, size: int, out_size: int, p: AugmentParameters, generator: Generator) -> Tensor:
    angle = _uniform(n, math.radians(p.rotation), generator)
    zoom = torch.exp(_uniform(n, math.log1p(p.zoom), generator))
    shear = _uniform(n, p.shear, generator)
    shift = 2 * _uniform(2 * n, p.shift, generator).reshape(n, 2)
    mirror = torch.ones(n)
    if p.flip:
        mirror[torch.rand(n, generator=generator) < 0.5] = -1
    # Output coordinates run over +-1 on the smaller window, so they shrink by out_size / size on the larger.
    scale = out_size / size / zoom
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cos * mirror, shear * cos - sin
    theta[:, 1, 0], theta[:, 1, 1] = sin * mirror, shear * sin + cos
    theta[:, :, 2] = shift * (out_size / size)
    return F.affine_grid(theta, [n, 3, out_size, out_size], align_corners=False)


def _restain_cytoplasm(image: Tensor, target: Tensor, probability: float, generator: Generator) -> Tensor:
    """Paler or darker cytoplasm beside the same nucleus; windows without a nucleus, or whose mask has none, stay."""
    n = len(image)
    strength = torch.exp(torch.empty(n, 1).uniform_(math.log(0.3), math.log(1.7), generator=generator))
    strength = strength * (1 + _uniform(3 * n, 0.25, generator).reshape(n, 3))
    stay = torch.rand(n, generator=generator) >= probability
    strength[stay] = 1
    strength = strength.to(image.device)[:, :, None, None]
    known = (target[:, 2].amax(dim=(1, 2)) > 0.5)[:, None, None, None]
    share = target[:, 1:2] * known
    density = -torch.log(image.clamp(min=1 / 255))
    glass = density.flatten(2).quantile(0.1, dim=2)[:, :, None, None]  # the lightest tenth of a window is glass
    over = density - glass
    return torch.exp(-(glass + over * (1 + share * (strength - 1))))


def _colour(image: Tensor, p: AugmentParameters, generator: Generator) -> Tensor:
    n, device = len(image), image.device

    def chance(probability: float) -> Tensor:
        return (torch.rand(n, generator=generator) < probability).to(device)[:, None, None, None]

    if p.gain or p.offset or p.mixing or p.shading:
        density = -torch.log(image.clamp(min=1 / 255))
        mix = torch.diag_embed(1 + _uniform(3 * n, p.gain, generator).reshape(n, 3))
        mix = mix + _uniform(9 * n, p.mixing, generator).reshape(n, 3, 3) * (1 - torch.eye(3))
        density = torch.einsum("nij,njyx->niyx", mix.to(device), density)
        density = density + _uniform(3 * n, p.offset, generator).to(device).reshape(n, 3, 1, 1)
        density = density + _uniform(n, p.shading, generator).to(device).reshape(n, 1, 1, 1) * _corners(image)
        image = torch.exp(-density)
    if p.blur:
        image = torch.where(chance(p.blur), _blur(image, 1.5 * float(torch.rand(1, generator=generator))), image)
    if p.noise:
        # One seed from the shared generator keeps the large draw on the image's own device.
        seed = int(torch.randint(2**31, (1,), generator=generator))
        own = Generator(device).manual_seed(seed)
        noise = torch.randn(image.shape, generator=own, device=device) * 0.03
        image = torch.where(chance(p.noise), image + noise, image)
    if p.grey:
        share = torch.rand(n, 3, generator=generator)
        share = (share / share.sum(dim=1, keepdim=True)).to(device)
        grey = torch.einsum("nc,ncyx->nyx", share, image)[:, None]
        image = torch.where(chance(p.grey), grey.expand_as(image), image)
    return image.clamp(0, 1)


def _corners(image: Tensor) -> Tensor:
    """Squared distance from the middle of the image, 1 in the corners."""
    y, x = (torch.linspace(-1, 1, n, device=image.device, dtype=image.dtype) for n in image.shape[2:])
    return (y[:, None] ** 2 + x[None, :] ** 2) / 2


def _blur(image: Tensor, sigma: float) -> Tensor:
    x = torch.arange(-4, 5, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (x / max(sigma, 1e-3)) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(image, (4, 4, 4, 4), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.transpose(2, 3), groups=3)
