"""How large a pixel is, and how we know."""

import math
from dataclasses import dataclass

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["TYPICAL_CELL_UM", "PixelSize", "pixel_size_from_diameter"]

TYPICAL_CELL_UM = 13.0  # diameter of a neutrophil in a smear


@dataclass(frozen=True)
class PixelSize:
    """um per px (None: unknown) and where the number came from, in words for the user."""

    um: float | None
    source: str = "unknown"
    estimated: bool = False

    @property
    def for_areas(self) -> float | None:
        """What um2 areas and size-dependent flags may rest on: an estimate from cell size would be circular."""
        return None if self.estimated else self.um

    def __str__(self) -> str:
        if self.um is None:
            return "unknown"
        return f"{self.um:.4g} µm/px ({self.source})"


def pixel_size_from_diameter(diameter_px: float) -> float:
    """Pixel size in um per px when a typical cell, a neutrophil of 13 um, was measured in px.

    Raises
    ------
    LeukocyteError
        When the diameter is no positive number.

    Examples
    --------
    >>> pixel_size_from_diameter(130)
    0.1
    """
    if not (math.isfinite(diameter_px) and diameter_px > 0):
        raise LeukocyteError(f"A cell cannot be {diameter_px:g} px wide: give the diameter of a typical cell in px.")
    return TYPICAL_CELL_UM / diameter_px
