"""A first, honest estimate of an unknown pixel size, with the white blood cells themselves as the ruler."""

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.pixel_size import TYPICAL_CELL_UM, PixelSize
from napari_leukocyte.core.segmentation.class_map import WindowDone, predict_class_map
from napari_leukocyte.core.segmentation.predictor import Predictor

__all__ = ["estimate_pixel_size"]

_CANDIDATES = tuple(1 / r for r in (3.5, 6.0, 10.2, 17.0))  # um per px: each within 1.35 x 1.3 of the next
_LARGEST = 3e6  # px at the working resolution that one pass may look at


def estimate_pixel_size(plane: Any, conversion: Conversion, predictor: Predictor) -> Iterator[WindowDone | PixelSize]:
    """Yield progress and, last, the estimate.

    The plane is segmented at a few assumed pixel sizes. The network knows cells of the size they have at its
    working resolution, so the pass whose median cell comes out nearest to 13 um assumed best; its cells,
    13 um wide by definition, then give the pixel size, and one more pass there refines it. Cells cut by the
    edge do not count unless there are no others.

    When no pass finds a cell the estimate is the working resolution itself, and its source says so.
    """
    best: tuple[float, float, int] | None = None  # distance in log, um per px, cells
    for candidate in _CANDIDATES:
        diameters = yield from _diameters(plane, conversion, predictor, candidate)
        if len(diameters):
            best = min(filter(None, (best, _judge(diameters, candidate))))
    if best is None:
        yield PixelSize(predictor.info.pixel_size, "assumed: no cell was found to estimate it from", estimated=True)
        return
    diameters = yield from _diameters(plane, conversion, predictor, best[1])
    if len(diameters):
        best = _judge(diameters, best[1])
    cells = f"{best[2]} cell" + ("s" if best[2] > 1 else "")
    yield PixelSize(best[1], f"estimated from {cells}", estimated=True)


def _judge(diameters: np.ndarray[Any, np.dtype[np.float64]], candidate: float) -> tuple[float, float, int]:
    """How far the median cell is from 13 um, the pixel size that makes it 13 um, and the number of cells."""
    median = float(np.median(diameters))
    return abs(np.log(median * candidate / TYPICAL_CELL_UM)), TYPICAL_CELL_UM / median, len(diameters)


def _diameters(
    plane: Any, conversion: Conversion, predictor: Predictor, pixel_size: float
) -> Generator[WindowDone, None, np.ndarray[Any, np.dtype[np.float64]]]:
    """Equivalent diameters, native px, of the cells seen when the plane is taken to have ``pixel_size``."""
    part = _centre_part(plane, pixel_size / predictor.info.pixel_size)
    classes = None
    for event in predict_class_map(part, conversion, predictor, pixel_size=pixel_size):
        if isinstance(event, WindowDone):
            yield event
        else:
            classes = event
    assert classes is not None  # the last event is the class map
    labels, n = ndimage.label(classes > 0)
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:].astype(float)
    # a speck is no ruler: what is under 5 um wide at the assumed size is dirt or a platelet
    large = 2 * np.sqrt(areas / np.pi) * pixel_size > 5
    edge = np.zeros(n + 1, bool)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        edge[line] = True
    whole = large & ~edge[1:]
    diameters: np.ndarray[Any, np.dtype[np.float64]] = 2 * np.sqrt(areas[whole if whole.any() else large] / np.pi)
    return diameters


def _centre_part(plane: Any, scale: float) -> Any:
    """The middle of a plane too large to look at whole under a fine assumed pixel size."""
    height, width = plane.shape[:2]
    shrink = min(1.0, float(np.sqrt(_LARGEST / (height * width * scale**2))))
    h, w = max(1, round(height * shrink)), max(1, round(width * shrink))
    y, x = (height - h) // 2, (width - w) // 2
    return plane[y : y + h, x : x + w]
