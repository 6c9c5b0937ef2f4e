"""A last look at what was found: red cells that a network takes for white ones, and images unlike any it knows.

The thresholds were chosen on images of laboratories that were left out of a training, see
docs/development/default-model.md.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.imaging.convert import Conversion

__all__ = ["UNFAMILIAR", "implausible_cells"]

UNFAMILIAR = 0.2
"""An image of a larger uncertainty (see `uncertainty`) is unlike any that the model knows."""

_MOST_PX = 1_000_000  # medians need no more
_UNSURE_SHARE = 0.2  # of a cell's pixels
_FAINTEST = 0.12  # mean density over the glass of what lies there beside the white cells
_LEAST_UM2 = 60.0  # two red cells: with less in view there is nothing to compare with
_APART = np.array([0.05, 0.15])  # by how much a nucleus is denser than three quarters of the red cells: red, green


def implausible_cells(
    plane: Any,
    conversion: Conversion,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    sure: NDArray[np.bool_],
    *,
    pixel_size: float,
) -> frozenset[int]:
    """Return the cells that are no white cells: the network is unsure, and the nucleus is no darker than red cells.

    A stained nucleus is denser than the red cells around it, in red light or, a magenta one, in green. Where no red
    cells lie in view nothing is dropped.

    Parameters
    ----------
    plane : (Y, X) or (Y, X, C) array
        The image as it was read; ``conversion`` makes RGB of it.
    classes, cells, sure : (Y, X) arrays
        Class map, cell labels, and the pixels whose class is probable enough.
    pixel_size : float
        um per px.
    """
    numbers = np.arange(1, int(cells.max(initial=0)) + 1)
    if not numbers.size:
        return frozenset()
    unsure = ndimage.mean(~sure, cells, numbers)
    if not (unsure > _UNSURE_SHARE).any():
        return frozenset()
    step = max(1, int(np.sqrt(cells.size / _MOST_PX)))
    density = -np.log(np.maximum(conversion(np.asarray(plane[::step, ::step])), np.float32(1 / 255)))
    density -= np.percentile(density.reshape(-1, 3), 10, axis=0).astype(np.float32)
    beside = (classes[::step, ::step] == 0) & (density.mean(axis=2) > _FAINTEST)
    if np.count_nonzero(beside) * (step * pixel_size) ** 2 < _LEAST_UM2:
        return frozenset()
    red_cells = np.percentile(density[beside][:, :2], 75, axis=0)
    nuclei = np.where(classes == 2, cells, 0)[::step, ::step]
    there = np.bincount(nuclei.ravel(), minlength=numbers.size + 1)[1:] > 0
    dark = np.stack([ndimage.median(density[..., light], nuclei, numbers) for light in (0, 1)], axis=1)
    like_red_cells = (dark - red_cells < _APART).all(axis=1)
    return frozenset(numbers[there & (unsure > _UNSURE_SHARE) & like_red_cells].tolist())
