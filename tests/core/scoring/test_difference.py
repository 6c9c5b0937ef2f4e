import numpy as np
import pytest

from napari_leukocyte.core.colours import DIFFERENCE_PALETTES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.border import border_band
from napari_leukocyte.core.scoring.difference import Difference, difference_classes
from napari_leukocyte.core.scoring.metrics import count_image


def random_maps(seed):
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, 3, (3, 4)), np.ones((8, 8), int))
    return np.where(rng.random(truth.shape) < 0.8, truth, rng.integers(0, 3, truth.shape)), truth


def test_every_pair_of_classes():
    predicted, true = (side.astype(int) for side in np.indices((3, 3)))
    none, extra, lost, wrong = Difference.CORRECT, Difference.FALSE_POSITIVE, Difference.FALSE_NEGATIVE, 3
    codes = difference_classes(predicted, true)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[none, lost, lost], [extra, none, wrong], [extra, wrong, none]]
    cell = difference_classes(predicted, true, whole_cell=True)
    assert cell.tolist() == [[none, lost, lost], [extra, none, none], [extra, none, none]]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("whole_cell", [False, True])
def test_it_agrees_with_the_counts(seed, whole_cell):
    prediction, truth = random_maps(seed)
    counts = count_image(prediction, truth, border_px=2, whole_cell=whole_cell)
    band = border_band(truth, width_px=2, cell_only=True)
    codes = difference_classes(prediction, truth, band, whole_cell=whole_cell)
    assert np.count_nonzero(codes == Difference.CORRECT) == counts.correct
    cell = counts.classes["cell"]
    outside = np.isin(codes, [Difference.FALSE_POSITIVE, Difference.FALSE_NEGATIVE])
    assert np.count_nonzero(outside) == cell.union_b - cell.intersection_b
    assert not outside[band].any()
    # correct pixels inside the band are correct
    assert np.all((codes == Difference.IN_BAND) <= band)
    assert set(np.unique(codes[band])) <= {Difference.CORRECT, Difference.IN_BAND}


def test_palettes_have_a_colour_for_every_code_that_occurs():
    every = set(Difference)
    assert set(DIFFERENCE_PALETTES["colour-blind safe"]) == every
    assert set(DIFFERENCE_PALETTES["thesis, three-class"]) == every - {Difference.IN_BAND}
    assert set(DIFFERENCE_PALETTES["thesis, binary"]) == every - {Difference.IN_BAND, Difference.WRONG_CLASS}


def test_what_does_not_fit_is_refused():
    with pytest.raises(LeukocyteError, match="same size"):
        difference_classes(np.zeros((3, 3), int), np.zeros((3, 4), int))
    with pytest.raises(LeukocyteError, match="border band"):
        difference_classes(np.zeros((3, 3), int), np.zeros((3, 3), int), np.zeros((2, 3), bool))
    with pytest.raises(LeukocyteError, match="holds the value 3"):
        difference_classes(np.full((3, 3), 3), np.zeros((3, 3), int))
