"""Undo and redo of cell labels, in step with the undo stack of whoever holds the class map."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.origin import Touch

__all__ = ["ByHand", "Fingerprint", "History", "Step", "Taken", "fingerprint"]

_MOST_PIXELS = 20_000_000  # labels and makers kept in all, 240 MB; older steps are forgotten
_MOST_STEPS = 1000


@dataclass(frozen=True)
class ByHand:
    """What people said of the cells of a map, by cell number, and which they edited.

    Attributes
    ----------
    marks
        Cells that are no white cells, and what they are: one of the ``NOT_A_WBC`` flags.
    edited
        Cells whose outline or label was edited.
    types
        What type a person says that cells are.
    """

    marks: Mapping[int, Flag]
    edited: frozenset[int]
    types: Mapping[int, str]

    def differing(self, other: "ByHand") -> set[int]:
        """Cells of which the one says something else than the other."""
        found = set(self.edited ^ other.edited)
        for one, its in ((self.marks, other.marks), (self.types, other.types)):
            found |= {number for number in {*one, *its} if one.get(number) != its.get(number)}
        return found


Fingerprint = tuple[int, int, ByHand]
"""Of class map and labels by hash, and what is by hand: equal when all of them are."""


@dataclass(frozen=True)
class Step:
    """One change of the labels, or of what is known about the cells.

    Attributes
    ----------
    map_before, map_after : int
        Fingerprints of the class map; equal when only labels, or what people said, changed.
    where : (N,) array
        Flat indices of the pixels whose label changed.
    before, after : (N,) int32 arrays
        Their labels.
    by_hand_before, by_hand_after : ByHand
        What people had said of the cells, and what they have.
    touch
        What the change did to the map of makers; None: nothing.
    """

    map_before: int
    map_after: int
    where: npt.NDArray[np.intp]
    before: npt.NDArray[np.int32]
    after: npt.NDArray[np.int32]
    by_hand_before: ByHand
    by_hand_after: ByHand
    touch: Touch | None = None


@dataclass(frozen=True)
class Taken:
    """A change of the class map: its box, its pixels (flat indices), their classes, and its fingerprint after it."""

    box: Box
    where: npt.NDArray[np.intp]
    values: npt.NDArray[np.uint8]
    map_now: int


class History:
    """Steps that were taken, and those that were taken back.

    The class map has an undo stack of its own, which says neither what it took back nor how many of our steps
    that were (a stroke may have been followed in several). So each step knows the class map before and after
    it by fingerprint, and an undo goes back to the nearest state with the class map that is there now.
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._taken = 0  # steps in force; those after it were taken back

    def clear(self) -> None:
        """Forget all steps."""
        self._steps, self._taken = [], 0

    def push(self, step: Step) -> None:
        """Note a new step; steps that were taken back are gone with it."""
        self._steps[self._taken :] = [step]
        pixels = 0
        for kept, old in enumerate(reversed(self._steps)):
            pixels += old.where.size + (0 if old.touch is None else old.touch.where.size)
            if kept and (pixels > _MOST_PIXELS or kept >= _MOST_STEPS):
                self._steps = self._steps[-kept:]
                break
        self._taken = len(self._steps)

    def back(self, map_now: int) -> list[Step] | None:
        """Return the steps to take back, in that order, after an undo led to a class map; None if unknown."""
        for steps in range(1, self._taken + 1):
            if self._steps[self._taken - steps].map_before == map_now:
                taken = self._steps[self._taken - steps : self._taken]
                self._taken -= steps
                return taken[::-1]
        return None

    def forward(self, map_now: int) -> list[Step] | None:
        """Return the steps to take again, in that order, after a redo led to a class map; None if unknown."""
        for steps in range(1, len(self._steps) - self._taken + 1):
            if self._steps[self._taken + steps - 1].map_after == map_now:
                again = self._steps[self._taken : self._taken + steps]
                self._taken += steps
                return again
        return None


def fingerprint(where: npt.NDArray[np.intp], values: npt.NDArray[np.integer]) -> int:
    """Return a 64-bit sum over pixels: fingerprints of changes add up to that of the whole map (mod 2^64).

    Each pixel's flat index and value (class or label) are mixed by the finaliser of splitmix64 (Steele et al. 2014).

    Examples
    --------
    >>> a = fingerprint(np.array([3]), np.array([1], np.uint8))
    >>> b = fingerprint(np.array([8]), np.array([2], np.uint8))
    >>> (a + b) % 2**64 == fingerprint(np.array([8, 3]), np.array([2, 1], np.uint8))
    True
    """
    mixed = where.astype(np.uint64) * np.uint64(2**32) + values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return int(mixed.sum(dtype=np.uint64))
