"""A scene on the slide, white cells with all that lies around them, drawn onto a canvas and photographed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError

from .canvas import Canvas, Window
from .chromatin import chromatin_density
from .cytoplasm import cytoplasm_density, outline_density, overlay_granules
from .deposit import draw_deposit
from .leukocytes import Leukocyte, depths
from .optics import choose_optics, photograph
from .platelets import Platelet, draw_platelets, paint_platelet
from .red_cell_layout import place_red_cells
from .red_cells import draw_red_cells
from .shapes import FloatArray, soft_edge
from .stain import Stain, choose_stain

__all__ = ["Scene", "Smear", "draw_scene", "new_canvas", "streams"]

_EDGE = 0.3  # um over which an outline fades
_NUCLEAR_EDGE = 0.22  # um over which that of a nucleus does
_SMUDGED = 1.0  # um over which that of a smudge does
_RIM = 0.25  # um of cytoplasm at least between nucleus and outline
_COARSEST = 1.0  # px/um; below it a cell is too few pixels for nucleus and cytoplasm


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
    cell_types : tuple of str
        Type of each cell: neutrophil, eosinophil, basophil, lymphocyte, monocyte, blast or smudge.
    difficulty : int
        Difficulty class 1-8 that was drawn; 0 for other smears.
    stain : str
        A key of `napari_leukocyte.core.synthetic.stain.STAINS`, or the name of the stain that was given.
    """

    image: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]
    cells: npt.NDArray[np.int32]
    pixel_size: float
    cell_types: tuple[str, ...] = ()
    difficulty: int = 0
    stain: str = ""

    def cnrs(self) -> tuple[float, ...]:
        """Return the cytoplasm-to-nucleus ratio of each cell; NaN if cut by the frame or without one of the two."""
        count = len(self.cell_types) + 1
        cytoplasm = np.bincount(self.cells[self.classes == 1], minlength=count).astype(float)
        nucleus = np.bincount(self.cells[self.classes == 2], minlength=count).astype(float)
        frame = (self.cells[0], self.cells[-1], self.cells[:, 0], self.cells[:, -1])
        none = (cytoplasm == 0) | (nucleus == 0)
        none[np.concatenate(frame)] = True
        ratio = np.divide(cytoplasm, nucleus, out=np.full(count, np.nan), where=~none)
        return tuple(float(value) for value in ratio[1:])


@dataclass(frozen=True)
class Scene:
    """What lies on the slide, apart from what chance adds.

    Attributes
    ----------
    cells : sequence of Leukocyte
    platelets : sequence of Platelet
        Placed on purpose; more are scattered.
    clear : float
        Glass between a scattered platelet and a white cell, at least, um.
    bare : bool
        Whether the frame may lie where there are no red cells at all.
    focused : bool, optional
        In or out of focus; None is mostly in.
    """

    cells: Sequence[Leukocyte] = ()
    platelets: Sequence[Platelet] = ()
    clear: float = 0.5
    bare: bool = False
    focused: bool | None = None


def new_canvas(size: tuple[int, int], px_per_um: float) -> Canvas:
    """Check size (height and width, px) and resolution (px/um), and return an empty canvas.

    Raises
    ------
    LeukocyteError
        For a size below 1 px or a resolution below 1 px/um.
    """
    if len(size) != 2 or min(size) < 1:
        raise LeukocyteError(f"The image size must be height and width of at least 1 px each, not {tuple(size)}.")
    if not (np.isfinite(px_per_um) and px_per_um >= _COARSEST):
        raise LeukocyteError(f"The resolution must be at least {_COARSEST:g} px per um, not {px_per_um}.")
    return Canvas((int(size[0]), int(size[1])), float(px_per_um))


def streams(seed: int, count: int, *of: int) -> list[np.random.Generator]:
    """Return independent generators for one seed, which must be 0 or more; others for each kind `of` drawing."""
    if seed < 0:
        raise LeukocyteError(f"The seed must be 0 or more, not {seed}.")
    return np.random.default_rng([seed, *of] if of else seed).spawn(count)


def draw_scene(
    canvas: Canvas, scene: Scene, rng: np.random.Generator, base: str | Stain | None, *, difficulty: int = 0
) -> Smear:
    """Draw a scene and everything around it, and photograph it.

    Parameters
    ----------
    canvas : Canvas
        Empty.
    scene : Scene
    rng : numpy.random.Generator
    base : str or Stain, optional
        The stain that the smear's own varies, as for `choose_stain`.
    difficulty : int
        Passed on.

    Returns
    -------
    Smear
        Cells that lie outside the frame are left out, the others are numbered in their order.
    """
    look_rng, place_rng, red_rng, platelet_rng, camera_rng = rng.spawn(5)
    deposit_rng = camera_rng.spawn(1)[0]
    stain = choose_stain(look_rng, base)
    optics = choose_optics(look_rng, focused=scene.focused)
    coverage = look_rng.uniform(0.15, 0.8) * (not (scene.bare and look_rng.random() < 0.1))
    pressed = look_rng.random() < 0.4
    stacked = max(0.0, look_rng.uniform(-0.6, 0.8))
    cells = [cell for cell in scene.cells if not canvas.window(cell.y, cell.x, cell.reach).empty]
    outlined = _outline(canvas, cells)
    seen = _number(canvas)
    places = place_red_cells(
        place_rng, canvas.extent, list(scene.cells), coverage=coverage, pressed=pressed, stacked=stacked
    )
    draw_red_cells(red_rng, canvas, stain, places, pressed=pressed)
    rate = look_rng.uniform(0.2, 2.5)
    draw_platelets(platelet_rng, canvas, stain, places, per_1000_um2=rate, clear=scene.clear)
    for platelet in scene.platelets:
        paint_platelet(canvas, stain, platelet)
    for cell, (window, cell_depth, nucleus_depth) in zip(cells, outlined, strict=True):
        _paint(canvas, stain, cell, window, cell_depth, nucleus_depth)
    if deposit_rng.random() < 0.15:
        draw_deposit(deposit_rng, canvas, stain, per_1000_um2=deposit_rng.uniform(2, 25))
    image = photograph(camera_rng, canvas.density, white=stain.white, optics=optics, px_per_um=canvas.px_per_um)
    types = tuple(cells[number - 1].cell_type for number in seen)
    return Smear(image, canvas.classes, canvas.cells, 1 / canvas.px_per_um, types, difficulty, stain.name)


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
        nucleus = own if cell.cell_type == "smudge" else np.minimum(nucleus, own - np.float32(_RIM))
        body = own > 0
        canvas.cells[window.at][body] = number
        canvas.classes[window.at][body] = 1
        canvas.classes[window.at][nucleus > 0] = 2
        np.maximum(canvas.inside[window.at], own, out=canvas.inside[window.at])
        outlined.append((window, own, nucleus))
    return outlined


def _number(canvas: Canvas) -> list[int]:
    """Number the cells that have pixels from 1 on; return their numbers before."""
    seen = np.unique(canvas.cells)
    canvas.cells[...] = np.searchsorted(seen, canvas.cells) + (1 if seen[0] > 0 else 0)
    return [int(number) for number in seen if number > 0]


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
    chromatin_rng = rng.spawn(1)[0]
    chromatin = chromatin_density(chromatin_rng, stain, cell.cell_type, y, x, nucleus_depth, reach=cell.reach)
    here = canvas.density[window.at]
    if cell.cell_type == "smudge":
        smudge = soft_edge(depth, _SMUDGED)[..., None]
        canvas.density[window.at] = here * (1 - smudge) + chromatin * smudge
        return
    density = cytoplasm_density(rng, stain, cell, y, x, depth, nucleus_depth)
    nucleus = soft_edge(nucleus_depth, _NUCLEAR_EDGE)[..., None]
    density = density * (1 - np.float32(0.8) * nucleus) + chromatin * nucleus
    grains, opacity = overlay_granules(rng, stain, cell, y, x, depth, nucleus_depth)
    density = density * (1 - opacity[..., None]) + grains * opacity[..., None]
    if any(stain.relief):
        density = np.maximum(density + outline_density(stain, y, x, depth), 0)
    body = soft_edge(depth, _EDGE)[..., None]
    canvas.density[window.at] = here * (1 - body) + density * body
