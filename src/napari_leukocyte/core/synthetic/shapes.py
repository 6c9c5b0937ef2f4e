"""Smooth random outlines, as functions that give the depth of a point below the outline.

All shapes are in um and know no pixels. A depth is positive inside, negative outside, and close to the Euclidean
distance to the outline near it.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "Blob",
    "Dented",
    "FloatArray",
    "Ribbon",
    "Shape",
    "Union",
    "area_of",
    "random_blob",
    "smooth_max",
    "soft_edge",
]

FloatArray = npt.NDArray[np.float32]


class Shape(Protocol):
    """What every outline can do."""

    def depth(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """Return the depth (um) of the points; `y` and `x` broadcast."""
        ...

    def scaled(self, factor: float) -> "Shape":
        """Return the shape enlarged about the origin."""
        ...

    def moved(self, dy: float, dx: float) -> "Shape":
        """Return the shape shifted by `dy`, `dx` um."""
        ...


@dataclass(frozen=True)
class Blob:
    """A closed outline with one radius for each direction: a circle plus harmonics.

    Attributes
    ----------
    y, x : float
        Centre, um.
    radius : float
        Radius of the circle of the same area, um.
    harmonics : tuple of (order, amplitude, phase)
        The radius varies by the sum of ``amplitude * cos(order * angle - phase)``, as a share.
    """

    y: float
    x: float
    radius: float
    harmonics: tuple[tuple[int, float, float], ...] = ()

    def depth(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """Return the depth (um) of the points; `y` and `x` broadcast."""
        dy, dx = y - np.float32(self.y), x - np.float32(self.x)
        distance = np.hypot(dy, dx)
        if not self.harmonics:
            circle: FloatArray = np.float32(self.radius) - distance
            return circle
        angle = np.arctan2(dy, dx)
        edge, slope = self._edge(angle)
        depth: FloatArray = (edge - distance) / np.hypot(np.float32(1), slope / edge)
        return depth

    def points(self, count: int = 180) -> tuple[FloatArray, FloatArray]:
        """Return the y and x (um) of `count` points on the outline, evenly spread over the directions."""
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False, dtype=np.float32)
        edge, _ = self._edge(angle)
        return np.float32(self.y) + edge * np.sin(angle), np.float32(self.x) + edge * np.cos(angle)

    def _edge(self, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the radius in each direction, and how it changes with the angle."""
        edge = np.ones_like(angle)
        slope = np.zeros_like(angle)
        for order, amplitude, phase in self.harmonics:
            turn = np.float32(order) * angle - np.float32(phase)
            edge += np.float32(amplitude) * np.cos(turn)
            slope -= np.float32(amplitude * order) * np.sin(turn)
        # The area of the outline is that of the circle times 1 + half the summed squares.
        base = np.float32(self.radius / np.sqrt(1 + sum(amplitude**2 for _, amplitude, _ in self.harmonics) / 2))
        return base * edge, base * slope

    def scaled(self, factor: float) -> "Blob":
        """Return the shape enlarged about the origin."""
        return Blob(self.y * factor, self.x * factor, self.radius * factor, self.harmonics)

    def moved(self, dy: float, dx: float) -> "Blob":
        """Return the shape shifted by `dy`, `dx` um."""
        return Blob(self.y + dy, self.x + dx, self.radius, self.harmonics)


@dataclass(frozen=True)
class Ribbon:
    """A bent band: all that lies within a varying radius of a polyline.

    Attributes
    ----------
    points : tuple of (y, x, radius)
        Two or more, um.
    """

    points: tuple[tuple[float, float, float], ...]

    @property
    def reach(self) -> float:
        """Distance (um) from the origin beyond which nothing of it lies."""
        return max(float(np.hypot(y, x)) + radius for y, x, radius in self.points)

    def depth(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """Return the depth (um) of the points; `y` and `x` broadcast."""
        depth = np.full(np.broadcast_shapes(y.shape, x.shape), -np.inf, dtype=np.float32)
        for (y0, x0, r0), (y1, x1, r1) in pairwise(self.points):
            ey, ex = y1 - y0, x1 - x0
            along = ((y - np.float32(y0)) * np.float32(ey) + (x - np.float32(x0)) * np.float32(ex)) / np.float32(
                max(ey**2 + ex**2, 1e-9)
            )
            t = np.clip(along, 0, 1)
            distance = np.hypot(y - np.float32(y0) - t * np.float32(ey), x - np.float32(x0) - t * np.float32(ex))
            np.maximum(depth, np.float32(r0) + t * np.float32(r1 - r0) - distance, out=depth)
        return depth

    def scaled(self, factor: float) -> "Ribbon":
        """Return the shape enlarged about the origin."""
        return Ribbon(tuple((y * factor, x * factor, r * factor) for y, x, r in self.points))

    def moved(self, dy: float, dx: float) -> "Ribbon":
        """Return the shape shifted by `dy`, `dx` um."""
        return Ribbon(tuple((y + dy, x + dx, r) for y, x, r in self.points))


@dataclass(frozen=True)
class Union:
    """Several shapes as one, rounded over `blend` um where they meet."""

    shapes: tuple[Shape, ...]
    blend: float = 0.0

    def depth(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """Return the depth (um) of the points; `y` and `x` broadcast."""
        return reduce(lambda a, b: smooth_max(a, b, self.blend), (shape.depth(y, x) for shape in self.shapes))

    def scaled(self, factor: float) -> "Union":
        """Return the shape enlarged about the origin."""
        return Union(tuple(shape.scaled(factor) for shape in self.shapes), self.blend * factor)

    def moved(self, dy: float, dx: float) -> "Union":
        """Return the shape shifted by `dy`, `dx` um."""
        return Union(tuple(shape.moved(dy, dx) for shape in self.shapes), self.blend)


@dataclass(frozen=True)
class Dented:
    """A shape with other shapes pressed into it, its corners rounded over `blend` um."""

    shape: Shape
    dents: tuple[Shape, ...]
    blend: float = 0.0

    def depth(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """Return the depth (um) of the points; `y` and `x` broadcast."""
        outside = (dent.depth(y, x) for dent in self.dents)
        return -reduce(lambda a, b: smooth_max(a, b, self.blend), outside, -self.shape.depth(y, x))

    def scaled(self, factor: float) -> "Dented":
        """Return the shape enlarged about the origin."""
        return Dented(self.shape.scaled(factor), tuple(d.scaled(factor) for d in self.dents), self.blend * factor)

    def moved(self, dy: float, dx: float) -> "Dented":
        """Return the shape shifted by `dy`, `dx` um."""
        return Dented(self.shape.moved(dy, dx), tuple(d.moved(dy, dx) for d in self.dents), self.blend)


def random_blob(
    rng: np.random.Generator, radius: float, *, stretch: float = 0.0, bumps: float = 0.0, y: float = 0, x: float = 0
) -> Blob:
    """Draw a blob of a given size.

    Parameters
    ----------
    rng : numpy.random.Generator
    radius : float
        Radius of the circle of the same area, um.
    stretch : float
        Amplitude of the second harmonic: 0.1 is an ellipse with axes 1.1 to 0.9.
    bumps : float
        Spread of the amplitudes of the third and higher harmonics, which fall off with the order.
    y, x : float
        Centre, um.

    Returns
    -------
    Blob
    """
    harmonics = [(2, stretch, float(rng.uniform(0, 2 * np.pi)))]
    for order in range(3, 9):
        amplitude = float(np.clip(rng.normal(), -1.8, 1.8)) * bumps * (3 / order) ** 1.5
        harmonics.append((order, amplitude, float(rng.uniform(0, 2 * np.pi))))
    return Blob(y, x, radius, tuple(harmonics))


def area_of(shape: Shape, reach: float, *, step: float = 0.15) -> float:
    """Return the area (um2) of a shape that lies within `reach` um of the origin, counted on a grid.

    Examples
    --------
    >>> round(area_of(Blob(0, 0, 2), 3, step=0.05) / np.pi, 2)
    4.0
    """
    axis = np.arange(-reach, reach + step, step, dtype=np.float32)
    return float(np.count_nonzero(shape.depth(axis[:, None], axis[None, :]) > 0)) * step**2


def smooth_max(a: FloatArray, b: FloatArray, blend: float) -> FloatArray:
    """Return the larger of two depths, rounded where they differ by less than `blend`.

    Examples
    --------
    >>> float(smooth_max(np.float32([1]), np.float32([3]), 1.0)[0])
    3.0
    >>> float(smooth_max(np.float32([1]), np.float32([1]), 0.4)[0]) > 1
    True
    """
    if blend <= 0:
        return np.maximum(a, b)
    h = np.clip(np.float32(0.5) + (a - b) / np.float32(2 * blend), 0, 1)
    mixed: FloatArray = b + (a - b) * h + np.float32(blend) * h * (1 - h)
    return mixed


def soft_edge(depth: FloatArray, width: float) -> FloatArray:
    """Turn a depth into an opacity 0-1 that rises over `width` um and is one half on the outline.

    Examples
    --------
    >>> soft_edge(np.float32([-1, 0, 1]), 0.3).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.clip(depth / np.float32(width) + np.float32(0.5), 0, 1)
    opacity: FloatArray = t * t * (3 - 2 * t)
    return opacity
