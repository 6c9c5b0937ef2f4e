"""A last look at what was found: red cells and giant platelets taken for white cells, images unlike any known.

The thresholds were chosen on images of laboratories that were left out of a training, see
docs/development/default-model.md.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.segmentation.uncertainty import unsure_shares

__all__ = ["UNFAMILIAR", "giant_platelets", "mistaken_red_cells"]

UNFAMILIAR = 0.2
"""An image of a larger uncertainty (see `uncertainty`) is unlike any that the model knows."""

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
    density = _density(conversion(np.asarray(plane[::step, ::step])))
    beside = (classes[::step, ::step] == 0) & (density.mean(axis=2) > _FAINTEST)
    if np.count_nonzero(beside) * (step * pixel_size) ** 2 < _LEAST_UM2:
        return frozenset()
    if np.median(np.abs(density[beside][:, 0] - density[beside][:, 1])) < _COLOURLESS:
        return frozenset()
    red_cells = np.percentile(density[beside][:, :2], 75, axis=0)
    nuclei = np.where(classes == 2, cells, 0)[::step, ::step]
    there = np.bincount(nuclei.ravel(), minlength=numbers.size + 1)[1:] > 0
    dark = np.stack([ndimage.median(density[..., light], nuclei, numbers) for light in (0, 1)], axis=1)
    like_red_cells = (dark - red_cells < _APART).all(axis=1)
    return frozenset(numbers[there & doubtful & like_red_cells].tolist())


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
    margin = round(2 / pixel_size)  # um of glass around, for the density over it
    for number, box in enumerate(ndimage.find_objects(cells), start=1):
        if box is None or any(part.start == 0 or part.stop == n for part, n in zip(box, cells.shape, strict=True)):
            continue
        place = tuple(slice(max(0, part.start - margin), part.stop + margin) for part in box)
        own = cells[place] == number
        middle = own & (classes[place] == 2)
        area, middle_area = (np.count_nonzero(part) * pixel_size**2 for part in (own, middle))
        if area > _PLATELET_UM2 or not 0 < middle_area < _PLATELET_MIDDLE_UM2:
            continue
        density = _density(conversion(np.asarray(plane[place]))).mean(axis=2)
        if _granularity(density, middle, pixel_size) > _GRANULAR:
            found.add(number)
    return frozenset(found)


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
    density: NDArray[np.float32] = -np.log(np.maximum(rgb, np.float32(1 / 255)))
    density -= np.percentile(density.reshape(-1, 3), 10, axis=0).astype(np.float32)
    return density
