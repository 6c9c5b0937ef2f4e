"""Where red cells lie: scattered, pressed against white cells, in stacks like coins (rouleaux)."""

import numpy as np
import numpy.typing as npt

from .leukocytes import Leukocyte

__all__ = ["place_red_cells"]

_DIAMETER = (6.6, 7.9)  # um
_STEP = (0.32, 0.75)  # of a diameter, from one red cell of a stack to the next


def place_red_cells(
    rng: np.random.Generator,
    extent: tuple[float, float],
    leukocytes: list[Leukocyte],
    *,
    coverage: float,
    pressed: bool,
    stacked: float = 0.0,
) -> npt.NDArray[np.float64]:
    """Scatter red cells between white cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    extent : tuple of float
        Height and width of the frame, um.
    leukocytes : list of Leukocyte
        Kept clear, but for a slight squeeze and the red cells of their dents, which are placed first.
    coverage : float
        Share of the glass to cover, 0 to about 0.6.
    pressed : bool
        Whether they crowd as those of `draw_red_cells` that flatten each other.
    stacked : float
        Share of the red cells that lie in rouleaux, 0-1.

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
    white = np.array([(cell.y, cell.x, cell.outline.radius) for cell in leukocytes]).reshape(-1, 3)
    pressing = [(cell.y + dent.y, cell.x + dent.x, dent.radius) for cell in leukocytes for dent in cell.dents]
    placed = np.empty((wanted + len(pressing) + 8, 3))
    count = 0
    for y, x, radius in pressing:
        if not _on_white(white, y, x, 0.55 * radius):
            placed[count] = y, x, radius
            count += 1
    for _ in range(30 * wanted):
        if count >= wanted:
            break
        y, x = rng.uniform(-margin, height - margin), rng.uniform(-margin, width - margin)
        radius = rng.uniform(*_DIAMETER) / 2
        apart = rng.uniform(0.45, 0.9) if rng.random() < overlapping else rng.uniform(*close)
        if _on_white(white, y, x, 0.72 * radius) or _near(placed[:count], y, x, radius, apart):
            continue
        stack = [(y, x, radius)]
        if rng.random() < stacked / 4:
            stack = _rouleau(rng, y, x, radius)
        for y, x, radius in stack[: len(placed) - count]:
            if _on_white(white, y, x, 0.72 * radius):
                break
            placed[count] = y, x, radius
            count += 1
    return placed[:count]


def _rouleau(rng: np.random.Generator, y: float, x: float, radius: float) -> list[tuple[float, float, float]]:
    """Red cells of one size that lie on each other in a bent row."""
    heading, step = rng.uniform(0, 2 * np.pi), 2 * radius * rng.uniform(*_STEP)
    stack = [(y, x, radius)]
    for _ in range(int(rng.integers(2, 7))):
        heading += rng.normal(0, 0.25)
        way = step * rng.uniform(0.75, 1.25)
        y, x = y + way * np.sin(heading), x + way * np.cos(heading)
        stack.append((float(y), float(x), radius * float(rng.uniform(0.93, 1.0))))
    return stack


def _on_white(white: npt.NDArray[np.float64], y: float, x: float, reach: float) -> bool:
    return bool(np.any(np.hypot(white[:, 0] - y, white[:, 1] - x) < 1.02 * white[:, 2] + reach))


def _near(others: npt.NDArray[np.float64], y: float, x: float, radius: float, apart: float) -> bool:
    return bool(np.any(np.hypot(others[:, 0] - y, others[:, 1] - x) < apart * (others[:, 2] + radius)))
