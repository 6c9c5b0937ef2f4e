"""Optional columns of the table of cells: how large, how round and how dark a cell and its nucleus are."""

import math
from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import boxes_by_number, widened
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.outlines import convex_hull

__all__ = ["CHANNELS", "PARTS", "SHAPE_COLUMNS", "Shape", "cell_shapes", "mask_shape"]

PARTS = ("cell", "nucleus")
CHANNELS = ("red", "green", "blue")
_LENGTHS = ("diameter", "feret_max", "feret_min")
_MEASURED = tuple(f"{part}_{name}_{unit}" for part in PARTS for name in _LENGTHS for unit in ("px", "um"))
_RATIOS = (*(f"{part}_{name}" for part in PARTS for name in ("circularity", "solidity")), "nucleus_eccentricity")
_DENSITIES = tuple(f"{part}_od_{channel}" for part in PARTS for channel in CHANNELS)

SHAPE_COLUMNS = (*_MEASURED, *_RATIOS, *_DENSITIES, "cell_per_red_cell")
"""Their names, in their order."""

Shape = Mapping[str, float]
"""Of one cell: those of `SHAPE_COLUMNS` that are known."""

_PART_OF_A_CELL = {Flag.CUT_BY_EDGE, Flag.OVERLAPPING}


def cell_shapes(
    classes: npt.NDArray[np.uint8],
    cells: npt.NDArray[np.int32],
    *,
    pixel_size: float | None = None,
    binary: bool = False,
    flags: Mapping[int, Collection[Flag]] = MappingProxyType({}),
) -> dict[int, dict[str, float]]:
    """Measure the outlines of every cell and of its nucleus, all its lobes together.

    Parameters
    ----------
    classes, cells : (Y, X) arrays
        Class map and cell labels, as for ``core.cells.measures.measure_cell``.
    pixel_size : float, optional
        um per px; unknown: lengths in px only.
    binary : bool
        The map has no nuclei.
    flags : mapping
        What is known of the cells: one that is cut by the edge or overlaps has no shape of its own.

    Returns
    -------
    dict
        By cell number, then by column; what a cell does not have is left out.
    """
    found: dict[int, dict[str, float]] = {}
    for number, box in boxes_by_number(cells).items():
        shape = found[number] = {}
        if not _PART_OF_A_CELL.isdisjoint(flags.get(number, ())):
            continue
        near = widened(box, 1, cells.shape)
        own = (cells[near] == number) & (classes[near] > 0)
        masks = {"cell": own} if binary else {"cell": own, "nucleus": own & (classes[near] >= 2)}
        for part, mask in masks.items():
            for name, value in mask_shape(mask).items():
                if name not in _LENGTHS:
                    shape[f"{part}_{name}"] = value
                    continue
                shape[f"{part}_{name}_px"] = value
                if pixel_size is not None:
                    shape[f"{part}_{name}_um"] = value * pixel_size
        shape.pop("cell_eccentricity", None)  # of a cell among others it says how it was pressed
    return found


def mask_shape(mask: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Measure one outline with scikit-image's ``regionprops``.

    Returns
    -------
    dict
        ``diameter`` of the disc of the same area, the largest and the smallest distance of parallel tangents
        ``feret_max`` and ``feret_min`` (px, from pixel edge to pixel edge), ``circularity`` (4 pi area / perimeter^2
        with Crofton's perimeter: about 1 for a disc), ``solidity`` (area / area of the convex hull of the pixel
        centres: scikit-image's hull lies half a pixel further out, which costs a disc of 30 px 4 %) and
        ``eccentricity`` of the ellipse with the same second moments (0 for a disc). Empty for an empty mask.

    Examples
    --------
    >>> y, x = np.mgrid[:41, :41] - 20
    >>> disc = mask_shape(np.hypot(y, x) <= 15)
    >>> [round(disc[name], 1) for name in ("diameter", "feret_max", "feret_min", "circularity", "solidity")]
    [30.0, 31.0, 30.4, 1.0, 1.0]
    """
    from skimage.measure import regionprops  # slow to load, and seldom needed

    if not mask.any():
        return {}
    (region,) = regionprops(np.pad(mask, 1).astype(np.uint8))
    perimeter, hull = float(region.perimeter_crofton), convex_hull(mask)
    largest, smallest = _feret(hull)
    return {
        "diameter": float(region.equivalent_diameter_area),
        "feret_max": largest,
        "feret_min": smallest,
        "circularity": 4 * math.pi * float(region.area) / perimeter**2 if perimeter else math.nan,
        "solidity": float(np.count_nonzero(mask) / np.count_nonzero(hull)),
        "eccentricity": float(region.eccentricity),
    }


def _feret(hull: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Largest and smallest distance (px) of parallel tangents of a convex mask, at the middles of its pixels' sides.

    The smallest lies across an edge of the hull (Freeman and Shapira 1975), the largest between two of its corners.
    """
    from scipy.spatial import ConvexHull

    rows, columns = np.nonzero(hull)
    sides = ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5))
    points = np.concatenate([np.stack([rows + dy, columns + dx], axis=1) for dy, dx in sides])
    around = points[ConvexHull(points).vertices]
    edges = np.roll(around, -1, axis=0) - around
    across = np.stack([-edges[:, 1], edges[:, 0]], axis=1) / np.hypot(*edges.T)[:, np.newaxis]
    widths = np.ptp(around @ across.T, axis=0)
    between = np.hypot(*(around[:, np.newaxis] - around[np.newaxis]).transpose(2, 0, 1))
    return float(between.max()), float(widths.min())
