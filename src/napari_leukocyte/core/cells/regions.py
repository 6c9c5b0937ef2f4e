"""Which pieces of a clump are one cell: the grouping whose cells hold the largest discs."""

import heapq
import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import joined, widened

__all__ = ["group_pieces", "necks"]

_THIN = 0.35  # a part thinner than this share of the part beside it is an outgrowth, not a cell
_HOPELESS = 3.0  # parts that add up to so many times the whole will not become one cell, whatever is joined to them


def group_pieces(
    pieces: npt.NDArray[np.int32],
    depth: npt.NDArray[np.floating],
    *,
    one_cell: float,
    thinnest: float = 0.0,
) -> tuple[npt.NDArray[np.int32], float]:
    """Group the pieces of a clump into cells.

    A cell is nearly as wide as it is long, so the largest disc inside a part says how much of a cell it is. Two
    halves of a cell hold discs much smaller than the whole does; two cells taken as one hold no larger disc than one
    of them. The pieces are joined two by two, first those that are least like discs and most broadly connected, and
    in the tree that this gives, the parts are chosen whose squared radii add up to most.

    Parameters
    ----------
    pieces : (Y, X) int32 array
        0 outside, 1..k; a number may have no pixel.
    depth : (Y, X) array
        Distance (px) to the outline of the clump.
    one_cell : float
        A part stays whole if its squared radius is at least this share of what its own parts add up to. For two
        equal cells the share is 0.5, for two with radii of 1 and 0.5 it is 0.8; for the lobes of one cell, above 1.
    thinnest : float
        Radius (px) below which a part is no cell.

    Returns
    -------
    groups : (k + 1,) int32 array
        The group of each piece, 1..n; 0 for 0 and for a number without a pixel.
    discs : float
        Sum of the squared radii (px2) of the groups: of two ways to cut a clump, the better one has more.

    Examples
    --------
    >>> pieces = np.zeros((9, 20), np.int32)
    >>> pieces[1:8, 1:4], pieces[1:8, 4:8], pieces[4, 8:11], pieces[1:8, 11:18] = 1, 2, 2, 3
    >>> groups, _ = group_pieces(pieces, ndi.distance_transform_edt(pieces > 0), one_cell=0.95)
    >>> groups
    array([0, 1, 1, 2], dtype=int32)
    """
    tree = _Tree(pieces, one_cell=one_cell, thinnest=thinnest)
    for (a, b), neck in necks(pieces, depth).items():
        tree.connect(a, b, neck)
    tree.join_all()
    return tree.groups()


def necks(pieces: npt.NDArray[np.int32], depth: npt.NDArray[np.floating]) -> dict[tuple[int, int], float]:
    """Find the pieces that touch, and half the width (px) of the passage between them.

    Parameters
    ----------
    pieces : (Y, X) int32 array
        0 outside, 1..k.
    depth : (Y, X) array
        Distance (px) to the outline.

    Returns
    -------
    dict
        ``{(a, b): half width}`` with a < b.
    """
    count = int(pieces.max()) + 1
    found: dict[tuple[int, int], float] = {}
    height, width = pieces.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, height - dy), slice(max(0, -dx), width - max(0, dx)))
        there = (slice(dy, height), slice(max(0, dx), width - max(0, -dx)))
        border = (pieces[here] != pieces[there]) & (pieces[here] > 0) & (pieces[there] > 0)
        if not border.any():
            continue
        a, b = pieces[here][border], pieces[there][border]
        codes, which = np.unique(np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b), return_inverse=True)
        widest = np.zeros(codes.size)
        np.maximum.at(widest, which, np.minimum(depth[here][border], depth[there][border]))
        for code, half in zip(codes.tolist(), widest.tolist(), strict=True):
            pair = divmod(code, count)
            found[pair] = max(half, found.get(pair, 0.0))
    return found


class _Tree:
    """Parts of a clump, joined two by two; each knows the best way to cut it into cells."""

    def __init__(self, pieces: npt.NDArray[np.int32], *, one_cell: float, thinnest: float) -> None:
        self.pieces, self.one_cell, self.thinnest = pieces, one_cell, thinnest
        self.boxes = ndi.find_objects(pieces)
        self.areas = dict(enumerate(np.bincount(pieces.ravel()).tolist()))
        # a seed that no pixel of the clump is left for has a number and no piece
        numbers = [number for number, box in enumerate(self.boxes, start=1) if box is not None]
        self.members = {number: [number] for number in numbers}
        self.radii = {number: self._radius([number]) for number in numbers}
        self.cells = {number: [number] for number in numbers}  # of the parts not yet joined
        self.beside: dict[int, dict[int, float]] = {number: {} for number in numbers}
        self.waiting: list[tuple[float, int, int]] = []

    def connect(self, a: int, b: int, neck: float) -> None:
        """Note that two parts touch, and how widely (px)."""
        self.beside[a][b] = self.beside[b][a] = neck
        unlike_discs = (self.areas[a] + self.areas[b]) / (self.radii[a] ** 2 + self.radii[b] ** 2)
        relative = neck / min(self.radii[a], self.radii[b])
        heapq.heappush(self.waiting, (-unlike_discs * math.sqrt(relative), a, b))

    def join_all(self) -> None:
        """Join until nothing is left that may be one cell."""
        while self.waiting:
            _, a, b = heapq.heappop(self.waiting)
            if a in self.cells and b in self.cells:
                self._join(a, b)

    def groups(self) -> tuple[npt.NDArray[np.int32], float]:
        """Return the group of each piece, and the sum of the groups' squared radii."""
        cells = sorted((cell for found in self.cells.values() for cell in found), key=lambda c: min(self.members[c]))
        lookup = np.zeros(len(self.boxes) + 1, np.int32)
        for number, cell in enumerate(cells, start=1):
            lookup[self.members[cell]] = number
        return lookup, sum(self.radii[cell] ** 2 for cell in cells)

    def _join(self, a: int, b: int) -> None:
        whole = len(self.areas)
        self.members[whole] = self.members[a] + self.members[b]
        self.areas[whole] = self.areas[a] + self.areas[b]
        radius = self.radii[whole] = self._radius(self.members[whole])
        parts = self.cells.pop(a) + self.cells.pop(b)
        least = max(self.thinnest, _THIN * max(self.radii[part] for part in parts))
        in_parts = sum(self.radii[part] ** 2 for part in parts if self.radii[part] >= least)
        self.cells[whole] = [whole] if radius**2 >= self.one_cell * in_parts else parts
        self.beside[whole] = {}
        around: dict[int, float] = {}
        for part in (a, b):
            for other, neck in self.beside.pop(part).items():
                if other not in (a, b):
                    del self.beside[other][part]
                    around[other] = max(neck, around.get(other, 0.0))
        if in_parts < _HOPELESS * radius**2:
            for other, neck in around.items():
                self.connect(whole, other, neck)

    def _radius(self, members: list[int]) -> float:
        """Radius (px) of the largest disc inside; it may reach over the edge of the array."""
        box = widened(joined(*(self.boxes[number - 1] for number in members)), 1, self.pieces.shape)
        inside = np.zeros(len(self.boxes) + 1, bool)
        inside[members] = True
        mask = inside[self.pieces[box]]
        if mask.all():  # no outline anywhere
            return math.hypot(*mask.shape)
        return float(ndi.distance_transform_edt(mask).max())
