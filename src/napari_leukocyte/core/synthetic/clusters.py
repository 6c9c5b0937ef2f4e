"""Where the cells of a cluster lie: in a chain, in a ring around a gap, or packed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError

from .layout import in_contact, meet, overlap
from .leukocytes import Leukocyte

__all__ = ["ARRANGEMENTS", "place_cluster"]

_TRIES = 60
_SLACK = 0.3  # um by which contacts that close of themselves may be pressed further than asked for
_FEWEST_IN_RING = 3


def place_cluster(
    rng: np.random.Generator, cells: list[Leukocyte], arrangement: str, pressed: tuple[float, float]
) -> list[Leukocyte]:
    """Give the cells of a cluster their places, each in contact with another.

    Parameters
    ----------
    rng : numpy.random.Generator
    cells : list of Leukocyte
        Two or more; their own places are ignored.
    arrangement : str
        One of `ARRANGEMENTS`.
    pressed : tuple of float
        How far (um) two neighbours would reach into each other if they kept their shape: least and most.

    Returns
    -------
    list of Leukocyte
        In the same order, somewhere around the origin.

    Raises
    ------
    LeukocyteError
        For an unknown arrangement, a ring of two, or cells that cannot be arranged so.
    """
    if arrangement not in ARRANGEMENTS:
        raise LeukocyteError(f"Cells lie in a {', a '.join(ARRANGEMENTS)}, not in a {arrangement!r}.")
    if arrangement == "ring" and len(cells) < _FEWEST_IN_RING:
        raise LeukocyteError(f"A ring takes at least {_FEWEST_IN_RING} cells, not {len(cells)}.")
    for _ in range(_TRIES):
        placed = ARRANGEMENTS[arrangement](rng, cells, pressed)
        if placed:
            return placed
    raise LeukocyteError(
        f"These {len(cells)} cells do not close to a {arrangement}: choose another seed or arrangement."
    )


def _chain(rng: np.random.Generator, cells: list[Leukocyte], pressed: tuple[float, float]) -> list[Leukocyte]:
    """One after the other, in a bent line."""
    placed = [replace(cells[0], y=0.0, x=0.0)]
    heading = rng.uniform(0, 2 * np.pi)
    for cell in cells[1:]:
        heading += rng.uniform(-0.9, 0.9)
        new = in_contact(placed[-1], cell, heading, rng.uniform(*pressed))
        if any(overlap(other, new) > pressed[1] + _SLACK for other in placed):
            return []
        placed.append(new)
    return placed


def _ring(rng: np.random.Generator, cells: list[Leukocyte], pressed: tuple[float, float]) -> list[Leukocyte]:
    """One after the other, until the last touches the first."""
    radii = np.array([cell.outline.radius for cell in cells])
    steps = np.append(radii[:-1] + radii[1:], radii[-1] + radii[0]) - 2 * np.mean(pressed)
    start, depths = rng.uniform(0, 2 * np.pi), rng.uniform(*pressed, len(cells))
    tight, wide = steps.max() / 2, steps.sum()
    for _ in range(16):
        # the chords turn through a full circle of the right radius
        radius = (tight + wide) / 2
        turns = 2 * np.arcsin(np.clip(steps / (2 * radius), 0, 1))
        headings = start + np.cumsum(turns) - turns / 2
        placed = [replace(cells[0], y=0.0, x=0.0)]
        for cell, heading, depth in zip(cells[1:], headings, depths, strict=False):
            placed.append(in_contact(placed[-1], cell, heading, depth))
        closing = overlap(placed[-1], placed[0])
        if turns.sum() > 2 * np.pi or closing > depths[-1]:
            tight = radius
        else:
            wide = radius
    beside = [(a, b) for a in range(len(cells)) for b in range(a) if (a - b) % len(cells) in (1, len(cells) - 1)]
    fits = all(pressed[0] - _SLACK / 2 < overlap(placed[a], placed[b]) < pressed[1] + _SLACK for a, b in beside)
    apart = all(overlap(a, b) < pressed[1] + _SLACK for number, a in enumerate(placed) for b in placed[:number])
    return placed if fits and apart else []


def _pack(rng: np.random.Generator, cells: list[Leukocyte], pressed: tuple[float, float]) -> list[Leukocyte]:
    """Each as near to the middle of the others as it can be."""
    placed = [replace(cells[0], y=0.0, x=0.0)]
    for cell in cells[1:]:
        middle = np.mean([(other.y, other.x) for other in placed], axis=0)
        depth = rng.uniform(*pressed)
        found = [
            new
            for anchor in placed
            for angle in rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi, 40, endpoint=False)
            for new in [in_contact(anchor, cell, angle, depth)]
            if not any(meet(other, new, depth + _SLACK) for other in placed)
        ]
        if not found:
            return []
        placed.append(min(found, key=lambda new: float(np.hypot(new.y - middle[0], new.x - middle[1]))))
    return placed


ARRANGEMENTS: dict[str, Callable[[np.random.Generator, list[Leukocyte], tuple[float, float]], list[Leukocyte]]] = {
    "chain": _chain,
    "ring": _ring,
    "pack": _pack,
}
