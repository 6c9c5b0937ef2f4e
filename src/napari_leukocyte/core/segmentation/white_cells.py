"""White cells as a ruler, for images without red cells, and to tell them from red ones."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.keep import edge_cells
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.discs import Discs
from napari_leukocyte.core.imaging.pixel_size import TYPICAL_CELL_UM, USUAL_UM
from napari_leukocyte.core.segmentation.windowed import Network, WindowDone, predict_class_map, relay

__all__ = ["CANDIDATES", "Look", "WhiteCells", "centre_part", "corner", "find_white_cells", "look"]

CANDIDATES = tuple(1 / r for r in (3.5, 6.0, 10.2, 17.0))  # um per px: each within 1.35 x 1.3 of the next
_LOST, _SLACK = 1.3, 0.02  # more unsure pixels than 1.3 times those before and 2 %: a wrong turn
_LARGEST = 3e6  # px at the working resolution that one pass may look at


@dataclass(frozen=True)
class Look:
    """One look at the plane under an assumed pixel size.

    Attributes
    ----------
    assumed
        um per px.
    unsure
        Share of pixels, 0-1.
    cells
        How many are rulers.
    diameter
        Of the median one, px.
    white
        (y, x) bool: where cells are, in the part of the plane that was looked at.
    corner
        y, x of that part in the plane, px.
    """

    assumed: float
    unsure: float
    cells: int
    diameter: float
    white: NDArray[np.bool_]
    corner: tuple[int, int]

    @property
    def estimate(self) -> float:
        """Um per px that makes the median cell 13 um wide."""
        return TYPICAL_CELL_UM / self.diameter

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Less is better: a usual pixel size; unsure pixels, to the thousandth; how far the median cell is from 13 um.

        A clump, a blot or a platelet that is taken for a cell says a size that no smear is photographed at.
        """
        unusual = not USUAL_UM[0] <= self.estimate <= USUAL_UM[1]
        return unusual, round(self.unsure, 3), abs(float(np.log(self.assumed / self.estimate)))

    def outside(self, discs: Discs) -> Discs:
        """The discs whose middle lies in no cell that was seen."""
        y = np.rint(discs.y).astype(np.intp) - self.corner[0]
        x = np.rint(discs.x).astype(np.intp) - self.corner[1]
        height, width = self.white.shape
        seen = (y >= 0) & (x >= 0) & (y < height) & (x < width)
        return discs[~(seen & self.white[y.clip(0, height - 1), x.clip(0, width - 1)])]


@dataclass(frozen=True)
class WhiteCells:
    """What white cells say of the pixel size: ``um`` per px, from how many ``cells``, in which ``look``."""

    um: float
    cells: int
    look: Look


def find_white_cells(
    plane: Any, conversion: Conversion, network: Network
) -> Generator[WindowDone, None, WhiteCells | None]:
    """Yield progress; return the estimate, None without a cell.

    The plane is segmented at a few assumed pixel sizes. The network knows cells of the size they have at its
    working resolution, so it is surest of its classes in the look that comes nearest to the truth. The cells
    found there, taken to be 13 um wide, give the pixel size, and one more look at it refines it, unless the
    network is less sure there. Cells cut by the edge do not count unless there are no others.
    """
    surest: Look | None = None
    for candidate in CANDIDATES:
        tried = yield from look(plane, conversion, network, candidate)
        if tried.cells and (surest is None or tried.rank < surest.rank):
            surest = tried
    if surest is None:
        return None
    refined = yield from look(plane, conversion, network, surest.estimate)
    # A ruler that was no cell (a platelet, a cell cut by the edge) leads to a size where the network is lost.
    if refined.cells and refined.unsure <= _LOST * surest.unsure + _SLACK:
        return WhiteCells(refined.estimate, refined.cells, refined)
    return WhiteCells(surest.assumed, surest.cells, surest)


def look(plane: Any, conversion: Conversion, network: Network, assumed: float) -> Generator[WindowDone, None, Look]:
    """Segment the plane, or its middle, under an assumed pixel size and measure the cells."""
    part = centre_part(plane, assumed / network.pixel_size)
    prediction = yield from relay(predict_class_map(part, conversion, network, pixel_size=assumed))
    labels, n = ndimage.label(prediction.classes > 0)
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:].astype(float)
    diameters = 2 * np.sqrt(areas / np.pi)
    # a speck is no ruler: what is under 5 um wide at the assumed size is dirt or a platelet
    large = diameters * assumed > 5
    edge = np.zeros(n + 1, bool)
    edge[edge_cells(labels)] = True
    whole = large & ~edge[1:]
    rulers = diameters[whole if whole.any() else large]
    diameter = float(np.median(rulers)) if len(rulers) else 1.0
    return Look(assumed, prediction.unsure, len(rulers), diameter, prediction.classes > 0, corner(plane, part))


def centre_part(plane: Any, scale: float) -> Any:
    """The middle of a plane too large to look at whole under a fine assumed pixel size."""
    height, width = plane.shape[:2]
    shrink = min(1.0, float(np.sqrt(_LARGEST / (height * width * scale**2))))
    h, w = max(1, round(height * shrink)), max(1, round(width * shrink))
    y, x = (height - h) // 2, (width - w) // 2
    return plane[y : y + h, x : x + w]


def corner(plane: Any, part: Any) -> tuple[int, int]:
    """Return y, x of the middle part of a plane."""
    return (plane.shape[0] - part.shape[0]) // 2, (plane.shape[1] - part.shape[1]) // 2
