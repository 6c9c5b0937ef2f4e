"""What follows from the definitions of the classes rather than from the network: specks go, vacuoles are filled."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["clean_class_map"]

_SPECK_UM2 = 20.0  # a white blood cell covers 50 um2 and more, a platelet 2-10
_EDGE_SPECK_UM2 = 3.0  # at the image edge it may be the rim of a cell whose rest lies outside
_VACUOLE_UM2 = 12.0  # larger enclosed background is a gap between cells


def clean_class_map(classes: NDArray[np.uint8], *, pixel_size: float) -> None:
    """Clean a predicted class map (Y, X) in place.

    Connected cell areas too small for a white blood cell become background (debris, platelets), and small
    holes become cytoplasm: a vacuole belongs to its cell (value 1 in either kind of map).

    Parameters
    ----------
    pixel_size
        um per px, known or estimated; a rough value does.
    """
    pixel_um2 = pixel_size**2
    cell = classes > 0
    areas, edge, objects = _areas(cell)
    small = areas * pixel_um2 < np.where(edge, _EDGE_SPECK_UM2, _SPECK_UM2)
    small[0] = False
    if small.any():
        classes[small[objects]] = 0
        cell = classes > 0
    areas, edge, objects = _areas(~cell)
    hole = ~edge & (areas * pixel_um2 < _VACUOLE_UM2)
    hole[0] = False
    if hole.any():
        classes[hole[objects]] = 1


def _areas(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.int32]]:
    """Area in px of each connected area, whether it reaches the image edge, and the labels; index 0 is no area."""
    objects, n = ndimage.label(mask)
    areas = np.bincount(objects.ravel(), minlength=n + 1)
    edge = np.zeros(n + 1, bool)
    for line in (objects[0], objects[-1], objects[:, 0], objects[:, -1]):
        edge[line] = True
    return areas, edge, objects
