"""Red cells: how they press against white cells and each other, how thick they are, and what light does in them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .canvas import Canvas, Window
from .shapes import Blob, FloatArray, random_blob, smooth_max, soft_edge
from .stain import Stain, colour_of

__all__ = ["draw_red_cells"]

_SMALLEST_GAP = 0.12  # um between a red cell and the white cell it is pressed against


@dataclass(frozen=True)
class _Slide:
    """What the red cells of one slide have in common.

    Depth and sharpness of the pallor, and its share of the radius; unevenness of the outlines; how much of the
    middle is stained at all; strength of the edge; shares of slit, crenated and refractile cells.
    """

    pallor: float
    power: float
    width: float
    unevenness: float
    stretch: float
    fill: float
    edge: float
    slit: float
    crenated: float
    refractile: float


def draw_red_cells(
    rng: np.random.Generator,
    canvas: Canvas,
    stain: Stain,
    places: npt.NDArray[np.float64],
    *,
    pressed: bool,
) -> None:
    """Add red cells to the densities of a canvas whose white cells are outlined already.

    Parameters
    ----------
    rng : numpy.random.Generator
    canvas : Canvas
        `inside` must hold the white cells.
    stain : Stain
    places : (n, 3) array
        y, x and radius, um.
    pressed : bool
        Whether neighbours that barely overlap flatten each other, instead of lying on each other.
    """
    slide = _choose_slide(rng, ghosts=stain.ghosts)
    shapes = [_outline(rng, slide, y, x, radius) for y, x, radius in places]
    for shape in shapes:
        look_rng = rng.spawn(1)[0]
        y, x, radius = shape.y, shape.x, shape.radius
        window = canvas.window(y, x, 1.35 * radius)
        if window.empty:
            continue
        depth = shape.moved(-y, -x).depth(window.y, window.x)
        for other in _neighbours(shape, shapes) if pressed else ():
            theirs = other.moved(-y, -x).depth(window.y, window.x)
            depth = -smooth_max(-depth, (theirs - depth) / np.float32(2) + np.float32(_SMALLEST_GAP / 2), 0.4)
        free = -canvas.inside[window.at] - np.float32(_SMALLEST_GAP)
        depth = -smooth_max(-depth, -free, 0.5)
        colour = colour_of(stain.red_cell) * np.float32(look_rng.normal(1, 0.09))
        colour = colour * look_rng.normal(1, 0.03, 3).astype("f4")
        amount = (_thickness(look_rng, slide, window, depth, radius) * soft_edge(depth, 0.3))[..., None]
        here = canvas.density[window.at]
        # Each further layer adds less than the one before, as on a smear pressed flat by drying.
        canvas.density[window.at] = here + amount * colour / (1 + np.float32(0.72) * np.maximum(here / colour, 0))


def _choose_slide(rng: np.random.Generator, *, ghosts: bool) -> _Slide:
    ghost = ghosts and rng.random() < 0.85
    punched = rng.random() < 0.35  # thick ring round a hole, as of iron deficiency or thick drying
    return _Slide(
        pallor=float(rng.uniform(0.6, 0.95) if punched else rng.uniform(0.05, 0.65)),
        power=float(rng.uniform(3, 6) if punched else rng.uniform(1.8, 3.2)),
        width=float(rng.uniform(0.3, 0.5) if punched else rng.uniform(0.4, 0.62)),
        unevenness=float(rng.uniform(0.01, 0.04)),
        stretch=float(rng.uniform(0.03, 0.12)),
        fill=float(rng.uniform(0.05, 0.4)) if ghost else 1.0,
        edge=float(rng.uniform(0.35, 0.8)) if ghost else float(rng.uniform(0.1, 0.4)),
        slit=float(max(0, rng.uniform(-0.3, 0.3))),
        crenated=float(max(0, rng.uniform(-0.4, 0.25))),
        refractile=float(max(0, rng.uniform(-0.6, 0.5))),
    )


def _outline(rng: np.random.Generator, slide: _Slide, y: float, x: float, radius: float) -> Blob:
    blob = random_blob(
        rng, radius, stretch=min(abs(rng.normal(0, slide.stretch)), 0.3), bumps=slide.unevenness, y=y, x=x
    )
    if rng.random() >= slide.crenated:
        return blob
    order, phase = int(rng.integers(11, 19)), float(rng.uniform(0, 2 * np.pi))
    return Blob(y, x, radius, (*blob.harmonics, (order, float(rng.uniform(0.015, 0.035)), phase)))


def _thickness(rng: np.random.Generator, slide: _Slide, window: Window, depth: FloatArray, radius: float) -> FloatArray:
    """Return the thickness, 1 for the usual: less in the pallor, more along the edge; light breaks at a bubble."""
    pallor = np.float32(np.clip(slide.pallor + rng.normal(0, 0.12), 0, 0.97))
    across = slide.width * radius * rng.uniform(0.8, 1.2)
    along = across * (rng.uniform(0.25, 0.45) if rng.random() < slide.slit else rng.uniform(0.85, 1.1))
    off_y, off_x = rng.normal(0, 0.08 * radius, 2)
    turn = rng.uniform(0, 2 * np.pi)
    y, x = window.y - np.float32(off_y), window.x - np.float32(off_x)
    a = (y * np.float32(np.cos(turn)) + x * np.float32(np.sin(turn))) / np.float32(across)
    b = (x * np.float32(np.cos(turn)) - y * np.float32(np.sin(turn))) / np.float32(along)
    middle = np.hypot(a, b)
    thickness = slide.fill * (1 - pallor * np.exp(-(middle ** np.float32(slide.power))))
    thickness = thickness * (1 - 0.35 * np.exp(-np.maximum(depth, 0) / np.float32(0.45)))
    thickness = thickness + np.float32(slide.edge) * np.exp(-(((depth - np.float32(0.1)) / np.float32(0.18)) ** 2))
    if rng.random() < slide.refractile:
        size = np.float32(rng.uniform(0.15, 0.55))
        ring = np.hypot(a * np.float32(across), b * np.float32(along) * np.float32(rng.uniform(0.5, 1.5)))
        bright, dark = np.exp(-((ring / size) ** 2)), np.exp(-(((ring - 1.6 * size) / (0.6 * size)) ** 2))
        thickness = thickness + np.float32(rng.uniform(0.3, 1.0)) * (dark - 1.6 * bright)
    result: FloatArray = thickness.astype(np.float32)
    return result


def _neighbours(shape: Blob, shapes: list[Blob]) -> list[Blob]:
    """Return the red cells that lie against one, but not deep under or over it."""
    found = []
    for other in shapes:
        reach = shape.radius + other.radius
        if 0.8 * reach < np.hypot(shape.y - other.y, shape.x - other.x) < 1.1 * reach:
            found.append(other)
    return found
