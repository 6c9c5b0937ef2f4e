"""Platelets: small, ragged, a pale blue edge round a violet granular middle; alone, giant, in clusters, on a cell."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .canvas import Canvas
from .leukocytes import Leukocyte
from .noise import lattice_noise
from .shapes import Blob, Ribbon, Shape, Union, random_blob, soft_edge
from .stain import Stain, colour_of

__all__ = ["Platelet", "adjacent_platelets", "draw_platelets", "make_platelet", "paint_platelet", "platelet_cluster"]

_DIAMETER = (1.6, 3.4)  # um
_GIANT = (4.5, 8.5)  # um
_GAP = 0.04  # um of glass between a platelet and the white cell it lies on


@dataclass(frozen=True)
class Platelet:
    """One platelet: centre (um), outline and granular middle around it, how dark, and the seed of its texture."""

    y: float
    x: float
    radius: float
    outline: Shape
    core: Blob
    strength: float
    texture: int

    @property
    def reach(self) -> float:
        """Distance from the centre (um) beyond which nothing of it is drawn."""
        return 2.6 * self.radius + 0.5


def make_platelet(rng: np.random.Generator, y: float, x: float, *, giant: bool = False) -> Platelet:
    """Draw the shape of a platelet, 1.6-3.4 um across, or a giant one of 4.5-8.5 um, with a spike or two at times."""
    radius = float(rng.uniform(*(_GIANT if giant else _DIAMETER)) / 2)
    body = random_blob(rng, radius, stretch=rng.uniform(0, 0.28), bumps=0.09)
    spikes = []
    for angle in rng.uniform(0, 2 * np.pi, int(rng.choice(4, p=(0.65, 0.2, 0.1, 0.05)))):
        far = radius * rng.uniform(1.3, 1.9)
        tip = (float(far * np.sin(angle)), float(far * np.cos(angle)), 0.1)
        spikes.append(Ribbon(((0.0, 0.0, 0.55 * radius), tip)))
    core = random_blob(rng, (0.78 if giant else 0.7) * radius, stretch=rng.uniform(0, 0.25), bumps=0.12)
    outline: Shape = Union((body, *spikes), blend=0.25) if spikes else body
    return Platelet(y, x, radius, outline, core, float(rng.uniform(0.7, 1.25)), int(rng.integers(2**32)))


def platelet_cluster(rng: np.random.Generator, y: float, x: float, count: int) -> list[Platelet]:
    """Draw `count` platelets that clump around a point."""
    spread = 0.95 * np.sqrt(count)
    ways = rng.normal(0, spread, (count, 2)) * rng.uniform(0.6, 1.1, 2)
    return [make_platelet(rng, y + float(dy), x + float(dx), giant=bool(rng.random() < 0.05)) for dy, dx in ways]


def adjacent_platelets(rng: np.random.Generator, cell: Leukocyte, count: int) -> list[Platelet]:
    """Draw `count` platelets that lie against the outline of a white cell."""
    found = []
    axis = np.linspace(0, 1.5 * cell.outline.radius, 200, dtype=np.float32)
    for angle in rng.uniform(0, 2 * np.pi) + np.cumsum(rng.uniform(0.35, 1.6, count)):
        depth = cell.body.depth(axis * np.float32(np.sin(angle)), axis * np.float32(np.cos(angle)))
        edge = float(axis[np.flatnonzero(depth > 0)[-1]])
        platelet = make_platelet(rng, 0.0, 0.0, giant=bool(rng.random() < 0.12))
        way = edge + platelet.radius * rng.uniform(0.45, 0.85)
        y, x = cell.y + way * float(np.sin(angle)), cell.x + way * float(np.cos(angle))
        found.append(replace(platelet, y=y, x=x))
    return found


def draw_platelets(
    rng: np.random.Generator,
    canvas: Canvas,
    stain: Stain,
    red_cells: npt.NDArray[np.float64],
    *,
    per_1000_um2: float,
    clear: float = 0.5,
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
    clear : float
        Glass between a platelet and a white cell, at least, um.
    """
    height, width = canvas.extent
    for _ in range(rng.poisson(per_1000_um2 * height * width / 1000)):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        platelet = make_platelet(rng, float(y), float(x), giant=bool(rng.random() < 0.03))
        stays = rng.random() < 0.1
        near = canvas.window(y, x, platelet.reach + clear)
        on_red = np.hypot(red_cells[:, 0] - y, red_cells[:, 1] - x) < red_cells[:, 2] + 0.5 * platelet.radius
        if (np.any(on_red) and not stays) or np.any(canvas.inside[near.at] > -clear):
            continue
        paint_platelet(canvas, stain, platelet)


def paint_platelet(canvas: Canvas, stain: Stain, platelet: Platelet) -> None:
    """Add a platelet to the densities of a canvas, beside the white cells it may lie against."""
    window = canvas.window(platelet.y, platelet.x, platelet.reach)
    if window.empty:
        return
    rng = np.random.default_rng(platelet.texture)
    grain = lattice_noise(rng, window.y, window.x, length=0.42, reach=platelet.reach)
    ragged = lattice_noise(rng, window.y, window.x, length=0.7, reach=platelet.reach)
    depth = platelet.outline.depth(window.y, window.x) + np.float32(0.12) * ragged
    depth = np.minimum(depth, -canvas.inside[window.at] - np.float32(_GAP))
    edge = soft_edge(depth, 0.3)
    middle = soft_edge(platelet.core.depth(window.y, window.x) + np.float32(0.25) * ragged, 0.7)
    middle = (middle * np.clip(0.8 + 0.3 * grain, 0.2, 1.7))[..., None]
    density = np.float32(0.55) * colour_of(stain.basophilic) + middle * colour_of(stain.platelet)
    edge = edge[..., None]
    here = canvas.density[window.at]
    # A platelet lies on or under a red cell, and thins it a little; beside another the two merge.
    canvas.density[window.at] = here * (1 - np.float32(0.35) * edge) + edge * np.float32(platelet.strength) * density
