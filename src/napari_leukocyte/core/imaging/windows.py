"""Overlapping windows over a large image, on a grid that falls on whole pixels at both resolutions.

The network works at its own pixel size. One block is ``BLOCK`` px there and a whole number of native px, so that
every window starts on a whole pixel on both sides and nothing shifts between neighbours. Rounding the block
changes the magnification by under 1 % at common pixel sizes, far less than the network is trained to bear.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "Grid", "Span", "ramp"]

BLOCK = 64  # px at the working resolution; neighbouring windows overlap by one block
_WINDOW_BLOCKS = 8  # 512 px at the working resolution: 85 um at 6 px/um


@dataclass(frozen=True)
class Span:
    """Extent of a window along one axis: native ``start`` and ``stop`` (stop may lie beyond the image)."""

    start: int
    stop: int
    blocks: int
    first: bool
    last: bool


@dataclass(frozen=True)
class Grid:
    """Windows over an image of ``shape`` native px with ``native_block`` native px for each block."""

    shape: tuple[int, int]
    native_block: int

    @classmethod
    def over(cls, shape: tuple[int, int], scale: float) -> "Grid":
        """Grid for an image that is resized by ``scale`` (working px per native px)."""
        return cls(shape, max(1, round(BLOCK / scale)))

    @property
    def step(self) -> int:
        """From the beginning of a window to that of the next one, native px."""
        return self.native_block * (_WINDOW_BLOCKS - 1)

    def spans(self, axis: int) -> list[Span]:
        """Spans that cover the axis; each shares exactly one block with the next."""
        block = self.native_block
        total = max(1, -(-self.shape[axis] // block))
        starts = list(range(0, max(1, total - 1), _WINDOW_BLOCKS - 1))
        spans = []
        for start in starts:
            blocks = min(_WINDOW_BLOCKS, total - start)
            spans.append(Span(start * block, (start + blocks) * block, blocks, start == 0, start == starts[-1]))
        return spans


def ramp(span: Span, native_block: int) -> NDArray[np.float32]:
    """Weights along a span, native px: linear over the shared blocks, so that neighbours sum to exactly one.

    >>> [ramp(s, 2).tolist() for s in Grid((20, 20), 2).spans(0)][1]
    [0.25, 0.75, 1.0, 1.0, 1.0, 1.0]
    """
    weights = np.ones(span.stop - span.start, np.float32)
    rising = (np.arange(native_block, dtype=np.float32) + 0.5) / native_block
    if not span.first:
        weights[:native_block] = rising
    if not span.last:
        weights[-native_block:] = rising[::-1]
    return weights
