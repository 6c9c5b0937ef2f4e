"""What was done to a region of a slide, as it goes into the slide's results: labels, new cells, marks; no dock."""

import numpy as np
import pytest

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.slides.correcting import Written
from napari_leukocyte.plugin.segment.slide_corrections import RegionWriter

SHAPE = (90, 110)
BOX = slice(1000, 1090), slice(2000, 2110)


@pytest.fixture
def writer(viewer, session, segmentation, disc_map):
    """A writer with one region, whose cells are 7 and 9 on the slide."""
    layer = viewer.add_image(np.zeros((*SHAPE, 3), np.uint8), name="region")
    session.open_layer(layer)
    result = segmentation(disc_map(SHAPE, (45, 30, 20, 10), (45, 80, 18, 9)))
    result.cells[...] = np.choose(result.cells, (0, 7, 9))
    writer = RegionWriter(session)
    writer.add(layer, BOX, (result.classes, result.cells))
    session.put(0, result)
    return writer


def correction_of(writer, session):
    (region,) = writer.regions
    return region.correction(session.state, {})


def write(writer, correction, numbers):
    """As if it had been written, and new cells got these numbers."""
    cells = correction.maps[1].copy()
    for given, number in numbers.items():
        cells[correction.maps[1] == given] = number
    writer.regions[0].take(Written(None, (correction.maps[0], cells), numbers, (), (), ()))


def test_labels_that_were_joined_differ_from_what_the_results_hold(session, writer):
    assert writer.unwritten() == []
    session.edit_labels(lambda live: live_repairs.join(live, [7, 9]))
    correction = correction_of(writer, session)
    assert len(np.unique(correction.seen[1])) == 3
    assert len(np.unique(correction.maps[1])) == 2
    assert np.array_equal(correction.seen[0], correction.maps[0])
    assert writer.unwritten() == writer.regions


def test_new_cells_keep_the_number_that_they_got_on_the_slide(session, writer):
    paint = np.zeros(SHAPE, bool)
    paint[5:15, 50:60] = True
    session.classes_layer.data_setitem(np.nonzero(paint), 1)
    session.flush()
    first = correction_of(writer, session)
    (new,) = set(np.unique(first.maps[1]).tolist()) - {0, 7, 9}
    assert new not in (8, 10)  # no cell of the slide can have it
    write(writer, first, {new: 10})
    paint = np.zeros(SHAPE, bool)
    paint[75:85, 50:60] = True
    session.classes_layer.data_setitem(np.nonzero(paint), 1)
    session.flush()
    second = correction_of(writer, session)
    assert np.array_equal(second.seen[1] == 10, first.maps[1] == new)
    assert np.array_equal(second.maps[1] == 10, first.maps[1] == new)
    (newer,) = set(np.unique(second.maps[1]).tolist()) - {0, 7, 9, 10}
    write(writer, second, {newer: 11})
    region = writer.regions[0]
    assert {session.state.cells[10, 55], session.state.cells[80, 55]} == {region.here(10), region.here(11)}
    assert region.here(9) == 9


def test_marks_and_types_come_along_under_the_slides_numbers(session, writer):
    session.edit_labels(lambda live: live_repairs.mark(live, [9], Flag.NOT_A_WBC_SMUDGE))
    session.edit_labels(lambda live: live_repairs.set_type(live, [7], "blast"))
    correction = correction_of(writer, session)
    assert Flag.NOT_A_WBC_SMUDGE in correction.remarks[9]
    assert correction.types == {7: "blast"}
    assert writer.unwritten() == writer.regions


def test_a_region_whose_layer_was_taken_away_is_no_longer_written(viewer, session, writer):
    session.edit_labels(lambda live: live_repairs.join(live, [7, 9]))
    viewer.layers.remove("region")
    assert writer.unwritten() == []
