"""Class maps damaged in the ways in which maps go wrong, at the working resolution of the network."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["CELL", "another_opinion", "damage_cell", "false_cell"]

CELL = 3
"""Value of a cell's pixel whose part is not known; beside 0 background, 1 cytoplasm, 2 nucleus."""

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_OUTLINE = 3.6  # px: 0.6 um
_RIM = (1.0, 2.4)  # px by which one expert's outline lies beside another's
_LEAK = (6, 24)  # px of its radii: 1 to 4 um


def damage_cell(classes: Map, cell: Mask, rng: np.random.Generator) -> Map:
    """Return the map with one or two things wrong in the cell (Y, X); other cells keep their pixels."""
    damaged = classes.copy()
    known = bool((classes[cell] != CELL).any())
    ways = [_outline, _outline, _leak, _half_missing, _shifted]
    ways += [_granules, _granules, _lobe_lost, _nucleus_outline, _one_class] if known else []
    for i in rng.choice(len(ways), size=int(rng.integers(1, 3)), replace=False):
        ways[int(i)](damaged, cell, (classes > 0) & ~cell, rng)
    return damaged


def another_opinion(classes: Map, cell: Mask, rng: np.random.Generator, *, thin_rims: bool = False) -> Map:
    """Return the map as someone else might want it: a part more or less to the nucleus or to the cell.

    With ``thin_rims`` most often an outline a pixel or two further in or out, all along it: experts differ so.
    """
    wanted = classes.copy()
    known = bool((classes[cell] != CELL).any())
    ways = [_leak, _half_missing, *([_rim, _rim] if thin_rims else [_outline])]
    if known:
        ways += [_granules, _granules, _lobe_lost, *([_nucleus_rim] * 3 if thin_rims else [])]
    ways[int(rng.integers(len(ways)))](wanted, cell, (classes > 0) & ~cell, rng)
    return wanted


def false_cell(classes: Map, image: NDArray[np.float32], rng: np.random.Generator) -> tuple[Map, Mask]:
    """Return the map with a cell set where there is none, on something dark more often, and the area it has.

    ``image`` is (3, Y, X) in 0-1. The area is empty where there was no room.
    """
    damaged = classes.copy()
    ys, xs = np.nonzero(classes == 0)
    if not len(ys):
        return damaged, np.zeros(classes.shape, np.bool_)
    some = rng.integers(len(ys), size=6)
    i = int(some[image[:, ys[some], xs[some]].sum(axis=0).argmin()])
    area = _blob(classes.shape, (ys[i], xs[i]), rng.uniform(8, 24), rng) & (classes == 0)
    damaged[area] = 1
    if rng.random() < 0.5:
        damaged[_grown(area, -rng.uniform(2, 8))] = 2
    return damaged, area


def _grown(mask: Mask, px: float) -> Mask:
    """The mask with its outline moved outwards, below 0 inwards."""
    if px >= 0:
        outward: Mask = ndimage.distance_transform_edt(~mask) <= px if mask.any() else mask
        return outward
    inward: Mask = ndimage.distance_transform_edt(mask) > -px
    return inward


def _side(cell: Mask, rng: np.random.Generator, within: float) -> Mask:
    """One side of a line through the cell, at most ``within`` of its radius beside its middle."""
    y, x = np.indices(cell.shape)
    cy, cx = ndimage.center_of_mass(cell)
    angle = rng.uniform(0, 2 * np.pi)
    offset = rng.uniform(-within, within) * np.sqrt(cell.sum() / np.pi)
    side: Mask = (y - cy) * np.sin(angle) + (x - cx) * np.cos(angle) > offset
    return side


def _blob(shape: tuple[int, ...], at: tuple[int, int], radius: float, rng: np.random.Generator) -> Mask:
    """An ellipse with a wavering edge."""
    y, x = np.indices(shape)
    dy, dx = y - at[0], x - at[1]
    angle, axes = rng.uniform(0, np.pi), rng.uniform(0.6, 1.2, 2) * radius
    u = (dy * np.sin(angle) + dx * np.cos(angle)) / axes[0]
    v = (dy * np.cos(angle) - dx * np.sin(angle)) / axes[1]
    turn = np.arctan2(v, u)
    edge = 1 + sum(rng.uniform(0, 0.3 / k) * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5))
    blob: Mask = u**2 + v**2 <= edge**2
    return blob


def _value(damaged: Map, cell: Mask) -> int:
    """What new pixels of the cell become."""
    return CELL if bool((damaged[cell] == CELL).any()) else 1


def _outline(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    px = float(rng.choice([-1, 1]) * rng.uniform(1, _OUTLINE))
    where = _side(cell, rng, 0.5) if rng.random() < 0.5 else np.ones_like(cell)
    moved = _grown(cell, px)
    damaged[cell & ~moved & where] = 0
    damaged[moved & ~cell & ~others & where] = _value(damaged, cell)


def _rim(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    moved = _grown(cell, float(rng.choice([-1, 1]) * rng.uniform(*_RIM)))
    damaged[cell & ~moved] = 0
    damaged[moved & ~cell & ~others] = _value(damaged, cell)


def _nucleus_rim(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    del others
    nucleus = cell & (damaged == 2)
    moved = _grown(nucleus, float(rng.choice([-1, 1]) * rng.uniform(*_RIM)))
    damaged[nucleus & ~moved] = 1
    damaged[moved & cell & (damaged == 1)] = 2


def _leak(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    ys, xs = np.nonzero(_grown(cell, 1) & ~cell)
    if not len(ys):
        return
    i = int(rng.integers(len(ys)))
    cy, cx = ndimage.center_of_mass(cell)
    way = np.array([ys[i] - cy, xs[i] - cx])
    radius = rng.uniform(*_LEAK)
    at = np.array([ys[i], xs[i]]) + way / max(1e-6, float(np.hypot(*way))) * radius * rng.uniform(0.2, 0.9)
    blob = _blob(cell.shape, (int(at[0]), int(at[1])), radius, rng)
    damaged[blob & ~cell & ~others] = _value(damaged, cell)


def _half_missing(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    del others
    damaged[cell & _side(cell, rng, 0.6)] = 0


def _shifted(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    by = rng.integers(-4, 5, 2)
    own = ndimage.shift(np.where(cell, damaged, 0), by, order=0)
    damaged[cell] = 0
    free = (own > 0) & ~others
    damaged[free] = own[free]


def _granules(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    """A nucleus that swallowed granules."""
    del others
    cytoplasm = damaged == 1
    nucleus = cell & (damaged == 2)
    ys, xs = np.nonzero(cell & cytoplasm & (_grown(nucleus, 4) if nucleus.any() else cell))
    if not len(ys):
        return
    for _ in range(int(rng.integers(1, 4))):
        i = int(rng.integers(len(ys)))
        damaged[_blob(cell.shape, (ys[i], xs[i]), rng.uniform(2, 9), rng) & cell & cytoplasm] = 2


def _lobe_lost(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    del others
    nucleus = cell & (damaged == 2)
    labels, count = ndimage.label(nucleus)
    if count > 1 and rng.random() < 0.7:
        damaged[labels == int(rng.integers(1, count + 1))] = 1
    elif count:
        damaged[nucleus & _side(nucleus, rng, 0.7)] = 1


def _nucleus_outline(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    del others
    nucleus = cell & (damaged == 2)
    moved = _grown(nucleus, float(rng.choice([-1, 1]) * rng.uniform(1, 5)))
    damaged[nucleus & ~moved] = 1
    damaged[moved & cell & (damaged == 1)] = 2


def _one_class(damaged: Map, cell: Mask, others: Mask, rng: np.random.Generator) -> None:
    """A cell without a nucleus, or all nucleus."""
    del others
    damaged[cell & (damaged > 0)] = int(rng.integers(1, 3))
