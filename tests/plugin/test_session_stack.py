"""Stacks in the session: planes that are not on screen, and sliders that reach beyond the stack."""

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError

SHAPE = (60, 80)
PLANES = 4


@pytest.fixture
def result(segmentation, disc_map):
    """Make a segmentation with one cell, whose place tells the results apart."""

    def make(n):
        return segmentation(disc_map(SHAPE, (30, 20 + 4 * n, 15, 7)))

    return make


def add_stack(viewer, planes=PLANES, **options):
    return viewer.add_image(np.zeros((planes, *SHAPE, 3), np.uint8), rgb=True, **options)


@pytest.fixture
def stack(viewer, session, result):
    """A stack with every plane segmented, while plane 0 was on screen; the layer of its class maps."""
    viewer.dims.set_current_step(0, 0)
    layer = add_stack(viewer, name="stack")
    viewer.dims.set_current_step(0, 0)
    session.open_layer(layer)
    for plane in range(PLANES):
        session.put(plane, result(plane))
    return session.classes_layer


def assert_in_step(session):
    for plane, state in session.states.items():
        np.testing.assert_array_equal(session.classes_layer.data[plane], state.classes, f"plane {plane}")
        np.testing.assert_array_equal(session.cells_layer.data[plane], state.cells, f"plane {plane}")


# ---- planes that are not on screen ---------------------------------------------------------------------


def test_undo_leaves_the_planes_that_are_not_on_screen(session, stack):
    before = stack.data.copy()
    for _ in range(PLANES):
        stack.undo()
    np.testing.assert_array_equal(stack.data, before)
    assert_in_step(session)
    assert [len(state.measures) for state in session.states.values()] == [1] * PLANES


def test_of_a_run_over_all_planes_the_shown_one_can_be_undone_and_made_again(session, stack, result):
    for plane in range(PLANES):
        session.put(plane, result(plane + 5))
    stack.undo()
    wanted = np.stack([result(plane + 5 if plane else 0).classes for plane in range(PLANES)])
    np.testing.assert_array_equal(stack.data, wanted)
    assert_in_step(session)
    session.put(2, result(3))  # a result that comes in meanwhile takes no step away
    stack.redo()
    np.testing.assert_array_equal(stack.data[0], result(5).classes)
    assert_in_step(session)


def test_a_plane_that_is_not_on_screen_is_drawn_anew(viewer, session, stack, result):
    drawn = []
    stack.events.set_data.connect(lambda: drawn.append(stack.data[1].copy()))  # with 3 axes on the canvas it is seen
    session.put(1, result(6))
    np.testing.assert_array_equal(drawn[-1], result(6).classes)


@pytest.mark.parametrize("undone", [True, False])
def test_a_stroke_through_the_planes_does_not_come_back_into_a_new_map(session, stack, result, undone):
    stack.n_edit_dimensions, stack.brush_size = 3, 9
    stack.paint((0, 30, 60), 1)  # background before, nucleus in the new map
    assert stack.data[1, 30, 60] == 1
    if undone:
        stack.undo()
    else:
        stack.n_edit_dimensions = 2
    session.put(1, result(10))
    (stack.redo if undone else stack.undo)()
    np.testing.assert_array_equal(stack.data[1], result(10).classes)


# ---- sliders that reach beyond -------------------------------------------------------------------------


@pytest.fixture
def shown(session):
    seen = []
    session.shown_changed.connect(lambda index: seen.append(session.images[index].plane))
    return seen


def test_a_longer_stack_moves_the_session_only_within_its_own(viewer, session, stack, shown):
    add_stack(viewer, 6)
    viewer.dims.set_current_step(0, 2)
    viewer.dims.set_current_step(0, 5)
    assert (session.index, shown) == (2, [2])
    viewer.dims.set_current_step(0, 2)
    assert shown == [2], "it was the one shown all the time"
    viewer.dims.set_current_step(0, 3)
    assert (session.index, shown) == (3, [2, 3])


def test_the_slider_comes_back_when_the_longer_stack_goes(viewer, session, stack, shown):
    longer = add_stack(viewer, 6)
    viewer.dims.set_current_step(0, 5)
    viewer.layers.remove(longer)
    assert (session.index, shown) == (PLANES - 1, [PLANES - 1])


def test_a_stack_opened_with_the_slider_beyond_it_begins_with_its_last_plane(viewer, session, result):
    layer = add_stack(viewer)
    add_stack(viewer, 6)
    viewer.dims.set_current_step(0, 5)
    session.open_layer(layer)
    assert session.index == PLANES - 1
    session.put(session.index, result(0))
    np.testing.assert_array_equal(session.classes_layer.data[-1], result(0).classes)


def test_with_the_slider_beyond_the_stack_undo_changes_nothing(viewer, session, stack, result):
    add_stack(viewer, 6)
    stack.data_setitem((np.array([0]), np.array([5]), np.array([5])), 1)
    viewer.dims.set_current_step(0, 5)
    stack.undo()
    assert stack.data[0, 5, 5] == 1
    session.put(0, result(8))
    stack.undo()
    np.testing.assert_array_equal(stack.data[0], result(8).classes)
    viewer.dims.set_current_step(0, 0)
    stack.undo()
    np.testing.assert_array_equal(stack.data[0], result(8).classes)
    assert_in_step(session)


def test_a_plane_that_is_not_seen_is_not_edited(viewer, session, stack):
    add_stack(viewer, 6)
    viewer.dims.set_current_step(0, 5)
    with pytest.raises(LeukocyteError, match="slider"):
        session.edit_map(lambda live: (np.array([30]), np.array([20])), 1)
    assert_in_step(session)
    session.go_to(0, 1)
    assert viewer.dims.current_step[0] == 0
    session.edit_map(lambda live: (np.array([30]), np.array([20])), 1)
    assert stack.data[0, 30, 20] == 1


@pytest.mark.parametrize("start", [2, 0.5])
def test_planes_are_those_of_the_stack_wherever_it_lies(viewer, session, shown, start):
    layer = add_stack(viewer, translate=(start, 0, 0))
    add_stack(viewer, 8)
    session.open_layer(layer)
    for plane in (3, 1, 2, 0):
        session.show(plane)
        assert session.index == plane
        assert layer.world_to_data(viewer.dims.point)[0] == pytest.approx(plane)
    assert shown[-4:] == [3, 1, 2, 0]


def test_the_stack_may_be_stretched(viewer, session):
    layer = add_stack(viewer)
    viewer.dims.set_current_step(0, 2)
    session.open_layer(layer)
    layer.scale = (2, 1, 1)  # the slider stays where it was, which is plane 1 now
    assert session.index == 1


def test_the_stack_may_be_stretched_under_its_class_maps(viewer, session, stack):
    viewer.dims.set_current_step(0, 2)
    session.image_layer.scale = (2, 1, 1)
    session.open_layer(session.image_layer)
    assert session.index == 1
    assert stack.world_to_data(viewer.dims.point)[0] == 1


def test_the_stack_may_be_moved_within_a_longer_one(viewer, session, stack):
    add_stack(viewer, 6)
    viewer.dims.set_current_step(0, 2)
    session.image_layer.translate = (1, 0, 0)  # napari tells of no step
    session.open_layer(session.image_layer)
    assert session.index == 1
    np.testing.assert_array_equal(stack.translate, (1, 0, 0))


def test_other_layers_may_have_more_axes(viewer, session, stack):
    viewer.add_image(np.zeros((2, PLANES, *SHAPE)))
    session.show(3)
    assert tuple(viewer.dims.current_step[:2]) == (0, 3)
    assert session.index == 3
    viewer.dims.set_current_step(0, 1)
    assert session.index == 3
    viewer.dims.set_current_step(1, 2)
    assert session.index == 2
