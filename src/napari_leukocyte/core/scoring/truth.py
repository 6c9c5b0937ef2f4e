"""Ground truth of one image: class map, cells and their measures, found once and compared with often."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.keep import keep_maps
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.scoring.evaluation import Keep

__all__ = ["Truth", "make_truth"]


@dataclass(frozen=True)
class Truth:
    """What experts say of one image.

    Attributes
    ----------
    classes
        Class map (Y, X).
    cells
        Cell labels (Y, X).
    whole_cell
        It knows only cell and background: ``cell`` alone is scored, and no CNR.
    measures
        Of its cells.
    reading
        How its values or colours were read, in words.
    source
        Where it comes from: a file or the name of a layer.
    """

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    whole_cell: bool
    measures: tuple[CellMeasure, ...]
    reading: str
    source: str

    @property
    def name(self) -> str:
        """The source without its folders."""
        return self.source.replace("\\", "/").rpartition("/")[2]

    def kept(self, keep: Keep) -> "Truth":
        """Return the truth of the cells that a rule keeps; they keep their numbers and what was said of them."""
        if keep == "all":
            return self
        classes, cells = keep_maps(self.classes, self.cells, keep)
        numbers = set(np.unique(cells).tolist())
        measures = tuple(measure for measure in self.measures if measure.cell in numbers)
        return replace(self, classes=classes, cells=cells, measures=measures)


def make_truth(
    classes: NDArray[np.uint8],
    *,
    whole_cell: bool,
    pixel_size: float | None,
    reading: str,
    source: str,
    cells: NDArray[np.int32] | None = None,
    remarks: Mapping[int, Collection[Flag]] | None = None,
) -> Truth:
    """Tell the cells of a truth apart, unless labels came along, and measure them.

    Parameters
    ----------
    classes : (Y, X) uint8 array
        Class map; 0 and 1 only when ``whole_cell``.
    pixel_size : float or None
        um per px.
    """
    if cells is None:
        cells = label_cells(classes, pixel_size=pixel_size)
    measures = measure_cells(classes, cells, pixel_size=pixel_size, binary=whole_cell, remarks=remarks or {})
    return Truth(classes, cells, whole_cell, tuple(measures), reading, source)
