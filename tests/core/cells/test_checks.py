import numpy as np
import pytest

from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_pixel_size
from napari_leukocyte.core.cells.keep import keep_cells
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.border import border_band
from napari_leukocyte.core.scoring.cnr_error import match_cells
from napari_leukocyte.core.scoring.metrics import count_image

GOOD = np.zeros((4, 5), np.uint8)
BAD = {
    "float64": GOOD.astype(float),
    "value 7": GOOD + 7,
    "value -1": GOOD.astype(int) - 1,
    "(2, 4, 5)": np.zeros((2, 4, 5), int),
    "empty": np.zeros((0, 5), int),
    "complex": GOOD.astype(complex),
}


@pytest.mark.parametrize("words", BAD)
@pytest.mark.parametrize(
    "entrance",
    [
        check_class_map,
        label_cells,
        lambda m: measure_cells(m, np.zeros(m.shape[-2:], int)),
        lambda m: border_band(m, width_px=4),
        lambda m: count_image(m, GOOD, border_px=4),
        lambda m: count_image(GOOD, m, border_px=4),
    ],
)
def test_every_entrance_refuses_what_is_no_class_map(entrance, words):
    with pytest.raises(LeukocyteError) as caught:
        entrance(BAD[words])
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("words", ["float64", "(2, 4, 5)", "empty"])
@pytest.mark.parametrize(
    "entrance", [check_cell_labels, lambda c: keep_cells(c, "all"), lambda c: match_cells(c, GOOD)]
)
def test_every_entrance_refuses_what_is_no_label_map(entrance, words):
    with pytest.raises(LeukocyteError, match=words.replace("(", r"\(").replace(")", r"\)")):
        entrance(BAD[words])


def test_negative_label():
    with pytest.raises(LeukocyteError, match="negative"):
        check_cell_labels([[0, -3]])


def test_shapes_that_differ_are_both_named():
    with pytest.raises(LeukocyteError, match=r"\(4, 5\).*\(5, 4\)"):
        count_image(GOOD, GOOD.T, border_px=4)
    with pytest.raises(LeukocyteError, match=r"\(5, 4\).*\(4, 5\)"):
        measure_cells(GOOD, GOOD.T)
    with pytest.raises(LeukocyteError, match=r"\(4, 5\).*\(5, 4\)"):
        match_cells(GOOD, GOOD.T)


def test_a_binary_map_has_no_nucleus():
    with pytest.raises(LeukocyteError, match="value 2"):
        check_class_map([[0, 2]], binary=True)


def test_bool_and_wide_integers_are_fine():
    assert check_class_map(np.array([[True, False]])).dtype == np.uint8
    assert check_class_map(np.array([[2, 0]], np.int64)).tolist() == [[2, 0]]


@pytest.mark.parametrize("size", [0, -0.1, float("nan"), float("inf")])
def test_impossible_pixel_size(size):
    with pytest.raises(LeukocyteError, match="pixel size"):
        check_pixel_size(size)
