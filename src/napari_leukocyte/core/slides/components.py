"""Connected areas of a slide that is read tile by tile: what crosses a border between tiles is one area."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.slides.tiles import CLASS_BITS, Tile

__all__ = ["Component", "find_components"]

_EIGHT = np.ones((3, 3), bool)


@dataclass
class Component:
    """An area of cell pixels that touch each other (8 neighbours).

    Attributes
    ----------
    top, bottom, left, right
        Its box, px of the slide; bottom and right lie behind it.
    first
        Row and column of its first pixel in reading order.
    area
        px.
    """

    top: int
    bottom: int
    left: int
    right: int
    first: tuple[int, int]
    area: int

    def take(self, other: "Component") -> None:
        """Become one with another."""
        self.top, self.left = min(self.top, other.top), min(self.left, other.left)
        self.bottom, self.right = max(self.bottom, other.bottom), max(self.right, other.right)
        self.first = min(self.first, other.first)
        self.area += other.area

    @property
    def longest(self) -> int:
        """Longer side of the box, px."""
        return max(self.bottom - self.top, self.right - self.left)


def find_components(codes: Any, tiles: Iterable[Tile]) -> list[Component]:
    """Find all areas, in reading order of their first pixels.

    Parameters
    ----------
    codes
        (Y, X) uint8, lazy: what `tiles.codes_of` keeps.
    tiles
        All that hold anything; they do not overlap. Memory: one tile, and the borders of all.
    """
    found: list[Component] = []
    parents: list[int] = []
    edges: dict[tuple[int, int], _Edges] = {}
    for tile in tiles:
        labels, count = ndimage.label(np.asarray(codes[tile.rows, tile.columns]) & CLASS_BITS, structure=_EIGHT)
        begin = len(found)
        areas = np.bincount(labels.ravel(), minlength=count + 1)
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            row = box[0].start
            column = box[1].start + int(np.argmax(labels[row, box[1]] == number))
            top, left = tile.rows.start, tile.columns.start
            sides = (top + row, top + box[0].stop, left + box[1].start, left + box[1].stop)
            found.append(Component(*sides, (top + row, left + column), int(areas[number])))
        parents += range(begin, len(found))
        edges[tile.key] = _Edges.of(labels, begin)
    for a, b in _across(edges):
        _join(parents, a, b)
    whole: dict[int, Component] = {}
    for number, part in enumerate(found):
        root = _root(parents, number)
        if root in whole:
            whole[root].take(part)
        else:
            whole[root] = part
    return sorted(whole.values(), key=lambda one: one.first)


@dataclass(frozen=True)
class _Edges:
    """Numbers of the areas along the four sides of a tile; -1 where there is none."""

    top: NDArray[np.int64]
    bottom: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    @classmethod
    def of(cls, labels: NDArray[np.int32], begin: int) -> "_Edges":
        def side(values: NDArray[np.int32]) -> NDArray[np.int64]:
            return np.where(values > 0, values.astype(np.int64) + begin - 1, -1)

        return cls(side(labels[0]), side(labels[-1]), side(labels[:, 0]), side(labels[:, -1]))


def _across(edges: dict[tuple[int, int], _Edges]) -> set[tuple[int, int]]:
    """Pairs of areas that touch each other over a border, corners too."""
    pairs: set[tuple[int, int]] = set()
    for (row, column), own in edges.items():
        if (row + 1, column) in edges:
            pairs |= _touching(own.bottom, edges[row + 1, column].top)
        if (row, column + 1) in edges:
            pairs |= _touching(own.right, edges[row, column + 1].left)
        if (row + 1, column + 1) in edges:
            pairs |= _touching(own.bottom[-1:], edges[row + 1, column + 1].top[:1])
        if (row + 1, column - 1) in edges:
            pairs |= _touching(own.bottom[:1], edges[row + 1, column - 1].top[-1:])
    return pairs


def _touching(one: NDArray[np.int64], other: NDArray[np.int64]) -> set[tuple[int, int]]:
    """Pairs along two lines side by side, straight and aslant."""
    pairs: set[tuple[int, int]] = set()
    n = len(one)
    for shift in (-1, 0, 1):
        a, b = one[max(0, -shift) : n - max(0, shift)], other[max(0, shift) : n - max(0, -shift)]
        both = (a >= 0) & (b >= 0)
        pairs |= set(zip(a[both].tolist(), b[both].tolist(), strict=True))
    return pairs


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def _join(parents: list[int], a: int, b: int) -> None:
    first, second = sorted((_root(parents, a), _root(parents, b)))
    parents[second] = first
