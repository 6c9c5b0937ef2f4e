"""What made the pixels of a class map: a model, the brush, a gesture that a network answers, or another program."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.packed import Packed

__all__ = [
    "MAKERS",
    "Maker",
    "Origin",
    "OriginMap",
    "Touch",
    "check_makers",
    "count_origin",
    "maker_of_file",
    "origin_in_words",
]

Maker = Literal["model", "brush", "gesture", "import", "unknown"]
MAKERS: tuple[Maker, ...] = get_args(Maker)
"""In a map of makers a pixel has the place of its maker in this list; ``unknown`` is what a record leaves open."""

_PAINTED: tuple[Maker, ...] = ("brush", "gesture")
_PART = re.compile(r"(?P<maker>[a-z]+) (?P<pixels>[0-9]+) px( in (?P<strokes>[0-9]+) strokes?)?")


@dataclass(frozen=True)
class Origin:
    """How much of a mask was made by what.

    Attributes
    ----------
    pixels
        Pixels by maker: of a model, what nobody touched of its cells; of brush and gesture, what they changed last,
        background too; of an import, and of an old record that does not say, what nobody touched since of its cells.
    strokes
        How many edits by brush and by gesture there were.

    Raises
    ------
    LeukocyteError
        When a count is no whole number from 0, or of something else.

    Examples
    --------
    >>> Origin({"brush": 20, "gesture": 300}, {"brush": 2, "gesture": 1}).by_gestures
    True
    """

    pixels: Mapping[Maker, int] = field(default_factory=dict)
    strokes: Mapping[Maker, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _counts(self.pixels, MAKERS, "pixels"))
        object.__setattr__(self, "strokes", _counts(self.strokes, _PAINTED, "strokes"))

    @property
    def by_gestures(self) -> bool:
        """Whether gestures made more pixels than brush, import and old records together."""
        return self.pixels["gesture"] > sum(self.pixels[maker] for maker in ("brush", "import", "unknown"))

    @property
    def text(self) -> str:
        """In words, without what is none: ``gesture 300 px in 1 stroke, brush 20 px in 2 strokes``."""
        parts = []
        for maker in sorted(MAKERS, key=lambda one: -self.pixels[one]):
            pixels, strokes = self.pixels[maker], self.strokes.get(maker, 0)
            if pixels or strokes:
                parts.append(f"{maker} {pixels} px")
                if maker in _PAINTED:
                    parts[-1] += f" in {strokes} stroke{'s' * (strokes != 1)}"
        return ", ".join(parts) or "nothing"


def _counts(given: Mapping[Any, Any], makers: tuple[Maker, ...], of: str) -> dict[Maker, int]:
    if not set(given) <= set(makers):
        strange = sorted(set(given) - set(makers))[0]
        raise LeukocyteError(f"There are no {of} made by {strange!r}: use {', '.join(makers)}.")
    counts = {maker: given.get(maker, 0) for maker in makers}
    for maker, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise LeukocyteError(f"The {of} made by {maker} are {count!r}: give a whole number from 0.")
    return {maker: int(count) for maker, count in counts.items()}


def origin_in_words(text: str) -> Origin | None:
    """Read `Origin.text`, which every file of a mask carries; None where it is something else.

    Examples
    --------
    >>> origin_in_words("gesture 300 px in 1 stroke, model 20 px").strokes
    {'brush': 0, 'gesture': 1}
    """
    pixels: dict[Maker, int] = {}
    strokes: dict[Maker, int] = {}
    for part in text.split(", "):
        match = _PART.fullmatch(part)
        maker = None if match is None else next((one for one in MAKERS if one == match["maker"]), None)
        if match is None or maker is None or (match["strokes"] is not None) != (maker in _PAINTED):
            return None
        pixels[maker] = int(match["pixels"])
        if maker in _PAINTED:
            strokes[maker] = int(match["strokes"])
    return Origin(pixels, strokes)


def maker_of_file(*, model: str, edited: bool, made_with: str) -> Maker:
    """What made the mask of a file, which does not say it pixel by pixel.

    Parameters
    ----------
    model
        The model that the file names; empty: none of ours.
    edited
        Whether a hand drew it or changed something in it.
    made_with
        `Origin.text` as the file states it; empty or something else: it does not.
    """
    origin = origin_in_words(made_with)
    if origin is not None and origin.by_gestures:
        return "gesture"
    if model:
        return "unknown" if edited else "model"
    return "import"


def check_makers(makers: npt.NDArray[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a map of makers (Y, X) as uint8, or say why it is none for a class map of ``shape``.

    Raises
    ------
    LeukocyteError
        When it has another shape or other values.
    """
    if makers.shape != shape or makers.dtype.kind not in "ui" or (makers.size and int(makers.max()) >= len(MAKERS)):
        raise LeukocyteError("The map of what made each pixel does not fit the class map: restore it from a copy.")
    if makers.size and int(makers.min()) < 0:
        raise LeukocyteError("The map of what made each pixel holds a negative value: restore it from a copy.")
    return makers.astype(np.uint8, copy=False)


def count_origin(
    classes: npt.NDArray[np.integer], makers: npt.NDArray[np.integer], strokes: Mapping[Maker, int]
) -> Origin:
    """Count the pixels of a class map (Y, X) by their makers (Y, X)."""
    touched = np.flatnonzero(makers)  # of a large map that is edited only this pass takes long
    counts = np.bincount(makers.reshape(-1)[touched], minlength=len(MAKERS))
    pixels: dict[Maker, int] = dict(zip(MAKERS, counts.tolist(), strict=True))
    pixels["model"] = int(np.count_nonzero(classes) - np.count_nonzero(classes.reshape(-1)[touched]))
    return Origin(pixels, strokes)


@dataclass(frozen=True)
class Touch:
    """One edit of a map of makers: flat indices of its pixels, their codes and the numbers of strokes on both sides."""

    where: npt.NDArray[np.intp]
    before: npt.NDArray[np.uint8]
    after: npt.NDArray[np.uint8]
    strokes_before: Mapping[Maker, int]
    strokes_after: Mapping[Maker, int]


class OriginMap:
    """What made each pixel of one class map, followed through its edits.

    A pixel that is again what the class map began with is again of the maker that it began with.

    Parameters
    ----------
    began : (Y, X) array of integers
        The class map; it is kept, not copied, and must stay as it is.
    makers : (Y, X) array of uint8, optional
        What made it, see `MAKERS`; None: a model, all of it. Copied.
    strokes
        Edits that it holds already.

    Attributes
    ----------
    began, first
        The class map that it began with, and what made that, where something else than a model did.
    """

    def __init__(
        self,
        began: npt.NDArray[np.integer],
        makers: npt.NDArray[np.uint8] | None = None,
        strokes: Mapping[Maker, int] | None = None,
    ) -> None:
        self.began = Packed(began.astype(np.uint8, copy=False))
        self.first = None if makers is None else Packed(makers)
        self.packed_makers = Packed(np.zeros(began.shape, np.uint8) if makers is None else makers.copy())
        self.strokes: Mapping[Maker, int] = dict.fromkeys(_PAINTED, 0) | dict(strokes or {})
        self._open = False  # a stroke is followed in several bits

    @property
    def makers(self) -> npt.NDArray[np.uint8]:
        """What made each pixel (Y, X), see `MAKERS`."""
        return self.packed_makers.array

    def pack(self) -> None:
        """Put the maps away until they are asked for again."""
        for one in (self.began, self.first, self.packed_makers):
            if one is not None:
                one.pack()

    def touch(self, where: npt.NDArray[np.intp], values: npt.NDArray[np.integer], maker: Maker) -> Touch:
        """Note that pixels (flat indices) were given these classes by a maker."""
        flat = self.makers.reshape(-1)
        before = flat[where]
        first = 0 if self.first is None else self.first.array.reshape(-1)[where]
        same = values == self.began.array.reshape(-1)[where]
        after = np.where(same, first, MAKERS.index(maker)).astype(np.uint8)
        flat[where] = after
        strokes = self.strokes
        if not self._open and maker in strokes:
            self.strokes = {**strokes, maker: strokes[maker] + 1}
        self._open = True
        return Touch(where, before, after, strokes, self.strokes)

    def end_stroke(self) -> None:
        """Count what comes next as another stroke."""
        self._open = False

    def replay(self, touch: Touch, *, back: bool) -> None:
        """Take an edit back, or make it again."""
        self.makers.reshape(-1)[touch.where] = touch.before if back else touch.after
        self.strokes = touch.strokes_before if back else touch.strokes_after

    def count(self, classes: npt.NDArray[np.integer]) -> Origin:
        """Count the pixels of the class map (Y, X) as it is now."""
        return count_origin(classes, self.makers, self.strokes)
