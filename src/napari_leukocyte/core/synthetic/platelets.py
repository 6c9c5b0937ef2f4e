"""Platelets: small, ragged, a pale blue edge round a violet granular middle."""

import numpy as np
import numpy.typing as npt

from .canvas import Canvas
from .noise import lattice_noise
from .shapes import random_blob, soft_edge
from .stain import Stain, colour_of

__all__ = ["draw_platelets"]

_DIAMETER = (1.6, 3.4)  # um


def draw_platelets(
    rng: np.random.Generator, canvas: Canvas, stain: Stain, red_cells: npt.NDArray[np.float64], *, per_1000_um2: float
) -> None:
    """Scatter platelets over the canvas, clear of the white cells, and add them to its densities.

    Parameters
    ----------
    rng : numpy.random.Generator
    canvas : Canvas
        `inside` must hold the white cells.
    stain : Stain
    red_cells : (n, 3) array
        y, x and radius, um; few platelets lie on a red cell.
    per_1000_um2 : float
        How many on 1000 um2 of glass.
    """
    height, width = canvas.extent
    for _ in range(rng.poisson(per_1000_um2 * height * width / 1000)):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        radius = rng.uniform(*_DIAMETER) / 2
        shape = random_blob(rng, radius, stretch=rng.uniform(0, 0.22), bumps=0.06)
        core = random_blob(rng, 0.72 * radius, stretch=rng.uniform(0, 0.2), bumps=0.08)
        strength = rng.uniform(0.6, 1.1)
        texture = np.random.default_rng(rng.integers(2**32))
        stays = rng.random() < 0.1
        reach = 1.7 * radius
        window = canvas.window(y, x, reach)
        near = canvas.window(y, x, reach + 0.6)
        on_red = np.any(np.hypot(red_cells[:, 0] - y, red_cells[:, 1] - x) < red_cells[:, 2] + 0.5 * radius)
        if on_red and not stays:
            continue
        if window.empty or np.any(canvas.inside[near.at] > -0.5):
            continue
        grain = lattice_noise(texture, window.y, window.x, length=0.45, reach=reach)
        ragged = lattice_noise(texture, window.y, window.x, length=0.7, reach=reach)
        edge = soft_edge(shape.depth(window.y, window.x) + np.float32(0.12) * ragged, 0.3)[..., None]
        middle = soft_edge(core.depth(window.y, window.x) + np.float32(0.18) * grain, 0.5)
        middle = (middle * np.clip(0.75 + 0.22 * grain, 0.2, 1.4))[..., None]
        density = np.float32(0.5) * colour_of(stain.basophilic) + np.float32(0.85) * middle * colour_of(stain.platelet)
        canvas.density[window.at] += edge * np.float32(strength) * density
