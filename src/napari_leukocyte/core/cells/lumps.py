"""Find a platelet that was taken for a part of the cell: a small round lump that hangs on by a narrow neck."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.outlines import extent
from napari_leukocyte.core.imaging.grown import grown, shrunk

__all__ = ["has_lump"]

_EIGHT = np.ones((3, 3), bool)
_SHARE = (0.02, 0.15)  # of the cell's area
_OPENING = 0.4  # of the radius of a disc of the cell's area; what is thinner comes off, so also a lump of 15 %
_ACROSS_UM = (1.5, 5.0)  # a disc of the lump's area
_SMALLEST_PX = 20  # fewer pixels have no shape
_NECK = 0.9  # of the lump's width; the root of a pseudopod is as wide as the pseudopod
_ROUND = 2.0  # times the area of a disc of the lump's width; a thread has more
_NUCLEUS = 0.05  # of the lump; a platelet has none


def has_lump(own: npt.NDArray[np.bool_], nucleus: npt.NDArray[np.bool_], *, pixel_size: float | None) -> bool:
    """Say whether a lump of cytoplasm hangs on the cell that may be a platelet.

    Parameters
    ----------
    own, nucleus : (Y, X) bool arrays
        The cell and its nucleus.
    pixel_size : float or None
        um per px; known, the lump must also have the size of a platelet, 1.5 to 5 um.
    """
    area = np.count_nonzero(own)
    radius = _OPENING * np.sqrt(area / np.pi)
    body = own & grown(shrunk(own, radius), radius)
    lumps, _ = ndi.label(own & ~body)
    for number, box in enumerate(ndi.find_objects(lumps), start=1):
        lump = lumps[box] == number
        px = np.count_nonzero(lump)
        if px < _SMALLEST_PX or not _SHARE[0] <= px / area <= _SHARE[1]:
            continue
        across = 2 * np.sqrt(px / np.pi)
        if pixel_size is not None and not _ACROSS_UM[0] <= across * pixel_size <= _ACROSS_UM[1]:
            continue
        if np.count_nonzero(lump & nucleus[box]) > _NUCLEUS * px:
            continue
        width = 2 * ndi.distance_transform_edt(own)[box][lump].max() - 1
        neck = extent(ndi.binary_dilation(body, _EIGHT)[box] & lump)
        if neck <= _NECK * width and across**2 <= _ROUND * width**2:
            return True
    return False
