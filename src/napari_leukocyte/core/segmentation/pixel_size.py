"""What the cells of an image say of its pixel size: red cells are the ruler, white cells where there are too few."""

from collections.abc import Generator, Iterator
from typing import Any

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.red_cells import RED_CELL_UM, RedCells, outlines, red_cells
from napari_leukocyte.core.segmentation.rulers import Ruler, Rulers, pooled
from napari_leukocyte.core.segmentation.white_cells import centre_part, corner, find_white_cells, look
from napari_leukocyte.core.segmentation.windowed import Network, WindowDone

__all__ = ["estimate_pixel_size", "find_rulers"]

_CROWD, _CROWD_SHARE = 5, 0.4  # red cells, and their share of all outlines, that need no other ruler to be found
_WHITE_UM = (6.0, 25.0)  # a white cell at the red cells' scale is no larger or smaller


def estimate_pixel_size(plane: Any, conversion: Conversion, network: Network) -> Iterator[WindowDone | PixelSize]:
    """Yield progress and, last, the estimate for one image alone, see `find_rulers` and `rulers.pooled`."""
    rulers = yield from find_rulers(plane, conversion, network)
    yield pooled([rulers], working=network.pixel_size)


def find_rulers(plane: Any, conversion: Conversion, network: Network) -> Generator[WindowDone, None, Rulers]:
    """Yield progress and return what red and white cells say of the pixel size.

    Round objects of all sizes are outlined. When many are of one size these are the red cells, and one look of the
    network at that scale leaves the white cells out. Otherwise the network finds the scale (`find_white_cells`),
    and what is round outside the white cells, and about half as wide, is a red cell.
    """
    part = centre_part(plane, 1.0)
    discs = outlines(part, conversion).moved(*corner(plane, part))
    crowd = red_cells(discs)
    if crowd is not None and crowd.count >= _CROWD and crowd.share >= _CROWD_SHARE:
        seen = yield from look(plane, conversion, network, RED_CELL_UM / crowd.diameter)
        red = red_cells(seen.outside(discs), near=crowd.diameter)
        plausible = not seen.cells or _WHITE_UM[0] < seen.diameter * seen.assumed < _WHITE_UM[1]
        if red is not None and red.count >= _CROWD and plausible:
            return Rulers(_ruler(red), Ruler(seen.estimate, seen.cells, "cell") if seen.cells else None)
    white = yield from find_white_cells(plane, conversion, network)
    if white is None:
        return Rulers()
    red = red_cells(white.look.outside(discs), near=RED_CELL_UM / white.um)
    return Rulers(None if red is None else _ruler(red), Ruler(white.um, white.cells, "cell"))


def _ruler(red: RedCells) -> Ruler:
    return Ruler(RED_CELL_UM / red.diameter, red.count, "red cell")
