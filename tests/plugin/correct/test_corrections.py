"""The tracker of corrections on a session, over a real training set; the disk answers when a test tells it to."""

import errno
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.correct.corrections import Corrections
from napari_leukocyte.plugin.correct.entry import Status
from napari_leukocyte.plugin.correct.set_jobs import sources_of
from napari_leukocyte.plugin.session import get_session

SHAPE = (80, 100)
CELL = (40, 50, 25, 12)


class Desk:
    """A disk whose jobs wait for `work`, so that a test decides what happens meanwhile."""

    def __init__(self):
        self.jobs = []

    def run(self, job, done, failed):
        self.jobs.append((job, done, failed))

    def save(self, training_set, id_, draft):
        self.run(lambda: training_set.save_draft(id_, draft), lambda _: None, lambda _: None)

    def discard(self, training_set, id_):
        training_set.discard_draft(id_)

    def work(self):
        while self.jobs:
            job, done, failed = self.jobs.pop(0)
            try:
                result = job()
            except LeukocyteError as error:
                failed(str(error))
            else:
                done(result)


def block(y0, y1, x0, x1):
    return tuple(axis.ravel() for axis in np.mgrid[y0:y1, x0:x1])


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def folder(crops):
    return crops(("a", "b", "c"), SHAPE)


@pytest.fixture
def viewers():
    """Keeps them alive: a session holds its viewer weakly."""
    return []


@pytest.fixture
def new_session(viewers):
    def make():
        viewers.append(ViewerModel())
        return get_session(viewers[-1])

    return make


def open_folder(session, folder):
    session.open_files(list(sources_from_files(sorted(folder.iterdir()))))


@pytest.fixture
def session(new_session, folder):
    session = new_session()
    open_folder(session, folder)
    return session


@pytest.fixture
def training_set(tmp_path):
    return TrainingSet.create(tmp_path / "set")


@pytest.fixture
def corrections(session, desk, training_set, segmentation, disc_map):
    for index in range(3):
        session.put(index, segmentation(disc_map(SHAPE, CELL)))
    corrections = Corrections(session, desk)
    corrections.use(training_set)
    desk.work()
    return corrections


@pytest.fixture
def sentences(corrections):
    said = []
    corrections.said.connect(lambda sentence: said.append(sentence))
    return said


def accept(corrections, desk, index=0):
    corrections.accept(index)
    desk.work()
    return corrections.entry(index).version


@pytest.fixture
def again(new_session, folder, desk, training_set):
    """Another window on the same images and set."""

    def make():
        session = new_session()
        open_folder(session, folder)
        corrections = Corrections(session, desk)
        corrections.use(training_set)
        desk.work()
        return corrections

    return make


def test_an_accepted_mask_is_the_class_map_bit_for_bit_and_says_where_it_came_from(
    session, corrections, desk, training_set
):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 2)
    version = accept(corrections, desk)
    classes, cells = training_set.read_mask(version)
    np.testing.assert_array_equal(classes, session.classes_layer.data)
    np.testing.assert_array_equal(cells, session.state.cells)
    assert (version.number, version.pixels_changed, version.model, version.edited) == (1, 100, "by hand", True)
    assert version.cnr_before == {1: pytest.approx(session.state.measures[0].cnr)}
    assert version.cnr_after == {1: pytest.approx(session.state.measures[0].cnr), 2: None}
    assert corrections.status(0) is Status.ACCEPTED
    assert corrections.accepted == 1


def test_changed_pixels_follow_undo_and_redo(session, corrections, desk):
    layer, state = session.classes_layer, session.state
    layer.data_setitem(block(5, 15, 5, 15), 1)
    assert (state.pixels_changed, corrections.status(0)) == (100, Status.EDITED)
    layer.undo()
    assert (state.pixels_changed, corrections.status(0)) == (0, Status.OPEN)
    layer.redo()
    assert (state.pixels_changed, corrections.status(0)) == (100, Status.EDITED)


def test_an_undo_after_an_acceptance_is_an_edit_and_its_redo_is_none(session, corrections, desk):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 1)
    accept(corrections, desk)
    layer.undo()
    assert corrections.status(0) is Status.EDITED
    layer.redo()
    assert corrections.status(0) is Status.ACCEPTED


def test_a_second_version_counts_pixels_from_the_models_map_and_names_its_parent(session, corrections, desk):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    accept(corrections, desk)
    session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    version = accept(corrections, desk)
    assert (version.number, version.parent, version.pixels_changed) == (2, 1, 200)


def test_an_untouched_mask_is_accepted_as_the_models_own_and_only_once(session, corrections, desk, training_set):
    version = accept(corrections, desk)
    assert not version.edited
    assert accept(corrections, desk) == version
    assert len(training_set.versions(version.image)) == 1


def test_what_is_painted_while_an_acceptance_is_written_is_kept_as_a_draft(session, corrections, desk, training_set):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.accept(0)
    layer.data_setitem(block(60, 70, 5, 15), 1)
    desk.work()
    entry = corrections.entry(0)
    assert training_set.read_mask(entry.version)[0][65, 10] == 0
    assert corrections.status(0) is Status.EDITED
    corrections.save_draft(0)
    desk.work()
    assert training_set.read_draft(entry.id).classes[65, 10] == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_an_acceptance_that_the_disk_refuses_says_so_and_loses_nothing(
    session, corrections, desk, training_set, sentences, monkeypatch, code
):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    with monkeypatch.context() as patched:

        def refuse(*_args, **_options):
            raise OSError(code, "refused")

        patched.setattr(Path, "open", refuse)
        corrections.accept(0)
        desk.work()
    assert sentences[-1].startswith("NOT ACCEPTED: ")
    assert corrections.status(0) is Status.EDITED
    assert accept(corrections, desk).pixels_changed == 100


def test_a_draft_is_of_one_moment_and_goes_when_the_edits_are_undone(session, corrections, desk, training_set):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    id_ = corrections.entry(0).id
    draft = training_set.read_draft(id_)
    np.testing.assert_array_equal(draft.classes, layer.data)
    np.testing.assert_array_equal(draft.cells, session.state.cells)
    assert draft.pixels_changed == 100
    layer.undo()
    corrections.save_draft(0)
    desk.work()
    assert training_set.read_draft(id_) is None


def test_a_draft_never_becomes_a_training_item(session, corrections, desk, training_set):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    assert training_set.read_draft(corrections.entry(0).id) is not None
    assert training_set.items() == []


def test_an_acceptance_takes_the_draft_with_it(session, corrections, desk, training_set):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    assert training_set.read_draft(accept(corrections, desk).image) is None


def test_accepted_masks_and_drafts_come_back_with_cells_and_marks_in_a_new_window(
    session, corrections, desk, training_set, again
):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 2)
    session.edit_labels(lambda live: live.split([(10, 50), (70, 50)]))
    session.edit_labels(lambda live: live.mark([2], Flag.NOT_A_WBC_PLATELET))
    cells, marks, classes = session.state.cells.copy(), dict(session.state.live.marks), layer.data.copy()
    version = accept(corrections, desk)
    session.edit_labels(lambda live: live.join([1, 3]))
    corrections.save_draft(0)
    desk.work()
    joined = session.state.cells.copy()
    corrections.close()

    other = again()
    state = other.session.states[0]
    np.testing.assert_array_equal(state.classes, classes)
    np.testing.assert_array_equal(state.cells, cells)
    assert dict(state.live.marks) == marks
    assert other.status(0) is Status.ACCEPTED
    assert other.entry(0).draft is not None
    other.restore_draft(0)
    state = other.session.states[0]
    np.testing.assert_array_equal(state.cells, joined)
    assert dict(state.live.marks) == marks
    assert other.status(0) is Status.EDITED
    second = accept(other, desk)
    assert (second.number, second.parent, second.pixels_changed) == (2, version.number, version.pixels_changed)
    assert second.edited


def test_a_discarded_draft_is_gone_and_the_accepted_mask_stays(session, corrections, desk, training_set, again):
    accept(corrections, desk)
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    corrections.close()
    other = again()
    other.discard_draft(0)
    desk.work()
    assert training_set.read_draft(other.entry(0).id) is None
    assert other.session.states[0].classes[10, 10] == 0
    assert other.status(0) is Status.ACCEPTED


def test_one_window_drafts_an_image_and_the_other_says_so(session, corrections, desk, training_set, again):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    other = again()
    said = []
    other.said.connect(lambda sentence: said.append(sentence))
    other.restore_draft(0)
    other.session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    other.save_draft(0)
    desk.work()
    assert said[-1].startswith("NOT SAVED: ")
    assert "another window" in said[-1]
    assert training_set.read_draft(corrections.entry(0).id).classes[65, 10] == 0
    corrections.close()
    other.save_draft(0)
    desk.work()
    assert training_set.read_draft(corrections.entry(0).id or other.entry(0).id).classes[65, 10] == 1


def test_edits_on_screen_are_not_replaced_by_what_the_set_holds(
    corrections, desk, training_set, folder, segmentation, disc_map, new_session
):
    accept(corrections, desk)
    fresh = new_session()
    open_folder(fresh, folder)
    fresh.put(0, segmentation(disc_map(SHAPE, (30, 30, 20, 10))))
    fresh.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    edited = fresh.state.classes.copy()
    other = Corrections(fresh, desk)
    other.use(training_set)
    desk.work()
    np.testing.assert_array_equal(fresh.state.classes, edited)


def test_revoking_brings_the_version_before_into_force(session, corrections, desk, training_set, sentences):
    accept(corrections, desk)
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    accept(corrections, desk)
    corrections.revoke(0)
    desk.work()
    assert corrections.entry(0).version.number == 1
    assert "version 1 is in force again" in sentences[-1]
    corrections.revoke(0)
    desk.work()
    assert corrections.entry(0).version is None
    assert training_set.items() == []
    with pytest.raises(LeukocyteError, match="no accepted mask"):
        corrections.revoke(0)


def test_the_queue_passes_over_what_is_accepted_skipped_or_excluded(session, corrections, desk):
    assert corrections.next("name") == 1
    corrections.skip(1)
    assert corrections.next("name") == 2
    corrections.exclude(2, "Out of focus")
    desk.work()
    assert corrections.status(2) is Status.EXCLUDED
    assert corrections.next("name") is None
    corrections.exclude(2, "")
    desk.work()
    assert corrections.next("name") == 2
    assert [corrections.neighbour("name", by) for by in (-1, 1, 2, 3)] == [None, 1, 2, None]


def test_an_excluded_image_does_not_train_and_is_not_accepted(session, corrections, desk, training_set):
    accept(corrections, desk)
    corrections.exclude(0, "Another stain")
    desk.work()
    assert training_set.items() == []
    with pytest.raises(LeukocyteError, match="Another stain"):
        corrections.accept(0)


def test_an_image_without_a_map_can_be_painted_by_hand(session, desk, training_set):
    corrections = Corrections(session, desk)
    corrections.use(training_set)
    desk.work()
    with pytest.raises(LeukocyteError, match="no class map"):
        corrections.accept(0)
    corrections.start_empty(0)
    assert not session.classes_layer.data.any()
    session.classes_layer.data_setitem(block(30, 50, 30, 50), 2)
    assert accept(corrections, desk).edited


def test_a_value_that_is_no_class_is_refused_in_words_and_its_draft_is_kept(session, corrections, desk, training_set):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 7)
    with pytest.raises(LeukocyteError, match="value 7"):
        corrections.accept(0)
    corrections.save_draft(0)
    desk.work()
    assert training_set.read_draft(corrections.entry(0).id).classes[10, 10] == 2


def test_without_a_training_set_accepting_says_what_to_do(session, desk, segmentation, disc_map):
    session.put(0, segmentation(disc_map(SHAPE, CELL)))
    with pytest.raises(LeukocyteError, match="training set"):
        Corrections(session, desk).accept(0)


def test_the_images_of_a_set_open_under_their_own_names_with_their_masks(
    session, corrections, desk, training_set, new_session
):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 2)
    accept(corrections, desk)
    alone = new_session()
    other = Corrections(alone, desk)
    other.use(training_set)
    alone.open_files(sources_of(training_set))
    desk.work()
    assert [source.name for source in alone.images] == ["a.png"]
    np.testing.assert_array_equal(alone.state.classes, session.states[0].classes)
    assert other.status(0) is Status.ACCEPTED


def test_a_result_for_a_list_that_is_closed_meanwhile_is_dropped(session, corrections, desk, folder):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    session.open_files(list(sources_from_files(sorted(folder.iterdir())[1:])))
    desk.work()
    assert corrections.entry(0).claim is None
    assert corrections.accepted == 0
    assert session.states == {}
