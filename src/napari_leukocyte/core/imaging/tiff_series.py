"""Which pictures of a TIFF file may be looked at: those of the smear, never the slide's label or its whole."""

import re
from typing import Any

__all__ = ["no_picture_in", "pictures_in"]

_ASIDE = re.compile(r"\b(label|macro|thumbnail|overview|barcode)\b", re.IGNORECASE)
_APERIO_ASIDE = (1, 9)  # its kinds of page for label and macro, where they have no tiles


def pictures_in(tiff: Any) -> list[Any]:
    """Return the series of an open ``tifffile.TiffFile`` without those that show a slide's label, or the slide.

    Scanners put a photograph of the glass (macro), one of its label, and a thumbnail beside the scan: the first two
    carry names of patients. They are told by their names, and by the kind of page that Aperio gives them.
    """
    found = list(tiff.series)
    # a lone picture is one, whatever it is called, but in a slide's own format
    # (tiff.is_svs asks for tiles in newer versions of tifffile, which label and macro have not)
    alone = len(found) == 1 and not tiff.pages.first.is_svs
    return found if alone else [series for series in found if not _is_aside(series)]


def no_picture_in(tiff: Any) -> str:
    """What is wrong with a file in which `pictures_in` finds none."""
    if list(tiff.series):
        return "It holds a slide's label or macro alone, which can carry names and are never shown; choose the scan."
    return "It is damaged or cut short, with no image left in it; copy it again from its source."


def _is_aside(series: Any) -> bool:
    page = series.keyframe
    described = str(page.description)[:1000].splitlines()[-1:]  # Aperio: a line on the program, then "label 387x463"
    if any(_ASIDE.search(text.partition("|")[0]) for text in (str(series.name), *described) if "<" not in text):
        return True
    return int(page.subfiletype) in _APERIO_ASIDE and not page.is_tiled and len(series.levels) == 1
