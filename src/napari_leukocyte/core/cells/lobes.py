"""Nuclei and their lobes as seeds of cells."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.flooding import local_maxima, watershed
from napari_leukocyte.core.cells.regions import necks

__all__ = ["find_lobes", "find_nuclei"]

_EIGHT = np.ones((3, 3), bool)
_SPECK = 0.04  # of the largest nucleus: no lobe
_ONE_LOBE = 0.70  # a passage in the nucleus as wide as this share of the lobe is none


def find_nuclei(nucleus: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number the connected pieces of nucleus 1..k, specks left out.

    Examples
    --------
    >>> find_nuclei(np.array([[1, 1, 0, 1]], bool))
    array([[1, 1, 0, 2]], dtype=int32)
    """
    nuclei, _ = ndi.label(nucleus, structure=_EIGHT)
    return _without_specks(nuclei)


def find_lobes(nucleus: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number the lobes of a nucleus 1..k, told apart where it narrows; specks left out."""
    depth = ndi.gaussian_filter(ndi.distance_transform_edt(nucleus), 0.7)
    seeds, _ = ndi.label(local_maxima(depth) & nucleus, structure=_EIGHT)
    pieces = watershed(-depth, seeds, mask=nucleus)
    count = int(pieces.max())
    radius = np.r_[0, ndi.maximum(depth, pieces, np.arange(1, count + 1))]
    group = np.arange(count + 1)
    for (a, b), neck in sorted(necks(pieces, depth).items(), key=lambda item: -item[1]):
        if group[a] != group[b]:
            smaller = min(radius[group == group[a]].max(), radius[group == group[b]].max())
            if neck >= _ONE_LOBE * smaller:
                group[group == group[b]] = group[a]
    return _without_specks(group[pieces])


def _without_specks(pieces: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    kept = np.flatnonzero((sizes > 0) & (sizes >= _SPECK * sizes.max()))
    lookup = np.zeros(sizes.size, np.int32)
    lookup[kept] = np.arange(1, kept.size + 1)
    return np.asarray(lookup[pieces])
