"""Which pieces of a clump are one cell: the grouping whose cells hold the largest discs."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

__all__ = ["group_pieces", "necks"]

_THIN = 0.35  # a part thinner than this share of the whole is an outgrowth, not a cell

Pieces = frozenset[int]


def group_pieces(
    pieces: npt.NDArray[np.int32],
    depth: npt.NDArray[np.floating],
    *,
    one_cell: float,
    thinnest: float = 0.0,
) -> tuple[npt.NDArray[np.int32], float]:
    """Group the pieces of a clump into cells; returns the groups, and how well they fill the clump with discs.

    A cell is nearly as wide as it is long, so the largest disc inside it says how much of a cell a part is. Two
    halves of a cell hold discs much smaller than the whole; two cells as one part hold no larger disc than one of
    them. The pieces are joined two by two, first those that are least like discs and most broadly connected; of
    this tree, the parts are taken whose squared radii add up to most.

    Parameters
    ----------
    pieces : (Y, X) int32 array
        0 outside, 1..k.
    depth : (Y, X) array
        Distance (px) to the outline of the clump.
    one_cell : float
        A part stays whole if its squared radius is at least this share of what its own parts add up to. Two equal
        cells have 0.5; of two cells of radius 1 and 0.5, it is 0.8.
    thinnest : float
        Radius (px) below which a part is no cell.

    Returns
    -------
    (k + 1,) int32 array
        The group of each piece, 1..n; 0 for 0.
    float
        Sum of the groups' squared radii: of two ways to cut a clump into pieces, the one with more is the better.
    """
    count = int(pieces.max())
    discs = _Discs(pieces)
    passages = necks(pieces, depth)
    parts: list[Pieces] = [frozenset({number}) for number in range(1, count + 1)]
    best = {part: [part] for part in parts}
    urge: dict[tuple[Pieces, Pieces], float] = {}
    while len(parts) > 1:
        for i, a in enumerate(parts):
            for b in parts[:i]:
                if (a, b) not in urge:
                    urge[a, b] = _urge(a, b, discs, passages)
        a, b = max(((a, b) for i, a in enumerate(parts) for b in parts[:i]), key=urge.__getitem__)
        if urge[a, b] == -math.inf:  # the rest lies apart
            break
        whole = a | b
        split = best.pop(a) + best.pop(b)
        radius = discs.radius(whole)
        counted = [discs.radius(part) for part in split]
        value = sum(r**2 for r in counted if r >= max(_THIN * max(counted), thinnest))
        best[whole] = [whole] if radius**2 >= one_cell * value else split
        parts = [part for part in parts if part not in (a, b)] + [whole]
    lookup = np.zeros(count + 1, np.int32)
    total = sum(discs.radius(part) ** 2 for found in best.values() for part in found)
    groups = sorted((part for found in best.values() for part in found), key=min)
    for number, part in enumerate(groups, start=1):
        lookup[list(part)] = number
    return lookup, total


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


def _urge(a: Pieces, b: Pieces, discs: "_Discs", passages: dict[tuple[int, int], float]) -> float:
    """How much speaks for joining two parts first; -inf if they do not touch."""
    neck = max((passages.get((min(p, q), max(p, q)), 0.0) for p in a for q in b), default=0.0)
    if neck <= 0:
        return -math.inf
    radii = discs.radius(a), discs.radius(b)
    unlike_discs = (discs.area(a) + discs.area(b)) / (radii[0] ** 2 + radii[1] ** 2)
    return math.log(unlike_discs) + 0.5 * math.log(neck / min(radii))


@dataclass
class _Discs:
    """The largest disc inside any union of pieces."""

    pieces: npt.NDArray[np.int32]
    known: dict[Pieces, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.boxes = ndi.find_objects(self.pieces)
        self.areas = np.bincount(self.pieces.ravel())

    def area(self, part: Pieces) -> int:
        """Pixels of the part."""
        return int(self.areas[list(part)].sum())

    def radius(self, part: Pieces) -> float:
        """Radius (px) of the largest disc; it may reach over the edge of the array."""
        if part not in self.known:
            self.known[part] = self._radius(part)
        return self.known[part]

    def _radius(self, part: Pieces) -> float:
        boxes = [self.boxes[number - 1] for number in part]
        box = tuple(
            slice(max(min(b[axis].start for b in boxes) - 1, 0), max(b[axis].stop for b in boxes) + 1)
            for axis in (0, 1)
        )
        inside = np.zeros(len(self.areas), bool)
        inside[list(part)] = True
        mask = inside[self.pieces[box]]
        if mask.all():  # no outline anywhere
            return math.hypot(*mask.shape)
        return float(ndi.distance_transform_edt(mask).max())
