"""Where the white cells of a field lie: apart, one pair in contact, one cut by the frame."""

from dataclasses import replace

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError

from .leukocytes import Leukocyte

__all__ = ["in_contact", "place_leukocytes"]

_PRESSED = 0.25  # um that each of two touching cells would reach into the other
_APART = 2.0  # um at least between cells that do not touch
_TRIES = 400


def in_contact(first: Leukocyte, second: Leukocyte, angle: float) -> Leukocyte:
    """Return the second cell, moved to touch the first in the direction `angle` (radians, from x to y)."""
    axis = np.arange(-2.0, 2.01, 0.02) * first.outline.radius
    y = (first.outline.radius * np.sin(angle) + axis).astype(np.float32)[:, None]
    x = (first.outline.radius * np.cos(angle) + axis).astype(np.float32)[None, :]
    near, far = 0.0, 2.0 * (first.outline.radius + second.outline.radius)
    depth = first.outline.depth(y, x)
    for _ in range(16):
        distance = (near + far) / 2
        other = second.outline.moved(distance * np.sin(angle), distance * np.cos(angle))
        if np.minimum(depth, other.depth(y, x)).max() > _PRESSED:
            near = distance
        else:
            far = distance
    return replace(second, y=first.y + near * np.sin(angle), x=first.x + near * np.cos(angle))


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
            moved = _cut(rng, group[0], extent) if cut else _whole(rng, group, extent)
            if moved and all(_clear(a, b) for a in moved for b in placed):
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


def _radius(cell: Leukocyte) -> float:
    """Radius that holds all of the cell, with its bumps and ruffles."""
    return cell.outline.radius * (1 + sum(abs(a) for _, a, _ in cell.outline.harmonics)) + 3 * cell.ruffle


def _clear(a: Leukocyte, b: Leukocyte) -> bool:
    return bool(np.hypot(a.y - b.y, a.x - b.x) > _radius(a) + _radius(b) + _APART)


def _whole(rng: np.random.Generator, group: list[Leukocyte], extent: tuple[float, float]) -> list[Leukocyte] | None:
    """Put cells that keep their distance from each other wholly inside the frame; None if they cannot be."""
    if len(group) == 1:
        group = [replace(group[0], y=0.0, x=0.0)]
    low = [max(_radius(c) - where for c, where in zip(group, axis, strict=True)) for axis in _places(group)]
    high = [
        length - max(_radius(c) + where for c, where in zip(group, axis, strict=True))
        for length, axis in zip(extent, _places(group), strict=True)
    ]
    if low[0] > high[0] or low[1] > high[1]:
        return None
    dy, dx = float(rng.uniform(low[0], high[0])), float(rng.uniform(low[1], high[1]))
    return [replace(cell, y=cell.y + dy, x=cell.x + dx) for cell in group]


def _places(group: list[Leukocyte]) -> tuple[list[float], list[float]]:
    return [cell.y for cell in group], [cell.x for cell in group]


def _cut(rng: np.random.Generator, cell: Leukocyte, extent: tuple[float, float]) -> list[Leukocyte]:
    """Put a cell across one side of the frame, its centre inside, with more than a sliver left."""
    side = int(rng.integers(4))
    inside = float(rng.uniform(0.0, 0.6)) * cell.outline.radius
    along = float(rng.uniform(0.2, 0.8))
    y, x = along * extent[0], along * extent[1]
    if side < 2:
        y = inside if side == 0 else extent[0] - inside
    else:
        x = inside if side == 2 else extent[1] - inside
    return [replace(cell, y=y, x=x)]
