"""Smears drawn from nothing: image, class map and cell labels that agree exactly.

Everything random comes from the seed and is in um, so that one seed gives one smear, at any resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError

from .canvas import Canvas, Window
from .chromatin import chromatin_density
from .clusters import ARRANGEMENTS, place_cluster
from .cytoplasm import cytoplasm_density, overlay_granules
from .layout import outer_radius, place_leukocytes
from .leukocytes import CELL_TYPES, Leukocyte, depths, make_leukocyte
from .optics import choose_optics, photograph
from .platelets import draw_platelets
from .red_cells import draw_red_cells, place_red_cells
from .shapes import FloatArray, soft_edge
from .stain import Stain, choose_stain

__all__ = ["Smear", "draw_cell", "draw_cluster", "draw_field", "draw_stack"]

_EDGE = 0.3  # um over which an outline fades
_RIM = 0.25  # um of cytoplasm at least between nucleus and outline
_UM2_PER_CELL = 2600.0  # glass for each white cell of a field, unless told otherwise
_CLUSTER_MARGIN = 6.0  # um of smear around a cluster
_COARSEST = 1.0  # px/um; below it a cell is too few pixels for nucleus and cytoplasm
# How often each type is drawn in a field: rarer types more often than in blood, so that all are seen.
_FIELD_SHARES = {"neutrophil": 0.42, "lymphocyte": 0.27, "monocyte": 0.14, "eosinophil": 0.11, "basophil": 0.06}


@dataclass(frozen=True)
class Smear:
    """A drawn smear.

    Attributes
    ----------
    image : (Y, X, 3) uint8 array
    classes : (Y, X) uint8 array
        0 background, 1 cytoplasm, 2 nucleus.
    cells : (Y, X) int32 array
        0 background, 1..n the cell each pixel belongs to.
    pixel_size : float
        um per px.
    """

    image: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]
    cells: npt.NDArray[np.int32]
    pixel_size: float


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
        "neutrophil", "eosinophil", "basophil", "lymphocyte" or "monocyte"; None draws one.
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
    canvas = _new_canvas(size, px_per_um)
    shape_rng, rng = _streams(seed, 2)
    y, x = (length / 2 + shape_rng.uniform(-0.02, 0.02) * length for length in canvas.extent)
    cell = make_leukocyte(shape_rng, cell_type, y=y, x=x)
    return _draw(canvas, [cell], rng, stain)


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
    canvas = _new_canvas(size, px_per_um)
    if n_cells is not None and n_cells < 1:
        raise LeukocyteError(f"A field needs at least 1 white cell, not {n_cells}.")
    shape_rng, rng = _streams(seed, 2)
    height, width = canvas.extent
    wanted = max(1, round(height * width / _UM2_PER_CELL)) if n_cells is None else n_cells
    types = shape_rng.choice(list(_FIELD_SHARES), size=wanted, p=list(_FIELD_SHARES.values()))
    cells = [make_leukocyte(shape_rng, str(name)) for name in types]
    return _draw(canvas, place_leukocytes(shape_rng, cells, canvas.extent, exactly=n_cells is not None), rng, stain)


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
    scale = _check_resolution(px_per_um)
    shape_rng, rng = _streams(seed, 2)
    if isinstance(cell_types, int):
        count = cell_types
        types = [
            str(name) for name in shape_rng.choice(list(_FIELD_SHARES), size=count, p=list(_FIELD_SHARES.values()))
        ]
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
    canvas = _new_canvas((round(height * scale), round(width * scale)), scale)
    return _draw(canvas, cells, rng, stain)


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
    (rng,) = _streams(seed, 1)
    types: list[str] = []
    while len(types) < n:
        types += [str(name) for name in rng.permutation(CELL_TYPES)]
    seeds = [int(value) for value in rng.integers(2**32, size=n)]
    return [
        draw_cell(seed=plane_seed, cell_type=name, size=size, px_per_um=px_per_um)
        for plane_seed, name in zip(seeds, types, strict=False)
    ]


def _new_canvas(size: tuple[int, int], px_per_um: float) -> Canvas:
    """Check size and resolution, and return an empty canvas."""
    if len(size) != 2 or min(size) < 1:
        raise LeukocyteError(f"The image size must be height and width of at least 1 px each, not {tuple(size)}.")
    return Canvas((int(size[0]), int(size[1])), _check_resolution(px_per_um))


def _check_resolution(px_per_um: float) -> float:
    if not (np.isfinite(px_per_um) and px_per_um >= _COARSEST):
        raise LeukocyteError(f"The resolution must be at least {_COARSEST:g} px per um, not {px_per_um}.")
    return float(px_per_um)


def _streams(seed: int, count: int) -> list[np.random.Generator]:
    """Return independent generators for one seed."""
    if seed < 0:
        raise LeukocyteError(f"The seed must be 0 or more, not {seed}.")
    return np.random.default_rng(seed).spawn(count)


def _draw(canvas: Canvas, cells: list[Leukocyte], rng: np.random.Generator, stain_name: str | None) -> Smear:
    """Draw everything around and in the given white cells, and photograph it."""
    look_rng, place_rng, red_rng, platelet_rng, camera_rng = rng.spawn(5)
    stain = choose_stain(look_rng, stain_name)
    optics = choose_optics(look_rng)
    bare = look_rng.random() < 0.1 and len(cells) == 1  # a crop may lie between red cells, a field cannot
    coverage = look_rng.uniform(0.15, 0.62) * (not bare)
    pressed = look_rng.random() < 0.4
    outlined = _outline(canvas, cells)
    places = place_red_cells(place_rng, canvas.extent, cells, coverage=coverage, pressed=pressed)
    draw_red_cells(red_rng, canvas, stain, places, pressed=pressed)
    draw_platelets(platelet_rng, canvas, stain, places, per_1000_um2=look_rng.uniform(0.2, 2.5))
    for cell, (window, cell_depth, nucleus_depth) in zip(cells, outlined, strict=True):
        _paint(canvas, stain, cell, window, cell_depth, nucleus_depth)
    image = photograph(camera_rng, canvas.density, white=stain.white, optics=optics, px_per_um=canvas.px_per_um)
    return Smear(image, canvas.classes, canvas.cells, 1 / canvas.px_per_um)


def _outline(canvas: Canvas, cells: list[Leukocyte]) -> list[tuple[Window, FloatArray, FloatArray]]:
    """Fill in the masks; return for each cell its window and the depths below its outline and its nucleus."""
    outlined = []
    for number, cell in enumerate(cells, start=1):
        window = canvas.window(cell.y, cell.x, cell.reach)
        own, nucleus = depths(cell, window.y, window.x)
        for other in cells:
            if other is cell or np.hypot(other.y - cell.y, other.x - cell.x) > cell.reach + other.reach:
                continue
            dy, dx = np.float32(cell.y - other.y), np.float32(cell.x - other.x)
            # Where both would lie, the border runs halfway: cells in contact flatten each other.
            own = np.minimum(own, (own - depths(other, window.y + dy, window.x + dx)[0]) / 2)
        nucleus = np.minimum(nucleus, own - np.float32(_RIM))
        body = own > 0
        canvas.cells[window.at][body] = number
        canvas.classes[window.at][body] = 1
        canvas.classes[window.at][nucleus > 0] = 2
        np.maximum(canvas.inside[window.at], own, out=canvas.inside[window.at])
        outlined.append((window, own, nucleus))
    return outlined


def _paint(
    canvas: Canvas,
    stain: Stain,
    cell: Leukocyte,
    window: Window,
    depth: FloatArray,
    nucleus_depth: FloatArray,
) -> None:
    """Lay one white cell over whatever the canvas holds there."""
    rng = np.random.default_rng([cell.texture, 1])
    y, x = window.y, window.x
    density = cytoplasm_density(rng, stain, cell, y, x, depth, nucleus_depth)
    chromatin = chromatin_density(rng, stain, cell.cell_type, y, x, nucleus_depth, reach=cell.reach)
    nucleus = soft_edge(nucleus_depth, _EDGE)[..., None]
    density = density * (1 - np.float32(0.8) * nucleus) + chromatin * nucleus
    grains, opacity = overlay_granules(rng, stain, cell, y, x, depth, nucleus_depth)
    density = density * (1 - opacity[..., None]) + grains * opacity[..., None]
    body = soft_edge(depth, _EDGE)[..., None]
    here = canvas.density[window.at]
    canvas.density[window.at] = here * (1 - body) + density * body
