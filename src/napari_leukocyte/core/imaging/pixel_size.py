"""How large a pixel is, and how we know."""

import math
from dataclasses import dataclass

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["TYPICAL_CELL_UM", "PixelSize", "check_typed", "pixel_size_from_diameter"]

_ESTIMATES = ("estimated", "assumed")  # how the sources of estimates begin
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

    @property
    def digits(self) -> str:
        """The number as files keep it, empty when unknown; of an estimate no more digits than it can have."""
        return "" if self.um is None else f"{self.um:.{4 if self.estimated else 15}g}"

    @classmethod
    def stated(cls, um: float | None, source: str) -> "PixelSize":
        """Return what a record of ours states: how its source begins tells an estimate.

        >>> PixelSize.stated(0.11, "estimated from 2 cells").for_areas is None
        True
        """
        return cls(um, source, estimated=source.startswith(_ESTIMATES))

    def __str__(self) -> str:
        if self.um is None:
            return "unknown"
        return f"{self.um:.4g} µm/px ({self.source})"


def check_typed(um: float) -> None:
    """Refuse a typed pixel size that no image of a smear has.

    Raises
    ------
    LeukocyteError
        When it is not between 0.01 and 5 um per px.
    """
    if not 0.01 <= um <= 5:
        raise LeukocyteError(f"A pixel size of {um:g} um is not plausible for a smear: give 0.01 to 5 um per px.")


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
