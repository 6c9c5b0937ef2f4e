"""Where the white cells of a field lie: apart, one pair in contact, one cut by the frame."""

from dataclasses import replace

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError

from .leukocytes import Leukocyte
from .shapes import FloatArray

__all__ = ["cut_by_frame", "far_apart", "in_contact", "meet", "outer_radius", "overlap", "place_leukocytes"]

_PRESSED = 0.25  # um that each of two touching cells would reach into the other
_APART = 2.0  # um at least between cells that do not touch
_TRIES = 400


def in_contact(first: Leukocyte, second: Leukocyte, angle: float, pressed: float = _PRESSED) -> Leukocyte:
    """Return the second cell, moved to touch the first in the direction `angle` (radians, from x to y).

    Each of the two would reach `pressed` um into the other if both kept their shape.
    """
    near, far = 0.0, 2.0 * (first.outline.radius + second.outline.radius)
    outline = second.outline.points()
    while far - near > 0.01:
        distance = (near + far) / 2
        moved = replace(second, y=first.y + distance * np.sin(angle), x=first.x + distance * np.cos(angle))
        if _overlap(first, moved, outline) > pressed:
            near = distance
        else:
            far = distance
    return replace(second, y=first.y + near * np.sin(angle), x=first.x + near * np.cos(angle))


def overlap(first: Leukocyte, second: Leukocyte) -> float:
    """Return how far (um) each of two cells reaches into the other; negative: half the gap between them."""
    return _overlap(first, second, second.outline.points())


def meet(first: Leukocyte, second: Leukocyte, limit: float) -> bool:
    """Whether each of two cells reaches `limit` um (0 or more) or further into the other."""
    if np.hypot(second.y - first.y, second.x - first.x) > outer_radius(first) + outer_radius(second):
        return False
    return overlap(first, second) >= limit


def _overlap(first: Leukocyte, second: Leukocyte, outline: tuple[FloatArray, FloatArray]) -> float:
    """`overlap`, given the outline of the second around its own centre."""
    dy, dx = np.float32(second.y - first.y), np.float32(second.x - first.x)
    near = np.hypot(dy, dx) < first.outline.radius + second.outline.radius
    if near and second.outline.depth(np.array([-dy]), np.array([-dx]))[0] > 0:  # it lies over the middle of the first
        return first.outline.radius / 2
    y, x = outline
    return float(first.outline.depth(y + dy, x + dx).max()) / 2


def place_leukocytes(
    rng: np.random.Generator, cells: list[Leukocyte], extent: tuple[float, float], *, exactly: bool
) -> list[Leukocyte]:
    """Give the cells of a field their places.

    With four cells or more the first is cut by the frame and the next two touch. All others lie whole in the frame,
    at least 2 um apart.

    Parameters
    ----------
    rng : numpy.random.Generator
    cells : list of Leukocyte
        Their own places are ignored.
    extent : tuple of float
        Height and width of the frame, um.
    exactly : bool
        Whether cells without room are an error; otherwise they are left out.

    Returns
    -------
    list of Leukocyte

    Raises
    ------
    LeukocyteError
        If the cells do not fit, or not even one does.
    """
    groups: list[list[Leukocyte]] = [[cell] for cell in cells]
    special = len(cells) >= 4
    if special:
        pair = [cells[1], in_contact(cells[1], replace(cells[2]), rng.uniform(0, 2 * np.pi))]
        pair[1] = replace(pair[1], y=pair[1].y - cells[1].y, x=pair[1].x - cells[1].x)
        groups = [[cells[0]], [replace(cells[1], y=0.0, x=0.0), pair[1]], *[[cell] for cell in cells[3:]]]
    placed: list[Leukocyte] = []
    for number, group in enumerate(groups):
        for _ in range(_TRIES):
            cut = special and number == 0
            moved = [cut_by_frame(rng, group[0], extent)] if cut else _whole(rng, group, extent)
            if moved and all(far_apart(a, b) for a in moved for b in placed):
                placed += moved
                break
        else:
            if exactly:
                raise LeukocyteError(
                    f"{len(cells)} white cells do not fit into {extent[0]:.0f} x {extent[1]:.0f} um; "
                    "ask for fewer cells or a larger image."
                )
    if not placed:
        raise LeukocyteError(
            f"A frame of {extent[0]:.0f} x {extent[1]:.0f} um has no room for a white cell; ask for a larger image."
        )
    return placed


def outer_radius(cell: Leukocyte) -> float:
    """Radius that holds all of the cell, with its bumps, ruffles and arms."""
    round_about = cell.outline.radius * (1 + sum(abs(a) for _, a, _ in cell.outline.harmonics))
    return max(round_about, *(arm.reach for arm in cell.arms), 0.0) + 3 * cell.ruffle


def far_apart(a: Leukocyte, b: Leukocyte) -> bool:
    """Whether 2 um of glass at least lie between two cells."""
    return bool(np.hypot(a.y - b.y, a.x - b.x) > outer_radius(a) + outer_radius(b) + _APART)


def _whole(rng: np.random.Generator, group: list[Leukocyte], extent: tuple[float, float]) -> list[Leukocyte] | None:
    """Put cells that keep their distance from each other wholly inside the frame; None if they cannot be."""
    if len(group) == 1:
        group = [replace(group[0], y=0.0, x=0.0)]
    low = [max(outer_radius(c) - where for c, where in zip(group, axis, strict=True)) for axis in _places(group)]
    high = [
        length - max(outer_radius(c) + where for c, where in zip(group, axis, strict=True))
        for length, axis in zip(extent, _places(group), strict=True)
    ]
    if low[0] > high[0] or low[1] > high[1]:
        return None
    dy, dx = float(rng.uniform(low[0], high[0])), float(rng.uniform(low[1], high[1]))
    return [replace(cell, y=cell.y + dy, x=cell.x + dx) for cell in group]


def _places(group: list[Leukocyte]) -> tuple[list[float], list[float]]:
    return [cell.y for cell in group], [cell.x for cell in group]


def cut_by_frame(
    rng: np.random.Generator, cell: Leukocyte, extent: tuple[float, float], *, shown: tuple[float, float] = (0.0, 0.6)
) -> Leukocyte:
    """Put a cell across one side of the frame.

    Its centre lies `shown` (least and most, in its radii; above -1) inside that side.
    """
    side = int(rng.integers(4))
    inside = float(rng.uniform(*shown)) * cell.outline.radius
    along = float(rng.uniform(0.2, 0.8))
    y, x = along * extent[0], along * extent[1]
    if side < 2:
        y = inside if side == 0 else extent[0] - inside
    else:
        x = inside if side == 2 else extent[1] - inside
    return replace(cell, y=y, x=x)
