import math
import pickle

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

import napari_leukocyte as nl
from napari_leukocyte.core.cells.measures import measure_cells

CELLS = ((30, 28, 14), (30, 54, 13))


@pytest.fixture
def result(model, picture):
    return nl.segment(picture(*CELLS), pixel_size=1 / 3, keep="all", model=model, device="cpu")


def test_measures_are_those_of_its_maps(result):
    expected = measure_cells(result.classes, result.cells, pixel_size=1 / 3)
    assert [(one.cell, one.cnr, one.cnr_low, one.cnr_high) for one in result.measure()] == [
        (one.cell, one.cnr, one.cnr_low, one.cnr_high) for one in expected
    ]
    assert all(one.cnr_low < one.cnr < one.cnr_high for one in expected)


def test_the_table_has_a_row_for_each_cell_and_numbers_as_numbers(result):
    table = result.table()
    for row, measure in zip(table.itertuples(), result.measure(), strict=True):
        assert (row.cell, row.cnr, row.nucleus_px) == (measure.cell, measure.cnr, measure.nucleus_px)
        assert row.flags == ";".join(measure.flags)
    assert {str(table[name].dtype) for name in ("plane", "cell", "nucleus_px")} == {"int64"}
    assert {str(table[name].dtype) for name in ("y", "cnr", "nucleus_um2")} == {"float64"}


def test_an_image_without_cells_has_an_empty_table_of_the_same_types(result, picture, model):
    nothing = nl.segment(picture(), pixel_size=1 / 3, model=model)
    assert nothing.measure() == []
    assert nothing.cells.max() == 0
    assert_frame_equal(nothing.table(), result.table().iloc[:0])


def test_it_says_in_one_line_what_it_is(result):
    assert repr(result) == "<Result image: 80×60 px, 2 cells, pixel size 0.3333 µm/px (typed)>"


@pytest.mark.parametrize("stack", [False, True])
def test_it_can_be_pickled(model, picture, stack):
    image = picture(*CELLS)
    result = nl.segment(np.stack([image, image * 0]) if stack else image, pixel_size=1 / 3, keep="all", model=model)
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.classes, result.classes)
    assert_frame_equal(again.table(), result.table())
    assert again.provenance == result.provenance
    assert again.failures == result.failures
    assert repr(again) == repr(result)
    failed = nl.Failed("image 0", "It is bad.")
    assert pickle.loads(pickle.dumps(failed)) == failed


def test_a_withheld_cnr_is_nan_with_a_flag(model, picture):
    cut = nl.segment(picture((30, 5, 14)), pixel_size=1 / 3, keep="all", model=model)
    (cell,) = cut.measure()
    assert math.isnan(cell.cnr)
    assert nl.Flag.CUT_BY_EDGE in cell.flags
    assert cut.table()["cnr"].isna().all()
