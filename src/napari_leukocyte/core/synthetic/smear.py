"""Smears drawn from nothing: image, class map and cell labels that agree exactly.

Everything random comes from the seed and is in um, so that one seed gives one smear, at any resolution.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError

from .clusters import ARRANGEMENTS, place_cluster
from .layout import outer_radius, place_leukocytes
from .leukocytes import CELL_TYPES, make_leukocyte
from .scene import Scene, Smear, draw_scene, new_canvas, streams

__all__ = ["FIELD_SHARES", "Smear", "draw_cell", "draw_cluster", "draw_field", "draw_stack"]

_UM2_PER_CELL = 2600.0  # glass for each white cell of a field, unless told otherwise
_CLUSTER_MARGIN = 6.0  # um of smear around a cluster
# How often each type is drawn in a field: rarer types more often than in blood, so that all are seen.
FIELD_SHARES = {"neutrophil": 0.42, "lymphocyte": 0.27, "monocyte": 0.14, "eosinophil": 0.11, "basophil": 0.06}


def draw_cell(
    *,
    seed: int,
    cell_type: str | None = None,
    size: tuple[int, int] = (480, 480),
    px_per_um: float = 10.2,
    stain: str | None = None,
) -> Smear:
    """Draw one white cell in the middle, among red cells and platelets.

    Parameters
    ----------
    seed : int
        0 or more.
    cell_type : str, optional
        "neutrophil", "eosinophil", "basophil", "lymphocyte", "monocyte" or "blast"; None draws one of the first five.
    size : tuple of int
        Height and width, px.
    px_per_um : float
        At least 1.
    stain : str, optional
        A key of `napari_leukocyte.core.synthetic.stain.STAINS`; None draws one.

    Returns
    -------
    Smear

    Raises
    ------
    LeukocyteError
        For an impossible size, resolution or seed, an unknown cell type or stain.
    """
    canvas = new_canvas(size, px_per_um)
    shape_rng, rng = streams(seed, 2)
    y, x = (length / 2 + shape_rng.uniform(-0.02, 0.02) * length for length in canvas.extent)
    cell = make_leukocyte(shape_rng, cell_type, dents=_dents(rng), y=y, x=x)
    return draw_scene(canvas, Scene([cell], bare=True), rng, stain)


def draw_field(
    *,
    seed: int,
    size: tuple[int, int] = (1000, 1500),
    px_per_um: float = 10.2,
    n_cells: int | None = None,
    stain: str | None = None,
) -> Smear:
    """Draw a field with several white cells.

    With four cells or more, cell 1 is cut by the frame and cells 2 and 3 touch. All others lie apart and whole.

    Parameters
    ----------
    seed, size, px_per_um, stain
        As for `draw_cell`.
    n_cells : int, optional
        How many; None takes one for each 2600 um2, fewer if there is no room.

    Returns
    -------
    Smear

    Raises
    ------
    LeukocyteError
        As for `draw_cell`, and if the cells do not fit.
    """
    canvas = new_canvas(size, px_per_um)
    if n_cells is not None and n_cells < 1:
        raise LeukocyteError(f"A field needs at least 1 white cell, not {n_cells}.")
    shape_rng, rng = streams(seed, 2)
    height, width = canvas.extent
    wanted = max(1, round(height * width / _UM2_PER_CELL)) if n_cells is None else n_cells
    types = shape_rng.choice(list(FIELD_SHARES), size=wanted, p=list(FIELD_SHARES.values()))
    cells = [make_leukocyte(shape_rng, str(name), dents=_dents(rng)) for name in types]
    placed = place_leukocytes(shape_rng, cells, canvas.extent, exactly=n_cells is not None)
    return draw_scene(canvas, Scene(placed), rng, stain)


def draw_cluster(
    *,
    seed: int,
    cell_types: Sequence[str] | int,
    n_lobes: Sequence[int | None] | None = None,
    arrangement: str | None = None,
    pressed: tuple[float, float] = (0.2, 1.0),
    px_per_um: float = 10.2,
    stain: str | None = None,
) -> Smear:
    """Draw white cells in contact, in a frame that holds them all with 6 um around.

    Parameters
    ----------
    seed, px_per_um, stain
        As for `draw_cell`.
    cell_types : sequence of str, or int
        The type of each cell, two or more; or how many cells, their types as mixed as in a field. Cell labels
        follow this order.
    n_lobes : sequence, optional
        Lobes of each cell's nucleus, for neutrophils 1 (a band) to 6; None where the type decides.
    arrangement : str, optional
        "chain", "ring" (three or more) or "pack"; None draws one.
    pressed : tuple of float
        How far (um) two neighbours would reach into each other if they kept their shape: least and most. They
        flatten each other, and the border runs halfway.

    Returns
    -------
    Smear

    Raises
    ------
    LeukocyteError
        As for `draw_cell`, for fewer than two cells, lobes that do not fit the types, or an impossible arrangement.
    """
    scale = new_canvas((1, 1), px_per_um).px_per_um
    shape_rng, rng = streams(seed, 2)
    if isinstance(cell_types, int):
        count = cell_types
        types = [str(name) for name in shape_rng.choice(list(FIELD_SHARES), size=count, p=list(FIELD_SHARES.values()))]
    else:
        count, types = len(cell_types), list(cell_types)
    lobes = [None] * count if n_lobes is None else list(n_lobes)
    if count < 2:
        raise LeukocyteError(f"A cluster needs at least 2 white cells, not {count}.")
    if len(lobes) != count:
        raise LeukocyteError(f"Give a number of lobes (or None) for each of the {count} cells, not for {len(lobes)}.")
    cells = [make_leukocyte(shape_rng, name, n_lobes=number) for name, number in zip(types, lobes, strict=True)]
    drawn = str(shape_rng.choice([name for name in ARRANGEMENTS if name != "ring" or count > 2]))
    cells = place_cluster(shape_rng, cells, drawn if arrangement is None else arrangement, pressed)
    top = min(cell.y - outer_radius(cell) for cell in cells) - _CLUSTER_MARGIN
    left = min(cell.x - outer_radius(cell) for cell in cells) - _CLUSTER_MARGIN
    cells = [replace(cell, y=cell.y - top, x=cell.x - left) for cell in cells]
    height = max(cell.y + outer_radius(cell) for cell in cells) + _CLUSTER_MARGIN
    width = max(cell.x + outer_radius(cell) for cell in cells) + _CLUSTER_MARGIN
    canvas = new_canvas((round(height * scale), round(width * scale)), scale)
    return draw_scene(canvas, Scene(cells), rng, stain)


def draw_stack(*, seed: int, n: int = 8, size: tuple[int, int] = (300, 300), px_per_um: float = 10.2) -> list[Smear]:
    """Draw a stack of unrelated one-cell images with mixed cell types and stains.

    Parameters
    ----------
    seed, size, px_per_um
        As for `draw_cell`.
    n : int
        Number of planes; five or more hold every cell type.

    Returns
    -------
    list of Smear
        One a plane.

    Raises
    ------
    LeukocyteError
        As for `draw_cell`, and if `n` is below 1.
    """
    if n < 1:
        raise LeukocyteError(f"A stack needs at least 1 plane, not {n}.")
    (rng,) = streams(seed, 1)
    types: list[str] = []
    while len(types) < n:
        types += [str(name) for name in rng.permutation(CELL_TYPES)]
    seeds = [int(value) for value in rng.integers(2**32, size=n)]
    return [
        draw_cell(seed=plane_seed, cell_type=name, size=size, px_per_um=px_per_um)
        for plane_seed, name in zip(seeds, types, strict=False)
    ]


def _dents(rng: np.random.Generator) -> int:
    """How many red cells press into a white one: mostly none."""
    return int(rng.choice(6, p=(0.5, 0.14, 0.14, 0.12, 0.07, 0.03)))
