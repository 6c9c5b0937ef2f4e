"""Granules: many small discs, scattered evenly, and the depth of each pixel below the nearest."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from .shapes import FloatArray

__all__ = ["Granules", "scatter"]


class Granules:
    """Discs at (n, 2) `centres` with (n,) `radii`, um."""

    def __init__(self, centres: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> None:
        self.centres = centres
        self.radii = radii

    def nearest(self, y: FloatArray, x: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """Return the depth (um, negative outside) below the nearest disc, and which one it is.

        Parameters
        ----------
        y, x : (h, 1) and (1, w) arrays
            Positions, um.

        Returns
        -------
        depth : (h, w) float32 array
        which : (h, w) int array
            Index into the discs; 0 with a depth of -inf if there are none.
        """
        shape = np.broadcast_shapes(y.shape, x.shape)
        if len(self.radii) == 0:
            return np.full(shape, -np.inf, dtype=np.float32), np.zeros(shape, dtype=np.intp)
        points = np.stack(np.broadcast_arrays(y, x), axis=-1).reshape(-1, 2)
        distance, which = cKDTree(self.centres).query(points)
        depth = (self.radii[which] - distance).astype(np.float32)
        return depth.reshape(shape), which.reshape(shape)


def scatter(
    rng: np.random.Generator, *, reach: float, spacing: float, radii: tuple[float, float], share: float = 1.0
) -> Granules:
    """Scatter discs over a circle of radius `reach` um: a hexagonal lattice, shaken.

    Parameters
    ----------
    rng : numpy.random.Generator
    reach, spacing : float
        Radius of the circle and distance between neighbours, um.
    radii : tuple of float
        Smallest and largest disc, um.
    share : float
        Which part of the lattice sites is filled, 0-1.

    Returns
    -------
    Granules
    """
    count = int(np.ceil(reach / spacing)) + 1
    rows, columns = np.mgrid[-count : count + 1, -count : count + 1]
    y = rows * spacing * np.sqrt(0.75)
    x = (columns + 0.5 * (rows % 2)) * spacing
    centres = np.stack([y.ravel(), x.ravel()], axis=1)
    centres = centres + rng.uniform(-0.38 * spacing, 0.38 * spacing, centres.shape)
    size = rng.uniform(*radii, len(centres))
    kept = (np.hypot(centres[:, 0], centres[:, 1]) < reach) & (rng.random(len(centres)) < share)
    return Granules(centres[kept], size[kept])
