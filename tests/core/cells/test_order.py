"""Which cell is looked at next."""

import numpy as np
import pytest
from drawn import disc

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.cells.order import after, doubtful_first

SHAPE = (60, 300)


@pytest.fixture
def measures():
    """Five cells in a row."""
    classes = np.zeros(SHAPE, np.uint8)
    for x in range(30, 300, 55):
        classes[disc(SHAPE, (30, x), 20)] = 1
        classes[disc(SHAPE, (30, x), 10)] = 2
    remarks = {
        1: {Flag.EDITED},
        2: {Flag.OUT_OF_FOCUS},
        3: {Flag.LOW_CONFIDENCE},
        4: {Flag.OUT_OF_FOCUS, Flag.PIXEL_SIZE_DOUBTFUL},
        5: {Flag.NOT_A_WBC_SMUDGE, Flag.EDITED},
    }
    return measure_cells(classes, label_cells(classes), pixel_size=None, binary=False, remarks=remarks)


def test_the_uncertain_come_first_then_those_with_more_remarks_and_what_a_person_said_is_no_doubt(measures):
    assert doubtful_first(measures) == [3, 4, 2]
    assert doubtful_first(reversed(measures)) == [3, 4, 2]


def test_what_comes_after_a_cell_that_is_gone():
    order = [8, 3, 5, 1]
    assert after(order, 3) == [5, 1]
    assert after(order, 1) == []
    assert after(order, None) == after(order, 9) == order
    assert after([8, 5, 1], 3, before=order) == [5, 1]  # it was deleted
    assert after([5, 1], 3, before=order) == [5, 1]
    assert after([1, 8], 5, before=order) == []  # the order is another one by now
    assert after([], 3, before=order) == []
