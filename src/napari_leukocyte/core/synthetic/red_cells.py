"""Red cells: where they lie, how they press against white cells, and how thick they are."""

import numpy as np
import numpy.typing as npt

from .canvas import Canvas
from .leukocytes import Leukocyte
from .shapes import Blob, random_blob, smooth_max, soft_edge
from .stain import Stain, colour_of

__all__ = ["draw_red_cells", "place_red_cells"]

_DIAMETER = (6.6, 7.9)  # um
_SMALLEST_GAP = 0.12  # um between a red cell and the white cell it is pressed against


def place_red_cells(
    rng: np.random.Generator,
    extent: tuple[float, float],
    leukocytes: list[Leukocyte],
    *,
    coverage: float,
    pressed: bool,
) -> npt.NDArray[np.float64]:
    """Scatter red cells between white cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    extent : tuple of float
        Height and width of the frame, um.
    leukocytes : list of Leukocyte
        Kept clear, but for a slight squeeze.
    coverage : float
        Share of the glass to cover, 0 to about 0.6.
    pressed : bool
        Whether they crowd as those of `draw_red_cells` that flatten each other.

    Returns
    -------
    (n, 3) float64 array
        y, x and radius, um. Some lie partly outside the frame, some overlap.
    """
    margin = _DIAMETER[1] / 2
    height, width = extent[0] + 2 * margin, extent[1] + 2 * margin
    wanted = int(coverage * height * width / (np.pi * np.mean(_DIAMETER) ** 2 / 4))
    overlapping = rng.uniform(0.05, 0.45) * (0.3 if pressed else 1)
    close = (0.84, 1.0) if pressed else (0.97, 1.05)  # share of the summed radii between middles
    placed = np.empty((wanted, 3))
    count = 0
    white = np.array([(cell.y, cell.x, cell.outline.radius) for cell in leukocytes]).reshape(-1, 3)
    for _ in range(30 * wanted):
        if count == wanted:
            break
        y, x = rng.uniform(-margin, height - margin), rng.uniform(-margin, width - margin)
        radius = rng.uniform(*_DIAMETER) / 2
        apart = rng.uniform(0.45, 0.9) if rng.random() < overlapping else rng.uniform(*close)
        if np.any(np.hypot(white[:, 0] - y, white[:, 1] - x) < 1.02 * white[:, 2] + 0.72 * radius):
            continue
        others = placed[:count]
        if np.any(np.hypot(others[:, 0] - y, others[:, 1] - x) < apart * (others[:, 2] + radius)):
            continue
        placed[count] = y, x, radius
        count += 1
    return placed[:count]


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
    pallor_of_slide = rng.uniform(0.05, 0.65)
    power = rng.uniform(1.8, 3.2)  # how sharply the pallor ends
    unevenness = rng.uniform(0.01, 0.03)
    shapes = [
        random_blob(rng, radius, stretch=abs(rng.normal(0, 0.055)), bumps=unevenness, y=y, x=x)
        for y, x, radius in places
    ]
    for shape in shapes:
        y, x, radius = shape.y, shape.x, shape.radius
        pallor = float(np.clip(pallor_of_slide + rng.normal(0, 0.1), 0, 0.8))
        width = rng.uniform(0.40, 0.62) * radius
        off_y, off_x = rng.normal(0, 0.08 * radius, 2)
        colour = colour_of(stain.red_cell) * np.float32(rng.normal(1, 0.07)) * rng.normal(1, 0.02, 3).astype("f4")
        window = canvas.window(y, x, 1.35 * radius)
        if window.empty:
            continue
        depth = shape.moved(-y, -x).depth(window.y, window.x)
        for other in _neighbours(shape, shapes) if pressed else ():
            theirs = other.moved(-y, -x).depth(window.y, window.x)
            depth = -smooth_max(-depth, (theirs - depth) / np.float32(2) + np.float32(_SMALLEST_GAP / 2), 0.4)
        free = -canvas.inside[window.at] - np.float32(_SMALLEST_GAP)
        depth = -smooth_max(-depth, -free, 0.5)
        middle = np.hypot(window.y - np.float32(off_y), window.x - np.float32(off_x))
        thickness = 1 - np.float32(pallor) * np.exp(-((middle / np.float32(width)) ** np.float32(power)))
        thickness = thickness * (1 - 0.35 * np.exp(-np.maximum(depth, 0) / np.float32(0.45)))
        thickness = thickness + 0.22 * np.exp(-(((depth - np.float32(0.1)) / np.float32(0.16)) ** 2))
        amount = (thickness * soft_edge(depth, 0.3))[..., None]
        here = canvas.density[window.at]
        # A second layer adds a little less than the first, as on a smear pressed flat by drying.
        canvas.density[window.at] = here + amount * colour * (1 - np.float32(0.42) * np.minimum(here / colour, 1))


def _neighbours(shape: Blob, shapes: list[Blob]) -> list[Blob]:
    """Return the red cells that lie against one, but not deep under or over it."""
    found = []
    for other in shapes:
        reach = shape.radius + other.radius
        if 0.8 * reach < np.hypot(shape.y - other.y, shape.x - other.x) < 1.1 * reach:
            found.append(other)
    return found
