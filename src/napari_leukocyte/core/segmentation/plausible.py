"""A last look at what was found: red cells and giant platelets taken for white cells, images unlike any known.

The thresholds were chosen on images of laboratories that were left out of a training, see
docs/development/default-model.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.boxes import boxes_by_number, widened
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.segmentation.uncertainty import unsure_shares

__all__ = [
    "PLATELET_GROUND_UM",
    "UNFAMILIAR",
    "Around",
    "giant_platelets",
    "is_giant_platelet",
    "look_around",
    "mistaken_red_cells",
]

UNFAMILIAR = 0.2
"""An image of a larger uncertainty (see `uncertainty`) is unlike any that the model knows."""

PLATELET_GROUND_UM = 2.0
"""Glass around a cell that is looked at with it, for the density over it."""

# Of cells that small the white ones have a smooth nucleus; a giant platelet's granules lie apart.
_PLATELET_UM2, _PLATELET_MIDDLE_UM2 = 60.0, 36.0
_GRANULAR = 0.15  # spread of the density in the middle, coarser than 0.12 um and finer than 1 um, over its mean
_MOST_PX = 1_000_000  # medians need no more
_UNSURE_SHARE = 0.2  # of a cell's pixels ...
_DOUBTFUL_SHARE = 0.1  # ... of which at least so many may be no cell at all: which part they are is no such doubt
_FAINTEST = 0.12  # mean density over the glass of what lies there beside the white cells
_LEAST_UM2 = 60.0  # two red cells: with less in view there is nothing to compare with
_COLOURLESS = 0.005  # difference of the red cells' density in red and green light; grayscale tells nothing apart
_APART = np.array([0.05, 0.15])  # by how much a nucleus is denser than three quarters of the red cells: red, green


def mistaken_red_cells(
    plane: Any,
    conversion: Conversion,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    sure: NDArray[np.bool_],
    surely_cell: NDArray[np.bool_],
    *,
    pixel_size: float,
) -> frozenset[int]:
    """Return the cells that are no white cells: the network doubts them, and the nucleus is no darker than red cells.

    A stained nucleus is denser than the red cells around it, in red light or, a magenta one, in green. Where no red
    cells lie in view, or in grayscale, nothing is dropped.

    Parameters
    ----------
    plane : (Y, X) or (Y, X, C) array
        The image as it was read; ``conversion`` makes RGB of it.
    classes, cells, sure, surely_cell : (Y, X) arrays
        Class map, cell labels, the pixels whose class is probable enough, and those that are cell, of whichever part,
        with as much probability.
    pixel_size : float
        um per px.
    """
    numbers = np.arange(1, int(cells.max(initial=0)) + 1)
    if not numbers.size:
        return frozenset()
    doubtful = np.ones(numbers.size, bool)
    for known, most in ((sure, _UNSURE_SHARE), (surely_cell, _DOUBTFUL_SHARE)):
        shares = unsure_shares(cells, known)
        doubtful &= np.array([shares.get(number, np.nan) for number in numbers.tolist()]) > most
        if not doubtful.any():
            return frozenset()
    step = max(1, int(np.sqrt(cells.size / _MOST_PX)))
    light = conversion(np.asarray(plane[::step, ::step]))
    around = look_around(light, classes[::step, ::step] == 0, um2=(step * pixel_size) ** 2)
    if around.red_cells is None:
        return frozenset()
    density = around.density(light)
    nuclei = np.where(classes == 2, cells, 0)[::step, ::step]
    there = np.bincount(nuclei.ravel(), minlength=numbers.size + 1)[1:] > 0
    dark = np.stack([ndimage.median(density[..., channel], nuclei, numbers) for channel in (0, 1)], axis=1)
    like_red_cells = (dark - around.red_cells < _APART).all(axis=1)
    return frozenset(numbers[there & doubtful & like_red_cells].tolist())


@dataclass(frozen=True)
class Around:
    """What lies beside the white cells.

    Attributes
    ----------
    glass
        (3,) optical density of the glass itself, red, green, blue.
    red_cells
        (2,) density over it of the darker red cells in red and green light; None: there are too few, or no colours.
    """

    glass: NDArray[np.float32]
    red_cells: NDArray[np.float64] | None

    def density(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """Optical density over the glass, of RGB in 0-1 (..., 3)."""
        density = _raw_density(rgb)
        density -= self.glass
        return density

    def is_red_cell(
        self, rgb: NDArray[np.float32], nucleus: NDArray[np.bool_], *, unsure: float, doubtful: float
    ) -> bool:
        """Whether one cell is no white one, see `mistaken_red_cells`.

        ``unsure`` and ``doubtful`` are the shares of its pixels that are not sure, and not surely cell.
        """
        in_doubt = unsure > _UNSURE_SHARE and doubtful > _DOUBTFUL_SHARE
        if self.red_cells is None or not in_doubt or not nucleus.any():
            return False
        dark = np.median(self.density(rgb[nucleus])[:, :2], axis=0)
        return bool((dark - self.red_cells < _APART).all())


def look_around(rgb: NDArray[np.float32], background: NDArray[np.bool_], *, um2: float) -> Around:
    """Measure glass and red cells.

    Parameters
    ----------
    rgb
        (..., 3) in 0-1.
    background
        (...): what belongs to no white cell.
    um2
        Of a pixel.
    """
    glass = np.percentile(_raw_density(rgb).reshape(-1, 3), 10, axis=0).astype(np.float32)
    density = Around(glass, None).density(rgb)
    beside = density[background & (density.mean(axis=-1) > _FAINTEST)]
    if len(beside) * um2 < _LEAST_UM2 or np.median(np.abs(beside[:, 0] - beside[:, 1])) < _COLOURLESS:
        return Around(glass, None)
    return Around(glass, np.percentile(beside[:, :2], 75, axis=0))


def giant_platelets(
    plane: Any,
    conversion: Conversion,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    *,
    pixel_size: float,
) -> frozenset[int]:
    """Return the cells that look like giant platelets: small, and what was taken for nucleus is granular.

    A small basophil looks alike, so these are marked and stay in sight. Cells that the image edge cuts are not looked
    at. Parameters as for `mistaken_red_cells`.
    """
    found = set()
    margin = round(PLATELET_GROUND_UM / pixel_size)
    for number, box in boxes_by_number(cells).items():
        if any(part.start == 0 or part.stop == n for part, n in zip(box, cells.shape, strict=True)):
            continue
        place = widened(box, margin, cells.shape)
        own = cells[place] == number
        if is_giant_platelet(plane[place], conversion, own, own & (classes[place] == 2), pixel_size=pixel_size):
            found.add(number)
    return frozenset(found)


def is_giant_platelet(
    window: Any, conversion: Conversion, own: NDArray[np.bool_], middle: NDArray[np.bool_], *, pixel_size: float
) -> bool:
    """Whether one cell looks like a giant platelet; the window has `PLATELET_GROUND_UM` of glass around it.

    ``own`` and ``middle`` are the cell and what was taken for its nucleus.
    """
    area, middle_area = (np.count_nonzero(part) * pixel_size**2 for part in (own, middle))
    if area > _PLATELET_UM2 or not 0 < middle_area < _PLATELET_MIDDLE_UM2:
        return False
    return _granularity(_density(conversion(np.asarray(window))).mean(axis=2), middle, pixel_size) > _GRANULAR


def _granularity(density: NDArray[np.float32], middle: NDArray[np.bool_], pixel_size: float) -> float:
    """Spread of the density within the middle, half a um away from its outline, over its mean."""
    inside = ndimage.distance_transform_edt(np.pad(middle, 1))[1:-1, 1:-1] * pixel_size > 0.5
    if np.count_nonzero(inside) < 10:
        return 0.0
    fine = ndimage.gaussian_filter(density, 0.12 / pixel_size)
    grain = fine - ndimage.gaussian_filter(density, 1.0 / pixel_size)
    return float(grain[inside].std() / fine[inside].mean())


def _density(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Optical density (Y, X, 3) over the glass: the lightest tenth."""
    density = _raw_density(rgb)
    density -= np.percentile(density.reshape(-1, 3), 10, axis=0).astype(np.float32)
    return density


def _raw_density(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    density: NDArray[np.float32] = -np.log(np.maximum(rgb, np.float32(1 / 255)))
    return density
