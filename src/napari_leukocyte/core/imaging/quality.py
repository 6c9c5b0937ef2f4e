"""What is wrong with a photograph itself: light that is uneven, glass that the camera clipped, cells out of focus."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.grown import grown

__all__ = ["Glass", "blurred_cells", "edge_margin", "edge_width", "glass_notes", "is_blurred", "look_at_glass"]

# Chosen on the photographs that train the shipped models: at most 2 % of them are noted for uneven light or blur.
_CLIPPED = 0.5  # of the glass
_UNEVEN = 0.25
_BLURRED_UM = 1.2
_MOST_PX = 100_000  # looked at for the glass
_TILES = 8  # a side
_LEAST_TILES = 24  # of the 64 with glass in them, for a surface
_LEAST_SHARE = 0.05  # of a tile
_ROUNDS = 5  # of the fit of a surface to the glass
_GLASS = 0.06  # how far the log of the light of glass lies from the surface
_POWERS = np.array([(0, 1, 0, 2, 1, 0), (0, 0, 1, 0, 1, 2)])  # of y and x, in the terms of the surface of the light
_EDGE_UM = 0.4  # how far from the outline of a nucleus its edge is looked for
_REACH_UM = 1.0  # within which light and dark side of an edge lie
_FINEST_UM = 0.1  # finer grain is noise
_STEEPEST = 10  # %


class Glass(NamedTuple):
    """How the bare glass looks; NaN where too little of it lies in view.

    Attributes
    ----------
    clipped
        0-1: share of its pixels with a channel at the top value.
    uneven
        0-1: by how much less light its darkest 2 % get than its brightest 2 %.
    """

    clipped: float
    uneven: float


def look_at_glass(plane: Any, conversion: Conversion, classes: NDArray[np.uint8]) -> Glass:
    """Fit a smooth surface to the light of the glass; the cost does not depend on the size of the image.

    Parameters
    ----------
    plane : (Y, X) or (Y, X, C) array
        The image as it was read; ``conversion`` makes RGB of it.
    classes : (Y, X) uint8 array
        Class map: glass lies where it is 0.
    """
    step = max(1, int(np.ceil(np.sqrt(classes.size / _MOST_PX))))
    rgb = conversion(np.asarray(plane[::step, ::step]))
    background = classes[::step, ::step] == 0
    light = np.log(np.maximum(_lightness(rgb), np.float32(1 / 255)))
    y, x = (np.linspace(-1, 1, n) for n in light.shape)
    rows, columns = (np.floor((at + 1) * _TILES / 2.001).astype(int) for at in (y, x))
    tile = rows[:, None] * _TILES + columns
    # glass is the lightest of each part; red cells that are taken for it at first lie below the surface
    lightest = np.full((_TILES, _TILES), np.inf)
    for i in range(_TILES):
        for j in range(_TILES):
            part = slice(*np.searchsorted(rows, (i, i + 1))), slice(*np.searchsorted(columns, (j, j + 1)))
            if background[part].any():
                lightest[i, j] = _bright(light[part][background[part]])
    glass = background & (np.abs(light - lightest.ravel()[tile]) < _GLASS)
    for _ in range(_ROUNDS):
        before = glass
        surface = _surface(light, glass, y, x) if glass.any() else light
        glass = background & (np.abs(light - surface) < _GLASS)
        if np.array_equal(glass, before):  # and so would every further round be
            break
    top = (rgb[..., 0] >= 1) | (rgb[..., 1] >= 1) | (rgb[..., 2] >= 1)
    clipped = float(top[glass].mean()) if glass.any() else np.nan
    there = np.bincount(tile[glass], minlength=_TILES**2) > _LEAST_SHARE * np.bincount(tile.ravel())
    if np.count_nonzero(there) < _LEAST_TILES:
        return Glass(clipped, np.nan)
    seen = surface[glass & there[tile]]
    return Glass(clipped, float(1 - np.exp(np.subtract(*np.percentile(seen, [2, 98])))))


def _lightness(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the colours; numpy takes many times as long for one over so short an axis."""
    return (rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) / np.float32(3)


def _bright(values: NDArray[np.float32]) -> float:
    """The 90th percentile, without what numpy's costs for so few values."""
    at = 0.9 * (values.size - 1)
    low, high = int(at), min(int(at) + 1, values.size - 1)
    ordered = np.partition(values, (low, high))
    return float(ordered[low] + (ordered[high] - ordered[low]) * (at - low))


def _surface(
    light: NDArray[np.float32], glass: NDArray[np.bool_], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit the polynomial of second degree in y and x that comes nearest to the light (Y, X) of the glass.

    The normal equations come from sums over rows and then columns, many times quicker than from single points, and
    are precise enough for y and x within -1 to 1. Of terms that the glass does not tell apart the shortest solution
    counts.
    """
    up, across = (at[:, None] ** np.arange(5) for at in (y, x))
    moments = up.T @ glass.astype(np.float64) @ across
    light_moments = up[:, :3].T @ np.where(glass, light, 0).astype(np.float64) @ across[:, :3]
    p, q = _POWERS
    normal = moments[p[:, None] + p, q[:, None] + q]
    coefficients = np.zeros((3, 3))
    coefficients[p, q] = np.linalg.lstsq(normal, light_moments[p, q], rcond=1e-12)[0]
    surface: NDArray[np.float64] = up[:, :3] @ coefficients @ across[:, :3].T
    return surface


def glass_notes(plane: Any, conversion: Conversion, classes: NDArray[np.uint8]) -> list[str]:
    """What a user should know of the light of an image; parameters as for `look_at_glass`."""
    glass = look_at_glass(plane, conversion, classes)
    notes = []
    if glass.clipped > _CLIPPED:
        notes.append(f"overexposed: {100 * glass.clipped:.0f} % of the glass is at the top value")
    if glass.uneven > _UNEVEN:
        notes.append(f"uneven light: its darkest part gets {100 * glass.uneven:.0f} % less than its brightest")
    return notes


def blurred_cells(
    plane: Any,
    conversion: Conversion,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    *,
    pixel_size: float,
) -> frozenset[int]:
    """Return the cells whose nucleus has no sharp edge; one without nucleus is not judged.

    Parameters
    ----------
    plane : (Y, X) or (Y, X, C) array
        The image as it was read; ``conversion`` makes RGB of it.
    classes, cells : (Y, X) arrays
        Class map and cell labels.
    pixel_size : float
        um per px.
    """
    found = set()
    margin = edge_margin(pixel_size)
    for number, box in enumerate(ndimage.find_objects(cells), start=1):
        if box is None:
            continue
        window = tuple(slice(max(0, part.start - margin), part.stop + margin) for part in box)
        nucleus = (cells[window] == number) & (classes[window] == 2)
        if is_blurred(plane[window], conversion, nucleus, pixel_size=pixel_size):
            found.add(number)
    return frozenset(found)


def edge_margin(pixel_size: float) -> int:
    """How many px around a cell are looked at for its focus."""
    return int(np.ceil(1.5 * _REACH_UM / pixel_size))


def is_blurred(window: Any, conversion: Conversion, nucleus: NDArray[np.bool_], *, pixel_size: float) -> bool:
    """Whether a nucleus has no sharp edge; the window (Y, X) or (Y, X, C) reaches `edge_margin` beyond its cell."""
    return edge_width(window, conversion, nucleus, (0, 0), pixel_size=pixel_size) > _BLURRED_UM


def edge_width(
    plane: Any, conversion: Conversion, nucleus: NDArray[np.bool_], corner: tuple[int, int], *, pixel_size: float
) -> float:
    """Return the width (um) of the steepest edges of a nucleus: contrast over the largest gradient; NaN without edge.

    Parameters
    ----------
    nucleus : (Y, X) bool array
        A window of the image with the nucleus in it.
    corner : int, int
        Where in ``plane`` the window begins.
    pixel_size : float
        um per px.
    """
    if not nucleus.any():
        return np.nan
    fine, reach = max(0.5, _FINEST_UM / pixel_size), round(_REACH_UM / pixel_size)
    beside = max(1, _EDGE_UM / pixel_size) + 1  # px between centres, across the outline
    # a part of the window in which everything beside the outline is what it is in the whole
    margin = int(beside) + reach + int(4 * fine + 0.5)
    (box,) = ndimage.find_objects(nucleus.view(np.uint8))
    part = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
    nucleus = nucleus[part]
    near = np.where(nucleus, grown(~nucleus, beside), grown(nucleus, beside))
    if not near.any():
        return np.nan
    window = tuple(
        slice(start + side.start, start + side.start + n)
        for start, side, n in zip(corner, part, nucleus.shape, strict=True)
    )
    light = _lightness(conversion(np.asarray(plane[window])))
    slope = ndimage.gaussian_gradient_magnitude(light, fine) / pixel_size
    smooth = ndimage.gaussian_filter(light, fine)
    contrast = ndimage.maximum_filter(smooth, 2 * reach + 1) - ndimage.minimum_filter(smooth, 2 * reach + 1)
    near &= contrast >= 0.5 * contrast[near].max()
    width = contrast[near] / np.maximum(slope[near], 1e-6)
    return float(np.percentile(width, _STEEPEST))
