"""How a mask is read, and what contradicts that: numbers are believed only as far as they look like cells."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["READ_AS", "DoubtfulMaskError", "MaskReading", "ReadAs", "as_told", "doubts_of"]

ReadAs = Literal["auto", "as-found", "swapped", "inverted", "cells", "numbers"]
"""What a user can say of a mask: ``auto`` asks where the reading is doubtful, ``as-found`` believes it all the same,
``swapped`` exchanges nucleus and cytoplasm, ``inverted`` takes what is 0 for the cells, ``cells`` takes each number
for a cell, ``numbers`` goes by the numbers of a palette and not by its colours."""

READ_AS: tuple[ReadAs, ...] = get_args(ReadAs)

_SMALLEST_PX = 30  # smaller pieces say nothing
_LOOKED_AT_PX = 4_000_000  # of a larger plane every second, third, ... row and column
_FRAME_UM = 25.0  # no white cell fills a frame that is wider

_SWAPPED = (
    "in most of its cells the nucleus is a ring around the cytoplasm, as if the two were exchanged",
    "swapped",
)
_NUMBERED = (
    "no cell in it has both nucleus and cytoplasm, so 1 and 2 may be the numbers of cells",
    "cells",
)
_INVERTED = (
    "its cells fill the frame and enclose what it calls background, as if black and white were exchanged",
    "inverted",
)
_FILLED = ("a cell in it fills a frame wider than 25 um, as background does", "inverted")
_PALETTE = ("the colours of its palette and the numbers behind them give different cells", "numbers")


class DoubtfulMaskError(LeukocyteError):
    """Something contradicts how a mask is read, and nobody has said what it is.

    Attributes
    ----------
    doubt
        What contradicts it, without what to do.
    others
        The words of `ReadAs` for the readings that this speaks for.
    """

    def __init__(self, doubt: str, advice: str, others: tuple[str, ...]) -> None:
        super().__init__(f"{doubt}. {advice}")
        self.doubt, self.others = f"{doubt}.", others


@dataclass(frozen=True)
class MaskReading:
    """How the values or colours of a mask are read.

    Attributes
    ----------
    name
        In words.
    doubts
        What contradicts the reading, each with the word of `ReadAs` for the other one that it speaks for; empty when
        nothing does.
    """

    name: str
    doubts: tuple[tuple[str, str], ...] = ()

    @property
    def sure(self) -> bool:
        """Whether nothing contradicts it."""
        return not self.doubts

    def check(self, file: str, *, option: str = "--read-masks-as") -> None:
        """Refuse a doubtful reading, with the option that decides it.

        Raises
        ------
        DoubtfulMaskError
            When something contradicts the reading.
        """
        if self.doubts:
            what, other = self.doubts[0]
            raise DoubtfulMaskError(
                f"{file} is doubtful, read as {self.name}: {what}",
                f"Say {option} {other}, or {option} as-found if it is right as it stands.",
                tuple(dict.fromkeys(other for _, other in self.doubts)),
            )


def doubts_of(
    planes: Iterable[NDArray[np.uint8]], *, pixel_size: float | None, palette: Iterable[NDArray[np.uint8]] | None = None
) -> tuple[tuple[str, str], ...]:
    """Find what contradicts class maps as they are read.

    Nuclei that touch the outline, ring nuclei, bare nuclei and a cell that fills its crop are no contradiction: it
    takes most cells of a file with no cytoplasm outside their nuclei, several cells of which none has both classes,
    or background that is enclosed and never reaches the frame.

    Parameters
    ----------
    planes : iterable of (Y, X) uint8 arrays
        0 background, 1 cytoplasm or cell, 2 nucleus.
    pixel_size : float or None
        um per px.
    palette : iterable of (Y, X) uint8 arrays, optional
        The same planes by the numbers of their palette, where those are classes, too.
    """
    found: dict[tuple[str, str], int] = {}
    cells = 0
    for whole in planes:
        step = max(1, int(np.ceil(np.sqrt(whole.size / _LOOKED_AT_PX))))
        plane = whole[::step, ::step]
        if not plane.any():
            continue
        cells += 1
        for doubt in _doubts(plane, None if pixel_size is None else step * pixel_size):
            found[doubt] = found.get(doubt, 0) + 1
    doubts = [doubt for doubt, times in found.items() if 2 * times > cells]
    if palette is not None and not doubts and _differ(planes, palette) and _is_sound(palette, pixel_size):
        doubts.append(_PALETTE)
    return tuple(doubts)


def as_told(classes: NDArray[np.uint8], read_as: ReadAs) -> NDArray[np.uint8]:
    """Class map (Y, X) as the user says that it is meant."""
    if read_as == "swapped":
        return np.array([0, 2, 1], np.uint8)[classes]
    if read_as == "inverted":
        # of three classes the two ends change places: what was called nucleus is the background
        return np.array([2, 1, 0] if (classes == 2).any() else [1, 0, 0], np.uint8)[classes]
    return classes


def _doubts(plane: NDArray[np.uint8], pixel_size: float | None) -> list[tuple[str, str]]:
    frame = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
    if (frame > 0).mean() > 0.95:
        enclosed = np.count_nonzero(plane == 0)
        if enclosed >= max(_SMALLEST_PX, 0.002 * plane.size):
            return [_INVERTED]
        if not enclosed and pixel_size is not None and min(plane.shape) * pixel_size > _FRAME_UM:
            return [_FILLED]
        return []
    pieces, count = ndimage.label(plane > 0, np.ones((3, 3)))
    cytoplasm, nucleus = (np.bincount(pieces[plane == value], minlength=count + 1)[1:] for value in (1, 2))
    large = cytoplasm + nucleus >= _SMALLEST_PX
    both = large & (cytoplasm > 0) & (nucleus > 0)
    if large.sum() > 1 and not both.any() and (cytoplasm[large] > 0).any() and (nucleus[large] > 0).any():
        return [_NUMBERED]
    outside = np.pad(plane == 0, 1, constant_values=True)
    outer = ndimage.binary_dilation(outside)[1:-1, 1:-1] & (plane == 1)
    touching = np.bincount(pieces[outer], minlength=count + 1)[1:]
    rings = both & (touching <= 0.01 * cytoplasm) & (cytoplasm >= 0.15 * (cytoplasm + nucleus))
    return [_SWAPPED] if 2 * rings.sum() > both.sum() else []


def _differ(planes: Iterable[NDArray[np.uint8]], palette: Iterable[NDArray[np.uint8]]) -> bool:
    return any(not np.array_equal(one, other) for one, other in zip(planes, palette, strict=True))


def _is_sound(planes: Iterable[NDArray[np.uint8]], pixel_size: float | None) -> bool:
    """Whether class maps look like cells."""
    planes = list(planes)
    return any(plane.any() for plane in planes) and not doubts_of(planes, pixel_size=pixel_size)
