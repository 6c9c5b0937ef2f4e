"""Where the cells of a clump lie: its pieces, grown from nuclei or from the deepest places, grouped into cells."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import widened
from napari_leukocyte.core.cells.convex import join_ends
from napari_leukocyte.core.cells.flooding import local_maxima, watershed
from napari_leukocyte.core.cells.lobes import find_lobes
from napari_leukocyte.core.cells.regions import group_pieces

__all__ = ["WHOLE_NUCLEUS", "group_clump"]

_EIGHT = np.ones((3, 3), bool)
_ONE_CELL = 0.95  # see group_pieces
_ONE_CELL_ONE_NUCLEUS = 0.80  # the same where nuclei are joined: more must speak for two cells
_ELONGATED = 1.3  # a part with less area than 1.3 x its inscribed disc is no two cells with joined nuclei
_CLEARLY_BETTER = 1.03  # how much better a further way to cut must be
_MOST_SEEDS = 12  # of a clump without nuclei in which each is tried; rougher ones are not worth the time
WHOLE_NUCLEUS = 0.85  # share of a nucleus that must lie in one cell, which then gets all of it
_DEPTH_WEIGHT = 0.5  # of the depth against the distance from the nuclei

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Depth = npt.NDArray[np.float64]


def group_clump(nuclei: Labels, closed: Depth, opened: Depth, solid: Mask, *, thinnest: float) -> Labels:
    """Tell the cells of a clump apart.

    Parameters
    ----------
    nuclei : (Y, X) int32 array
        Pieces of nucleus 1..k; none in a binary map.
    closed, opened : (Y, X) float arrays
        Distance (px) to the outline, with small holes filled and with them open.
    solid : (Y, X) bool array
        The clump, small holes filled.
    thinnest : float
        Inscribed radius (px) below which a part is no cell.

    Returns
    -------
    (Y, X) int32 array
        0 outside, 1..n.
    """
    seeds = nuclei if nuclei.any() else None
    cells = _best(seeds, closed, opened, solid, one_cell=_ONE_CELL, thinnest=thinnest)
    for number, box in enumerate(ndi.find_objects(cells) if seeds is not None else (), start=1):
        # one px more all round, except at the edge of the clump's own box
        box = widened(box, 1, cells.shape)
        own = cells[box]
        found = _part_joined_nuclei(own == number, nuclei[box], closed[box], opened[box], thinnest)
        more = found > 1
        own[more] = int(cells.max()) + found[more] - 1
    return join_ends(cells)


def _part_joined_nuclei(part: Mask, nuclei: Labels, closed: Depth, opened: Depth, thinnest: float) -> Labels:
    """Number 1..n the cells of a part that is two cells though their nuclei touch; 0 all over if it is one."""
    one = np.zeros(part.shape, np.int32)
    radius = float(ndi.distance_transform_edt(np.pad(part, 1)).max())
    if np.count_nonzero(part) < _ELONGATED * np.pi * radius**2:
        return one
    lobes = find_lobes((nuclei > 0) & part)
    if lobes.max() < 2:
        return one
    return _best(lobes, closed, opened, part, one_cell=_ONE_CELL_ONE_NUCLEUS, thinnest=thinnest)


def _best(
    seeds: Labels | None, closed: Depth, opened: Depth, solid: Mask, *, one_cell: float, thinnest: float
) -> Labels:
    """Cut a clump into pieces in each of several ways, and take the one whose groups fill it with the largest discs.

    The pieces grow from the nuclei, if there are any, down the depth with small holes open (a hole may be the gap
    between cells) or filled (or a vacuole), or outwards; and from the deepest places, if that cuts no nucleus.
    """
    ways = [] if closed is opened else [(-closed, closed)]
    if seeds is not None:
        ways += [(-opened, opened), (_outwards(seeds, closed), closed)]
    deepest, _ = ndi.label(local_maxima(opened) & solid, structure=_EIGHT)
    best, most = _without_junctions(deepest, -opened, opened, solid, one_cell, thinnest)
    if seeds is not None and not _respects(best, seeds):
        most = 0.0
    for landscape, depth in ways:
        if seeds is None:
            own, _ = ndi.label(local_maxima(depth) & solid, structure=_EIGHT)
            cells, fill = _without_junctions(own, landscape, depth, solid, one_cell, thinnest)
        else:
            cells, fill = _grown(seeds, landscape, depth, solid, one_cell, thinnest)
        if fill > most * _CLEARLY_BETTER:
            best, most = cells, fill
    return best


def _respects(cells: Labels, nuclei: Labels) -> bool:
    """Whether every cell has a nucleus, and no nucleus is cut by more than a sliver."""
    count = int(cells.max()) + 1
    if count == 1:  # nowhere deep enough for a cell
        return False
    inside = (nuclei > 0) & (cells > 0)
    shares = np.bincount(nuclei[inside] * count + cells[inside], minlength=(int(nuclei.max()) + 1) * count)
    table = shares.reshape(-1, count)[1:, 1:]
    each_has_one = np.unique(table.argmax(axis=1)).size == count - 1
    return each_has_one and bool((table.max(axis=1) >= WHOLE_NUCLEUS * table.sum(axis=1)).all())


def _grown(
    seeds: Labels, landscape: Depth, depth: Depth, solid: Mask, one_cell: float, thinnest: float
) -> tuple[Labels, float]:
    pieces = watershed(landscape, seeds, mask=solid)
    groups, fill = group_pieces(pieces, depth, one_cell=one_cell, thinnest=thinnest)
    return np.asarray(groups[pieces]), fill


def _outwards(seeds: Labels, depth: Depth) -> Depth:
    """A landscape in which seeds grow outwards, and sooner where the clump is deep."""
    return np.asarray(ndi.distance_transform_edt(seeds == 0) - _DEPTH_WEIGHT * depth)


def _without_junctions(
    seeds: Labels, landscape: Depth, depth: Depth, solid: Mask, one_cell: float, thinnest: float
) -> tuple[Labels, float]:
    """Grow seeds, but leave out those where cells meet: without them the cells around hold larger discs."""
    cells, fill = _grown(seeds, landscape, depth, solid, one_cell, thinnest)
    count = int(seeds.max())
    if not 3 < count <= _MOST_SEEDS:
        return cells, fill
    for number in range(count, 0, -1):
        fewer = seeds - (seeds > number)
        fewer[seeds == number] = 0
        others, their_fill = _grown(fewer, _outwards(fewer, depth), depth, solid, one_cell, thinnest)
        if their_fill > _CLEARLY_BETTER * fill:
            seeds, cells, fill = fewer, others, their_fill
    return cells, fill
