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
    nucleus
        Probability that the nucleus of a window takes up less stain or more: 0.6 to 1.4 times its density over the
        glass, and up to 30 % less or more for each channel (chromatin of another colour beside the same granules).
    background
        Probability that what is no white cell takes up less stain or more: 0.4 to 2.5 times its density over the
        glass, and up to a third less or more for each channel (red cells of another colour).
    texture
        Probability that the glass is rippled and mottled, and strewn with bright dots, as under a coarse mount.
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
    nucleus: float = 0.0
    background: float = 0.0
    texture: float = 0.0
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
        (N, 3, S, S) and (N, 4, S, S) as in `Sample`, float in 0-1, S at least ``out_size``: room for turned
        corners; beyond it the window is mirrored, image and target alike.
    out_size
        Side of the windows that come out, px.
    generator
        Source of every random number, on the CPU so that CPU and GPU runs draw the same ones.

    Returns
    -------
    image, target
        (N, 3, out_size, out_size) and (N, 4, out_size, out_size), in 0-1.
    """
    n, _, size, _ = image.shape
    grid = _affine_grid(n, size, out_size, parameters, generator).to(image.device)
    both = torch.cat([image, target], dim=1)
    both = F.grid_sample(both, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    image, target = both[:, :3], both[:, 3:]
    if parameters.cytoplasm:
        image = _restain_cytoplasm(image, target, parameters.cytoplasm, generator)
    if parameters.nucleus:
        image = _restain_nucleus(image, target, parameters.nucleus, generator)
    if parameters.background:
        image = _restain_background(image, target, parameters.background, generator)
    if parameters.texture:
        image = _texture(image, target, parameters.texture, generator)
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
    known = (target[:, 2].amax(dim=(1, 2)) > 0.5)[:, None, None, None]
    strength = _strength(len(image), probability, (0.3, 1.7), 0.25, generator)
    return _restained(image, target[:, 1:2] * known, strength)


def _restain_nucleus(image: Tensor, target: Tensor, probability: float, generator: Generator) -> Tensor:
    """Paler, darker or otherwise coloured chromatin beside cytoplasm and granules that stay as they are."""
    return _restained(image, target[:, 2:3], _strength(len(image), probability, (0.6, 1.4), 0.3, generator))


def _restain_background(image: Tensor, target: Tensor, probability: float, generator: Generator) -> Tensor:
    """Red cells and platelets paler, darker or of another colour, beside white cells that stay as they are."""
    return _restained(image, target[:, :1], _strength(len(image), probability, (0.4, 2.5), 0.33, generator))


def _strength(n: int, probability: float, limits: tuple[float, float], spread: float, generator: Generator) -> Tensor:
    """(n, 3) factors of density: within ``limits`` and for each channel ``1 +- spread`` times that, or 1."""
    low, high = (math.log(limit) for limit in limits)
    strength = torch.exp(torch.empty(n, 1).uniform_(low, high, generator=generator))
    strength = strength * (1 + _uniform(3 * n, spread, generator).reshape(n, 3))
    strength[torch.rand(n, generator=generator) >= probability] = 1
    return strength


def _restained(image: Tensor, share: Tensor, strength: Tensor) -> Tensor:
    """The density over the glass times ``strength`` (N, 3), as far as ``share`` (N, 1, Y, X) says."""
    strength = strength.to(image.device)[:, :, None, None]
    density = -torch.log(image.clamp(min=1 / 255))
    # the lightest tenth of a window is glass; one pixel in sixteen tells it as well, in a tenth of the time
    glass = density[..., ::4, ::4].flatten(2).quantile(0.1, dim=2)[:, :, None, None]
    over = density - glass
    return torch.exp(-(glass + over * (1 + share * (strength - 1))))


def _texture(image: Tensor, target: Tensor, probability: float, generator: Generator) -> Tensor:
    """Ripples, mottles and bright dots, wherever no white cell lies."""
    n, _, height, width = image.shape

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(n, 1, 1, 1).uniform_(low, high, generator=generator)

    def smooth(cells: int) -> Tensor:
        coarse = torch.randn(n, 1, cells, cells, generator=generator)
        return F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)

    y, x = torch.arange(height).float()[:, None], torch.arange(width).float()[None, :]
    angle, length = uniform(0, 2 * math.pi), torch.exp(uniform(math.log(6), math.log(30)))
    way = (x * torch.cos(angle) + y * torch.sin(angle)) / length + 0.4 * smooth(8)
    ripples = torch.sin(2 * math.pi * way) * (0.6 + 0.4 * smooth(6)) + 0.5 * smooth(24)
    tint = uniform(0, 0.13) * torch.empty(n, 3, 1, 1).uniform_(0.5, 1.3, generator=generator)
    places = (torch.rand(n, 1, height, width, generator=generator) < uniform(-0.002, 0.002)).float()
    dots = F.max_pool2d(places, 3, 1, 1) * uniform(0, 1)
    added = (ripples * tint - dots) * (torch.rand(n, 1, 1, 1, generator=generator) < probability)
    return image * torch.exp(-added.to(image.device) * target[:, :1])


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
