"""What does not belong on a smear: grains of precipitated stain, over cells and glass alike."""

import numpy as np

from .canvas import Canvas
from .shapes import random_blob, soft_edge
from .stain import Stain, colour_of

__all__ = ["draw_deposit"]


def draw_deposit(rng: np.random.Generator, canvas: Canvas, stain: Stain, *, per_1000_um2: float) -> None:
    """Lay dark grains of stain over everything, in drifts, and add them to the densities.

    Parameters
    ----------
    rng : numpy.random.Generator
    canvas : Canvas
    stain : Stain
    per_1000_um2 : float
        How many grains on 1000 um2, about.
    """
    height, width = canvas.extent
    colour = colour_of(stain.chromatin) * np.float32(rng.uniform(0.8, 1.4))
    for _ in range(rng.poisson(per_1000_um2 * height * width / 1000 / 5)):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        spread, soft = rng.uniform(0.6, 4.0), rng.uniform(0.25, 0.6)  # grains lie above the plane of focus
        for dy, dx in rng.normal(0, spread, (int(rng.integers(1, 10)), 2)):
            radius = float(rng.uniform(0.12, 0.45))
            grain = random_blob(rng, radius, stretch=rng.uniform(0, 0.3), bumps=0.12)
            amount = np.float32(rng.uniform(0.4, 1.2))
            window = canvas.window(y + dy, x + dx, 2 * radius + soft)
            if not window.empty:
                canvas.density[window.at] += (
                    amount * soft_edge(grain.depth(window.y, window.x), soft)[..., None] * colour
                )
