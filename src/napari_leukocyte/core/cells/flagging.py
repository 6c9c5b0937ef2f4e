"""Find the flags that the maps alone can tell: cut, incomplete, touching, hollow, two cells in one, small, lumpy."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.lumps import has_lump
from napari_leukocyte.core.cells.outlines import convex_hull, extent
from napari_leukocyte.core.imaging.grown import shrunk

__all__ = ["map_flags"]

_EIGHT = np.ones((3, 3), bool)
# less than this share of a cell is less than a rim one pixel wide, a trace and no cytoplasm (or nucleus)
_TRACE = 0.02
# Of a nucleus without a rim, to its convex hull: 92 % of Zheng's lymphocytes of set 1, 82 % of set 2 and 94 % of KRD's
# lie above it, 90 % of the drawn smudges below (benchmarks/rims.py)
_SMOOTH = 0.95
_HOLE_SHARE = 0.01  # of the cell's area
_INDENT_DEPTH = 0.40  # of the radius of a disc of the cell's area
_SMALLEST_SHAPE_PX = 30  # of a smaller cell the outline is all there is
_CHORD = 0.60  # of the diameter of a disc of the cell's area: two equal discs then share a tenth of their area
_COVERED = 0.10  # of the cell's area
_POCKETS = 0.02  # of the cell's area; a lump leaves more room between itself, the cell and their hull
_LOBE_GAP_UM = 3.0
_LOBE_SHARE = 0.08  # smaller specks of nucleus are no lobe
_VERY_SMALL_UM2 = 20.0  # a disc of 5 um: above a platelet, below the smallest lymphocyte


def map_flags(
    own: npt.NDArray[np.bool_],
    nucleus: npt.NDArray[np.bool_],
    others: npt.NDArray[np.int32],
    *,
    cut: bool,
    pixel_size: float | None,
    binary: bool,
) -> tuple[Flag, ...]:
    """Return the flags of one cell, in the order of `Flag`.

    Parameters
    ----------
    own, nucleus : (Y, X) bool arrays
        The cell and its nucleus, in a box at least one pixel wider than the cell wherever the image goes on.
    others : (Y, X) int32 array
        The numbers of all other cells in that box, 0 elsewhere.
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
        # what the frame cuts, or is a few pixels large, has no outline to judge
        judged = not cut and area >= _SMALLEST_SHAPE_PX
        found.add(Flag.RIM_NOT_RESOLVED if judged and _is_smooth(nucleus) else Flag.NO_CYTOPLASM)
    if not binary and (nucleus_area == 0 or nucleus_area < _TRACE * area):
        found.add(Flag.NO_NUCLEUS)
    beside = np.unique(others[ndi.binary_dilation(own, _EIGHT) & (others > 0)])
    if beside.size:
        found.add(Flag.TOUCHING)
    if area >= _SMALLEST_SHAPE_PX:
        hull = convex_hull(own)
        if any(_overlaps(own, others == other, hull) for other in beside):
            found.add(Flag.OVERLAPPING)
        if _hole_or_indent(own, others > 0, hull):
            found.add(Flag.HOLE_OR_INDENT)
        roomy = np.count_nonzero(hull) - area >= _POCKETS * area
        if roomy and not cut and has_lump(own, nucleus, pixel_size=pixel_size):
            found.add(Flag.PLATELET_ATTACHED)
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


def _overlaps(own: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], hull: npt.NDArray[np.bool_]) -> bool:
    """Whether a cell lies over or under the one it touches, so that its area is not all its own.

    Where two discs overlap, labels are cut along the chord of the lens that they share; cells that are merely
    pressed together touch along a shorter line. A small cell on top of a large one bites into it instead.
    """
    area = np.count_nonzero(own)
    chord = extent(own & ndi.binary_dilation(other, _EIGHT))
    return bool(chord > _CHORD * 2 * np.sqrt(area / np.pi) or np.count_nonzero(hull & other) > _COVERED * area)


def _is_smooth(nucleus: npt.NDArray[np.bool_]) -> bool:
    """Whether a nucleus has the outline of an intact one: frayed, dragged and burst ones leave room in their hull."""
    return bool(np.count_nonzero(nucleus) >= _SMOOTH * np.count_nonzero(convex_hull(nucleus)))


def _hole_or_indent(own: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_], hull: npt.NDArray[np.bool_]) -> bool:
    """Whether background lies inside the cell, or bites deep into it."""
    pockets = hull & ~own & ~others
    if not pockets.any():
        return False
    area = np.count_nonzero(own)
    holes = ndi.binary_fill_holes(own) & pockets
    if np.count_nonzero(holes) >= max(4.0, _HOLE_SHARE * area):
        return True
    # beyond the box the hull does not go on
    inner = shrunk(np.pad(hull, 1), _INDENT_DEPTH * np.sqrt(area / np.pi))[1:-1, 1:-1]
    return bool((pockets & inner).any())
