"""Where on the film a place lies, told from a patch of it at about 1 um per px: glass, single layer, thick, blurred.

The thresholds rest on drawn smears and on photographs of fields, both scaled down; see docs/slides.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["PATCH_UM", "Patches", "Place", "look_at_patches", "places_of", "shares_of"]

PATCH_UM = 64.0
"""Side of a patch."""

_STAINED = 0.08  # optical density over the glass from which something lies there
_EMPTY = 0.004  # of a patch that is covered: a white cell alone, on the corner of four patches, covers more in each
_SPARSE = 0.25  # of a patch: red cells lie apart, as in the feathered edge
_FULL = 0.93  # of a patch: no gaps, so that cells lie on each other
_AS_DENSE = 0.9  # times the density of single red cells, for what has no gaps
_DOUBLE = 1.6  # times the density of single red cells
_CROWDED = 0.6  # of a patch, for the density to count
_STEEP = 0.16  # steepest density per um, of the contrast: an edge 2.5 um wide has less
_STEEPEST = 98  # percentile of the slopes that are edges
_CONTRAST = (5, 98)  # percentiles between which the contrast lies


class Place(IntEnum):
    """What a patch of the film is."""

    GLASS = 0
    FEATHERED = 1
    MONOLAYER = 2
    THICK = 3
    BLURRED = 4

    @property
    def words(self) -> str:
        """What tables and maps call it.

        >>> Place.FEATHERED.words
        'feathered edge'
        """
        return _WORDS[self]

    @property
    def single_layer(self) -> bool:
        """Whether cells lie there in a single layer, and sharp."""
        return self in (Place.FEATHERED, Place.MONOLAYER)

    def counts(self, *, whole_film: bool) -> bool:
        """Whether cells are looked for there; ``whole_film``: wherever there is film."""
        return self != Place.GLASS if whole_film else self.single_layer


_WORDS = {
    Place.GLASS: "glass",
    Place.FEATHERED: "feathered edge",
    Place.MONOLAYER: "monolayer",
    Place.THICK: "thick",
    Place.BLURRED: "out of focus",
}


@dataclass(frozen=True)
class Patches:
    """What was measured of patches, each (Y, X) of patches.

    Attributes
    ----------
    covered
        0-1: share that is no glass.
    density
        Optical density of what is no glass, the median; 0 where there is nothing.
    steep
        The steepest density per um over the contrast.
    """

    covered: NDArray[np.float32]
    density: NDArray[np.float32]
    steep: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence["Patches"], *, axis: int) -> "Patches":
        """Those of several parts as one, below each other (0) or beside each other (1)."""
        fields = ((part.covered, part.density, part.steep) for part in parts)
        return cls(*(np.concatenate(values, axis=axis) for values in zip(*fields, strict=True)))


def look_at_patches(light: NDArray[np.float32], side: int, *, um: float) -> Patches:
    """Measure patches of a picture whose sides are a whole number of them.

    Parameters
    ----------
    light
        (Y, X): the light that comes through, over that of the glass; 1 is glass.
    side
        Of a patch, px.
    um
        Of a pixel.
    """
    density = -np.log(np.clip(light, 1 / 255, 2)).astype(np.float32)
    slope = ndimage.gaussian_gradient_magnitude(density, 0.5) / um
    rows, columns = density.shape[0] // side, density.shape[1] // side

    def cut(values: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
        return parts.transpose(0, 2, 1, 3).reshape(rows, columns, side * side)

    of_patch = np.sort(cut(density), axis=2)
    count = (of_patch > _STAINED).sum(axis=2)
    n = side * side
    middle = np.minimum(n - 1 - count // 2, n - 1)  # of what is stained: a white cell in it says little
    median = np.where(count > 0, np.take_along_axis(of_patch, middle[..., np.newaxis], axis=2)[..., 0], 0)
    low, high = (of_patch[..., round(share / 100 * (n - 1))] for share in _CONTRAST)
    steep = np.percentile(cut(slope), _STEEPEST, axis=2) / np.maximum(high - low, 0.02)
    return Patches((count / n).astype(np.float32), median.astype(np.float32), np.asarray(steep).astype(np.float32))


def places_of(patches: Patches) -> NDArray[np.uint8]:
    """Tell what each patch is (`Place`); what is thick or blurred among others of another kind is taken for theirs."""
    covered, density = patches.covered, patches.density
    full = covered >= _EMPTY
    single = _single_density(patches)
    # blurred cells cover all of a patch, too, but thinly
    thick = (covered > _FULL) & (density > _AS_DENSE * single)
    thick |= (covered > _CROWDED) & (density > _DOUBLE * single) & (single > 0)
    blurred = full & (patches.steep < _STEEP)
    places = np.where(covered < _SPARSE, Place.FEATHERED, Place.MONOLAYER).astype(np.uint8)
    places[_smooth(blurred)] = Place.BLURRED
    places[_smooth(thick)] = Place.THICK  # where cells cover each other there may be no edges
    places[~full] = Place.GLASS
    return places


def shares_of(places: NDArray[np.uint8]) -> dict[Place, float]:
    """The share of the slide, 0-1, that each kind of place has.

    >>> shares_of(np.array([[0, 0], [2, 3]], np.uint8))[Place.MONOLAYER]
    0.25
    """
    counts = np.bincount(places.ravel(), minlength=len(Place))
    return {place: float(counts[place]) / places.size for place in Place}


def _single_density(patches: Patches) -> float:
    """Density of red cells that lie side by side; 0 where there are none to compare with."""
    apart = (patches.covered > 0.1) & (patches.covered < 0.7)
    return float(np.median(patches.density[apart])) if apart.any() else 0.0


def _smooth(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What most of the nine patches around say: a clump of white cells is no thick film."""
    share: NDArray[np.float32] = ndimage.uniform_filter(mask.astype(np.float32), 3, mode="nearest")
    return share > 0.5
