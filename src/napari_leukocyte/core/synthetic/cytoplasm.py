"""The texture of cytoplasm: ground tone, grain, rim, halo, granules and vacuoles."""

from dataclasses import dataclass

import numpy as np

from .granules import Granules, scatter
from .leukocytes import Leukocyte
from .noise import lattice_noise
from .shapes import FloatArray, soft_edge
from .stain import Stain, colour_of

__all__ = ["cytoplasm_density", "outline_density", "overlay_granules"]


@dataclass(frozen=True)
class _Ground:
    """Amounts of blue and pink, grain, rim, perinuclear halo, and the share lost at the thin edge."""

    blue: tuple[float, float]
    pink: tuple[float, float]
    grain: float
    rim: float
    halo: float
    thin: tuple[float, float]


_GROUNDS = {
    "neutrophil": _Ground((0.0, 0.2), (0.45, 1.2), 0.10, 0.20, 0.0, (0.2, 0.75)),
    "eosinophil": _Ground((0.15, 0.6), (0.2, 0.7), 0.10, 0.25, 0.0, (0.2, 0.5)),
    "basophil": _Ground((0.2, 0.6), (0.6, 1.4), 0.14, 0.30, 0.0, (0.2, 0.5)),
    "lymphocyte": _Ground((0.5, 1.6), (0.0, 0.3), 0.12, 0.50, 0.30, (0.1, 0.35)),
    "blast": _Ground((0.7, 1.7), (0.0, 0.2), 0.14, 0.45, 0.15, (0.05, 0.3)),
    "monocyte": _Ground((0.5, 1.1), (0.1, 0.45), 0.19, 0.25, 0.10, (0.15, 0.5)),
}


def cytoplasm_density(
    rng: np.random.Generator,
    stain: Stain,
    cell: Leukocyte,
    y: FloatArray,
    x: FloatArray,
    depth: FloatArray,
    nucleus_depth: FloatArray,
) -> FloatArray:
    """Return the (h, w, 3) optical density of the cytoplasm, without the granules that lie over the nucleus.

    Parameters
    ----------
    rng : numpy.random.Generator
    stain : Stain
    cell : Leukocyte
    y, x : (h, 1) and (1, w) arrays
        Distance from the centre of the cell, um.
    depth, nucleus_depth : (h, w) arrays
        Depth below the outline of the cell and of the nucleus, um.

    Returns
    -------
    (h, w, 3) float32 array
        Meant for the inside of the cell; the caller cuts it out.
    """
    kind = _GROUNDS[cell.cell_type]
    coarse = lattice_noise(rng, y, x, length=2.5, reach=cell.reach)
    mottle = lattice_noise(rng, y, x, length=0.8, reach=cell.reach)
    grain = lattice_noise(rng, y, x, length=0.26, reach=cell.reach)
    tone = rng.uniform(*kind.blue) * colour_of(stain.basophilic)
    tone = tone + rng.uniform(*kind.pink) * colour_of(stain.neutrophilic)
    thin = rng.uniform(*kind.thin)
    amount = 1 + 0.17 * coarse + kind.grain * (0.8 * mottle + grain)
    amount = amount * (1 - thin + thin * np.clip(depth / np.float32(1.8), 0, 1))  # thinner towards the edge
    # The rim is not equally sharp all round.
    amount = amount + kind.rim * np.clip(0.8 + 0.5 * coarse, 0, 2) * np.exp(
        -(((depth - np.float32(0.2)) / np.float32(0.28)) ** 2)
    )
    amount = amount * (1 - kind.halo * np.exp(np.minimum(nucleus_depth, 0) / np.float32(0.6)))
    density: FloatArray = np.clip(amount * np.float32(cell.strength), 0.05, 2.5)[..., None] * tone.astype(np.float32)
    for colour, opacity in _ground_granules(rng, stain, cell, y, x, depth):
        density = density + opacity[..., None] * colour_of(colour)
    for vacuole in cell.vacuoles:
        hole = soft_edge(vacuole.depth(y, x), 0.25)[..., None]
        density = density * (1 - np.float32(0.85) * hole)
    return density


def overlay_granules(
    rng: np.random.Generator,
    stain: Stain,
    cell: Leukocyte,
    y: FloatArray,
    x: FloatArray,
    depth: FloatArray,
    nucleus_depth: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return density (h, w, 3) and opacity (h, w) of the coarse granules of eosinophils and basophils.

    Those of basophils may hide the nucleus, those of eosinophils lie beside it. The other types have none: opacity 0.
    The arguments are those of `cytoplasm_density`.
    """
    if cell.cell_type == "eosinophil":
        granules = scatter(rng, reach=cell.reach, spacing=0.74, radii=(0.30, 0.54), share=0.96)
        colour, over_nucleus = colour_of(stain.eosin_granule) * rng.uniform(0.9, 1.4), 0.0
        bare, shades, middle = 0.18 * rng.random() ** 2, (0.72, 1.12), 0.30
    elif cell.cell_type == "basophil":
        granules = scatter(rng, reach=cell.reach, spacing=0.86, radii=(0.22, 0.55), share=rng.uniform(0.75, 1.0))
        colour, over_nucleus = colour_of(stain.basophil_granule), rng.uniform(0.3, 0.9)
        bare, shades, middle = 0.35 * rng.random(), (0.45, 1.10), 0.20
    else:
        return np.zeros((*depth.shape, 3), dtype=np.float32), np.zeros(depth.shape, dtype=np.float32)
    count = len(granules.radii)
    tint = rng.uniform(*shades, count)
    covers = rng.random(count) < over_nucleus
    present = rng.random(count) >= bare
    below, which = granules.nearest(y, x)
    opacity = soft_edge(below, 0.22) * soft_edge(depth - np.float32(0.35), 0.3)
    opacity = opacity * np.where(covers[which], 1, 1 - soft_edge(nucleus_depth, 0.4)) * present[which]
    for vacuole in cell.vacuoles:
        opacity = opacity * (1 - soft_edge(vacuole.depth(y, x), 0.25))
    shade = tint[which] * (1 - middle + middle * np.clip(below / np.float32(0.3), 0, 1))
    density = shade.astype(np.float32)[..., None] * colour
    return density, opacity.astype(np.float32)


def outline_density(stain: Stain, y: FloatArray, x: FloatArray, depth: FloatArray) -> FloatArray:
    """Return the (h, w, 3) density, negative where it is lighter, that the stain's relief adds along the outline.

    ``y``, ``x`` and ``depth`` are those of `cytoplasm_density`.
    """
    even, down, right = (np.float32(part) for part in stain.relief)
    away: FloatArray = np.maximum(np.hypot(y, x), np.float32(1e-3))
    along: FloatArray = down * y + right * x
    amount = even + along / away
    line = np.exp(-(((depth - np.float32(0.2)) / np.float32(0.4)) ** 2))
    density: FloatArray = (amount * line)[..., None] * colour_of(stain.chromatin)
    return density


def _ground_granules(
    rng: np.random.Generator, stain: Stain, cell: Leukocyte, y: FloatArray, x: FloatArray, depth: FloatArray
) -> list[tuple[tuple[float, float, float], FloatArray]]:
    """Return colour and amount of the fine granules in the ground of the cytoplasm."""
    if cell.cell_type == "neutrophil":
        sets = [(0.42, (0.08, 0.17), 0.85, rng.uniform(0.25, 0.7)), (0.9, (0.12, 0.22), 0.35, rng.uniform(0.3, 0.8))]
    elif cell.cell_type == "monocyte":
        sets = [(0.5, (0.08, 0.16), 0.6, rng.uniform(0.15, 0.45))]
    elif cell.cell_type == "lymphocyte" and rng.random() < 0.3:
        sets = [(1.5, (0.15, 0.28), 0.25, rng.uniform(0.5, 1.0))]
    else:
        sets = []
    found = []
    for spacing, radii, share, strength in sets:
        granules: Granules = scatter(rng, reach=cell.reach, spacing=spacing, radii=radii, share=share)
        below, which = granules.nearest(y, x)
        tint = rng.uniform(0.4, 1.2, max(len(granules.radii), 1)).astype(np.float32)
        amount = soft_edge(below, 0.2) * soft_edge(depth - np.float32(0.3), 0.4) * tint[which]
        found.append((stain.fine_granule, (np.float32(strength) * amount).astype(np.float32)))
    return found
