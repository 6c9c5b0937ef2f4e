"""Which cells of an image count: all, the whole ones, or the one in the centre (thesis section 3.3.1)."""

from collections.abc import Collection
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import boxes_by_number
from napari_leukocyte.core.cells.checks import check_cell_labels, check_pixel_size
from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["Keep", "drop_cells", "edge_cells", "keep_cells", "keep_maps", "resolve_keep"]

Keep = Literal["auto", "all", "whole", "centre"]

_CROP_UM = 50.0
_CROP_PX = 512  # about 50 um at the thesis's 10.2 px/um


def resolve_keep(
    keep: Keep, shape: tuple[int, ...], *, pixel_size: float | None = None
) -> Literal["all", "whole", "centre"]:
    """Turn ``auto`` into the rule it stands for; the other choices are returned as they are.

    ``auto`` is ``centre`` for a crop at most 50 um across (its longer side), where a neighbour is another
    crop's cell and would be counted twice, else ``all``. With an unknown pixel size a crop of at most
    512 px across counts as one: that is 50 um at the thesis's 10.2 px/um, and fields of view are larger
    at any usual magnification.

    Parameters
    ----------
    keep : {"auto", "all", "whole", "centre"}
        The user's choice.
    shape : (Y, X)
        Size of the image in px.
    pixel_size : float, optional
        um per px.

    Raises
    ------
    LeukocyteError
        If ``keep`` is none of the four or the pixel size is not above 0.

    Examples
    --------
    >>> resolve_keep("auto", (480, 480), pixel_size=1 / 10.2)
    'centre'
    >>> resolve_keep("auto", (480, 640))
    'all'
    """
    pixel_size = check_pixel_size(pixel_size)
    if keep not in get_args(Keep):
        raise LeukocyteError(f"'{keep}' is no rule for the cells to keep; choose auto, all, whole or centre.")
    if keep != "auto":
        return keep
    longer = max(shape[:2])
    if pixel_size is None:
        return "centre" if longer <= _CROP_PX else "all"
    # a hair of tolerance, so that 500 px of 0.1 um are 50 um
    return "centre" if longer * pixel_size <= _CROP_UM * (1 + 1e-9) else "all"


def keep_cells(cells: npt.ArrayLike, keep: Keep, *, pixel_size: float | None = None) -> npt.NDArray[np.int32]:
    """Drop the cells that the rule leaves out, and renumber the rest 1..n in their old order.

    Parameters
    ----------
    cells : (Y, X) array of integers
        Cell labels.
    keep : {"auto", "all", "whole", "centre"}
        ``all`` keeps every cell, ``whole`` those with no pixel on the image edge, ``centre`` the one whose
        nearest pixel is closest to the image centre (ties: the larger, then the lower number), ``auto``
        see `resolve_keep`.
    pixel_size : float, optional
        um per px, for ``auto``.

    Returns
    -------
    (Y, X) int32 array
        0 where there is no cell or a dropped one.

    Raises
    ------
    LeukocyteError
        If ``cells`` are no cell labels or ``keep`` is none of the four.

    Examples
    --------
    >>> keep_cells([[1, 0, 0, 0], [0, 0, 7, 0], [0, 0, 0, 0]], "whole")
    array([[0, 0, 0, 0],
           [0, 0, 1, 0],
           [0, 0, 0, 0]], dtype=int32)
    """
    labels = check_cell_labels(cells)
    rule = resolve_keep(keep, labels.shape, pixel_size=pixel_size)
    if rule == "centre":
        return _renumbered(labels, np.array(_central_cell(labels), np.int32))
    numbers = np.fromiter(boxes_by_number(labels), np.int32)
    if rule == "whole":
        numbers = np.setdiff1d(numbers, edge_cells(labels))
    return _renumbered(labels, numbers)


def drop_cells(cells: npt.NDArray[np.int32], dropped: Collection[int]) -> npt.NDArray[np.int32]:
    """Drop the cells of these numbers from labels (Y, X) and renumber the rest 1..n in their old order.

    >>> drop_cells(np.array([[1, 2, 2, 3]], np.int32), {2})
    array([[1, 0, 0, 2]], dtype=int32)
    """
    numbers = np.fromiter(boxes_by_number(cells), np.int32)
    return _renumbered(cells, np.setdiff1d(numbers, np.array(sorted(dropped))))


def _renumbered(labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The cells of these numbers, sorted, as 1..n; 0 elsewhere."""
    largest = int(labels.max(initial=0))
    if largest <= labels.size:
        table = np.zeros(largest + 1, np.int32)
        table[numbers] = np.arange(1, numbers.size + 1)
        return np.asarray(table[labels])
    place = np.searchsorted(numbers, labels)  # no table of all numbers, of which one is large
    found = place < numbers.size
    found[found] = numbers[place[found]] == labels[found]
    return np.where(found, place + 1, 0).astype(np.int32)


def keep_maps(
    classes: npt.NDArray[np.uint8], cells: npt.NDArray[np.int32], keep: Keep, *, pixel_size: float | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Drop the cells that the rule leaves out from class map and labels; the others keep their numbers.

    Numbers that stay are what marks and measures go by. Parameters and errors as in `keep_cells`.
    """
    if keep == "all":
        return classes, cells
    stay = keep_cells(cells, keep, pixel_size=pixel_size) > 0
    return np.where(stay, classes, 0).astype(np.uint8), np.where(stay, cells, 0).astype(np.int32)


def edge_cells(cells: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the sorted numbers of the cells that have a pixel on the image edge."""
    edge = np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]])
    return np.unique(edge[edge > 0])


def _central_cell(cells: npt.NDArray[np.int32]) -> list[int]:
    """Return the number of the cell nearest to the image centre, in a list that is empty without a cell."""
    y, x = np.nonzero(cells)
    if not y.size:
        return []
    here = cells[y, x]
    # doubled coordinates keep the distances whole numbers, so that ties are exact
    distance = (2 * y - (cells.shape[0] - 1)) ** 2 + (2 * x - (cells.shape[1] - 1)) ** 2
    nearest = np.unique(here[distance == distance.min()])
    sizes = [np.count_nonzero(here == number) for number in nearest]
    return [int(nearest[np.argmax(sizes)])]
