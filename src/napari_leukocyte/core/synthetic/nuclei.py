"""Shapes of nuclei, one function for each cell type; all around the origin and of no particular size yet."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .shapes import Blob, Ribbon, Shape, Union, random_blob

__all__ = ["NUCLEI", "NucleusShape", "neutrophil_nucleus"]


@dataclass(frozen=True)
class NucleusShape:
    """The outline of a nucleus and the middle (y, x) of each of its lobes."""

    outline: Shape
    lobes: tuple[tuple[float, float], ...]

    def scaled(self, factor: float) -> "NucleusShape":
        """Return it enlarged about the origin."""
        return NucleusShape(self.outline.scaled(factor), tuple((y * factor, x * factor) for y, x in self.lobes))

    def moved(self, dy: float, dx: float) -> "NucleusShape":
        """Return it shifted by `dy`, `dx` um."""
        return NucleusShape(self.outline.moved(dy, dx), tuple((y + dy, x + dx) for y, x in self.lobes))


def neutrophil_nucleus(rng: np.random.Generator, n_lobes: int | None = None) -> NucleusShape:
    """Lobes on threads, or an undivided band.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_lobes : int, optional
        1 is a band. None draws three to five, or now and then a band.

    Returns
    -------
    NucleusShape
    """
    if n_lobes == 1 or (n_lobes is None and rng.random() < 0.12):
        return _bent(rng, turn=rng.uniform(3.2, 4.4), radius=3.4, width=(1.15, 1.5))
    count = int(rng.choice([3, 4, 5], p=[0.45, 0.40, 0.15])) if n_lobes is None else n_lobes
    return _lobed(rng, count, radius=2.0 * np.sqrt(4 / count) * 0.95, gap=(-0.2, 1.5), bend=rng.uniform(2.7, 3.8))


def _eosinophil(rng: np.random.Generator) -> NucleusShape:
    """Two lobes, plump and of one size, with a short bridge."""
    return _lobed(rng, 2, radius=2.6, gap=(0.0, 1.1), bend=3.6)


def _basophil(rng: np.random.Generator) -> NucleusShape:
    """Two or three lobes run together into one broad clover."""
    count = int(rng.integers(2, 4))
    merged = _lobed(rng, count, radius=2.8, gap=(-2.2, -1.2), bend=2.8)
    return NucleusShape(merged.outline, ((0.0, 0.0),))


def _lymphocyte(rng: np.random.Generator) -> NucleusShape:
    """Round, at times with a dent."""
    body = random_blob(rng, 4.0, stretch=rng.uniform(0.0, 0.07), bumps=0.018)
    if rng.random() < 0.4:
        where, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.05)
        dent = tuple((order, -depth, order * where) for order in (3, 4, 5))
        body = Blob(0, 0, 4.0, body.harmonics + dent)
    return NucleusShape(body, ((0.0, 0.0),))


def _monocyte(rng: np.random.Generator) -> NucleusShape:
    """A kidney, more or less bent, broader at one end."""
    if rng.random() < 0.25:
        body = random_blob(rng, 5.0, stretch=rng.uniform(0.08, 0.2), bumps=0.06)
        return NucleusShape(body, ((0.0, 0.0),))
    return _bent(rng, turn=rng.uniform(1.3, 2.9), radius=rng.uniform(3.2, 4.2), width=(2.3, 3.4))


def _blast(rng: np.random.Generator) -> NucleusShape:
    """Large, round to oval, at times with a cleft."""
    if rng.random() < 0.3:
        return _bent(rng, turn=rng.uniform(0.6, 1.4), radius=3.0, width=(3.2, 4.2))
    body = random_blob(rng, 5.0, stretch=rng.uniform(0.02, 0.14), bumps=0.035)
    return NucleusShape(body, ((0.0, 0.0),))


NUCLEI: dict[str, Callable[[np.random.Generator], NucleusShape]] = {
    "neutrophil": neutrophil_nucleus,
    "eosinophil": _eosinophil,
    "basophil": _basophil,
    "lymphocyte": _lymphocyte,
    "monocyte": _monocyte,
    "blast": _blast,
}


def _bent(rng: np.random.Generator, *, turn: float, radius: float, width: tuple[float, float]) -> NucleusShape:
    """A band along an arc of `turn` radians; its half width wanders between the two values."""
    angles = np.linspace(-turn / 2, turn / 2, 9) + rng.uniform(0, 2 * np.pi)
    ends = rng.uniform(*width, 4)
    half = np.interp(np.linspace(0, 1, 9), [0, 0.33, 0.66, 1], ends)
    path = radius * (1 + rng.normal(0, 0.05, 9))
    y, x = path * np.sin(angles), path * np.cos(angles)
    y, x = y - y.mean(), x - x.mean()
    points = tuple((float(a), float(b), float(c)) for a, b, c in zip(y, x, half, strict=True))
    return NucleusShape(Ribbon(points), ((points[4][0], points[4][1]),))


def _lobed(
    rng: np.random.Generator, count: int, *, radius: float, gap: tuple[float, float], bend: float
) -> NucleusShape:
    """Lobes strung along an arc of radius `bend`, neighbours joined by threads."""
    radii = radius * rng.uniform(0.82, 1.18, count)
    angle = rng.uniform(0, 2 * np.pi)
    lobes: list[Blob] = []
    for number, lobe_radius in enumerate(radii):
        if number:
            angle += (radii[number - 1] + lobe_radius + rng.uniform(*gap)) / bend
        path = bend * rng.normal(1, 0.08)
        lobes.append(
            random_blob(
                rng,
                float(lobe_radius),
                stretch=rng.uniform(0.05, 0.2),
                bumps=0.04,
                y=float(path * np.sin(angle)),
                x=float(path * np.cos(angle)),
            )
        )
    my, mx = np.mean([lobe.y for lobe in lobes]), np.mean([lobe.x for lobe in lobes])
    lobes = [lobe.moved(-float(my), -float(mx)) for lobe in lobes]
    threads: list[Shape] = []
    for a, b in pairwise(lobes):
        thin = float(rng.uniform(0.15, 0.35))
        sag = rng.normal(0, 0.15, 2)
        middle = ((a.y + b.y) / 2 + float(sag[0]), (a.x + b.x) / 2 + float(sag[1]), thin)
        threads.append(Ribbon(((a.y, a.x, 2 * thin), middle, (b.y, b.x, 2 * thin))))
    outline = Union((*lobes, *threads), blend=0.3)
    return NucleusShape(outline, tuple((lobe.y, lobe.x) for lobe in lobes))
