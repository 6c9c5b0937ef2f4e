"""What a class map without nuclei means: whole cells, nuclei alone, or three classes of which one is missing."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.scoring.map_side import MapSide

__all__ = ["MapMeaning", "as_meant", "in_words", "known_in", "meaning_of"]

MapMeaning = Literal["three classes", "whole cells", "nuclei"]

_ONLY_CELLS = "only cells"


def known_in(sides: Iterable[MapSide]) -> str:
    """How the first map of a folder that knows nuclei is read, or that none does; empty when all maps are."""
    known = ""
    for side in sides:
        if not side.whole_cell:
            return side.reading
        if not known and not side.empty:
            known = _ONLY_CELLS
    return known


def meaning_of(side: MapSide, known: str) -> MapMeaning:
    """Say what the values above 0 of a map are.

    The maps of a folder are written alike: where one of them has nuclei, a map without any has three classes all the
    same, and where 255 is nucleus beside it, its 255 is nucleus too (a smudge is nucleus only).

    Parameters
    ----------
    side
        The map.
    known
        Of its folder, see `known_in`.
    """
    if not side.whole_cell or side.mode == "three-class":
        return "three classes"
    if side.mode == "binary" or known == _ONLY_CELLS:
        return "whole cells"
    if side.empty or "255" not in side.reading:
        return "three classes"
    return "nuclei" if "255" in known else "whole cells"


def as_meant(classes: NDArray[np.uint8], meaning: MapMeaning) -> NDArray[np.uint8]:
    """Class map (Y, X) as `read` gives it, with 2 for nuclei where nothing else is drawn."""
    return np.where(classes > 0, 2, 0).astype(np.uint8) if meaning == "nuclei" else classes


def in_words(side: MapSide, meaning: MapMeaning) -> str:
    """How a map is read, for the user."""
    if meaning == "nuclei":
        return "nucleus only, as beside it 255 is nucleus"
    if meaning == "three classes" and side.whole_cell and not side.mode and not side.empty:
        return "three classes without nucleus, as the maps beside it have nuclei"
    return side.reading
