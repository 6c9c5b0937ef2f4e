"""What follows from the definitions of the classes rather than from the network: specks go, vacuoles are filled."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.boxes import boxes_by_number

__all__ = ["clean_class_map", "smallest_cell_px"]

_NUCLEUS_UM2 = 13.0  # the smallest nucleus, a lymphocyte's, covers 35 um2; red-cell glare and platelets stay below 13
_SPECK_UM2 = 20.0  # where nuclei are not known: a cell covers 50 um2 and more, a platelet 2-10
_VACUOLE_UM2 = 12.0  # larger enclosed background is a gap between cells
# Share of a nucleus that is surely cell. On validation images, as they are, gray, in other colours or at a wrong scale,
# true cells have 0.70 and more, seven of the 19 red cells and platelets that are taken for one 0.01 to 0.60.
_SURELY_CELL = 0.65
_GRAIN_UM2 = 1.0  # a granule, or a gap in the chromatin: no lobe of a nucleus is as small


def clean_class_map(
    classes: NDArray[np.uint8],
    *,
    pixel_size: float,
    binary: bool,
    surely_cell: NDArray[np.bool_] | None = None,
    within: NDArray[np.bool_] | None = None,
) -> None:
    """Clean a predicted class map (Y, X) in place.

    Connected cell areas without the nucleus of a white blood cell become background (debris, platelets, glare on
    red cells), so do those whose nucleus may well be none at all (red cells at a wrong scale), and small holes become
    cytoplasm: a vacuole belongs to its cell (value 1 in either kind of map).
    Grains of nucleus in the cytoplasm and of cytoplasm in the nucleus go to what surrounds them.
    A sliver of a cell at the image edge goes with them: it has no CNR anyway.

    Parameters
    ----------
    pixel_size
        um per px, known or estimated; a rough value does.
    binary
        The map knows only "cell": the whole area decides instead of the nucleus.
    surely_cell
        (Y, X): where the method is sure of a cell; None: everywhere. Counts where nuclei are known.
    within
        (Y, X): whole connected areas that are looked at; None: all. The others stay as they are.
    """
    px = 1 / pixel_size**2  # on 1 um2
    smallest = smallest_cell_px(pixel_size, binary=binary)
    # In boxes: of a large field only the cells are looked at, and little memory is needed.
    objects = np.empty(classes.shape, np.int32)
    ndimage.label(classes > 0 if within is None else (classes > 0) & within, output=objects)
    for number, box in boxes_by_number(objects).items():
        own, part = objects[box] == number, classes[box]
        nucleus = own & (part == 2)
        area = np.count_nonzero(own if binary else nucleus)
        doubtful = surely_cell is not None and _share(surely_cell[box], nucleus) < _SURELY_CELL
        if area < smallest or (doubtful and not binary):
            part[own] = 0
            continue
        part[_islands(~own, below=_VACUOLE_UM2 * px) & (part == 0)] = 1
        if not binary:
            part[_islands(nucleus, below=_GRAIN_UM2 * px, outside=False)] = 1
            # a gap in the chromatin; what lies between the lobes is connected to the cytoplasm around
            part[_islands(~(own & (part == 2)), below=_GRAIN_UM2 * px) & own] = 2


def smallest_cell_px(pixel_size: float, *, binary: bool) -> float:
    """The area, px, below which nothing that is found stays: a nucleus or, where nuclei are not known, a cell."""
    return (_SPECK_UM2 if binary else _NUCLEUS_UM2) / pixel_size**2


def _share(mask: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    """Share of an area that the mask covers; 0 of none."""
    return int(np.count_nonzero(mask & of)) / max(1, int(np.count_nonzero(of)))


def _islands(mask: NDArray[np.bool_], *, below: float, outside: bool = True) -> NDArray[np.bool_]:
    """The connected areas of a mask that cover fewer px than ``below``; with ``outside`` it goes on all round."""
    objects, n = ndimage.label(np.pad(mask, 1, constant_values=outside))
    small = np.bincount(objects.ravel(), minlength=n + 1) < below
    small[0] = False
    if outside:
        small[objects[0, 0]] = False
    return np.asarray(small[objects][1:-1, 1:-1])
