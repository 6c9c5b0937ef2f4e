"""Red cells as a ruler: of all objects in a smear their size varies least."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.discs import Discs, find_discs, optical_density

__all__ = ["RED_CELL_UM", "RedCells", "outlines", "red_cells"]

# Diameter of a red cell as `red_cells` measures it: the one number that was fitted, see docs/pixel-size.md.
RED_CELL_UM = 6.8

_SPREAD = 0.15  # of the log diameter: width of the kernel that finds the commonest size
_ALIKE = 0.25  # discs within this of the commonest log diameter are of its kind


@dataclass(frozen=True)
class RedCells:
    """Discs of one size.

    Attributes
    ----------
    diameter
        Of the median disc, px.
    count
        How many there are.
    share
        Of the length of all outlines found, 0-1: the less, the more else there is that is round.
    """

    diameter: float
    count: int
    share: float


def outlines(plane: Any, conversion: Conversion) -> Discs:
    """Round objects of a plane, (Y, X) or (Y, X, 3 or 4), whatever their size."""
    return find_discs(optical_density(conversion(plane)))


def red_cells(discs: Discs, *, near: float | None = None) -> RedCells | None:
    """The commonest size among discs, which is that of the red cells when there are any; None without a disc.

    Parameters
    ----------
    discs
        Those in white cells left out, if these are known.
    near
        Diameter, px, of which only sizes within a factor of 1.6 come into question.
    """
    log_diameter = np.log(2 * discs.radius)
    # a granule has little outline and a red cell much, so that granules do not outvote red cells
    weight = discs.support * discs.radius
    candidates = log_diameter if near is None else log_diameter[np.abs(log_diameter - np.log(near)) < np.log(1.6)]
    if not candidates.size:
        return None
    kernel = np.exp(-0.5 * ((candidates[:, None] - log_diameter) / _SPREAD) ** 2)
    centre = float(candidates[np.argmax(kernel @ weight)])
    alike = np.abs(log_diameter - centre) < _ALIKE
    centre = float(np.median(log_diameter[alike]))
    alike = np.abs(log_diameter - centre) < _ALIKE
    return RedCells(
        float(np.exp(np.median(log_diameter[alike]))), int(alike.sum()), float(weight[alike].sum() / weight.sum())
    )
