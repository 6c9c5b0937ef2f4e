"""What a segmentation said of its cells that no map tells, and that stays true, or not, while they are edited."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from napari_leukocyte.core.cells.flags import Flag

__all__ = ["StandingRemarks"]


@dataclass(frozen=True)
class StandingRemarks:
    """By cell number.

    Attributes
    ----------
    unsure
        Cells that the model is unsure of.
    blurred
        Cells that are out of focus.
    beside
        Flags that cells have for neighbours which are not in the maps.
    """

    unsure: Collection[int] = ()
    blurred: Collection[int] = ()
    beside: Mapping[int, Collection[Flag]] = field(default_factory=dict)

    def on(self, number: int, *, edited: bool) -> set[Flag]:
        """Flags of a cell; whoever has ``edited`` it has looked at it, but made it no sharper."""
        found = {Flag.OUT_OF_FOCUS} if number in self.blurred else set()
        if edited:
            return found | {Flag.EDITED}
        return found | set(self.beside.get(number, ())) | ({Flag.LOW_CONFIDENCE} if number in self.unsure else set())
