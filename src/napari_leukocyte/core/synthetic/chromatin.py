"""The texture of nuclei: clumps, fine grain, a lacy net and folds in monocytes, nucleoli in blasts, a darker edge."""

from dataclasses import dataclass

import numpy as np

from .noise import lattice_noise, strand_noise
from .shapes import FloatArray, soft_edge
from .stain import Stain, colour_of

__all__ = ["chromatin_density"]


@dataclass(frozen=True)
class _Texture:
    """Mean density; the shares by which coarse, clumped, fine, lacy and folded structure change it; size of clumps, um.

    Last the share by which the chromatin condensed along the membrane is denser.
    """

    level: float
    coarse: float
    clumps: float
    fine: float
    lace: float
    folds: float
    clump_size: float
    membrane: float


_TEXTURES = {
    "neutrophil": _Texture(1.10, 0.07, 0.20, 0.17, 0.22, 0.00, 0.80, 0.10),
    "eosinophil": _Texture(0.92, 0.08, 0.16, 0.16, 0.12, 0.00, 0.85, 0.08),
    "basophil": _Texture(0.95, 0.09, 0.13, 0.15, 0.05, 0.00, 1.00, 0.00),
    "lymphocyte": _Texture(0.95, 0.08, 0.15, 0.19, 0.14, 0.04, 0.90, 0.12),
    "monocyte": _Texture(0.78, 0.10, 0.12, 0.19, 0.20, 0.10, 0.75, 0.10),
    "blast": _Texture(0.80, 0.06, 0.06, 0.23, 0.12, 0.05, 0.60, 0.08),
    "smudge": _Texture(0.58, 0.20, 0.10, 0.15, 0.10, 0.13, 1.60, -0.45),
}
_NUCLEOLI = 0.35  # share of chromatin that a nucleolus lacks


def chromatin_density(
    rng: np.random.Generator,
    stain: Stain,
    cell_type: str,
    y: FloatArray,
    x: FloatArray,
    depth: FloatArray,
    *,
    reach: float,
) -> FloatArray:
    """Return the (h, w, 3) optical density of a nucleus.

    Parameters
    ----------
    rng : numpy.random.Generator
    stain : Stain
    cell_type : str
    y, x : (h, 1) and (1, w) arrays
        Distance from the centre of the cell, um.
    depth : (h, w) array
        Depth below the outline of the nucleus, um.
    reach : float
        Largest distance from the centre, um.

    Returns
    -------
    (h, w, 3) float32 array
        Meant for the inside of the nucleus; the caller cuts it out.
    """
    kind = _TEXTURES[cell_type]
    coarse = lattice_noise(rng, y, x, length=2.2, reach=reach)
    clumps = np.tanh(1.6 * lattice_noise(rng, y, x, length=kind.clump_size, reach=reach))
    fine = lattice_noise(rng, y, x, length=0.28, reach=reach)
    lace = np.clip(lattice_noise(rng, y, x, length=0.42, reach=reach) - 0.6, 0, 1.6)
    angle = rng.uniform(0, np.pi)
    width = 1.1 if cell_type == "smudge" else 0.6
    folds = strand_noise(rng, y, x, length=width, stretch=rng.uniform(2.5, 5), angle=angle, reach=reach)
    level = kind.level * rng.uniform(0.93, 1.07)
    contrast = rng.uniform(0.6, 1.35)  # how open the chromatin of this cell is
    change = kind.coarse * coarse + kind.clumps * clumps + kind.fine * fine - kind.lace * lace + kind.folds * folds
    amount = level * (1 + contrast * change)
    if cell_type == "blast":
        amount = amount * (1 - _NUCLEOLI * _nucleoli(rng, y, x, depth))
    # Pale spots do not reach the membrane, along which chromatin lies condensed, here more and there less.
    membrane = 1 + kind.membrane * np.clip(1 + 0.9 * coarse, -0.5, 2)
    edge = np.exp(-((np.maximum(depth, 0) / np.float32(0.35)) ** 2)) * np.float32(0.85)
    amount = amount * (1 - edge) + level * membrane * edge
    density = np.clip(amount, 0.2, 1.6)[..., None] * colour_of(stain.chromatin)
    # Where chromatin is loose, the red tone of the nuclear sap shows.
    loose = np.clip(-0.5 * clumps - 0.3 * coarse, 0, 1)[..., None]
    result: FloatArray = (density + loose * np.float32(0.35) * colour_of(stain.neutrophilic)).astype(np.float32)
    return result


def _nucleoli(rng: np.random.Generator, y: FloatArray, x: FloatArray, depth: FloatArray) -> FloatArray:
    """Return the opacity (h, w) of one to three round, pale nucleoli, well inside the nucleus."""
    opacity = np.zeros(depth.shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        radius, turn, way = rng.uniform(0.7, 1.3), rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 3.0)
        middle = np.hypot(y - np.float32(way * np.sin(turn)), x - np.float32(way * np.cos(turn)))
        np.maximum(opacity, soft_edge(np.float32(radius) - middle, 0.6), out=opacity)
    return opacity * soft_edge(depth - np.float32(0.8), 0.5)
