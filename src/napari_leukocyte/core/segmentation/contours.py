"""The two contours of a cell in the window around it: area-based energies, evolved by threshold dynamics.

A contour is the outline of a mask. Each step smooths the mask with a Gaussian (this shortens the outline), adds the
force of the image, and takes what is above one half: the scheme of Esedoglu and Tsai (J. Comput. Phys. 211:367, 2006)
for the energy of Chan and Vese (IEEE Trans. Image Process. 10:266, 2001). The nucleus is told from its surroundings by
their means. The cell is not one colour and neither is what surrounds it (glass, red cells), so there the regions are
compared by their colour histograms (Kim et al., IEEE Trans. Image Process. 14:1486, 2005).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import convex_hull_image

from napari_leukocyte.core.segmentation.contour_parameters import ActiveContourParameters

__all__ = ["cell_contour", "nucleus_contour"]

Mask = NDArray[np.bool_]
Force = Callable[[Mask], NDArray[np.float32]]

_STEPS = 40  # most contours stand still after 10 to 20
_STILL = 0.002  # share of the pixels that may still change in a contour that stands
_RING_UM = (0.3, 1.0)  # from where to where around a nucleus its surroundings are measured
_NEIGHBOUR_UM = 3.0  # around another nucleus there is its cell, not background
_FEWEST_PX = 20  # fewer pixels give no histogram


def nucleus_contour(
    stain: NDArray[np.float32], seed: Mask, allowed: Mask, *, pixel_size: float, parameters: ActiveContourParameters
) -> Mask:
    """Outline a nucleus.

    Parameters
    ----------
    stain
        (Y, X) nuclear stain.
    seed
        (Y, X) where the contour starts: the dark parts of the nucleus.
    allowed
        (Y, X) where it may go.
    pixel_size
        um per px.
    """
    inner, outer = (max(1, round(um / pixel_size)) for um in _RING_UM)

    def force(inside: Mask) -> NDArray[np.float32]:
        ring = ndimage.binary_dilation(inside, iterations=outer + 1)
        ring &= ~ndimage.binary_dilation(inside, iterations=inner) & allowed
        if not inside.any() or not ring.any():
            return np.zeros(stain.shape, np.float32)
        dark, light = float(stain[inside].mean()), float(stain[ring].mean())
        level = light + parameters.nucleus_level * (dark - light)
        push = (stain - np.float32(level)) / np.float32(max((dark - light) / 2, 1e-3))
        return np.asarray(np.clip(push, -1, 1))

    sigma = parameters.nucleus_smoothing / pixel_size
    return _evolve(seed, force, sigma=sigma, weight=parameters.nucleus_force, allowed=allowed)


def cell_contour(
    density: NDArray[np.float32],
    nucleus: Mask,
    others: Mask,
    *,
    pixel_size: float,
    parameters: ActiveContourParameters,
) -> Mask:
    """Outline the cell around a nucleus; the nucleus belongs to it.

    Parameters
    ----------
    density
        (Y, X, 3) optical density.
    nucleus
        (Y, X), not empty.
    others
        (Y, X) nuclei of other cells: the contour stays on its own side.
    pixel_size
        um per px.
    """
    distance = ndimage.distance_transform_edt(~convex_hull_image(nucleus)) * pixel_size
    allowed = distance <= parameters.reach
    background = distance >= parameters.background_gap
    if others.any():
        to_others = ndimage.distance_transform_edt(~others) * pixel_size
        allowed &= (distance <= to_others) | nucleus
        background &= to_others > _NEIGHBOUR_UM
    pull = (parameters.pull * (distance / parameters.reach) ** 2).astype(np.float32)
    colours = _colour_numbers(density, parameters.bins)

    def force(inside: Mask) -> NDArray[np.float32]:
        cytoplasm, outside = inside & ~nucleus, background & ~inside
        if min(np.count_nonzero(cytoplasm), np.count_nonzero(outside)) < _FEWEST_PX:
            return np.where(inside, np.float32(1), np.float32(-1))
        own = _histogram(colours[cytoplasm], parameters)
        other = parameters.background_weight * _histogram(colours[outside], parameters)
        result = ((own - other) / (own + other))[colours] - pull
        result[nucleus] = 1
        return np.asarray(result, np.float32)

    sigma = parameters.cell_smoothing / pixel_size
    cell = _evolve(distance <= parameters.start, force, sigma=sigma, weight=parameters.cell_force, allowed=allowed)
    return _connected(_opened(cell, parameters.opening / pixel_size) | nucleus, nucleus)


def _evolve(start: Mask, force: Force, *, sigma: float, weight: float, allowed: Mask) -> Mask:
    """Let the outline of a mask move until it stands still."""
    inside = start & allowed
    for _ in range(_STEPS):
        smooth = ndimage.gaussian_filter(inside.astype(np.float32), sigma, mode="nearest")
        moved = (smooth + np.float32(weight) * force(inside) > 0.5) & allowed
        changed = np.count_nonzero(moved != inside)
        inside = moved
        if changed <= _STILL * np.count_nonzero(inside):
            break
    return inside


def _colour_numbers(density: NDArray[np.float32], bins: int) -> NDArray[np.intp]:
    """Number of each pixel's bin in a colour histogram that spans the window's colours."""
    low, high = np.percentile(density.reshape(-1, 3), (0.5, 99.5), axis=0)
    width = max(float((high - low).max()) / bins, 1e-3)
    bin_of = np.clip((density - low) / width, 0, bins - 1).astype(np.intp)
    return np.asarray((bin_of[..., 0] * bins + bin_of[..., 1]) * bins + bin_of[..., 2])


def _histogram(numbers: NDArray[np.intp], parameters: ActiveContourParameters) -> NDArray[np.float32]:
    """Smoothed share of the pixels in each bin, above 0 everywhere."""
    bins = parameters.bins
    counts = np.bincount(numbers, minlength=bins**3).astype(np.float32).reshape(bins, bins, bins)
    smooth = ndimage.gaussian_filter(counts, parameters.bandwidth, mode="constant")
    return np.asarray(smooth.ravel() / np.float32(numbers.size) + np.float32(1e-7))


def _opened(mask: Mask, radius: float) -> Mask:
    """What a disc of this radius, px, covers while it stays inside the mask; beyond the image the mask goes on."""
    centres = ndimage.distance_transform_edt(mask) > radius
    if not centres.any():
        return np.asarray(centres)
    return np.asarray(ndimage.distance_transform_edt(~centres) <= radius)


def _connected(cell: Mask, nucleus: Mask) -> Mask:
    """Drop the parts that do not hang together with the nucleus."""
    parts, _ = ndimage.label(cell)
    return np.asarray(np.isin(parts, np.unique(parts[nucleus])))
