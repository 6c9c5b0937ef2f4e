"""An honest estimate of an unknown pixel size: red cells are the ruler, and white cells where there are too few."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.red_cells import RedCells, outlines, red_cells
from napari_leukocyte.core.segmentation.white_cells import (
    CANDIDATES,
    WhiteCells,
    centre_part,
    corner,
    find_white_cells,
    look,
)
from napari_leukocyte.core.segmentation.windowed import Network, WindowDone

__all__ = ["CANDIDATES", "RED_CELL_UM", "centre_part", "estimate_pixel_size"]

# Diameter of a red cell as `red_cells` measures it: the one number that was fitted, see docs/pixel-size.md.
RED_CELL_UM = 6.8
_CROWD, _CROWD_SHARE = 5, 0.4  # red cells, and their share of all outlines, that need no other ruler to be found
_WHITE_UM = (6.0, 25.0)  # a white cell at the red cells' scale is no larger or smaller
# Spread of the log of a ruler: what all cells of an image share, and that of one cell about it.
_RED_SPREAD, _WHITE_SPREAD = (0.07, 0.12), (0.08, 0.15)
_DISAGREE = float(np.log(1.6))  # rulers further apart do not both measure what they should: the surer one counts


def estimate_pixel_size(plane: Any, conversion: Conversion, network: Network) -> Iterator[WindowDone | PixelSize]:
    """Yield progress and, last, the estimate.

    Round objects of all sizes are outlined. When many are of one size these are the red cells, and one look of the
    network at that scale leaves the white cells out. Otherwise the network finds the scale (`find_white_cells`),
    and what is round outside the white cells, and about half as wide, is a red cell. The two rulers are averaged,
    each weighted by what it is worth: a white cell is worth little beside several red ones.

    Without red cells the estimate is that of the white cells, and without any cell it is the working resolution
    itself. Its source says which.
    """
    part = centre_part(plane, 1.0)
    discs = outlines(part, conversion).moved(*corner(plane, part))
    crowd = red_cells(discs)
    if crowd is not None and crowd.count >= _CROWD and crowd.share >= _CROWD_SHARE:
        seen = yield from look(plane, conversion, network, RED_CELL_UM / crowd.diameter)
        red = red_cells(seen.outside(discs), near=crowd.diameter)
        plausible = not seen.cells or _WHITE_UM[0] < seen.diameter * seen.assumed < _WHITE_UM[1]
        if red is not None and red.count >= _CROWD and plausible:
            yield _weighed(red, WhiteCells(seen.estimate, seen.cells, seen) if seen.cells else None)
            return
    white = yield from find_white_cells(plane, conversion, network)
    if white is None:
        yield PixelSize(network.pixel_size, "assumed: no cell was found to estimate it from", estimated=True)
        return
    red = red_cells(white.look.outside(discs), near=RED_CELL_UM / white.um)
    yield _weighed(red, white)


def _weighed(red: RedCells | None, white: WhiteCells | None) -> PixelSize:
    """The mean of the log sizes that the rulers say, with the inverse of their variance as weight."""
    said: list[tuple[float, float, str]] = []
    if red is not None:
        said.append((np.log(RED_CELL_UM / red.diameter), _variance(_RED_SPREAD, red.count), _named(red.count, "red ")))
    if white is not None:
        said.append((np.log(white.um), _variance(_WHITE_SPREAD, white.cells), _named(white.cells)))
    if len(said) == 2 and abs(said[0][0] - said[1][0]) > _DISAGREE:
        said = [min(said, key=lambda ruler: ruler[1])]
    size, variance, names = zip(*said, strict=True)
    um = float(np.exp(np.average(size, weights=1 / np.array(variance))))
    return PixelSize(um, "estimated from " + " and ".join(names), estimated=True)


def _variance(spread: tuple[float, float], cells: int) -> float:
    shared, own = spread
    return shared**2 + own**2 / cells


def _named(count: int, kind: str = "") -> str:
    return f"{count} {kind}cell" + "s" * (count > 1)
