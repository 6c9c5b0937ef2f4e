"""What a smear is drawn on: densities and masks, reached through small windows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .shapes import FloatArray

__all__ = ["Canvas", "Window"]


@dataclass(frozen=True)
class Window:
    """The part of a canvas near a point, and where its pixel centres lie.

    Attributes
    ----------
    rows, columns : slice
        The pixels.
    y, x : (h, 1) and (1, w) float32 arrays
        Pixel centres relative to the point, um.
    """

    rows: slice
    columns: slice
    y: FloatArray
    x: FloatArray

    @property
    def at(self) -> tuple[slice, slice]:
        """Index of the window in an array of the canvas."""
        return self.rows, self.columns

    @property
    def empty(self) -> bool:
        """Whether the window lies outside the canvas."""
        return self.y.size == 0 or self.x.size == 0


class Canvas:
    """Optical densities and exact masks of a smear that is being drawn.

    Attributes
    ----------
    density : (Y, X, 3) float32 array
        Optical density for red, green and blue; 0 is empty glass.
    classes, cells : (Y, X) uint8 and int32 arrays
        Class map and cell labels.
    inside : (Y, X) float32 array
        Depth (um) below the outline of the nearest white cell; very negative far from all.
    """

    def __init__(self, size: tuple[int, int], px_per_um: float) -> None:
        self.size = size
        self.px_per_um = px_per_um
        self.density: FloatArray = np.zeros((*size, 3), dtype=np.float32)
        self.classes: npt.NDArray[np.uint8] = np.zeros(size, dtype=np.uint8)
        self.cells: npt.NDArray[np.int32] = np.zeros(size, dtype=np.int32)
        self.inside: FloatArray = np.full(size, -1e3, dtype=np.float32)

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width, um."""
        return self.size[0] / self.px_per_um, self.size[1] / self.px_per_um

    def window(self, y: float, x: float, reach: float) -> Window:
        """Return the pixels at most `reach` um above, below, left and right of a point (um)."""
        rows, dy = self._axis(y, reach, self.size[0])
        columns, dx = self._axis(x, reach, self.size[1])
        return Window(rows, columns, dy[:, None], dx[None, :])

    def _axis(self, centre: float, reach: float, length: int) -> tuple[slice, FloatArray]:
        first = min(max(int(np.floor((centre - reach) * self.px_per_um)), 0), length)
        last = min(max(int(np.ceil((centre + reach) * self.px_per_um)), first), length)
        offsets = (np.arange(first, last) + 0.5) / self.px_per_um - centre
        return slice(first, last), offsets.astype(np.float32)
