"""Smooth random fields that do not depend on the pixel size they are sampled at."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

__all__ = ["lattice_noise", "strand_noise"]

_B_SPLINE_SPREAD = 0.48  # standard deviation of unit lattice noise after the two-dimensional cubic B-spline


def lattice_noise(
    rng: np.random.Generator,
    y: npt.NDArray[np.floating],
    x: npt.NDArray[np.floating],
    *,
    length: float,
    reach: float,
) -> npt.NDArray[np.float32]:
    """Sample a random field of mean 0 and standard deviation near 1 on a grid of points.

    The field is a cubic B-spline over a square lattice of random values, so that one generator state gives
    one field, however finely it is sampled.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the lattice values; how many depends on `length` and `reach` only.
    y, x : arrays of Y and X coordinates
        Distance from the centre of the field, um.
    length : float
        Lattice spacing, um: the size of the structures.
    reach : float
        Half the side of the field, um. Coordinates beyond it repeat its edge.

    Returns
    -------
    (Y, X) float32 array

    Examples
    --------
    >>> field = lattice_noise(np.random.default_rng(0), np.arange(3.0), np.arange(4.0), length=1, reach=5)
    >>> field.shape
    (3, 4)
    """
    count = int(np.ceil(2 * reach / length)) + 4
    lattice = rng.standard_normal((count, count), dtype=np.float32) / np.float32(_B_SPLINE_SPREAD)
    rows = _spline_weights(y, length=length, reach=reach, count=count)
    columns = _spline_weights(x, length=length, reach=reach, count=count)
    field: npt.NDArray[np.float32] = rows @ lattice @ columns.T
    return field


def strand_noise(
    rng: np.random.Generator,
    y: npt.NDArray[np.floating],
    x: npt.NDArray[np.floating],
    *,
    length: float,
    stretch: float,
    angle: float,
    reach: float,
) -> npt.NDArray[np.float32]:
    """Sample a field as `lattice_noise` does, drawn out into strands.

    Parameters
    ----------
    rng, length, reach
        As for `lattice_noise`; `length` is the width of a strand.
    y, x : (Y, X) arrays, or arrays that broadcast to it
        Distance from the centre of the field, um.
    stretch : float
        How many times longer than wide the strands are.
    angle : float
        Their direction, radians from x to y.

    Returns
    -------
    (Y, X) float32 array
    """
    along = (x * np.cos(angle) + y * np.sin(angle)) / (length * stretch)
    across = (y * np.cos(angle) - x * np.sin(angle)) / length
    half = 1.5 * reach / length  # the corners of the window, turned
    sizes = [int(np.ceil(2 * half / ratio)) + 6 for ratio in (1.0, stretch)]
    lattice = rng.standard_normal(sizes, dtype=np.float32) / np.float32(_B_SPLINE_SPREAD)
    places = [across + sizes[0] / 2, along + sizes[1] / 2]
    field: npt.NDArray[np.float32] = ndi.map_coordinates(lattice, places, order=3, prefilter=False, mode="nearest")
    return field


def _spline_weights(
    at: npt.NDArray[np.floating], *, length: float, reach: float, count: int
) -> npt.NDArray[np.float32]:
    """Return the (N, count) weights of the lattice values at N coordinates."""
    position = (np.clip(np.ravel(at), -reach, reach) + reach) / length + 1
    first = np.minimum(position.astype(np.int64), count - 3)
    t = position - first
    weights = np.zeros((position.size, count), dtype=np.float32)
    which = np.arange(position.size)
    weights[which, first - 1] = (1 - t) ** 3 / 6
    weights[which, first] = (3 * t**3 - 6 * t**2 + 4) / 6
    weights[which, first + 1] = (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6
    weights[which, first + 2] = t**3 / 6
    return weights
