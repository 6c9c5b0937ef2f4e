"""The optional columns of a segmentation: shapes from its maps, and what only the image can tell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import boxes_by_number
from napari_leukocyte.core.cells.shape import CHANNELS, Shape, cell_shapes
from napari_leukocyte.core.imaging.convert import Conversion, find_conversion
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.red_cells import RED_CELL_UM, outlines, red_cells
from napari_leukocyte.core.segmentation.rulers import FEW

__all__ = ["measure_shapes", "shapes_of"]

_MOST_PX = 100_000  # looked at for the glass
_GLASS = 90  # percentile of what is no white cell: red cells lie below it
_DARKEST = 1 / 255
_LARGEST_PX = 16_000_000  # of the part of an image in which red cells are looked for


def shapes_of(source: ImageSource, result: Segmentation) -> dict[int, Shape]:
    """Measure the shapes of an image's cells as its maps are now; see `measure_shapes`.

    Raises
    ------
    LeukocyteError
        When the image cannot be read any more.
    """
    plane = source.read()
    return measure_shapes(plane, find_conversion(plane, rgb=source.rgb), result)


def measure_shapes(plane: Any, conversion: Conversion, result: Segmentation) -> dict[int, Shape]:
    """Measure shape, optical density and size beside the red cells, of each cell of a segmentation.

    Parameters
    ----------
    plane : (Y, X) or (Y, X, C) array
        The image as it was read; ``conversion`` makes RGB of it.
    result
        Its maps, flags and pixel size.

    Returns
    -------
    dict
        By cell number, the columns of ``core.cells.shape.SHAPE_COLUMNS`` that are known. Optical density is
        -log10(light / light of the glass), by channel, the mean over the pixels; the diameter of a red cell is the
        median of those found in the image, of which there must be five.
    """
    shapes = cell_shapes(
        result.classes,
        result.cells,
        pixel_size=result.pixel_size.for_areas,
        binary=result.binary,
        flags={measure.cell: measure.flags for measure in result.measure()},
    )
    glass = _glass(plane, conversion, result.cells)
    red = _red_cell(plane, conversion, result)
    for number, box in boxes_by_number(result.cells).items():
        own = shapes[number]
        mask = (result.cells[box] == number) & (result.classes[box] > 0)
        density = -np.log10(np.maximum(conversion(np.asarray(plane[box])), np.float32(_DARKEST)) / glass)
        for part, inside in (("cell", mask), ("nucleus", mask & (result.classes[box] >= 2))):
            if inside.any() and not (result.binary and part == "nucleus"):
                means = density[inside].mean(axis=0, dtype=np.float64).tolist()
                own.update({f"{part}_od_{channel}": mean for channel, mean in zip(CHANNELS, means, strict=True)})
        if red is not None and "cell_diameter_px" in own:
            own["cell_per_red_cell"] = own["cell_diameter_px"] / red
    return dict(shapes)


def _glass(plane: Any, conversion: Conversion, cells: NDArray[np.int32]) -> NDArray[np.float32]:
    """Light of the glass (3,), 0-1; of an image full of cells that of its lightest pixels."""
    step = max(1, int(np.ceil(np.sqrt(cells.size / _MOST_PX))))
    rgb, outside = conversion(np.asarray(plane[::step, ::step])), cells[::step, ::step] == 0
    seen = rgb[outside] if outside.any() else rgb.reshape(-1, 3)
    return np.maximum(np.percentile(seen, _GLASS, axis=0), _DARKEST).astype(np.float32)


def _red_cell(plane: Any, conversion: Conversion, result: Segmentation) -> float | None:
    """Median diameter (px) of the red cells; None where there are too few."""
    um = result.pixel_size.um
    if um is None:
        return None
    height, width = result.cells.shape
    shrink = min(1.0, float(np.sqrt(_LARGEST_PX / result.cells.size)))
    top, left = (int(side * (1 - shrink) / 2) for side in (height, width))
    part = plane[top : height - top, left : width - left]
    discs = outlines(np.asarray(part), conversion).moved(top, left)
    y, x = (np.rint(at).astype(np.intp) for at in (discs.y, discs.x))
    inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
    white = result.cells[y.clip(0, height - 1), x.clip(0, width - 1)] > 0
    red = red_cells(discs[~(inside & white)], near=RED_CELL_UM / um)
    return None if red is None or red.count < FEW else red.diameter
