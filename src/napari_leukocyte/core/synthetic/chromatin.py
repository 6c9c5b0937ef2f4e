"""The texture of nuclei: clumps, fine grain, a lacy net in monocytes, a darker edge."""

from dataclasses import dataclass

import numpy as np

from .noise import lattice_noise
from .shapes import FloatArray
from .stain import Stain, colour_of

__all__ = ["chromatin_density"]


@dataclass(frozen=True)
class _Texture:
    """Mean density, and the shares by which coarse, clumped, fine and lacy structure change it."""

    level: float
    coarse: float
    clumps: float
    fine: float
    lace: float
    clump_size: float


_TEXTURES = {
    "neutrophil": _Texture(1.08, 0.07, 0.19, 0.09, 0.20, 0.80),
    "eosinophil": _Texture(0.95, 0.08, 0.18, 0.08, 0.12, 0.85),
    "basophil": _Texture(0.86, 0.09, 0.13, 0.07, 0.05, 1.0),
    "lymphocyte": _Texture(1.02, 0.08, 0.16, 0.14, 0.28, 0.65),
    "monocyte": _Texture(0.88, 0.10, 0.15, 0.17, 0.42, 0.55),
}


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
    level = kind.level * rng.uniform(0.93, 1.07)
    amount = level * (1 + kind.coarse * coarse + kind.clumps * clumps + kind.fine * fine - kind.lace * lace)
    # Pale spots do not reach the membrane, along which chromatin lies condensed.
    edge = np.exp(-((np.maximum(depth, 0) / np.float32(0.35)) ** 2))
    amount = amount * (1 - edge) + level * np.float32(1.12) * edge
    density = np.clip(amount, 0.25, 1.5)[..., None] * colour_of(stain.chromatin)
    # Where chromatin is loose, the red tone of the nuclear sap shows.
    loose = np.clip(-0.5 * clumps - 0.3 * coarse, 0, 1)[..., None]
    result: FloatArray = density + loose * np.float32(0.35) * colour_of(stain.neutrophilic)
    return result
