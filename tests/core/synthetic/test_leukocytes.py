import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.synthetic.leukocytes import CELL_TYPES, depths, make_leukocyte

LOBES = {
    "neutrophil": {1, 3, 4, 5},
    "eosinophil": {2},
    "basophil": {1},
    "lymphocyte": {1},
    "monocyte": {1},
}
AXIS = np.arange(-13, 13, 0.1, dtype=np.float32)
GRID = AXIS[:, None], AXIS[None, :]


def cells(cell_type: str, count: int) -> list:
    return [make_leukocyte(np.random.default_rng(seed), cell_type) for seed in range(count)]


@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_lobes_as_the_type_has_them(cell_type):
    drawn = {cell.n_lobes for cell in cells(cell_type, 40)}
    assert drawn == LOBES[cell_type]


@pytest.mark.parametrize("cell_type", ["neutrophil", "eosinophil"])
def test_lobes_are_nucleus_and_their_pieces_are_no_more_than_the_lobes(cell_type):
    for cell in cells(cell_type, 12):
        nucleus = depths(cell, *GRID)[1] > 0
        for y, x in cell.nucleus.lobes:
            assert nucleus[round((y + 13) / 0.1), round((x + 13) / 0.1)]
        # Opening by 0.6 um cuts the threads; what is left are lobes, some still broadly joined.
        disc = np.hypot(*np.mgrid[-6:7, -6:7]) <= 6
        labels, _ = ndi.label(ndi.binary_opening(nucleus, disc))
        pieces = np.count_nonzero(np.bincount(labels.ravel())[1:] * 0.01 > 2)
        assert 1 <= pieces <= cell.n_lobes


def test_threads_join_the_lobes_into_one_nucleus():
    joined = [ndi.label(depths(cell, *GRID)[1] > 0)[1] == 1 for cell in cells("neutrophil", 12)]
    assert np.mean(joined) > 0.5


@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_nucleus_lies_in_the_cell_and_its_share_is_plausible(cell_type):
    for cell in cells(cell_type, 6):
        body, nucleus = (depth > 0 for depth in depths(cell, *GRID))
        inside = np.count_nonzero(body & nucleus)
        assert inside > 0.93 * np.count_nonzero(nucleus)
        ratio = np.count_nonzero(body) / inside - 1
        assert 0.15 < ratio < 3.0


def test_vacuoles_lie_in_the_cytoplasm():
    found = [(cell, hole) for cell in cells("monocyte", 20) for hole in cell.vacuoles]
    assert found
    for cell, hole in found:
        at = np.float32([[hole.y]]), np.float32([[hole.x]])
        assert cell.outline.depth(*at)[0, 0] > hole.radius
        assert cell.nucleus.outline.depth(*at)[0, 0] < 0


def test_unknown_type_is_an_error():
    with pytest.raises(LeukocyteError, match="neutrophil"):
        make_leukocyte(np.random.default_rng(0), "platelet")
