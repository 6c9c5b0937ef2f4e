"""Cells of a slide, area by area: cleaned and told apart exactly as in an image, wherever the windows lay."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.boxes import Box, boxes_by_number, in_plane, pixels_of
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.segmentation.cleaning import clean_class_map, smallest_cell_px
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.slides.blocks import Blocks
from napari_leukocyte.core.slides.components import Component
from napari_leukocyte.core.slides.tiles import CLASS_BITS, DOUBTFUL_CELL

__all__ = ["FoundCell", "FoundCells", "label_components"]

_EIGHT = np.ones((3, 3), bool)
_LARGEST_UM = 300.0  # across: in a larger area no single cells can be told
_STEP = 200  # areas between two events


@dataclass(frozen=True)
class FoundCell:
    """Where a cell lies, px of the slide.

    Attributes
    ----------
    number
        In the label map; numbers of a slide rise in the order in which cells were found.
    box
        Rows and columns.
    first
        Row and column of its first pixel in reading order.
    y, x
        Its centre: the mean of its pixels.
    """

    number: int
    box: Box
    first: tuple[int, int]
    y: float
    x: float


@dataclass(frozen=True)
class FoundCells:
    """All cells, and how many areas were too large to tell cells apart in."""

    cells: list[FoundCell]
    too_large: int


def label_components(
    components: Iterable[Component],
    codes: Blocks,
    classes: Blocks,
    labels: Blocks,
    *,
    pixel_size: float,
    binary: bool,
) -> Iterator[WindowDone | FoundCells]:
    """Yield progress and, last, the cells; class map and labels are written as they are found.

    Parameters
    ----------
    codes
        (Y, X) uint8, see `tiles.codes_of`.
    classes, labels
        (Y, X) uint8 and int32, zero so far.
    """
    components = list(components)
    smallest = smallest_cell_px(pixel_size, binary=binary)
    cells: list[FoundCell] = []
    too_large = 0
    for done, one in enumerate(components, start=1):
        if one.longest * pixel_size > _LARGEST_UM:
            too_large += 1
        elif one.area >= smallest:
            window = slice(max(0, one.top - 1), one.bottom + 1), slice(max(0, one.left - 1), one.right + 1)
            corner = window[0].start, window[1].start
            cleaned = _cleaned(codes[window], one, corner, pixel_size=pixel_size, binary=binary)
            found = label_cells(cleaned, pixel_size=pixel_size)
            own = found > 0
            classes.put(window, own, cleaned)
            labels.put(window, own, found + len(cells))
            cells += _places(found, window, len(cells))
        if done % _STEP == 0:
            yield WindowDone(done, len(components))
    classes.flush()
    labels.flush()
    yield FoundCells(cells, too_large)


def _cleaned(
    codes: NDArray[np.uint8], one: Component, corner: tuple[int, int], *, pixel_size: float, binary: bool
) -> NDArray[np.uint8]:
    """The class map (Y, X) of one area alone, cleaned; others are in sight while it is, as they are in an image."""
    classes: NDArray[np.uint8] = (codes & CLASS_BITS).astype(np.uint8)
    areas, _ = ndimage.label(classes, structure=_EIGHT)
    mine = areas == areas[one.first[0] - corner[0], one.first[1] - corner[1]]
    background = classes == 0
    surely = (codes & DOUBTFUL_CELL == 0) & ~background
    clean_class_map(classes, pixel_size=pixel_size, binary=binary, surely_cell=surely, within=mine)
    return np.where(mine | background, classes, 0).astype(np.uint8)


def _places(labels: NDArray[np.int32], window: Box, before: int) -> Iterator[FoundCell]:
    for number, box in boxes_by_number(labels).items():
        place = in_plane(box, window)
        y, x = pixels_of(labels[box] == number, place)
        yield FoundCell(before + number, place, (int(y[0]), int(x[0])), float(y.mean()), float(x.mean()))
