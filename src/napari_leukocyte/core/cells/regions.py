"""Which pieces of a clump belong to one cell: merging of watershed regions by neck, size and nucleus."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Neck", "Region", "junctions", "merge_regions", "neighbours"]

_WIDE_NECK = 0.78  # neck / radius of the smaller piece; two equal discs reach it 1.25 radii apart
_WIDE_NECK_TWO_NUCLEI = 0.82  # with a nucleus on each side, a wider neck may still lie between two cells
_ONE_NUCLEUS = 0.70  # the same for the nucleus: wider, and one nucleus spans the neck
_THIN = 0.35  # a piece thinner than this share of its neighbour is an outgrowth, not a cell
_JUNCTION_AREA = 0.6  # of the piece's inscribed disc; a cell, even a cut one, fills more of it
_NO_NUCLEUS = 0.05  # less than this share of nucleus, and a piece has none


@dataclass(frozen=True)
class Region:
    """A piece of a clump: inscribed radius and area (px), of the cell and of the nucleus in it."""

    radius: float
    area: int
    nucleus_radius: float
    nucleus_area: int

    def joined(self, other: "Region") -> "Region":
        """Return the two as one piece."""
        return Region(
            max(self.radius, other.radius),
            self.area + other.area,
            max(self.nucleus_radius, other.nucleus_radius),
            self.nucleus_area + other.nucleus_area,
        )

    @property
    def has_nucleus(self) -> bool:
        """Whether more than a trace of the piece is nucleus."""
        return self.nucleus_area > _NO_NUCLEUS * self.area


@dataclass(frozen=True)
class Neck:
    """Half the width (px) of the passage between two pieces, and of the nucleus in it."""

    cell: float
    nucleus: float

    def joined(self, other: "Neck") -> "Neck":
        """Return the wider of two passages between the same pieces."""
        return Neck(max(self.cell, other.cell), max(self.nucleus, other.nucleus))


def neighbours(
    pieces: npt.NDArray[np.int32],
    depth: npt.NDArray[np.float64],
    nucleus_depth: npt.NDArray[np.float64] | None,
) -> dict[tuple[int, int], Neck]:
    """Find the pieces that touch and the neck between them.

    Parameters
    ----------
    pieces : (Y, X) int32 array
        0 outside, 1..k.
    depth, nucleus_depth : (Y, X) float arrays
        Distance (px) to the outline of the cell and of the nucleus.

    Returns
    -------
    dict
        ``{(a, b): neck}`` with a < b.
    """
    count = int(pieces.max()) + 1
    necks: dict[tuple[int, int], Neck] = {}
    height, width = pieces.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, height - dy), slice(max(0, -dx), width - max(0, dx)))
        there = (slice(dy, height), slice(max(0, dx), width - max(0, -dx)))
        border = (pieces[here] != pieces[there]) & (pieces[here] > 0) & (pieces[there] > 0)
        if not border.any():
            continue
        a, b = pieces[here][border], pieces[there][border]
        codes, which = np.unique(np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b), return_inverse=True)
        cell = np.zeros(codes.size)
        np.maximum.at(cell, which, np.minimum(depth[here][border], depth[there][border]))
        nucleus = np.zeros(codes.size)
        if nucleus_depth is not None:
            both = np.minimum(nucleus_depth[here][border], nucleus_depth[there][border])
            np.maximum.at(nucleus, which, both)
        for code, c, n in zip(codes.tolist(), cell.tolist(), nucleus.tolist(), strict=True):
            pair = divmod(code, count)
            found = Neck(c, n)
            necks[pair] = found.joined(necks[pair]) if pair in necks else found
    return necks


def junctions(regions: Mapping[int, Region], necks: Mapping[tuple[int, int], Neck]) -> set[int]:
    """Find the pieces that lie where three or more cells meet.

    Such a piece is as deep as a cell, but its inscribed disc reaches far into the cells around it. It is no
    cell, and to merge over it would join all of them.

    Parameters
    ----------
    regions, necks : mappings
        The pieces and the passages between them.
    """
    found = set()
    for number, region in regions.items():
        if region.area >= _JUNCTION_AREA * math.pi * region.radius**2:
            continue
        beside = [b if a == number else a for a, b in necks if number in (a, b)]
        if sum(regions[other].radius >= 0.5 * region.radius for other in beside) >= 3:
            found.add(number)
    return found


def merge_regions(
    regions: Mapping[int, Region],
    necks: Mapping[tuple[int, int], Neck],
    *,
    nuclei_known: bool,
    thinnest: float,
) -> dict[int, int]:
    """Merge pieces, the widest neck first, until every piece left is a cell of its own.

    Parameters
    ----------
    regions, necks : mappings
        The pieces and the passages between them.
    nuclei_known : bool
        Whether the map is three-class, so that a piece without nucleus is no cell.
    thinnest : float
        Inscribed radius (px) below which a piece is no cell; 0 if the pixel size is unknown.

    Returns
    -------
    dict
        ``{piece: group}``; a group is called after its lowest piece.
    """
    regions, necks = dict(regions), dict(necks)
    group_of = {number: number for number in regions}
    while True:
        candidates = [
            (neck.cell / min(regions[a].radius, regions[b].radius), -a, -b)
            for (a, b), neck in necks.items()
            if _one_cell(regions[a], regions[b], neck, nuclei_known=nuclei_known, thinnest=thinnest)
        ]
        if not candidates:
            return group_of
        _, a, b = max(candidates)
        keep, gone = -a, -b
        regions[keep] = regions[keep].joined(regions.pop(gone))
        group_of = {piece: keep if group == gone else group for piece, group in group_of.items()}
        joined: dict[tuple[int, int], Neck] = {}
        for (p, q), neck in necks.items():
            p, q = (keep if p == gone else p), (keep if q == gone else q)
            if p != q:
                pair = (min(p, q), max(p, q))
                joined[pair] = neck.joined(joined[pair]) if pair in joined else neck
        necks = joined


def _one_cell(a: Region, b: Region, neck: Neck, *, nuclei_known: bool, thinnest: float) -> bool:
    """Whether two pieces that touch belong to one cell."""
    small, large = sorted((a.radius, b.radius))
    if small < max(_THIN * large, thinnest):
        return True
    if not nuclei_known:
        return neck.cell >= _WIDE_NECK * small
    if not (a.has_nucleus and b.has_nucleus):
        return True
    if neck.nucleus >= _ONE_NUCLEUS * min(a.nucleus_radius, b.nucleus_radius):
        return True
    return neck.cell >= _WIDE_NECK_TWO_NUCLEI * small
