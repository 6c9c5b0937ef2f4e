"""What makes a white cell difficult: pseudopods, threads, vacuoles at the rim, pale cytoplasm, a ruptured cell."""

from dataclasses import replace

import numpy as np

from .leukocytes import Leukocyte
from .nuclei import NucleusShape
from .shapes import Blob, Ribbon, random_blob

__all__ = ["make_smudge", "pale", "with_pseudopods", "with_rim_vacuoles", "with_threads"]

_INSIDE = 0.55  # share of the radius at which an arm starts


def with_pseudopods(rng: np.random.Generator, cell: Leukocyte, count: int) -> Leukocyte:
    """Return the cell with `count` broad, blunt protrusions."""
    arms = []
    for angle in _directions(rng, count):
        start, end = _INSIDE * cell.outline.radius, cell.outline.radius + rng.uniform(1.0, 3.2)
        tip = float(rng.uniform(0.6, 1.2))
        arms.append(_arm(rng, angle, start, end, (2.2 * tip, 1.3 * tip, tip), bend=0.25))
    return replace(cell, arms=(*cell.arms, *arms))


def with_threads(rng: np.random.Generator, cell: Leukocyte, count: int) -> Leukocyte:
    """Return the cell with `count` long, thin protrusions."""
    arms = []
    for angle in _directions(rng, count):
        start, end = _INSIDE * cell.outline.radius, cell.outline.radius + rng.uniform(2.5, 6.0)
        tip = float(rng.uniform(0.28, 0.5))
        arms.append(_arm(rng, angle, start, end, (1.6, 1.5 * tip, tip), bend=0.5))
    return replace(cell, arms=(*cell.arms, *arms), ruffle=min(cell.ruffle, 0.08))


def with_rim_vacuoles(rng: np.random.Generator, cell: Leukocyte, count: int) -> Leukocyte:
    """Return the cell with `count` vacuoles that reach its outline; they belong to the cell."""
    found = list(cell.vacuoles)
    axis = np.linspace(0.4, 1.4, 60, dtype=np.float32) * np.float32(cell.outline.radius)
    for angle in _directions(rng, count):
        y, x = axis * np.float32(np.sin(angle)), axis * np.float32(np.cos(angle))
        inside = np.flatnonzero(cell.body.depth(y, x) > 0)
        radius = float(rng.uniform(0.5, 1.2))
        centre = float(axis[inside[-1] if inside.size else 0]) - 0.75 * radius
        found.append(Blob(float(centre * np.sin(angle)), float(centre * np.cos(angle)), radius))
    return replace(cell, vacuoles=tuple(found))


def pale(rng: np.random.Generator, cell: Leukocyte) -> Leukocyte:
    """Return the cell with cytoplasm that took little stain."""
    return replace(cell, strength=float(rng.uniform(0.28, 0.55)))


def make_smudge(rng: np.random.Generator, *, y: float = 0.0, x: float = 0.0) -> Leukocyte:
    """Draw a ruptured cell: a spread, frayed nucleus without cytoplasm.

    Parameters
    ----------
    rng : numpy.random.Generator
    y, x : float
        Centre, um.

    Returns
    -------
    Leukocyte
        Its nucleus is all of it.
    """
    radius = float(rng.uniform(4.4, 7.2))
    outline = random_blob(rng, radius, stretch=rng.uniform(0.03, 0.22), bumps=rng.uniform(0.07, 0.13))
    sweep = rng.uniform(0, 2 * np.pi)  # most of it was dragged one way
    arms = []
    for angle in sweep + rng.normal(0, 0.9, int(rng.integers(0, 6))):
        end, wide = radius + rng.uniform(0.5, 5.0), float(rng.uniform(1.2, 2.6))
        arms.append(_arm(rng, float(angle), 0.4 * radius, end, (1.4 * wide, 0.75 * wide, 0.15 * wide), bend=0.4))
    nucleus = NucleusShape(outline, ((0.0, 0.0),))
    ruffle, texture = float(rng.uniform(0.2, 0.5)), int(rng.integers(2**32))
    return Leukocyte("smudge", y, x, outline, nucleus, (), ruffle, 0.0, texture, arms=tuple(arms))


def _directions(rng: np.random.Generator, count: int) -> list[float]:
    """Spread `count` directions (radians), not evenly."""
    turns = np.arange(count) + rng.uniform(-0.3, 0.3, count)
    return [float(angle) for angle in rng.uniform(0, 2 * np.pi) + 2 * np.pi * turns / max(count, 3)]


def _arm(
    rng: np.random.Generator,
    angle: float,
    start: float,
    end: float,
    radii: tuple[float, float, float],
    *,
    bend: float,
) -> Ribbon:
    """Reach from `start` to `end` um from the centre, thinning; the tip is `bend` radians off at most."""
    turn = rng.uniform(-bend, bend)
    ways = np.array([start, (start + 2 * end) / 3, end])
    angles = angle + turn * np.array([0.0, 0.4, 1.0])
    points = zip(ways * np.sin(angles), ways * np.cos(angles), radii, strict=True)
    return Ribbon(tuple((float(y), float(x), float(radius)) for y, x, radius in points))
