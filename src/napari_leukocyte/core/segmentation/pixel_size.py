"""A first, honest estimate of an unknown pixel size, with the white blood cells themselves as the ruler."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.pixel_size import TYPICAL_CELL_UM, PixelSize
from napari_leukocyte.core.segmentation.class_map import WindowDone, predict_class_map, relay

if TYPE_CHECKING:  # the predictor calls this module
    from napari_leukocyte.core.segmentation.predictor import Predictor

__all__ = ["CANDIDATES", "centre_part", "estimate_pixel_size"]

CANDIDATES = tuple(1 / r for r in (3.5, 6.0, 10.2, 17.0))  # um per px: each within 1.35 x 1.3 of the next
_LOST, _SLACK = 1.3, 0.02  # more unsure pixels than 1.3 times those before and 2 %: a wrong turn
_LARGEST = 3e6  # px at the working resolution that one pass may look at


def estimate_pixel_size(plane: Any, conversion: Conversion, predictor: "Predictor") -> Iterator[WindowDone | PixelSize]:
    """Yield progress and, last, the estimate.

    The plane is segmented at a few assumed pixel sizes. The network knows cells of the size they have at its
    working resolution, so it is surest of its classes in the pass that comes nearest to the truth. The cells
    found there, taken to be 13 um wide, give the pixel size, and one more pass at it refines it, unless the
    network is less sure there. Cells cut by the edge do not count unless there are no others.

    When no pass finds a cell the estimate is the working resolution itself, and its source says so.
    """
    surest: _Pass | None = None
    for candidate in CANDIDATES:
        tried = yield from _try(plane, conversion, predictor, candidate)
        if tried.cells and (surest is None or tried.rank < surest.rank):
            surest = tried
    if surest is None:
        yield PixelSize(predictor.info.pixel_size, "assumed: no cell was found to estimate it from", estimated=True)
        return
    refined = yield from _try(plane, conversion, predictor, surest.estimate)
    # A ruler that was no cell (a platelet, a cell cut by the edge) leads to a size where the network is lost.
    trusted = refined.cells and refined.unsure <= _LOST * surest.unsure + _SLACK
    um, n = (refined.estimate, refined.cells) if trusted else (surest.assumed, surest.cells)
    yield PixelSize(um, f"estimated from {n} cell" + ("s" if n > 1 else ""), estimated=True)


@dataclass(frozen=True)
class _Pass:
    """One look at the plane under an assumed pixel size."""

    assumed: float
    unsure: float
    cells: int
    diameter: float  # of the median cell, native px

    @property
    def estimate(self) -> float:
        """Um per px that makes the median cell 13 um wide."""
        return TYPICAL_CELL_UM / self.diameter

    @property
    def rank(self) -> tuple[float, float]:
        """Less is better: unsure pixels, to the thousandth, then how far the median cell is from 13 um."""
        return round(self.unsure, 3), abs(float(np.log(self.assumed / self.estimate)))


def _try(
    plane: Any, conversion: Conversion, predictor: "Predictor", assumed: float
) -> Generator[WindowDone, None, _Pass]:
    """Segment the plane, or its middle, under an assumed pixel size and measure the cells."""
    part = centre_part(plane, assumed / predictor.info.pixel_size)
    prediction = yield from relay(predict_class_map(part, conversion, predictor, pixel_size=assumed))
    labels, n = ndimage.label(prediction.classes > 0)
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:].astype(float)
    diameters = 2 * np.sqrt(areas / np.pi)
    # a speck is no ruler: what is under 5 um wide at the assumed size is dirt or a platelet
    large = diameters * assumed > 5
    edge = np.zeros(n + 1, bool)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        edge[line] = True
    whole = large & ~edge[1:]
    rulers = diameters[whole if whole.any() else large]
    return _Pass(assumed, prediction.unsure, len(rulers), float(np.median(rulers)) if len(rulers) else 1.0)


def centre_part(plane: Any, scale: float) -> Any:
    """The middle of a plane too large to look at whole under a fine assumed pixel size."""
    height, width = plane.shape[:2]
    shrink = min(1.0, float(np.sqrt(_LARGEST / (height * width * scale**2))))
    h, w = max(1, round(height * shrink)), max(1, round(width * shrink))
    y, x = (height - h) // 2, (width - w) // 2
    return plane[y : y + h, x : x + w]
