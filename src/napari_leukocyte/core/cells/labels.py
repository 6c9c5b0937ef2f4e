"""From a class map to cells: one number for each white blood cell, touching cells apart, lobes together."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from napari_leukocyte.core.cells.class_map import check_class_map, check_pixel_size
from napari_leukocyte.core.cells.regions import Region, junctions, merge_regions, neighbours

__all__ = ["label_cells"]

_EIGHT = np.ones((3, 3), bool)
_SMALLEST_SPLIT_PX = 100  # two cells of fewer pixels cannot be told from a rough outline
_ROUND = 1.25  # a shape with less area than 1.25 x its inscribed disc is one cell
_LARGE_RADIUS_PX = 48  # above this inscribed radius the cuts are searched on a coarser grid
_VACUOLE_SHARE = 0.01  # holes up to this share of the inscribed disc are vacuoles, not gaps between cells
_STRAY_NUCLEUS_SHARE = 0.25  # a nucleus cut off by up to this share goes back to its cell


def label_cells(classes: npt.ArrayLike, *, pixel_size: float | None = None) -> npt.NDArray[np.int32]:
    """Number the cells of a class map, touching cells apart and the lobes of one nucleus together.

    Connected components (8 neighbours) are split where they narrow: a watershed on the smoothed Euclidean
    distance to the outline, whose regions are merged again where the neck between them is wide, where a
    region is too thin to be a cell, and, in a three-class map, where a region has no nucleus of its own or
    one nucleus spans the neck. Every pixel that is not background gets a number, specks too (they are
    flagged ``very_small`` later), so the cells' areas add up to the class map.

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
    three_class = bool((class_map == 2).any())
    for number, box in enumerate(ndi.find_objects(cells), start=1):
        if np.count_nonzero(cells[box] == number) < _SMALLEST_SPLIT_PX:
            continue
        # one pixel of background all round, except at the image edge, where the cell goes on
        box = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        mask = cells[box] == number
        nucleus = (class_map[box] == 2) & mask if three_class else None
        parts = _split(mask, nucleus, pixel_size)
        extra = parts > 1
        cells[box][extra] = count + parts[extra] - 1
        count += int(parts.max()) - 1
    return _in_reading_order(cells)


def _split(
    mask: npt.NDArray[np.bool_], nucleus: npt.NDArray[np.bool_] | None, pixel_size: float | None
) -> npt.NDArray[np.int32]:
    """Split one component into cells 1..k; 0 outside ``mask``."""
    whole = mask.astype(np.int32)
    if mask.all():
        return whole
    solid = _without_vacuoles(mask)
    if solid.all():
        return whole
    depth = ndi.distance_transform_edt(solid)
    radius = float(depth.max())
    if np.count_nonzero(solid) < _ROUND * np.pi * radius**2:
        return whole
    depth = ndi.gaussian_filter(depth, max(1.0, 0.05 * radius))
    step = max(1, int(radius // _LARGE_RADIUS_PX) + 1 if radius > _LARGE_RADIUS_PX else 1)
    coarse = (slice(None, None, step), slice(None, None, step))
    pieces = _pieces(depth[coarse], solid[coarse])
    if pieces.max() < 2:
        return whole
    core = None if nucleus is None or not nucleus.any() else ndi.distance_transform_edt(nucleus)
    groups = _grouped(pieces, depth[coarse], None if core is None else core[coarse], step, pixel_size)
    if groups.max() < 2:
        return whole
    cells = _at_native(groups, step, depth, mask)
    if nucleus is not None:
        cells = _nuclei_in_one_piece(cells, nucleus)
    return _connected(cells, mask)


def _without_vacuoles(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Fill holes that are small against the cell; larger ones may be the gap between cells in a ring."""
    holes, count = ndi.label(ndi.binary_fill_holes(mask) & ~mask)
    if count == 0:
        return mask
    radius = float(ndi.distance_transform_edt(mask).max())
    sizes = np.bincount(holes.ravel())
    small = sizes <= _VACUOLE_SHARE * np.pi * radius**2
    small[0] = False
    return np.asarray(mask | small[holes])


def _pieces(depth: npt.NDArray[np.float64], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Over-segment: one piece for each local maximum of the depth."""
    peaks, _ = ndi.label(local_maxima(depth) & mask, structure=_EIGHT)
    return np.asarray(watershed(-depth, peaks, mask=mask), dtype=np.int32)


def _grouped(
    pieces: npt.NDArray[np.int32],
    depth: npt.NDArray[np.float64],
    core: npt.NDArray[np.float64] | None,
    step: int,
    pixel_size: float | None,
) -> npt.NDArray[np.int32]:
    """Merge the pieces that belong to one cell, and number the groups 1..k."""
    index = np.arange(1, int(pieces.max()) + 1)
    radii = ndi.maximum(depth, pieces, index)
    areas = np.bincount(pieces.ravel(), minlength=index.size + 1)[1:] * step**2
    if core is None:
        core_radii, core_areas = np.zeros(index.size), np.zeros(index.size, np.intp)
    else:
        core_radii = ndi.maximum(core, pieces, index)
        core_areas = np.bincount(pieces[core > 0], minlength=index.size + 1)[1:] * step**2
    regions = {
        int(number): Region(float(r), int(a), float(nr), int(na))
        for number, r, a, nr, na in zip(index, radii, areas, core_radii, core_areas, strict=True)
    }
    necks = neighbours(pieces, depth, core)
    for number in junctions(regions, necks):
        del regions[number]
        necks = {pair: neck for pair, neck in necks.items() if number not in pair}
    thinnest = 0.0 if pixel_size is None else 1.5 / pixel_size
    group_of = merge_regions(regions, necks, nuclei_known=core is not None, thinnest=thinnest)
    lookup = np.zeros(index.size + 1, np.int32)
    for new, old in enumerate(sorted(set(group_of.values())), start=1):
        for piece, group in group_of.items():
            if group == old:
                lookup[piece] = new
    groups = lookup[pieces]
    # what lies between three cells is shared out to the nearest
    nearest = ndi.distance_transform_edt(groups == 0, return_distances=False, return_indices=True)
    return np.asarray(np.where(pieces > 0, groups[tuple(nearest)], 0), dtype=np.int32)


def _at_native(
    groups: npt.NDArray[np.int32],
    step: int,
    depth: npt.NDArray[np.float64],
    mask: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int32]:
    """Bring coarse groups back to every pixel of the mask; the cut follows the neck at full resolution."""
    if step > 1:
        fine = np.repeat(np.repeat(groups, step, axis=0), step, axis=1)[: mask.shape[0], : mask.shape[1]]
        wide = 2 * step + 1
        highest = ndi.maximum_filter(np.where(fine > 0, fine, 0), wide)
        lowest = ndi.minimum_filter(np.where(fine > 0, fine, fine.max() + 1), wide)
        groups = np.where(highest == lowest, fine, 0)
        groups = np.asarray(watershed(-depth, groups * mask, mask=mask | (groups > 0)), dtype=np.int32)
    return groups * mask


def _nuclei_in_one_piece(cells: npt.NDArray[np.int32], nucleus: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Give a sliver of a nucleus that the cut took off back to the cell that has the rest of it."""
    lobes, count = ndi.label(nucleus, structure=_EIGHT)
    result = cells.copy()
    for lobe in range(1, count + 1):
        inside = lobes == lobe
        shares = np.bincount(cells[inside])
        if np.count_nonzero(shares) > 1 and shares.max() >= (1 - _STRAY_NUCLEUS_SHARE) * shares.sum():
            result[inside] = int(shares.argmax())
    return result


def _connected(cells: npt.NDArray[np.int32], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Leave each cell its largest connected piece and give the rest to the cell beside it."""
    kept = np.zeros_like(cells)
    for number in range(1, int(cells.max()) + 1):
        parts, count = ndi.label(cells == number, structure=_EIGHT)
        if count:
            kept[parts == int(np.bincount(parts.ravel())[1:].argmax()) + 1] = number
    if np.array_equal(kept > 0, mask):
        return kept
    return np.asarray(watershed(np.zeros(mask.shape), kept, mask=mask, connectivity=2), dtype=np.int32)


def _in_reading_order(cells: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Renumber 1..n by the first pixel, row by row."""
    first: dict[int, tuple[int, int]] = {}
    for number, box in enumerate(ndi.find_objects(cells), start=1):
        if box is not None:
            row = box[0].start
            first[number] = (row, box[1].start + int(np.argmax(cells[row, box[1]] == number)))
    order = sorted(first, key=first.__getitem__)
    if order == list(range(1, len(order) + 1)):
        return cells
    lookup = np.zeros(max(first) + 1, np.int32)
    lookup[order] = np.arange(1, len(order) + 1)
    return np.asarray(lookup[cells])
