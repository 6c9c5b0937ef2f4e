"""What follows from the definitions of the classes rather than from the network: specks go, vacuoles are filled."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["clean_class_map"]

_NUCLEUS_UM2 = 13.0  # the smallest nucleus, a lymphocyte's, covers 35 um2; red-cell glare and platelets stay below 13
_SPECK_UM2 = 20.0  # where nuclei are not known: a cell covers 50 um2 and more, a platelet 2-10
_VACUOLE_UM2 = 12.0  # larger enclosed background is a gap between cells
_GRAIN_UM2 = 1.0  # a granule, or a gap in the chromatin: no lobe of a nucleus is as small


def clean_class_map(classes: NDArray[np.uint8], *, pixel_size: float, binary: bool) -> None:
    """Clean a predicted class map (Y, X) in place.

    Connected cell areas without the nucleus of a white blood cell become background (debris, platelets, glare on
    red cells), and small holes become cytoplasm: a vacuole belongs to its cell (value 1 in either kind of map).
    Grains of nucleus in the cytoplasm and of cytoplasm in the nucleus go to what surrounds them.
    A sliver of a cell at the image edge goes with them: it has no CNR anyway.

    Parameters
    ----------
    pixel_size
        um per px, known or estimated; a rough value does.
    binary
        The map knows only "cell": the whole area decides instead of the nucleus.
    """
    cell = classes > 0
    objects, n = ndimage.label(cell)
    counted = objects if binary else objects[classes == 2]
    areas = np.bincount(counted.ravel(), minlength=n + 1)
    small = areas * pixel_size**2 < (_SPECK_UM2 if binary else _NUCLEUS_UM2)
    small[0] = False
    if small.any():
        classes[small[objects]] = 0
        cell = classes > 0
    classes[_islands(~cell, _VACUOLE_UM2 / pixel_size**2, spare_edge=True)] = 1
    if not binary:
        nucleus = classes == 2
        classes[_islands(nucleus, _GRAIN_UM2 / pixel_size**2)] = 1
        # a gap in the chromatin; what lies between the lobes is connected to the cytoplasm around
        classes[_islands(classes != 2, _GRAIN_UM2 / pixel_size**2) & cell] = 2


def _islands(mask: NDArray[np.bool_], below: float, *, spare_edge: bool = False) -> NDArray[np.bool_]:
    """The connected areas of a mask that cover fewer px than ``below``."""
    objects, n = ndimage.label(mask)
    small = np.bincount(objects.ravel(), minlength=n + 1) < below
    small[0] = False
    if spare_edge:
        for line in (objects[0], objects[-1], objects[:, 0], objects[:, -1]):
            small[line] = False
    return np.asarray(small[objects])
