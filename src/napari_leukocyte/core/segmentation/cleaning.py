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
    px = 1 / pixel_size**2  # on 1 um2
    smallest = (_SPECK_UM2 if binary else _NUCLEUS_UM2) * px
    # In boxes: of a large field only the cells are looked at, and little memory is needed.
    objects = np.empty(classes.shape, np.int32)
    ndimage.label(classes > 0, output=objects)
    for number, box in enumerate(ndimage.find_objects(objects), start=1):
        own, part = objects[box] == number, classes[box]
        nucleus = own & (part == 2)
        if np.count_nonzero(own if binary else nucleus) < smallest:
            part[own] = 0
            continue
        part[_islands(~own, below=_VACUOLE_UM2 * px) & (part == 0)] = 1
        if not binary:
            part[_islands(nucleus, below=_GRAIN_UM2 * px, outside=False)] = 1
            # a gap in the chromatin; what lies between the lobes is connected to the cytoplasm around
            part[_islands(~(own & (part == 2)), below=_GRAIN_UM2 * px) & own] = 2


def _islands(mask: NDArray[np.bool_], *, below: float, outside: bool = True) -> NDArray[np.bool_]:
    """The connected areas of a mask that cover fewer px than ``below``; with ``outside`` it goes on all round."""
    objects, n = ndimage.label(np.pad(mask, 1, constant_values=outside))
    small = np.bincount(objects.ravel(), minlength=n + 1) < below
    small[0] = False
    if outside:
        small[objects[0, 0]] = False
    return np.asarray(small[objects][1:-1, 1:-1])
