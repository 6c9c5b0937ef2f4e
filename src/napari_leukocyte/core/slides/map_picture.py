"""The map that decided where cells are looked for, as a picture with its key."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_leukocyte.core.slides.film import Place, shares_of
from napari_leukocyte.core.slides.overview import Overview

__all__ = ["PLACE_COLOURS", "draw_map", "film_key", "place_colours", "tinted"]

PLACE_COLOURS = {
    Place.GLASS: (255, 255, 255),
    Place.FEATHERED: (86, 180, 233),
    Place.MONOLAYER: (0, 114, 178),
    Place.THICK: (213, 94, 0),
    Place.BLURRED: (204, 121, 167),
}
"""Distinct to colour-blind eyes, too."""

_TINT = 0.45
_CELL = (20, 20, 20)
_LINE = 26  # px of the key
_WIDEST = 2400  # px of the picture
_MARGIN = 12


def tinted(overview: Overview) -> NDArray[np.uint8]:
    """The slide in small (Y, X, 3) uint8, each patch in the colour of its place."""
    side = overview.picture.shape[0] // overview.places.shape[0]
    colours = np.array([PLACE_COLOURS[place] for place in Place], np.float32)[overview.places]
    tint = np.repeat(np.repeat(colours, side, axis=0), side, axis=1)
    mixed = overview.picture * (1 - _TINT) + tint * _TINT
    return np.asarray(np.where(tint.min(axis=-1, keepdims=True) == 255, overview.picture, mixed).round(), np.uint8)


def place_colours(places: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours of patches (Y, X, 4) uint8, glass transparent, to lie over the slide."""
    table = np.array([(*PLACE_COLOURS[place], 0 if place == Place.GLASS else 255) for place in Place], np.uint8)
    return np.asarray(table[places])


def film_key(places: NDArray[np.uint8], *, whole_film: bool) -> list[tuple[tuple[float, ...], str]]:
    """What the colours over the slide (RGBA, 0-1) mean, for the kinds of film that it has.

    >>> [words for _, words in film_key(np.array([[0, 2, 2, 3]], np.uint8), whole_film=False)]
    ['monolayer: 50 %', 'thick: 25 %, skipped']
    """
    return [
        (
            (*(value / 255 for value in PLACE_COLOURS[place]), 1.0),
            f"{place.words}: {100 * share:.0f} %{'' if place.counts(whole_film=whole_film) else ', skipped'}",
        )
        for place, share in shares_of(places).items()
        if share and place != Place.GLASS
    ]


def draw_map(overview: Overview, cells: Iterable[tuple[float, float]] = (), *, whole_film: bool = False) -> Image.Image:
    """The map with a key below, and a dot for each cell (y, x in px of the finest level)."""
    picture = Image.fromarray(tinted(overview))
    scale = min(1.0, _WIDEST / max(picture.size)) if max(picture.size) > _WIDEST else max(1.0, 600 / picture.size[0])
    picture = picture.resize(_scaled(picture.size, scale), Image.Resampling.BOX)
    draw = ImageDraw.Draw(picture)
    for y, x in cells:
        at = x / overview.shape[1] * picture.size[0], y / overview.shape[0] * picture.size[1]
        draw.ellipse([at[0] - 1.5, at[1] - 1.5, at[0] + 1.5, at[1] + 1.5], fill=_CELL)
    lines = overview.shares()
    sheet = Image.new("RGB", (picture.size[0], picture.size[1] + _LINE * len(lines) + 2 * _MARGIN), "white")
    sheet.paste(picture, (0, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for i, (place, share) in enumerate(lines.items()):
        top = picture.size[1] + _MARGIN + i * _LINE
        draw.rectangle([_MARGIN, top, _MARGIN + 24, top + 16], fill=PLACE_COLOURS[place], outline=(90, 90, 90))
        said = "cells are looked for" if place.counts(whole_film=whole_film) else "skipped"
        draw.text((_MARGIN + 36, top - 1), f"{place.words}: {100 * share:.0f} % of the slide, {said}", "black", font)
    return sheet


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
