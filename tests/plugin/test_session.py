import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.canvas.layers import CELLS, CLASSES, METADATA_KEY
from napari_leukocyte.plugin.cnr_text import CNR, get_cnr_text
from napari_leukocyte.plugin.session import Session, get_session

SHAPE = (90, 110)


def block(y0, y1, x0, x1, *, plane=None):
    """Indices of a rectangle as ``data_setitem`` wants them."""
    y, x = (axis.ravel() for axis in np.mgrid[y0:y1, x0:x1])
    return (y, x) if plane is None else (np.full_like(y, plane), y, x)


def image(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3), np.uint8)


@pytest.fixture
def one(viewer, session, segmentation, disc_map):
    """An open image with two cells."""
    layer = viewer.add_image(image(), name="smear", scale=(0.1, 0.1), units="um")
    session.open_layer(layer)
    result = segmentation(disc_map(SHAPE, (45, 30, 20, 10), (45, 80, 18, 9)))
    session.put(0, result)
    return result


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_a_map_of_another_size_stays_beside_the_one_that_is_segmented_again(
    viewer, session, one, segmentation, disc_map
):
    foreign = np.ones((30, 40), np.uint8)
    session.classes_layer.data = foreign
    assert "segment again" in session.problem()
    again = segmentation(disc_map(SHAPE, (45, 55, 20, 10)))
    session.put(0, again)
    assert session.problem() == ""
    np.testing.assert_array_equal(viewer.layers[CLASSES].data, again.classes)
    assert viewer.layers[CELLS].data.shape == SHAPE
    (aside,) = [layer for layer in viewer.layers if layer.name.endswith("(edited)")]
    np.testing.assert_array_equal(aside.data, foreign)


def test_one_session_for_each_viewer(viewer):
    assert get_session(viewer) is get_session(viewer)
    assert get_session(ViewerModel()) is not get_session(viewer)


def test_a_closed_viewer_takes_its_session_with_it():
    viewer = ViewerModel()
    gone = weakref.ref(get_session(viewer))
    del viewer
    gc.collect()
    assert gone() is None


def test_a_result_becomes_layers_placed_like_the_image(viewer, session, one):
    assert names(viewer) == ["smear", CLASSES, CELLS]
    classes, cells = session.classes_layer, session.cells_layer
    np.testing.assert_array_equal(classes.data, one.classes)
    np.testing.assert_array_equal(cells.data, one.cells)
    assert tuple(classes.scale) == (0.1, 0.1)
    assert viewer.layers.selection.active is classes
    assert not cells.editable
    assert cells.contour == 1  # outlines, also between cells that touch
    assert classes.metadata[METADATA_KEY]["model"] == "by hand"
    assert len(session.state.measures) == 2
    assert session.images[0].pixel_size.um == pytest.approx(0.1)


def test_layers_hold_copies_so_that_painting_does_not_reach_the_result(session, one):
    before = one.classes.copy()
    session.classes_layer.data_setitem(block(0, 5, 0, 5), 2)
    session.flush()
    np.testing.assert_array_equal(one.classes, before)


def test_painting_is_found_once_with_its_bounding_box(session, one):
    seen = []
    session.changed.connect(lambda index, bbox: seen.append((index, bbox)))
    session.classes_layer.brush_size = 4
    session.classes_layer.paint((45, 30), 1)
    session.flush()
    session.flush()
    assert len(seen) == 1
    index, (y0, y1, x0, x1) = seen[0]
    assert index == 0
    assert (session.classes_layer.data != one.classes)[y0:y1, x0:x1].sum() == (
        session.classes_layer.data != one.classes
    ).sum()
    assert (y1 - y0) <= 5
    assert (x1 - x0) <= 5


def test_measures_and_cells_follow_paint_undo_and_redo(session, one):
    layer = session.classes_layer
    first = [m.cnr for m in session.state.measures]
    layer.data_setitem(block(40, 50, 25, 36), 1)  # takes most of the first nucleus away
    session.flush()
    painted = [m.cnr for m in session.state.measures]
    assert painted[0] > 1.5 * first[0]
    assert painted[1] == first[1]
    assert session.state.edited
    layer.undo()
    session.flush()
    assert [m.cnr for m in session.state.measures] == first
    assert not session.state.edited
    layer.redo()
    session.flush()
    assert [m.cnr for m in session.state.measures] == painted


def test_segmenting_again_is_one_undoable_step(session, one, segmentation, disc_map):
    layer = session.classes_layer
    session.put(0, segmentation(disc_map(SHAPE, (45, 55, 22, 12))))
    assert session.classes_layer is layer
    assert len(session.state.measures) == 1
    layer.undo()
    np.testing.assert_array_equal(layer.data, one.classes)
    session.flush()
    assert len(session.state.measures) == 2


def test_of_many_segmentations_the_last_ones_are_kept(session, one, segmentation, disc_map):
    states = [weakref.ref(session.state)]
    for radius in range(5, 20):
        session.put(0, segmentation(disc_map(SHAPE, (45, 55, 22, radius))))
        states.append(weakref.ref(session.state))
    gc.collect()
    assert [state() is not None for state in states] == [False] * 5 + [True] * 11
    for state in states[-2:-12:-1]:
        session.classes_layer.undo()
        assert session.state is state()
    session.classes_layer.undo()  # further back the labels are found anew
    assert session.state is states[5]()
    assert len(session.state.measures) == 1


def test_kept_edits_stay_in_a_layer_of_their_own(viewer, session, one, segmentation, disc_map):
    edited = session.classes_layer
    edited.data_setitem(block(0, 5, 0, 5), 2)
    painted = edited.data.copy()
    assert session.edited_images([0]) == [0]
    session.put(0, segmentation(disc_map(SHAPE, (45, 55, 22, 12))), keep_edits=True)
    assert session.classes_layer is not edited
    assert edited in viewer.layers
    np.testing.assert_array_equal(edited.data, painted)
    edited.data_setitem(block(0, 5, 0, 5), 1)  # the old map is nobody's any more
    session.flush()
    assert not session.state.edited


@pytest.fixture
def stack(viewer, session, segmentation, disc_map):
    layer = viewer.add_image(np.stack([image(seed=i) for i in range(3)]), rgb=True, name="stack")
    session.open_layer(layer)
    maps = [disc_map(SHAPE, (45, 30 + 10 * i, 20, 10)) for i in range(3)]
    for i in (0, 2):
        session.put(i, segmentation(maps[i]))
    return maps


def test_planes_of_a_stack_share_one_layer(viewer, session, stack):
    assert session.is_stack
    assert session.classes_layer.data.shape == (3, *SHAPE)
    assert session.classes_layer.n_edit_dimensions == 2
    np.testing.assert_array_equal(session.classes_layer.data[0], stack[0])
    assert not session.classes_layer.data[1].any()
    np.testing.assert_array_equal(session.classes_layer.data[2], stack[2])


def test_the_slider_moves_the_session_and_edits_stay_on_their_plane(viewer, session, stack):
    seen = []
    session.shown_changed.connect(seen.append)
    viewer.dims.set_current_step(0, 2)
    assert session.index == 2
    session.classes_layer.data_setitem(block(0, 20, 0, 20, plane=2), 1)
    viewer.dims.set_current_step(0, 0)
    assert seen == [2, 0]
    assert session.states[2].edited
    assert not session.states[0].edited
    assert session.edited_images([0, 1, 2]) == [2]


@pytest.fixture
def files(tmp_path):

    paths = []
    for i, shape in enumerate([(60, 80), (90, 70), (50, 50)]):
        paths.append(tmp_path / f"cell{i}.png")
        Image.fromarray(image(shape, seed=i)).save(paths[-1])
    return paths


def test_files_are_shown_one_at_a_time_in_the_same_few_layers(viewer, session, files, segmentation, disc_map):
    session.open_files(list(sources_from_files(files)))
    get_cnr_text(session)
    for i, shape in enumerate([(60, 80), (90, 70), (50, 50)]):
        session.put(i, segmentation(disc_map(shape, (25, 25, 15, 8))))
    assert names(viewer) == ["cell0.png", CLASSES, CELLS, CNR]
    session.show(1)
    assert names(viewer) == ["cell1.png", CLASSES, CELLS, CNR]
    assert session.classes_layer.data.shape == (90, 70)
    session.classes_layer.data_setitem(block(0, 30, 50, 70), 1)
    session.show(2)
    session.show(1)
    assert session.classes_layer.data[5, 60] == 1, "an edit survives looking at another image"
    session.classes_layer.undo()
    assert session.classes_layer.data[5, 60] == 1, "undo does not reach back over a change of image"


def test_a_file_that_went_away_leaves_the_shown_one(viewer, session, files):
    session.open_files(list(sources_from_files(files)))
    files[1].unlink()
    with pytest.raises(LeukocyteError, match="cell1"):
        session.show(1)
    assert names(viewer) == ["cell0.png"]


def test_opening_nothing_readable_keeps_the_list(session, one, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    with pytest.raises(LeukocyteError, match=r"bad\.png"):
        session.open_files(list(sources_from_files([bad])))
    assert session.state is not None


def test_a_multiscale_layer_is_refused_in_words(viewer, session):
    layer = viewer.add_image([image((64, 64)), image((32, 32))], multiscale=True, rgb=True)
    with pytest.raises(LeukocyteError, match="multiscale"):
        session.open_layer(layer)


def test_removing_the_image_closes_the_list_and_a_late_result_is_dropped(viewer, session, one, segmentation, disc_map):
    generation = session.generation
    viewer.layers.remove(session.image_layer)
    assert session.images == []
    assert names(viewer) == []
    assert session.generation > generation


def test_removing_the_class_map_and_segmenting_again_brings_it_back(viewer, session, one):
    viewer.layers.remove(session.classes_layer)
    session.flush()
    session.put(0, one)
    np.testing.assert_array_equal(session.classes_layer.data, one.classes)


def test_an_estimated_pixel_size_gives_no_areas_in_um2(viewer, session, segmentation, disc_map):
    session.open_layer(viewer.add_image(image()))
    session.put(0, segmentation(disc_map(SHAPE, (45, 30, 20, 10)), estimated=True))
    assert np.isnan(session.state.measures[0].nucleus_um2)
    assert session.state.measures[0].cnr > 0


def test_badges_show_each_cnr_and_follow_edits(viewer, session, one):
    text = get_cnr_text(session)
    text.refresh()
    assert list(text.layer.features["cnr"]) == [f"{m.cnr:.2f}" for m in session.state.measures]
    before = list(text.layer.features["cnr"])
    session.classes_layer.data_setitem(block(40, 50, 25, 36), 1)
    session.flush()
    after = list(text.layer.features["cnr"])
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert viewer.layers.selection.active is session.classes_layer
    text.layer.visible = False
    session.classes_layer.undo()
    session.flush()
    assert not text.layer.visible, "badges that the user hid stay hidden"


def test_badges_of_a_withheld_cnr_give_the_reason(viewer, session, segmentation, disc_map):
    session.open_layer(viewer.add_image(image()))
    session.put(0, segmentation(disc_map(SHAPE, (45, 5, 20, 10))))
    text = get_cnr_text(session)
    text.refresh()
    assert text.layer.features["cnr"][0] == text.layer.features["badge"][0] == "cut"
    assert text.layer.features["flags"][0]


def test_doubtful_badges_are_told_apart_and_words_have_room(viewer, session, segmentation, disc_map):
    session.open_layer(viewer.add_image(image()))
    result = segmentation(disc_map(SHAPE, (45, 28, 20, 10), (45, 80, 20, 10)), pixel_size=0.4)
    session.put(0, replace(result, unsure_cells=frozenset({2})))
    text = get_cnr_text(session)
    text.refresh()
    sure, unsure = text.layer.features["badge"]
    assert (sure[-1] == "?", unsure[-1] == "?") == (False, True)
    assert list(text.layer.features["cnr"]) == [sure, unsure[:-1]]
    assert not np.array_equal(text.layer.face_color[0], text.layer.face_color[1])
    narrow = text.layer.canvas_size_limits
    session.edit_labels(lambda live: live_repairs.mark(live, [1], Flag.NOT_A_WBC_SMUDGE))
    assert list(text.layer.features["badge"]) == ["smudge", unsure]
    assert text.layer.canvas_size_limits > narrow


def test_session_needs_no_qt():
    import subprocess
    import sys

    code = (
        "import sys, napari_leukocyte.plugin.session;"
        "found = [m for m in sys.modules if m.split('.')[0].lower() in ('qtpy', 'pyqt6', 'pyside6')];"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Session.__module__ == "napari_leukocyte.plugin.session"


def test_badges_widen_neither_the_view_nor_the_slider(viewer, session, stack):
    before = viewer.layers.extent.world.copy()
    ranges = viewer.dims.range
    get_cnr_text(session).refresh()
    np.testing.assert_array_equal(viewer.layers.extent.world, before)
    assert viewer.dims.range == ranges
