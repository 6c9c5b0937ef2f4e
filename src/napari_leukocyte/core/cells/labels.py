"""From a class map to cells: one number for each white blood cell, touching cells apart, lobes together."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import boxes_by_number, widened
from napari_leukocyte.core.cells.checks import check_class_map, check_pixel_size
from napari_leukocyte.core.cells.clumps import WHOLE_NUCLEUS, group_clump
from napari_leukocyte.core.cells.flooding import watershed
from napari_leukocyte.core.cells.lobes import find_nuclei

__all__ = ["label_cells"]

_EIGHT = np.ones((3, 3), bool)
_SMALLEST_SPLIT_PX = 100  # two cells of fewer pixels cannot be told from a rough outline
_ROUND = 1.25  # a shape with less area than 1.25 x its inscribed disc is one cell
_GRID_RADIUS = 16  # px of the inscribed radius, at least, on the grid on which cells are told apart
_SMALL_HOLE = 0.12  # of the inscribed disc: a vacuole, or the gap between three cells
_SMOOTH = 0.03  # of the inscribed radius: an outline's roughness
_CORE = 0.12  # of a cell's radius below its outline, the cell is sure
_THINNEST_CORE = 1.5  # grid points

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def label_cells(classes: npt.ArrayLike, *, pixel_size: float | None = None) -> npt.NDArray[np.int32]:
    """Number the cells of a class map, touching cells apart and the lobes of one nucleus together.

    Connected components (8 neighbours) are cut into pieces, grown from the pieces of nucleus (in a binary map
    from the deepest places), and the pieces grouped into cells: the grouping whose cells hold the largest
    discs, so that the lobes of one nucleus stay together (see `regions.group_pieces`). Where nuclei of two
    cells touch, their lobes are tried in the same way. Every pixel that is not background gets a number,
    specks too (they are flagged ``very_small`` later), so the cells' areas add up to the class map.

    Parameters
    ----------
    classes : (Y, X) array of integers
        Class map, binary (0/1) or three-class (0/1/2).
    pixel_size : float, optional
        um per px. Known, it says what is too thin to be a cell (less than 3 um wide).

    Returns
    -------
    (Y, X) int32 array
        0 background, 1..n in reading order of each cell's first pixel.

    Raises
    ------
    LeukocyteError
        If ``classes`` is no class map or the pixel size is not above 0.

    Examples
    --------
    >>> label_cells([[1, 1, 0, 0, 0], [1, 2, 0, 0, 1], [0, 0, 0, 1, 2]])
    array([[1, 1, 0, 0, 0],
           [1, 1, 0, 0, 2],
           [0, 0, 0, 2, 2]], dtype=int32)
    """
    class_map = check_class_map(classes)
    pixel_size = check_pixel_size(pixel_size)
    # One array throughout, and work in boxes: a field of 48 megapixels must not need many times its own memory.
    cells = np.empty(class_map.shape, np.int32)
    count = ndi.label(class_map > 0, structure=_EIGHT, output=cells)
    for number, own in boxes_by_number(cells).items():
        if np.count_nonzero(cells[own] == number) < _SMALLEST_SPLIT_PX:
            continue
        # one pixel of background all round, except at the image edge, where the cell goes on
        box = widened(own, 1, cells.shape)
        mask = cells[box] == number
        parts = _split(mask, (class_map[box] == 2) & mask, pixel_size)
        extra = parts > 1
        cells[box][extra] = count + parts[extra] - 1
        count += int(parts.max()) - 1
    return _in_reading_order(cells)


def _split(mask: Mask, nucleus: Mask, pixel_size: float | None) -> Labels:
    """Split one component into cells 1..k; 0 outside ``mask``."""
    whole = mask.astype(np.int32)
    if mask.all():
        return whole
    opened = ndi.distance_transform_edt(mask)
    radius = float(opened.max())
    holes, small = _small_holes(mask, radius)
    solid = mask | small[holes]
    if solid.all():
        return whole
    closed = ndi.distance_transform_edt(solid) if small.any() else opened
    nuclei = find_nuclei(nucleus)
    if nuclei.max() < 2 and np.count_nonzero(solid) < _ROUND * np.pi * float(closed.max()) ** 2:
        return whole
    smooth = max(0.5, _SMOOTH * radius)
    opened = ndi.gaussian_filter(opened, smooth)
    closed = ndi.gaussian_filter(closed, smooth) if small.any() else opened
    # a coarse grid tells cells apart as well, and sooner
    step = max(1, int(radius // _GRID_RADIUS))
    grid = (slice(None, None, step), slice(None, None, step))
    thinnest = 0.0 if pixel_size is None else 1.5 / (pixel_size * step)
    coarse = opened[grid] / step
    filled = closed[grid] / step if small.any() else coarse
    groups = group_clump(nuclei[grid], filled, coarse, solid[grid], thinnest=thinnest)
    if groups.max() < 2:
        return whole
    if small.any():
        closed = _depth_without_gaps(mask, holes, small, _fine(groups, step, mask.shape), smooth)
    cores = _fine(_cores(groups), step, mask.shape) * mask
    for number in range(1, int(nuclei.max()) + 1):
        shares = np.bincount(groups[nuclei[grid] == number], minlength=2)[1:]
        if shares.sum() and shares.max() >= WHOLE_NUCLEUS * shares.sum():
            cores[nuclei == number] = int(shares.argmax()) + 1
    return _connected(watershed(-closed, cores, mask=mask), mask)


def _small_holes(mask: Mask, radius: float) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Number the holes, and tell by number which are small: a vacuole, or the gap where three cells meet."""
    holes, _ = ndi.label(ndi.binary_fill_holes(mask) & ~mask)
    small = np.bincount(holes.ravel()) <= _SMALL_HOLE * np.pi * radius**2
    small[0] = False
    return holes, small


def _depth_without_gaps(
    mask: Mask, holes: Labels, small: Mask, cells: Labels, smooth: float
) -> npt.NDArray[np.float64]:
    """Depth with the small holes filled, but those between two cells left open: there the cut goes through them."""
    highest = ndi.maximum_filter(cells, 3)
    lowest = ndi.minimum_filter(np.where(cells > 0, cells, cells.max() + 1), 3)
    filled = small.copy()
    filled[np.unique(holes[(highest != lowest) & small[holes]])] = False
    return np.asarray(ndi.gaussian_filter(ndi.distance_transform_edt(mask | filled[holes]), smooth))


def _fine(labels: Labels, step: int, shape: tuple[int, ...]) -> Labels:
    """Labels of every step-th pixel at every pixel."""
    return np.repeat(np.repeat(labels, step, axis=0), step, axis=1)[: shape[0], : shape[1]]


def _cores(groups: Labels) -> Labels:
    """What lies so deep in a cell that it is sure to be its own."""
    cores = np.zeros_like(groups)
    for number, box in enumerate(ndi.find_objects(groups), start=1):
        box = widened(box, 1, groups.shape)
        part = groups[box] == number
        depth = ndi.distance_transform_edt(part)
        # a part of a few grid points is what two cells leave between them, and goes to both
        cores[box][depth > max(_CORE * depth.max(), _THINNEST_CORE)] = number
    return cores


def _connected(cells: npt.NDArray[np.int32], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Leave each cell its largest connected piece and give the rest to the cell beside it."""
    kept = np.zeros_like(cells)
    for number, box in enumerate(ndi.find_objects(cells), start=1):
        if box is not None:
            parts, _ = ndi.label(cells[box] == number, structure=_EIGHT)
            kept[box][parts == int(np.bincount(parts.ravel())[1:].argmax()) + 1] = number
    if np.array_equal(kept > 0, mask):
        return kept
    return watershed(np.zeros(mask.shape), kept, mask=mask, connectivity=2)


def _in_reading_order(cells: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Renumber 1..n by the first pixel, row by row."""
    first: dict[int, tuple[int, int]] = {}
    for number, box in boxes_by_number(cells).items():
        row = box[0].start
        first[number] = (row, box[1].start + int(np.argmax(cells[row, box[1]] == number)))
    order = sorted(first, key=first.__getitem__)
    if order == list(range(1, len(order) + 1)):
        return cells
    lookup = np.zeros(max(first) + 1, np.int32)
    lookup[order] = np.arange(1, len(order) + 1)
    return np.asarray(lookup[cells])
