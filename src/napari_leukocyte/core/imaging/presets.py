"""Pixel sizes that were calibrated once: by a line on a stage micrometer, kept as a preset for each set-up."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import check_typed
from napari_leukocyte.core.safe_text import printable

__all__ = ["Preset", "calibrated", "presets_from_text", "presets_to_text"]

_SHORTEST = 20.0  # px: the ends of a line are off by a pixel or two
_ENTRY = re.compile(
    r"\s*(?P<name>[^:;\n]+?)\s*:\s*(?P<um>[\d.e+-]+) um/px, objective (?P<objective>[\d.e+-]+)x, "
    r"adapter (?P<adapter>[\d.e+-]+)x, binning (?P<binning>\d+)\s*"
)


@dataclass(frozen=True)
class Preset:
    """The pixel size of a camera on a microscope.

    Attributes
    ----------
    name
        Without colon, semicolon or line break.
    um
        um per px with this objective, adapter and binning.
    objective, adapter
        Magnifications.
    binning
        Pixels of the camera that are one pixel of the image, along a side.

    Raises
    ------
    LeukocyteError
        When a value is none that there can be.
    """

    name: str
    um: float
    objective: float = 100.0
    adapter: float = 1.0
    binning: int = 1

    def __post_init__(self) -> None:
        if not self.name.strip() or re.search(r"[:;\n]", self.name):
            raise LeukocyteError("Give the set-up a name, without colon, semicolon or line break.")
        for what, value in (("objective", self.objective), ("adapter", self.adapter), ("binning", self.binning)):
            if not (math.isfinite(value) and value > 0):
                raise LeukocyteError(f"The {what} of a set-up is a number above 0, not {value:g}.")
        check_typed(self.um)

    def with_optics(self, name: str, *, objective: float, adapter: float, binning: int) -> "Preset":
        """The same camera with other optics: the pixel size goes by binning / (objective x adapter).

        Examples
        --------
        >>> Preset("100x", 0.065).with_optics("50x, binned", objective=50, adapter=1, binning=2).um
        0.26
        """
        before, now = (b / (o * a) for o, a, b in (self._optics, (objective, adapter, binning)))
        return replace(
            self, name=name, um=self.um * now / before, objective=objective, adapter=adapter, binning=binning
        )

    @property
    def _optics(self) -> tuple[float, float, int]:
        return self.objective, self.adapter, self.binning


def calibrated(length_px: float, length_um: float) -> float:
    """The pixel size, um per px, of an image on which a line of known length was drawn.

    Raises
    ------
    LeukocyteError
        When the line is shorter than 20 px, or what follows is no pixel size of a smear.

    Examples
    --------
    >>> calibrated(1000, 100)
    0.1
    """
    if not (math.isfinite(length_px) and length_px >= _SHORTEST):
        raise LeukocyteError(
            f"A line of {length_px:.0f} px is too short to measure with: draw {_SHORTEST:g} px or more."
        )
    um = length_um / length_px
    check_typed(um)
    return um


def presets_to_text(presets: Iterable[Preset]) -> str:
    """Write presets as one line that a person can read and change; `presets_from_text` reads it."""
    return "; ".join(
        f"{one.name.strip()}: {one.um:.6g} um/px, objective {one.objective:g}x, adapter {one.adapter:g}x, "
        f"binning {one.binning}"
        for one in presets
    )


def presets_from_text(text: str) -> dict[str, Preset]:
    """Presets by name.

    Raises
    ------
    LeukocyteError
        When the text is none that `presets_to_text` writes.

    Examples
    --------
    >>> presets_from_text(presets_to_text([Preset("100x oil", 0.0645, 100, 0.63, 2)]))
    {'100x oil': Preset(name='100x oil', um=0.0645, objective=100.0, adapter=0.63, binning=2)}
    """
    found = {}
    for entry in filter(str.strip, text.split(";")):
        match = _ENTRY.fullmatch(entry)
        try:
            if match is None:
                raise ValueError
            um, objective, adapter = (float(match[key]) for key in ("um", "objective", "adapter"))
            preset = Preset(match["name"], um, objective, adapter, int(match["binning"]))
        except ValueError:
            raise LeukocyteError(
                f"The set-up '{printable(entry.strip())}' cannot be understood; it should be like "
                "'100x oil: 0.0645 um/px, objective 100x, adapter 1x, binning 1'."
            ) from None
        found[preset.name] = preset
    return found
