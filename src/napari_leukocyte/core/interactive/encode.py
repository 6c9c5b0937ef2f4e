"""What the network sees of gestures: RGB, the present map, and the strokes, channel by channel."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.interactive.stroke import KINDS, Stroke, covered

__all__ = ["INPUTS", "LEAST_RADIUS_UM", "map_channels", "stroke_channels"]

INPUTS = 3 + 2 + len(KINDS)
"""Channels: RGB, cytoplasm and nucleus of the present map, and one for each kind of stroke."""

LEAST_RADIUS_UM = 1 / 3
"""The network sees no disc smaller than this: two of its pixels."""


def map_channels(classes: NDArray[np.uint8], *, binary: bool) -> NDArray[np.float32]:
    """Cytoplasm and nucleus of a class map (Y, X), as (2, Y, X) in 0-1; half of both where the part is not known."""
    cell = classes > 0
    if binary:
        return np.repeat(0.5 * cell[np.newaxis].astype(np.float32), 2, axis=0)
    return np.stack([classes == 1, classes == 2]).astype(np.float32)


def stroke_channels(
    strokes: Iterable[Stroke], corner: tuple[int, int], shape: tuple[int, int], *, pixel_size: float
) -> NDArray[np.float32]:
    """Discs of strokes, (4, *shape) in 0-1 in the order of ``KINDS``, in the window whose first pixel is ``corner``."""
    channels = np.zeros((len(KINDS), *shape), np.float32)
    for stroke in strokes:
        mask = covered(stroke.line - np.array(corner), max(stroke.radius, LEAST_RADIUS_UM / pixel_size), shape)
        channels[:, mask] = 0  # the later gesture counts where two lie on each other
        channels[KINDS.index(stroke.kind), mask] = 1
    return channels
