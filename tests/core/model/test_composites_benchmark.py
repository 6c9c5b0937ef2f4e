"""What the benchmark of merged cells takes for a cell: no speck of a mask, and nothing for cells that no mask knows."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from composites import composites
from napari_leukocyte.core.model.dataset import IndexRow
from touching import without_unknown

PX_PER_UM = 6
SIDE = 150
COLOUR, GLASS = (120, 60, 150), (240, 220, 200)


def disc(centre, radius):
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


@pytest.fixture
def merged(tmp_path):
    """Pictures merged from a photograph with a masked cell, a speck of mask and a half cell that no mask knows."""
    cell, unknown = disc((75, 75), 27), disc((75, 0), 20)
    image = np.full((SIDE, SIDE, 3), GLASS, np.uint8)
    image[cell | unknown] = COLOUR
    mask = cell.astype(np.uint8)
    mask[20:23, 100:103] = 1
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(mask * 255).save(tmp_path / "a-mask.png")
    row = IndexRow("a.png", "lab", tmp_path / "a.png", tmp_path / "a-mask.png", 1 / PX_PER_UM, "", "")
    return list(composites([row], 8, seed=1))


def test_every_cell_is_large_enough_to_be_one(merged):
    for picture in merged:
        areas = np.bincount(picture.cells.ravel())[1:] / PX_PER_UM**2
        assert (areas[areas > 0] >= 20).all()
        assert (areas > 0).sum() > 1


def test_no_more_cells_than_were_there_and_were_added(merged):
    for picture in merged:
        covered = picture.classes > 0
        assert not (picture.cells[~covered] > 0).any()
        known = np.unique(picture.cells[picture.cells > 0])
        assert len(known) <= 5  # the photograph's own and at most four more


def test_what_lies_on_a_seam_where_no_mask_knows_a_cell_does_not_count(merged):
    for picture in merged:
        dark = (picture.image == COLOUR).all(axis=2)
        found, count = ndimage.label(dark & (picture.cells == 0))
        labels = np.where(found > 0, found + picture.cells.max(), picture.cells).astype(np.int32)
        large = [n for n in range(1, count + 1) if (found == n).sum() > 20 * PX_PER_UM**2]
        assert large  # the half cell, made whole by the mirror
        left = without_unknown(labels, picture)
        assert np.array_equal(left[picture.cells > 0], picture.cells[picture.cells > 0])
        assert not np.isin(left, np.array(large) + picture.cells.max()).any()


def test_what_lies_off_the_seams_counts_as_false(merged):
    picture = merged[0]
    free = ndimage.binary_erosion((picture.cells == 0) & ~picture.seams, iterations=4)
    y, x = np.argwhere(free)[0]
    labels = picture.cells.copy()
    labels[y, x] = labels.max() + 1
    assert without_unknown(labels, picture)[y, x] == labels[y, x]
