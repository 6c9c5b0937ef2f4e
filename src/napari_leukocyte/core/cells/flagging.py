"""Find the flags that the maps alone can tell: cut, incomplete, touching, hollow, two cells in one, small."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from scipy.spatial import ConvexHull, QhullError
from skimage.draw import polygon2mask

from napari_leukocyte.core.cells.flags import Flag

__all__ = ["map_flags"]

_EIGHT = np.ones((3, 3), bool)
# less than this share of a cell is less than a rim one pixel wide, a trace and no cytoplasm (or nucleus)
_TRACE = 0.02
_HOLE_SHARE = 0.01  # of the cell's area
_INDENT_DEPTH = 0.40  # of the radius of a disc of the cell's area
_LOBE_GAP_UM = 3.0
_LOBE_SHARE = 0.08  # smaller specks of nucleus are no lobe
_VERY_SMALL_UM2 = 20.0  # a disc of 5 um: above a platelet, below the smallest lymphocyte


def map_flags(
    own: npt.NDArray[np.bool_],
    nucleus: npt.NDArray[np.bool_],
    others: npt.NDArray[np.bool_],
    *,
    cut: bool,
    pixel_size: float | None,
    binary: bool,
) -> tuple[Flag, ...]:
    """Return the flags of one cell, in the order of `Flag`.

    Parameters
    ----------
    own, nucleus, others : (Y, X) bool arrays
        The cell, its nucleus and all other cells, in a box at least one pixel wider than the cell
        wherever the image goes on.
    cut : bool
        Whether the cell has a pixel on the image edge.
    pixel_size : float or None
        um per px; None: no flag that judges a size in um.
    binary : bool
        The map knows no nuclei: no flag about them.
    """
    area = int(np.count_nonzero(own))
    nucleus_area = int(np.count_nonzero(nucleus))
    found = set()
    if cut:
        found.add(Flag.CUT_BY_EDGE)
    if not binary and (area == nucleus_area or area - nucleus_area < _TRACE * area):
        found.add(Flag.NO_CYTOPLASM)
    if not binary and (nucleus_area == 0 or nucleus_area < _TRACE * area):
        found.add(Flag.NO_NUCLEUS)
    if (ndi.binary_dilation(own, _EIGHT) & others).any():
        found.add(Flag.TOUCHING)
    if _hole_or_indent(own, others):
        found.add(Flag.HOLE_OR_INDENT)
    if pixel_size is not None:
        if area * pixel_size**2 < _VERY_SMALL_UM2:
            found.add(Flag.VERY_SMALL)
        if not binary and widest_lobe_gap(nucleus) * pixel_size > _LOBE_GAP_UM:
            found.add(Flag.NUCLEI_FAR_APART)
    return tuple(flag for flag in Flag if flag in found)


def widest_lobe_gap(nucleus: npt.NDArray[np.bool_]) -> float:
    """Return the widest gap (px) that has to be crossed to walk over all lobes of a nucleus.

    The lobes are linked nearest first, as a minimum spanning tree, so that five lobes in a row are not
    taken for two nuclei. Specks below 8 % of the nucleus are no lobes. 0 for one lobe or none.
    """
    lobes, count = ndi.label(nucleus, structure=_EIGHT)
    sizes = np.bincount(lobes.ravel(), minlength=count + 1)
    left = [n for n in range(1, count + 1) if sizes[n] >= _LOBE_SHARE * sizes[1:].sum()]
    if len(left) < 2:
        return 0.0
    walked = lobes == left.pop(0)
    widest = 0.0
    while left:
        distance = ndi.distance_transform_edt(~walked)
        gaps = [float(distance[lobes == n].min()) for n in left]
        nearest = int(np.argmin(gaps))
        widest = max(widest, gaps[nearest] - 1)  # pixels between, not from centre to centre
        walked |= lobes == left.pop(nearest)
    return widest


def _hole_or_indent(own: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]) -> bool:
    """Whether background lies inside the cell, or bites deep into it."""
    area = np.count_nonzero(own)
    if area < 30:  # the outline is all there is
        return False
    holes = ndi.binary_fill_holes(own) & ~own & ~others
    if np.count_nonzero(holes) >= max(4.0, _HOLE_SHARE * area):
        return True
    hull = _convex_hull(own)
    pockets = hull & ~own & ~others
    if not pockets.any():
        return False
    depth = ndi.distance_transform_edt(np.pad(hull, 1))[1:-1, 1:-1]
    return bool(depth[pockets].max() > _INDENT_DEPTH * np.sqrt(area / np.pi))


def _convex_hull(own: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the convex hull of the pixel centres as a mask."""
    points = np.argwhere(own)
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:  # all in one line
        return own
    return np.asarray(polygon2mask(own.shape, corners), dtype=bool) | own
