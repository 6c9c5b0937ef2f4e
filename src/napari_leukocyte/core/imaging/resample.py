"""Changing an image's resolution: area averaging down, linear interpolation up, both through torch."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

__all__ = ["area_resize"]


def area_resize(channels: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize (C, Y, X) float32 to (C, *shape); values stay within their range.

    Down-scaling averages around each new pixel, with weights that fall linearly to zero at its neighbours' centres
    (anti-aliased, so fine texture does not turn into noise); up-scaling interpolates linearly.
    """
    if channels.shape[1:] == tuple(shape):
        return channels
    batch = torch.from_numpy(np.ascontiguousarray(channels, dtype=np.float32))[None]
    resized = F.interpolate(batch, size=tuple(shape), mode="bilinear", antialias=True, align_corners=False)
    result: NDArray[np.float32] = resized[0].numpy()
    return result
