import numpy as np
import pytest

from napari_leukocyte.core.segmentation.cleaning import clean_class_map

UM = 0.1


def disc(classes, y, x, diameter_um, value):
    rows, columns = np.mgrid[: classes.shape[0], : classes.shape[1]]
    classes[np.hypot(rows - y, columns - x) <= diameter_um / UM / 2] = value


@pytest.fixture
def cell():
    """A cell of 12 um with a nucleus of 7 um."""
    classes = np.zeros((200, 300), np.uint8)
    disc(classes, 100, 80, 12, 1)
    disc(classes, 100, 80, 7, 2)
    return classes


def cleaned(classes, *, binary=False, pixel_size=UM, surely_cell=None):
    result = classes.copy()
    clean_class_map(result, pixel_size=pixel_size, binary=binary, surely_cell=surely_cell)
    return result


def test_a_proper_cell_stays_as_it_is(cell):
    np.testing.assert_array_equal(cleaned(cell), cell)
    np.testing.assert_array_equal(cleaned(cell > 0, binary=True), cell > 0)


def test_what_has_no_nucleus_of_a_white_blood_cell_goes(cell):
    dirty = cell.copy()
    disc(dirty, 40, 200, 6, 1)  # glare on a red cell
    disc(dirty, 100, 220, 4, 1)  # a platelet
    disc(dirty, 100, 220, 3, 2)
    disc(dirty, 0, 150, 5, 1)  # a sliver at the edge
    np.testing.assert_array_equal(cleaned(dirty), cell)


@pytest.mark.parametrize(("share", "stays"), [(0.3, False), (0.6, False), (0.7, True), (1.0, True)])
def test_a_cell_goes_when_much_of_its_nucleus_may_be_no_cell(cell, share, stays):
    doubtful = cell.copy()
    disc(doubtful, 100, 220, 10, 1)
    disc(doubtful, 100, 220, 7, 2)
    nucleus = np.argwhere((doubtful == 2) & (np.arange(300) > 150))
    sure = np.ones(cell.shape, bool)
    sure[tuple(nucleus[: round((1 - share) * len(nucleus))].T)] = False
    np.testing.assert_array_equal(cleaned(doubtful, surely_cell=sure), doubtful if stays else cell)


def test_doubtful_cytoplasm_takes_no_cell_away_and_binary_maps_know_no_nucleus(cell):
    np.testing.assert_array_equal(cleaned(cell, surely_cell=cell == 2), cell)
    binary = (cell > 0).astype(np.uint8)
    np.testing.assert_array_equal(cleaned(binary, binary=True, surely_cell=np.zeros(cell.shape, bool)), binary)


def test_a_bare_nucleus_stays(cell):
    disc(cell, 60, 220, 7, 2)
    np.testing.assert_array_equal(cleaned(cell), cell)


def test_the_size_decides_in_a_binary_map(cell):
    binary = (cell > 0).astype(np.uint8)
    dirty = binary.copy()
    disc(dirty, 40, 200, 4, 1)
    np.testing.assert_array_equal(cleaned(dirty, binary=True), binary)


def test_vacuoles_are_filled_and_gaps_between_cells_stay(cell):
    holed = cell.copy()
    disc(holed, 100, 127, 1.5, 0)
    np.testing.assert_array_equal(cleaned(holed), cell)
    ring = np.zeros((200, 200), np.uint8)
    disc(ring, 100, 100, 16, 2)
    disc(ring, 100, 100, 8, 0)
    np.testing.assert_array_equal(cleaned(ring), ring)


def test_grains_go_to_what_surrounds_them(cell):
    grainy = cell.copy()
    disc(grainy, 100, 80, 0.6, 1)  # a gap in the chromatin
    disc(grainy, 100, 127, 0.6, 2)  # a granule
    np.testing.assert_array_equal(cleaned(grainy), cell)


def test_cytoplasm_between_lobes_stays(cell):
    disc(cell, 100, 80, 3, 1)
    np.testing.assert_array_equal(cleaned(cell), cell)


def test_sizes_are_physical(cell):
    assert cleaned(cell, pixel_size=0.02).max() == 0, "the same pixels at 0.02 um are a speck"


def test_empty_and_full_maps():
    np.testing.assert_array_equal(cleaned(np.zeros((20, 30), np.uint8)), np.zeros((20, 30)))
    full = np.full((100, 100), 2, np.uint8)
    np.testing.assert_array_equal(cleaned(full), full)
