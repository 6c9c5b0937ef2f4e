"""A true mask damaged on purpose, in the four ways in which maps go wrong most often."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["DAMAGES"]

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def tight(truth: Map, others: Mask, um: float, rng: np.random.Generator) -> Map:
    """The cell's outline 3 px too tight all round."""
    del others, um, rng
    depth = ndimage.distance_transform_edt(truth > 0)  # the image's edge is no outline
    return np.where(depth > 3, truth, 0).astype(np.uint8)


def granules(truth: Map, others: Mask, um: float, rng: np.random.Generator) -> Map:
    """Granules beside the nucleus, 1 to 2.4 um wide, taken for nucleus."""
    del others
    damaged = truth.copy()
    nucleus = truth == 2
    near = (truth == 1) & (ndimage.distance_transform_edt(~nucleus) < 1 / um)
    ys, xs = np.nonzero(near)
    for i in rng.integers(len(ys), size=6) if len(ys) else ():
        damaged[_disc(truth.shape, (ys[i], xs[i]), rng.uniform(0.5, 1.2) / um) & (truth == 1)] = 2
    return damaged


def leak(truth: Map, others: Mask, um: float, rng: np.random.Generator) -> Map:
    """The cytoplasm goes on into a red cell, 7 um wide, that lies against the cell."""
    cell = truth > 0
    rim = ndimage.binary_dilation(cell) & ~cell & ~others
    ys, xs = np.nonzero(rim)
    damaged = truth.copy()
    if len(ys):
        i = int(rng.integers(len(ys)))
        out = np.array([ys[i], xs[i]]) - np.array(ndimage.center_of_mass(cell))
        radius = 3.5 / um
        at = np.array([ys[i], xs[i]]) + out / max(1e-6, float(np.hypot(*out))) * 0.8 * radius
        damaged[_disc(truth.shape, tuple(at), radius) & ~cell & ~others] = 1
    return damaged


def half(truth: Map, others: Mask, um: float, rng: np.random.Generator) -> Map:
    """One half of the cell is missing."""
    del others, um
    y, x = np.indices(truth.shape)
    cy, cx = ndimage.center_of_mass(truth > 0)
    angle = rng.uniform(0, 2 * np.pi)
    missing = (y - cy) * np.sin(angle) + (x - cx) * np.cos(angle) > 0
    return np.where(missing, 0, truth).astype(np.uint8)


def _disc(shape: tuple[int, ...], at: tuple[float, ...], radius: float) -> Mask:
    y, x = np.indices(shape)
    disc: Mask = np.hypot(y - at[0], x - at[1]) <= radius
    return disc


DAMAGES: dict[str, Callable[[Map, Mask, float, np.random.Generator], Map]] = {
    "tight": tight,
    "granules": granules,
    "leak": leak,
    "half": half,
}
"""By name: the damaged map, from the truth (Y, X), other cells (Y, X), um per px, and a generator."""
