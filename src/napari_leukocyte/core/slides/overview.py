"""The first look at a slide, at a low level: where on the film is what, so that the rest need not be looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import Conversion, find_conversion
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.slides.film import PATCH_UM, Patches, Place, look_at_patches, places_of, shares_of
from napari_leukocyte.core.slides.slide import Slide

__all__ = ["Overview", "conversion_of", "look_over"]

_UM = 1.0  # of a pixel that the film is looked at with
_PATCH_PX = 64
_WIDE = 64  # patches that are read at a time
_PICTURE = 8  # px of the picture for each patch
_MOST_PX = 4_000_000  # of the level that says how numbers become light
_SPREAD = 10  # patches each way that are looked at for the light of the glass
_GLASS = 90  # percentile of the patches' lightest places: a tenth may be brighter by dirt and reflections


@dataclass(frozen=True, eq=False)
class Overview:
    """What lies where.

    Attributes
    ----------
    places
        (Y, X) uint8 of patches, see `film.Place`.
    patch
        Rows and columns of a patch, px of the finest level.
    picture
        (Y, X, 3) uint8: the slide in small, `_PICTURE` px for each patch.
    shape
        Rows and columns of the slide, px of the finest level.
    """

    places: NDArray[np.uint8]
    patch: tuple[float, float]
    picture: NDArray[np.uint8]
    shape: tuple[int, int]

    def place_at(self, y: float, x: float) -> Place:
        """What lies at a place, px of the finest level."""
        at = (int(value / side) for value, side in zip((y, x), self.patch, strict=True))
        row, column = (min(max(i, 0), n - 1) for i, n in zip(at, self.places.shape, strict=True))
        return Place(int(self.places[row, column]))

    def places_in(self, box: Box, *, step: int = 1) -> NDArray[np.uint8]:
        """What lies at every ``step``-th pixel of a part of the finest level, (Y, X)."""
        at = (
            np.minimum((np.arange(side.start, side.stop, step) / size).astype(int), n - 1)
            for side, size, n in zip(box, self.patch, self.places.shape, strict=True)
        )
        return self.places[np.ix_(*at)]

    def wanted(self, *, whole_film: bool) -> NDArray[np.bool_]:
        """(Y, X) of patches: those in which cells count; ``whole_film``: all but glass."""
        return np.isin(self.places, [place for place in Place if place.counts(whole_film=whole_film)])

    def shares(self) -> dict[Place, float]:
        """The share of the slide, 0-1, that each kind of place has."""
        return shares_of(self.places)


def conversion_of(slide: Slide) -> Conversion:
    """How the slide's numbers become RGB in 0-1, found on its coarsest level.

    What is dark is blurred there with what lies around it: of numbers that have a least one, that is black.

    Raises
    ------
    LeukocyteError
        When every pixel is the same, or the level cannot be read.
    """
    coarsest = slide.levels[-1]
    step = max(1, int(np.ceil(np.sqrt(coarsest.size[0] * coarsest.size[1] / _MOST_PX))))
    if step > 1 and len(slide.levels) == 1 and coarsest.dtype == np.uint8:
        return Conversion(0.0, 255.0, None, () if slide.rgb else ("grayscale, repeated for red, green and blue",))
    rows = [coarsest[top : top + 512][::step, ::step] for top in range(0, coarsest.size[0], 512 // step * step or step)]
    try:
        return find_conversion(np.concatenate(rows), rgb=slide.rgb, black=0.0 if coarsest.dtype.kind == "u" else None)
    except LeukocyteError as error:
        raise LeukocyteError(f"{slide.name}: {error}") from error


def look_over(slide: Slide, conversion: Conversion, *, pixel_size: float) -> Iterator[WindowDone | Overview]:
    """Yield progress and, last, the overview. Memory: a row of patches.

    Parameters
    ----------
    pixel_size
        um per px of the finest level.

    Raises
    ------
    LeukocyteError
        When the slide cannot be read.
    """
    level = slide.level_for(_UM / pixel_size)
    height, width = slide.levels[level].size
    sides = (PATCH_UM / pixel_size / factor for factor in slide.downsample(level))
    rows, columns = (max(1, round(n / side)) for n, side in zip((height, width), sides, strict=True))
    down, across = (np.linspace(0, n, k + 1).round().astype(int) for n, k in ((height, rows), (width, columns)))

    def patches(row: int, first: int, last: int) -> NDArray[np.float32]:
        """RGB (3, Y, X) of neighbouring patches, `_PATCH_PX` px each way."""
        window = slide.read(level, slice(down[row], down[row + 1]), slice(across[first], across[last]))
        return area_resize(np.moveaxis(conversion(window), -1, 0), (_PATCH_PX, (last - first) * _PATCH_PX))

    glass = _light_of_glass(patches, rows, columns)
    picture = np.zeros((rows * _PICTURE, columns * _PICTURE, 3), np.uint8)
    found: list[Patches] = []
    for row in range(rows):
        of_row = []
        for first in range(0, columns, _WIDE):
            last = min(first + _WIDE, columns)
            rgb = patches(row, first, last)
            of_row.append(look_at_patches(rgb[1] / glass, _PATCH_PX, um=PATCH_UM / _PATCH_PX))
            tiny = area_resize(rgb, (_PICTURE, (last - first) * _PICTURE))
            part = picture[row * _PICTURE : (row + 1) * _PICTURE, first * _PICTURE : last * _PICTURE]
            part[...] = (255 * np.moveaxis(tiny, 0, -1).clip(0, 1)).round()
        found.append(Patches.joined(of_row, axis=1))
        yield WindowDone(row + 1, rows)
    patch = slide.shape[0] / rows, slide.shape[1] / columns
    yield Overview(places_of(Patches.joined(found, axis=0)), patch, picture, slide.shape)


def _light_of_glass(patches: Callable[[int, int, int], NDArray[np.float32]], rows: int, columns: int) -> float:
    """Green light, 0-1, of the glass: the lightest places of patches that are spread over the slide."""
    spread = [np.unique(np.linspace(0, n - 1, min(n, _SPREAD)).round().astype(int)).tolist() for n in (rows, columns)]
    lightest = [np.percentile(patches(row, column, column + 1)[1], 95) for row in spread[0] for column in spread[1]]
    return max(float(np.percentile(lightest, _GLASS)), 0.1)
