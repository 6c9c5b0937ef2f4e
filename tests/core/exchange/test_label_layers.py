"""Labels of other tools, as layers hold them: classes, numbered cells, and nuclei beside them."""

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.label_layers import maps_of_labels, segmentation_of_labels
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.mask_reading import DoubtfulMaskError

NAME = 'The layer "cp_masks"'


@pytest.fixture
def cells(disc_map):
    """Three cells with nuclei: a class map (Y, X)."""
    return disc_map((80, 150), (40, 25, 20, 9), (40, 75, 20, 12), (40, 125, 18, 8))


@pytest.fixture
def numbered(cells):
    """As Cellpose, StarDist and QuPath number them: any numbers, and others for the nuclei."""
    column = np.broadcast_to(np.arange(150), cells.shape)
    number = np.select([column < 50, column < 100], [7, 300], 12)
    return np.where(cells > 0, number, 0).astype(np.uint16), np.where(cells == 2, number + 1, 0).astype(np.int64)


def test_classes_are_read_as_such(cells):
    maps = maps_of_labels(cells.astype(np.int32), name=NAME)
    np.testing.assert_array_equal(maps.classes, cells)
    assert sorted(np.unique(maps.cells)) == [0, 1, 2, 3]
    assert not maps.whole_cell


def test_numbers_alone_are_whole_cells(numbered):
    maps = maps_of_labels(numbered[0], name=NAME)
    np.testing.assert_array_equal(maps.cells, numbered[0])
    np.testing.assert_array_equal(maps.classes, numbered[0] > 0)
    assert maps.whole_cell
    assert "number" in maps.reading


def test_numbers_with_nuclei_are_the_class_map_again(cells, numbered):
    maps = maps_of_labels(*numbered, name=NAME)
    np.testing.assert_array_equal(maps.classes, cells)
    np.testing.assert_array_equal(maps.cells, numbered[0])
    assert not maps.whole_cell


def test_two_cells_numbered_1_and_2_are_asked_about_and_read_as_told(cells):
    two = np.where(cells > 0, np.where(np.arange(150) < 50, 1, 2), 0)
    two[:, 100:] = 0
    with pytest.raises(DoubtfulMaskError) as doubtful:
        maps_of_labels(two, name=NAME)
    assert "cells" in doubtful.value.others
    assert sorted(np.unique(maps_of_labels(two, name=NAME, read_as="cells").cells)) == [0, 1, 2]
    assert maps_of_labels(two, name=NAME, read_as="as-found").classes.max() == 2


def test_nuclei_without_cells_and_labels_of_another_size_are_sentences(cells, numbered):
    with pytest.raises(LeukocyteError, match="no cell in which the nuclei could lie"):
        maps_of_labels(np.zeros_like(numbered[0]), numbered[1], name=NAME)
    with pytest.raises(LeukocyteError, match="must have the same size"):
        maps_of_labels(numbered[0], numbered[1][:40], name=NAME)
    (source,) = sources_from_array(np.zeros((90, 150, 3), np.uint8), name="smear")
    with pytest.raises(LeukocyteError, match="150 x 80 px, and smear 150 x 90 px"):
        segmentation_of_labels(maps_of_labels(cells, name=NAME), source, "cp_masks", {})


def test_the_result_says_where_it_comes_from(numbered):
    (source,) = sources_from_array(np.zeros((80, 150, 3), np.uint8), name="smear")
    result = segmentation_of_labels(maps_of_labels(*numbered, name=NAME), source, "cp_masks", {})
    assert result.provenance["made"].startswith('the layer "cp_masks", read as each number a cell')
    assert [one.cell for one in result.measure()] == [7, 12, 300]
