"""The eight difficulty classes of the thesis (section 3.4), each on demand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.errors import LeukocyteError

from .clusters import ARRANGEMENTS, place_cluster
from .layout import cut_by_frame, far_apart, outer_radius
from .leukocytes import CELL_TYPES, Leukocyte, make_leukocyte
from .platelets import Platelet, adjacent_platelets, make_platelet, platelet_cluster
from .scene import Scene, Smear, draw_scene, new_canvas, streams
from .stain import Stain
from .variants import make_smudge, pale, with_pseudopods, with_rim_vacuoles, with_threads

__all__ = ["draw_difficulty"]

Extent = tuple[float, float]

_TRIES = 60
_CLEAR = 1.2  # um of glass around white cells that have no platelet on them
_PRESSED = (0.1, 1.0)  # um that two touching cells reach into each other


class _NoRoomError(Exception):
    """The frame cannot hold what was drawn for it; another draw may fit."""


def draw_difficulty(
    difficulty: int,
    *,
    seed: int,
    size: tuple[int, int] = (480, 480),
    px_per_um: float = 10.2,
    stain: str | Stain | None = None,
) -> Smear:
    """Draw a smear of one difficulty class.

    Parameters
    ----------
    difficulty : int
        1 one cell that is easy to segment; 2 several whole cells, apart; 3 cells cut by the frame, apart; 4 a
        difficult cell: pale or scant cytoplasm, blurred, vacuoles at the rim, pseudopods, threads or a blast;
        5 platelets on the cell; 6 a smudge cell; 7 platelets and no white cell; 8 white cells in contact.
    seed : int
        0 or more.
    size : tuple of int
        Height and width, px.
    px_per_um : float
        At least 1.
    stain : str or Stain, optional
        A key of `napari_leukocyte.core.synthetic.stain.STAINS`, or a stain of one's own; None draws one.

    Returns
    -------
    Smear

    Raises
    ------
    LeukocyteError
        For an unknown class or stain, an impossible seed or resolution, or a frame without room for the class.
    """
    if difficulty not in DIFFICULTIES:
        raise LeukocyteError(f"The difficulty classes are 1 to 8, and {difficulty} is none of them.")
    canvas = new_canvas(size, px_per_um)
    shape_rng, rng = streams(seed, 2, difficulty)
    for _ in range(_TRIES):
        try:
            scene = _SCENES[difficulty](shape_rng, canvas.extent)
        except _NoRoomError:
            continue
        return draw_scene(canvas, scene, rng, stain, difficulty=difficulty)
    raise LeukocyteError(
        f"A frame of {canvas.extent[0]:.0f} x {canvas.extent[1]:.0f} um has no room for difficulty class {difficulty} "
        f"({DIFFICULTIES[difficulty]}); ask for a larger image or fewer px/um."
    )


def _easy(rng: np.random.Generator, extent: Extent) -> Scene:
    return Scene([_central(rng, _usual(rng), extent)], clear=_CLEAR, focused=True)


def _several(rng: np.random.Generator, extent: Extent) -> Scene:
    cells = _beside(rng, [], int(rng.choice((2, 3, 4), p=(0.6, 0.3, 0.1))), extent)
    return Scene(cells, clear=_CLEAR, focused=True)


def _half(rng: np.random.Generator, extent: Extent) -> Scene:
    cells = [_central(rng, _usual(rng), extent)]
    for _ in range(int(rng.choice((1, 2, 3), p=(0.6, 0.3, 0.1)))):
        cells.append(_placed(cells, lambda: cut_by_frame(rng, _usual(rng), extent, shown=(-0.5, 0.6))))
    return Scene(cells, clear=_CLEAR, focused=True)


def _difficult(rng: np.random.Generator, extent: Extent) -> Scene:
    features = list(_FEATURES)
    cell = _FEATURES[features[int(rng.integers(len(features)))]](rng)
    cell, focused = (_usual(rng), False) if cell is None else (cell, True)
    return Scene([_central(rng, cell, extent)], clear=_CLEAR, focused=focused)


def _with_platelets(rng: np.random.Generator, extent: Extent) -> Scene:
    cell = _central(rng, _usual(rng), extent)
    return Scene([cell], adjacent_platelets(rng, cell, int(rng.integers(1, 5))))


def _smudge(rng: np.random.Generator, extent: Extent) -> Scene:
    y, x = _middle(rng, extent)
    return Scene([make_smudge(rng, y=y, x=x)])


def _platelets(rng: np.random.Generator, extent: Extent) -> Scene:
    y, x = _middle(rng, extent)
    kind = rng.random()
    if kind < 0.25:
        found: list[Platelet] = [make_platelet(rng, y, x)]
    elif kind < 0.55:
        found = [make_platelet(rng, y, x, giant=True)]
    else:
        found = platelet_cluster(rng, y, x, int(rng.integers(4, 26)))
    return Scene((), found)


def _touching(rng: np.random.Generator, extent: Extent) -> Scene:
    count = int(rng.choice((2, 3, 4, 5, 6), p=(0.5, 0.22, 0.14, 0.08, 0.06)))
    arrangement = str(rng.choice([name for name in ARRANGEMENTS if name != "ring" or count > 2]))
    try:
        cells = place_cluster(rng, [_usual(rng, dents=False) for _ in range(count)], arrangement, _PRESSED)
    except LeukocyteError as error:  # these cells do not close to a ring
        raise _NoRoomError from error
    low = [min(at - outer_radius(cell) for cell, at in _along(cells, axis)) for axis in (0, 1)]
    high = [max(at + outer_radius(cell) for cell, at in _along(cells, axis)) for axis in (0, 1)]
    slack = [length - (top - bottom) for length, bottom, top in zip(extent, low, high, strict=True)]
    if min(slack) < 0 or rng.random() < 0.2:  # the first lies in the middle, its neighbours may be cut by the frame
        first = _central(rng, cells[0], extent)
        dy, dx = first.y - cells[0].y, first.x - cells[0].x
        return Scene([replace(cell, y=cell.y + dy, x=cell.x + dx) for cell in cells])
    dy, dx = (-bottom + free * float(rng.uniform(0.3, 0.7)) for bottom, free in zip(low, slack, strict=True))
    return Scene([replace(cell, y=cell.y + dy, x=cell.x + dx) for cell in cells])


_SCENES: dict[int, Callable[[np.random.Generator, Extent], Scene]] = {
    1: _easy,
    2: _several,
    3: _half,
    4: _difficult,
    5: _with_platelets,
    6: _smudge,
    7: _platelets,
    8: _touching,
}


def _scant(rng: np.random.Generator) -> Leukocyte:
    return make_leukocyte(rng, "lymphocyte", ratio=float(rng.uniform(0.10, 0.28)))


def _pseudopods(rng: np.random.Generator) -> Leukocyte:
    name = str(rng.choice(("monocyte", "lymphocyte", "neutrophil")))
    return with_pseudopods(rng, make_leukocyte(rng, name), int(rng.integers(1, 5)))


def _threads(rng: np.random.Generator) -> Leukocyte:
    name = str(rng.choice(("lymphocyte", "monocyte", "blast")))
    return with_threads(rng, make_leukocyte(rng, name), int(rng.integers(1, 6)))


def _vacuoles(rng: np.random.Generator) -> Leukocyte:
    name = str(rng.choice(("monocyte", "neutrophil", "lymphocyte", "blast")))
    return with_rim_vacuoles(rng, make_leukocyte(rng, name), int(rng.integers(1, 5)))


# What makes the cell of class 4 difficult; None is a usual cell out of focus.
_FEATURES: dict[str, Callable[[np.random.Generator], Leukocyte | None]] = {
    "pale": lambda rng: pale(rng, _usual(rng)),
    "scant": _scant,
    "blurred": lambda _: None,
    "vacuoles": _vacuoles,
    "pseudopods": _pseudopods,
    "threads": _threads,
    "blast": lambda rng: make_leukocyte(rng, "blast"),
    "squeezed": lambda rng: make_leukocyte(rng, _type(rng), dents=int(rng.integers(4, 7))),
}


def _type(rng: np.random.Generator) -> str:
    return str(rng.choice(CELL_TYPES, p=(0.34, 0.14, 0.08, 0.26, 0.18)))


def _usual(rng: np.random.Generator, *, dents: bool = True) -> Leukocyte:
    pressed = int(rng.choice(4, p=(0.55, 0.2, 0.15, 0.1)))
    return make_leukocyte(rng, _type(rng), dents=pressed if dents else 0)


def _middle(rng: np.random.Generator, extent: Extent) -> tuple[float, float]:
    y, x = (length / 2 + float(rng.uniform(-0.03, 0.03)) * length for length in extent)
    return y, x


def _central(rng: np.random.Generator, cell: Leukocyte, extent: Extent) -> Leukocyte:
    """Put a cell in the middle of the frame, whole."""
    y, x = _middle(rng, extent)
    placed = replace(cell, y=y, x=x)
    reach = outer_radius(placed)
    if min(y, x, extent[0] - y, extent[1] - x) < reach:
        raise _NoRoomError
    return placed


def _beside(rng: np.random.Generator, cells: list[Leukocyte], count: int, extent: Extent) -> list[Leukocyte]:
    """Add `count` whole cells apart from the others and from each other."""
    placed = list(cells)
    for _ in range(count):
        placed.append(_placed(placed, lambda: _anywhere(rng, _usual(rng), extent)))
    return placed


def _placed(others: list[Leukocyte], draw: Callable[[], Leukocyte]) -> Leukocyte:
    """Draw a cell that lies apart from the others."""
    for _ in range(_TRIES):
        cell = draw()
        if all(far_apart(cell, other) for other in others):
            return cell
    raise _NoRoomError


def _anywhere(rng: np.random.Generator, cell: Leukocyte, extent: Extent) -> Leukocyte:
    reach = outer_radius(cell)
    if min(extent) < 2 * reach:
        raise _NoRoomError
    y, x = (float(rng.uniform(reach, length - reach)) for length in extent)
    return replace(cell, y=y, x=x)


def _along(cells: list[Leukocyte], axis: int) -> list[tuple[Leukocyte, float]]:
    return [(cell, (cell.y, cell.x)[axis]) for cell in cells]
