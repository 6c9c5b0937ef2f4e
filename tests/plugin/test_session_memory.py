"""What a list of many images takes of the memory: those that nobody looks at are compressed, and come back whole."""

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.measure.saving import snapshots

SHAPE = (240, 240)
MOST = 20_000  # bytes an image; its maps, as arrays, take 40 times as much


@pytest.fixture
def many(session, tmp_path, segmentation, disc_map):
    for index in range(6):
        Image.fromarray(np.full((*SHAPE, 3), 200, np.uint8)).save(tmp_path / f"{index}.png")
    session.open_files(list(sources_from_files(sorted(tmp_path.glob("*.png")))))
    for index in range(6):
        session.put(index, segmentation(disc_map(SHAPE, (120, 120, 60, 20 + index))))
    return session


def resting(session):
    return [index for index, state in session.states.items() if state.nbytes < MOST]


def others(session):
    return [index for index in session.states if index != session.index]


def test_the_memory_kept_for_each_image_is_bounded(many):
    assert resting(many) == others(many)
    assert many.state.nbytes > 20 * MOST
    for index in (3, 5, 0):
        many.show(index)
        many.classes_layer.data_setitem((np.arange(9), np.arange(9)), 2)
        many.flush()
        assert resting(many) == others(many)


def test_what_is_asked_of_all_images_leaves_them_at_rest(many):
    many.edit_labels_of(4, lambda live: live.set_types({1: "monocyte"}))
    cnr = [state.measures[0].cnr for state in many.states.values()]
    assert sorted(cnr, reverse=True) == cnr
    taken = snapshots(many, range(6))
    assert resting(many) == others(many)
    for index, one in enumerate(taken):
        np.testing.assert_array_equal(one.result.classes, many.states[index].classes)
        np.testing.assert_array_equal(one.result.cells, many.states[index].cells)


def test_an_image_goes_on_as_it_was_left(many):
    many.show(2)
    began = many.state.began
    many.classes_layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[40:50, 40:50]), 1)
    many.edit_labels(lambda live: live.set_types({1: "lymphocyte"}))
    before = many.state.classes.copy(), many.state.cells.copy(), many.state.facts(None), many.state.measures
    many.show(0)
    many.show(2)
    state = many.state
    np.testing.assert_array_equal(state.classes, before[0])
    np.testing.assert_array_equal(state.cells, before[1])
    assert state.facts(None) == before[2]
    assert state.measures == before[3]
    np.testing.assert_array_equal(state.began.classes, began.classes)
    np.testing.assert_array_equal(state.began.cells, began.cells)
    many.classes_layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[40:50, 40:50]), 0)
    many.flush()
    assert state.pixels_changed == 0


def test_a_snapshot_is_of_its_moment(many):
    (one,) = snapshots(many, [0])
    before = many.state.classes.copy()
    many.classes_layer.data_setitem((np.arange(9), np.arange(9)), 2)
    many.flush()
    np.testing.assert_array_equal(one.result.classes, before)
