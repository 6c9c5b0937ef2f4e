"""The network: a U-Net whose depth and widths are set by a small configuration.

With ``after_thesis()`` it is built after Nilsson & Grimmeiss Grahm 2019, section 4.1: 3x3 padded convolution,
batch normalisation and ReLU on the way down with 2x2 max-pooling, a 3x3 and a 1x1 convolution at the bottom,
nearest up-sampling with a padded convolution and concatenation on the way up, dropout 0.5 and a 1x1
convolution at the end. The thesis gives no channel widths; 16-32-64-128-256 are ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["UNet", "UNetConfig", "after_thesis", "probabilities"]


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """What is needed to build the network again.

    Attributes
    ----------
    classes
        3 for background, cytoplasm, nucleus (softmax); 2 for background, cell (one output channel, sigmoid).
    widths
        Channels at each level from the top down; the last is the bottom. ``len(widths) - 1`` poolings.
    bottom_kernel
        Kernel of the second convolution at the bottom: 1 in the thesis, else 3.
    dropout
        Probability of dropping a channel value before the last convolution.
    input_mean, input_std
        The normalisation: RGB in 0-1 enters the first convolution as ``(rgb - input_mean) / input_std``.
    inputs
        Channels that enter: RGB, and what comes after it as it is.
    """

    classes: int = 3
    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    bottom_kernel: int = 3
    dropout: float = 0.0
    input_mean: float = 0.5
    input_std: float = 0.25
    inputs: int = 3

    def __post_init__(self) -> None:
        if self.classes not in (2, 3):
            raise ValueError(f"classes must be 2 or 3, not {self.classes}")
        if len(self.widths) < 2 or not all(isinstance(w, int) and w > 0 for w in self.widths):
            raise ValueError(f"widths needs at least two positive whole numbers, not {self.widths}")
        if self.bottom_kernel not in (1, 3):
            raise ValueError(f"bottom_kernel must be 1 or 3, not {self.bottom_kernel}")
        if not 0 <= self.dropout < 1 or self.input_std <= 0:
            raise ValueError("dropout must be in [0, 1) and input_std positive")
        if not isinstance(self.inputs, int) or self.inputs < 3:
            raise ValueError(f"inputs must be a whole number of at least 3, not {self.inputs}")

    @property
    def multiple(self) -> int:
        """Input height and width must be multiples of this (one factor 2 for each pooling)."""
        return 1 << (len(self.widths) - 1)


def after_thesis(classes: int) -> UNetConfig:
    """The network of the thesis, section 4.1, for 2 or 3 classes (widths are ours)."""
    return UNetConfig(classes=classes, bottom_kernel=1, dropout=0.5)


def _conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Up(nn.Module):
    """Nearest 2x2 up-sampling and a convolution, then the contracting path's features beside it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upconv = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), _conv(inputs, outputs))
        self.merge = nn.Sequential(_conv(2 * outputs, outputs), _conv(outputs, outputs))

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        """(N, inputs, Y, X) and (N, outputs, 2Y, 2X) to (N, outputs, 2Y, 2X)."""
        merged: Tensor = self.merge(torch.cat([beside, self.upconv(below)], dim=1))
        return merged


class UNet(nn.Module):
    """U-Net from RGB to class logits.

    Takes (N, config.inputs, Y, X) in 0-1, RGB first, Y and X multiples of ``config.multiple``; gives (N, 3, Y, X)
    logits for three classes, (N, 1, Y, X) for two. ``probabilities`` turns either into class probabilities.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        *levels, bottom = config.widths
        inputs = (config.inputs, *levels)
        self.down = nn.ModuleList(nn.Sequential(_conv(i, w), _conv(w, w)) for i, w in zip(inputs, levels, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.bottom = nn.Sequential(_conv(levels[-1], bottom), _conv(bottom, bottom, config.bottom_kernel))
        below = (*levels[1:], bottom)
        self.up = nn.ModuleList(Up(b, w) for b, w in zip(reversed(below), reversed(levels), strict=True))
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Conv2d(levels[0], 1 if config.classes == 2 else config.classes, 1)

    def forward(self, rgb: Tensor) -> Tensor:
        """RGB windows to class logits, see the class."""
        x = (rgb[:, :3] - self.config.input_mean) / self.config.input_std
        if self.config.inputs > 3:
            x = torch.cat([x, rgb[:, 3:]], dim=1)
        beside = []
        for level in self.down:
            x = level(x)
            beside.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for level in self.up:
            x = level(x, beside.pop())
        logits: Tensor = self.head(self.dropout(x))
        return logits


def probabilities(logits: Tensor) -> Tensor:
    """Class probabilities (N, C, Y, X) float32 that sum to 1, C = 2 from one channel, else C = 3."""
    logits = logits.float()
    if logits.shape[1] == 1:
        cell = torch.sigmoid(logits)
        return torch.cat([1 - cell, cell], dim=1)
    return torch.softmax(logits, dim=1)
