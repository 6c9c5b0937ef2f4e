"""How large a pixel is, and how we know."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.safe_text import printable
from napari_leukocyte.core.table import Row

__all__ = [
    "TYPICAL_CELL_UM",
    "USUAL_UM",
    "PixelSize",
    "check_typed",
    "pixel_size_from_diameter",
    "pixel_size_from_text",
    "pixel_size_in",
]

_TEXT = re.compile(r"(?P<number>[0-9]*[.,]?[0-9]+)\s*((?P<unit>[µμu]m|nm)(\s*/\s*(px|pixel))?)?")

_UNKNOWN = "unknown"
_ESTIMATES = ("estimated", "assumed")  # how the sources of estimates begin
TYPICAL_CELL_UM = 13.0  # diameter of a neutrophil in a smear
USUAL_UM = (0.05, 0.25)  # um per px of a smear under an objective of 20x to 100x


@dataclass(frozen=True)
class PixelSize:
    """um per px (None: unknown) and where the number came from, in words for the user.

    Attributes
    ----------
    estimated
        It is no stated size.
    shared
        It was decided for several images of a list together.
    doubt
        What speaks against it, in words; empty when nothing does.
    """

    um: float | None
    source: str = _UNKNOWN
    estimated: bool = False
    shared: bool = False
    doubt: str = ""

    @property
    def for_areas(self) -> float | None:
        """What um2 areas and size-dependent flags may rest on: an estimate from cell size would be circular."""
        return None if self.estimated else self.um

    @property
    def unused(self) -> str:
        """Why a size that is stated is not used, in words; empty where one is used, or none is stated."""
        return self.source if self.um is None and self.source != _UNKNOWN else ""

    @property
    def digits(self) -> str:
        """The number as files keep it, empty when unknown; of an estimate no more digits than it can have."""
        return "" if self.um is None else f"{self.um:.{4 if self.estimated else 15}g}"

    @property
    def facts(self) -> dict[str, str]:
        """What every file, row and layer of ours says of it."""
        return {
            "pixel_size_um": self.digits,
            "pixel_size_source": self.source,
            "pixel_size_scope": "" if self.um is None else "shared" if self.shared else "own",
            "pixel_size_doubt": self.doubt,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "PixelSize":
        """Read `facts` back; unknown where they are missing or no number.

        >>> size = PixelSize(0.11, "estimated from 2 cells", estimated=True, shared=True, doubt="no red cell")
        >>> PixelSize.from_facts(size.facts) == size
        True
        """
        try:
            um = float(facts["pixel_size_um"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return cls(None)
        if isinstance(facts["pixel_size_um"], bool) or not (math.isfinite(um) and um > 0):
            return cls(None)
        source, doubt = (str(facts.get(f"pixel_size_{key}", "")) for key in ("source", "doubt"))
        size = cls.stated(um, source or _UNKNOWN)
        return replace(size, shared=facts.get("pixel_size_scope") == "shared", doubt=doubt)

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
        return f"{self.um:.4g} µm/px ({self.source}{', doubtful: ' if self.doubt else ''}{self.doubt})"


def check_typed(um: float) -> None:
    """Refuse a typed pixel size that no image of a smear has.

    Raises
    ------
    LeukocyteError
        When it is not between 0.01 and 2 um per px.
    """
    if not 0.01 <= um <= 2:
        raise LeukocyteError(f"A pixel size of {um:g} um is not plausible for a smear: give 0.01 to 2 um per px.")


def pixel_size_from_text(text: str) -> float | None:
    """Pixel size in um per px as a person writes it; None for an empty text.

    Raises
    ------
    LeukocyteError
        When it is no size, or none that a smear can have.

    Examples
    --------
    >>> pixel_size_from_text("0.064516"), pixel_size_from_text("0,0645 µm/px"), pixel_size_from_text("64.5 nm")
    (0.064516, 0.0645, 0.0645)
    """
    if not text.strip():
        return None
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise LeukocyteError(f"'{printable(text)}' is no pixel size: write it like 0.0645 µm/px.")
    um = float(match["number"].replace(",", "."))
    um = round(um / 1000, 9) if match["unit"] == "nm" else um
    check_typed(um)
    return um


def pixel_size_in(row: Row) -> float | None:
    """Pixel size in um per px from the column ``px_per_um`` of an index; None where nothing stands there.

    Raises
    ------
    LeukocyteError
        When it is no number, or no image of a smear has it.
    """
    density = row.number("px_per_um")
    if density is None:
        return None
    if not 0.5 <= density <= 100:
        turned = f" ({density:g} um per px would be {1 / density:g})" if 0.01 <= density <= 2 else ""
        raise LeukocyteError(
            f"{row.where} states {row.text('px_per_um')} as px_per_um, which is not plausible for a smear: give 0.5 to "
            f"100 px per um{turned}."
        )
    return 1 / density


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
