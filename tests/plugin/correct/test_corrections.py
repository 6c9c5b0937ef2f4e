"""The tracker of corrections on a session, over a real training set; the disk answers when a test tells it to."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.origin import Origin
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.training_set.reader import Reader
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.correct import draft_keeper
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
        self.run(lambda: training_set.drafts.save(id_, draft), lambda _: None, lambda _: None)

    def settle(self, training_set, id_):
        """Saving is a job of its own here, done by the time that this one is."""

    def discard(self, training_set, id_, until):
        training_set.drafts.discard(id_, until)

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
    facts = version.facts
    assert (version.number, facts.pixels_changed, facts.model, facts.edited) == (1, 100, "by hand", True)
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
    assert (version.number, version.facts.parent, version.facts.pixels_changed) == (2, 1, 200)


def test_an_untouched_mask_is_accepted_as_the_models_own_and_only_once(session, corrections, desk, training_set):
    version = accept(corrections, desk)
    assert not version.facts.edited
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
    assert training_set.drafts.read(entry.id).classes[65, 10] == 1


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
    assert accept(corrections, desk).facts.pixels_changed == 100


def test_a_draft_is_of_one_moment_and_goes_when_the_edits_are_undone(session, corrections, desk, training_set):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    id_ = corrections.entry(0).id
    draft = training_set.drafts.read(id_)
    np.testing.assert_array_equal(draft.classes, layer.data)
    np.testing.assert_array_equal(draft.cells, session.state.cells)
    assert draft.facts.pixels_changed == 100
    layer.undo()
    corrections.save_draft(0)
    desk.work()
    assert training_set.drafts.read(id_) is None


def test_a_draft_never_becomes_a_training_item(session, corrections, desk, training_set):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    assert training_set.drafts.read(corrections.entry(0).id) is not None
    assert training_set.items() == []


def test_an_acceptance_takes_the_draft_with_it(session, corrections, desk, training_set):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    assert training_set.drafts.read(accept(corrections, desk).image) is None


def test_accepted_masks_and_drafts_come_back_with_cells_and_marks_in_a_new_window(
    session, corrections, desk, training_set, again
):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 2)
    session.edit_labels(lambda live: live_repairs.split(live, [(10, 50), (70, 50)]))
    session.edit_labels(lambda live: live_repairs.mark(live, [2], Flag.NOT_A_WBC_PLATELET))
    cells, marks, classes = session.state.cells.copy(), dict(session.state.live.by_hand.marks), layer.data.copy()
    version = accept(corrections, desk)
    session.edit_labels(lambda live: live_repairs.join(live, [1, 3]))
    corrections.save_draft(0)
    desk.work()
    joined = session.state.cells.copy()
    corrections.close()

    other = again()
    state = other.session.states[0]
    np.testing.assert_array_equal(state.classes, classes)
    np.testing.assert_array_equal(state.cells, cells)
    assert dict(state.live.by_hand.marks) == marks
    assert other.status(0) is Status.ACCEPTED
    assert other.entry(0).draft is not None
    other.restore_draft(0)
    desk.work()
    state = other.session.states[0]
    np.testing.assert_array_equal(state.cells, joined)
    assert dict(state.live.by_hand.marks) == marks
    assert other.status(0) is Status.EDITED
    second = accept(other, desk)
    assert (second.number, second.facts.parent) == (2, version.number)
    assert second.facts.pixels_changed == version.facts.pixels_changed
    assert second.facts.edited


def test_a_discarded_draft_is_gone_and_the_accepted_mask_stays(session, corrections, desk, training_set, again):
    accept(corrections, desk)
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    corrections.close()
    other = again()
    other.discard_draft(0)
    desk.work()
    assert training_set.drafts.read(other.entry(0).id) is None
    assert other.session.states[0].classes[10, 10] == 0
    assert other.status(0) is Status.ACCEPTED


@pytest.fixture
def window(again, segmentation, disc_map):
    """Another window, in which the first image is segmented where nothing was accepted."""

    def make():
        made = again()
        if made.session.state is None:
            made.session.put(0, segmentation(disc_map(SHAPE, CELL)))
        return made

    return make


@pytest.fixture
def left(session, corrections, desk, window):
    """Another window on an image whose draft, 100 px of the class 1, an earlier one has left; the draft, too."""
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    corrections.close()
    other = window()
    return other, other.entry(0).draft


def stroke(corrections, desk, rows=(60, 70), value=1):
    corrections.session.classes_layer.data_setitem(block(*rows, 5, 15), value)
    corrections.save_draft(0)
    desk.work()


def offered(corrections):
    return [draft.classes.copy() for draft in corrections.entry(0).drafts]


def reopened(corrections, window):
    corrections.close()
    return window()


def assert_offers(corrections, *maps):
    found = offered(corrections)
    assert len(found) == len(maps)
    for one, other in zip(found, maps, strict=True):
        np.testing.assert_array_equal(one, other)


def test_painting_over_an_unanswered_draft_keeps_both(left, desk, window, training_set):
    other, old = left
    stroke(other, desk)
    new = other.session.states[0].classes.copy()
    np.testing.assert_array_equal(training_set.drafts.read(other.entry(0).id).classes, new)
    assert_offers(other, old.classes)  # it is asked about still
    stroke(other, desk, (40, 50))
    assert_offers(other, old.classes)
    newer = other.session.states[0].classes.copy()
    third = reopened(other, window)
    assert_offers(third, newer, old.classes)
    stroke(third, desk, (20, 30))  # over two of them
    newest = third.session.states[0].classes.copy()
    fourth = reopened(third, window)
    assert_offers(fourth, newest, newer, old.classes)
    for draft in (newest, newer, old.classes):
        assert_offers(fourth, draft, *offered(fourth)[1:])
        fourth.restore_draft(0)
        desk.work()
        np.testing.assert_array_equal(fourth.session.states[0].classes, draft)
        accept(fourth, desk)
    assert not training_set.drafts.has(fourth.entry(0).id)
    newest = training_set.versions(fourth.entry(0).id)[-1]
    assert newest.facts.pixels_changed == old.facts.pixels_changed


@pytest.mark.parametrize("painted", [False, True])
def test_accepting_over_an_unanswered_draft_keeps_it(left, desk, window, painted):
    other, old = left
    said = []
    other.said.connect(said.append)
    if painted:
        stroke(other, desk)
    version = accept(other, desk)
    assert version.number == 1
    assert "is kept: go back to the image to restore or discard it" in said[-1]
    assert_offers(other, old.classes)
    third = reopened(other, window)
    assert_offers(third, old.classes)
    assert third.status(0) is Status.ACCEPTED


def test_restoring_keeps_the_strokes_on_screen_as_a_draft(left, desk, window, training_set):
    other, old = left
    stroke(other, desk)
    mine = other.session.states[0].classes.copy()
    other.restore_draft(0)
    desk.work()
    np.testing.assert_array_equal(other.session.states[0].classes, old.classes)
    other.save_draft(0)  # as the dock does
    desk.work()
    assert_offers(other, mine)
    np.testing.assert_array_equal(training_set.drafts.read(other.entry(0).id).classes, old.classes)
    other.restore_draft(0)  # and back
    desk.work()
    np.testing.assert_array_equal(other.session.states[0].classes, mine)
    other.save_draft(0)
    desk.work()
    assert_offers(other, old.classes)
    assert_offers(reopened(other, window), mine, old.classes)


def test_strokes_that_no_draft_holds_yet_are_kept_when_another_is_restored(left, desk):
    other, old = left
    other.session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    mine = other.session.states[0].classes.copy()
    other.restore_draft(0)  # before the first save
    desk.work()
    np.testing.assert_array_equal(other.session.states[0].classes, old.classes)
    other.save_draft(0)
    desk.work()
    assert_offers(other, mine)


def test_the_draft_that_was_asked_about_is_restored_though_a_newer_one_came(left, desk, window):
    other, old = left
    third = window()
    stroke(third, desk, (20, 30))
    theirs = third.session.states[0].classes.copy()
    third.close()
    other.session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    mine = other.session.states[0].classes.copy()
    other.restore_draft(0)
    desk.work()
    np.testing.assert_array_equal(other.session.states[0].classes, old.classes)
    other.save_draft(0)
    desk.work()
    assert_offers(other, mine, theirs)


def test_nothing_is_restored_over_strokes_that_cannot_be_saved(left, desk, monkeypatch):
    other, old = left
    said = []
    other.said.connect(said.append)
    other.session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    mine = other.session.states[0].classes.copy()
    with monkeypatch.context() as patched:

        def refuse(*_args):
            raise OSError(errno.ENOSPC, "no space")

        patched.setattr("os.replace", refuse)
        other.restore_draft(0)
        desk.work()
    assert "NOT SAVED" in said[-1]
    np.testing.assert_array_equal(other.session.states[0].classes, mine)
    assert_offers(other, old.classes)


def test_what_is_painted_before_a_restored_draft_is_shown_is_kept_as_a_draft(left, desk):
    other, old = left
    other.restore_draft(0)
    assert_offers(other)
    other.session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    mine = other.session.states[0].classes.copy()
    desk.work()
    np.testing.assert_array_equal(other.session.states[0].classes, old.classes)
    other.save_draft(0)
    desk.work()
    assert_offers(other, mine)


def test_a_draft_that_cannot_be_shown_is_asked_about_again(left, desk, monkeypatch):
    other, old = left
    said = []
    other.said.connect(said.append)
    with monkeypatch.context() as patched:
        patched.setattr(draft_keeper, "from_draft", Mock(side_effect=LeukocyteError("Too large.")))
        other.restore_draft(0)
        desk.work()
    assert said[-1] == "NOT RESTORED: Too large."
    assert_offers(other, old.classes)


def test_a_restored_draft_goes_on_in_its_place_and_goes_when_it_is_accepted(left, desk, training_set):
    other, _ = left
    other.restore_draft(0)
    desk.work()
    stroke(other, desk)
    assert_offers(other)
    accept(other, desk)
    assert not training_set.drafts.has(other.entry(0).id)


def test_a_restored_draft_that_is_undone_is_asked_about_again(left, desk):
    other, old = left
    other.restore_draft(0)
    desk.work()
    other.save_draft(0)
    desk.work()
    assert_offers(other)
    other.session.classes_layer.undo()
    stroke(other, desk)
    assert_offers(other, old.classes)


def test_what_another_window_drafted_meanwhile_is_not_saved_over(session, corrections, desk, again):
    other = again()  # looked before there was a draft
    session.put(0, session.states[0].began)
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    theirs = session.states[0].classes.copy()
    other.session.start_empty()
    stroke(other, desk)
    assert_offers(other)
    corrections.close()
    stroke(other, desk, (20, 30))
    assert_offers(other, theirs)


def test_a_draft_that_another_window_paints_is_not_discarded_here(session, corrections, desk, training_set, again):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    other = again()
    said = []
    other.said.connect(said.append)
    other.discard_draft(0)
    desk.work()
    assert "another window" in said[-1]
    assert training_set.drafts.read(corrections.entry(0).id) is not None
    assert len(offered(other)) == 1


def test_what_was_drafted_before_anybody_said_a_name_is_theirs_who_says_it(session, corrections, desk, training_set):
    account = training_set.as_reader(Reader("account"))
    corrections.use(account)
    desk.work()
    stroke(corrections, desk)
    id_ = corrections.entry(0).id
    painted = session.states[0].classes.copy()
    assert account.drafts.has(id_)
    berta = training_set.as_reader(Reader("Berta"))
    berta.drafts.save(id_, replace(account.drafts.read(id_), classes=np.zeros(SHAPE, int), cells=np.zeros(SHAPE, int)))
    corrections.use(berta, as_named=True)
    desk.work()
    assert not account.drafts.has(id_)
    draft = berta.drafts.read(id_)
    assert draft.by == "Berta"
    np.testing.assert_array_equal(draft.classes, painted)
    np.testing.assert_array_equal(session.states[0].classes, painted)
    assert [not one.classes.any() for one in corrections.entry(0).drafts] == [True]  # what was hers before is kept
    assert not corrections.unsaved
    stroke(corrections, desk, rows=(70, 75))
    assert not account.drafts.has(id_)
    np.testing.assert_array_equal(berta.drafts.read(id_).classes, session.states[0].classes)


def test_an_unanswered_draft_is_discarded_alone(left, desk, training_set):
    other, _ = left
    stroke(other, desk)
    mine = other.session.states[0].classes.copy()
    other.discard_draft(0)
    desk.work()
    assert_offers(other)
    np.testing.assert_array_equal(training_set.drafts.read(other.entry(0).id).classes, mine)
    assert training_set.drafts.kept(other.entry(0).id) == ([], [])


def test_strokes_made_while_a_discard_waits_stay_saved(session, corrections, desk, training_set):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    layer.undo()
    corrections.save_draft(0)  # drops the draft, when it has its turn
    layer.data_setitem(block(60, 70, 5, 15), 1)
    corrections.save_draft(0)
    desk.jobs.reverse()  # the saver does not wait for it
    desk.work()
    assert training_set.drafts.read(corrections.entry(0).id).classes[65, 10] == 1


def test_a_draft_that_cannot_be_read_is_said_and_stops_nothing(left, desk, window, training_set):
    other, _ = left
    id_ = other.entry(0).id
    for path in (training_set.folder / "drafts" / id_).iterdir():
        path.write_bytes(b"no draft")
    other.close()
    said = []
    fresh = window()
    fresh.said.connect(said.append)
    fresh.use(training_set)
    desk.work()
    assert "is damaged" in said[0]
    stroke(fresh, desk)
    assert training_set.drafts.read(id_).classes[65, 10] == 1


def test_one_window_drafts_an_image_and_the_other_says_so(session, corrections, desk, training_set, again):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections.save_draft(0)
    desk.work()
    other = again()
    said = []
    other.said.connect(lambda sentence: said.append(sentence))
    other.restore_draft(0)
    desk.work()
    other.session.classes_layer.data_setitem(block(60, 70, 5, 15), 1)
    other.save_draft(0)
    desk.work()
    assert said[-1].startswith("NOT SAVED: ")
    assert "another window" in said[-1]
    assert training_set.drafts.read(corrections.entry(0).id).classes[65, 10] == 0
    corrections.close()
    other.save_draft(0)
    desk.work()
    assert training_set.drafts.read(corrections.entry(0).id or other.entry(0).id).classes[65, 10] == 1


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


def test_edits_made_before_a_set_is_chosen_want_saving_on_all_images(
    session, desk, training_set, segmentation, disc_map
):
    for index in range(3):
        session.put(index, segmentation(disc_map(SHAPE, CELL)))
    corrections = Corrections(session, desk)
    for index in (0, 2):
        session.show(index)
        session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    told = []
    corrections.edited.connect(told.append)
    corrections.use(training_set)
    assert corrections.unsaved  # also while the images are looked for
    desk.work()
    assert told == [0, 2]
    corrections.save_all()
    desk.work()
    assert not corrections.unsaved
    for index in (0, 2):
        draft = training_set.drafts.read(corrections.entry(index).id)
        np.testing.assert_array_equal(draft.classes, session.states[index].classes)
    assert corrections.entry(1).id is None


def test_edits_that_no_set_knew_are_nothing_to_save_once_they_are_undone(session, desk, segmentation, disc_map):
    session.put(0, segmentation(disc_map(SHAPE, CELL)))
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    corrections = Corrections(session, desk)
    assert corrections.unsaved  # painted before it was there
    session.classes_layer.undo()
    assert not corrections.unsaved


def test_strokes_on_screen_that_a_draft_holds_are_not_asked_about(session, corrections, desk, training_set):
    stroke(corrections, desk)
    corrections.close()
    again = Corrections(session, desk)  # a dock that is opened again on the same images
    again.use(training_set)
    desk.work()
    assert_offers(again)
    assert not again.unsaved
    stroke(again, desk, (20, 30))
    id_ = again.entry(0).id
    np.testing.assert_array_equal(training_set.drafts.read(id_).classes, session.states[0].classes)
    assert training_set.drafts.kept(id_) == ([], [])


def test_strokes_on_screen_that_differ_from_a_draft_are_saved_and_the_draft_is_asked_about(
    session, corrections, desk, training_set
):
    stroke(corrections, desk)
    old = session.states[0].classes.copy()
    corrections.close()
    session.classes_layer.data_setitem(block(20, 30, 5, 15), 1)  # no dock is open
    again = Corrections(session, desk)
    again.use(training_set)
    desk.work()
    assert again.unsaved
    again.save_all()
    desk.work()
    assert_offers(again, old)
    draft = training_set.drafts.read(again.entry(0).id)
    np.testing.assert_array_equal(draft.classes, session.states[0].classes)


def test_an_image_segmented_again_is_not_called_accepted_and_waits_for_nobody(
    session, corrections, desk, segmentation, disc_map
):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 1)
    accept(corrections, desk)
    session.put(0, segmentation(disc_map(SHAPE, (40, 50, 20, 10))))
    assert corrections.status(0) is Status.OTHER_ACCEPTED
    assert corrections.accepted == 1
    session.show(2)
    assert corrections.next("name") == 1
    corrections.skip(1)
    assert corrections.next("name") is None
    assert corrections.neighbour("name", -2) == 0  # a person can go there
    session.show(0)
    assert accept(corrections, desk).number == 2
    assert corrections.status(0) is Status.ACCEPTED


def test_the_status_follows_an_undo_of_the_segmentation_and_a_revoke(
    session, corrections, desk, segmentation, disc_map
):
    accept(corrections, desk)
    session.put(0, segmentation(disc_map(SHAPE, (40, 50, 20, 10))))
    session.classes_layer.undo()
    assert corrections.status(0) is Status.ACCEPTED
    session.classes_layer.redo()
    assert corrections.status(0) is Status.OTHER_ACCEPTED
    accept(corrections, desk)
    corrections.revoke(0)
    desk.work()
    assert corrections.entry(0).version.number == 1
    assert corrections.status(0) is Status.OTHER_ACCEPTED


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


def test_the_most_flagged_come_first_and_what_a_person_says_of_a_cell_is_no_flag(
    session, corrections, segmentation, disc_map
):
    for index, cell in enumerate((CELL, (15, 50, 25, 12), CELL)):  # the edge cuts the second
        session.put(index, segmentation(disc_map(SHAPE, cell), pixel_size=0.3))
    session.show(2)
    session.edit_labels(lambda live: live_repairs.mark(live, [1], Flag.NOT_A_WBC_PLATELET))
    assert corrections.place("flags") == 3
    session.show(1)
    assert corrections.place("flags") == 1


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
    corrections.session.start_empty()
    assert not session.classes_layer.data.any()
    session.classes_layer.data_setitem(block(30, 50, 30, 50), 2)
    assert accept(corrections, desk).facts.edited


def test_a_value_that_is_no_class_is_refused_in_words_and_its_draft_is_kept(session, corrections, desk, training_set):
    session.classes_layer.data_setitem(block(5, 15, 5, 15), 7)
    with pytest.raises(LeukocyteError, match="value 7"):
        corrections.accept(0)
    corrections.save_draft(0)
    desk.work()
    assert training_set.drafts.read(corrections.entry(0).id).classes[10, 10] == 2


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


def gesture(session, box, value):
    """What a gesture gives: one cell of one class."""
    shape = tuple(side.stop - side.start for side in box)
    number = session.state.live.next_number
    session.take_over(box, np.full(shape, value, np.uint8), np.full(shape, number, np.int32))


def test_what_made_a_mask_is_counted_kept_with_the_draft_and_read_back(session, corrections, desk, training_set, again):
    layer = session.classes_layer
    cell = np.count_nonzero(layer.data)
    layer.data_setitem(block(5, 15, 5, 15), 1)
    layer.data_setitem(block(20, 22, 5, 15), 1)
    gesture(session, (slice(5, 15), slice(80, 95)), 2)
    gesture(session, (slice(15, 20), slice(80, 95)), 1)
    layer.data_setitem(block(5, 15, 80, 81), 1)
    layer.undo()
    painted = Origin({"model": cell, "brush": 120, "gesture": 225}, {"brush": 2, "gesture": 2})
    assert session.states[0].facts(None).made_with == painted
    corrections.save_all()
    desk.work()
    draft = training_set.drafts.read(corrections.entry(0).id)
    assert draft.facts.made_with == painted
    version = accept(corrections, desk)
    assert (version.facts.made_with, version.facts.by_gestures) == (painted, True)

    other = again()
    state = other.session.states[0]
    assert state.facts(None).made_with == painted
    other.session.classes_layer.data_setitem(block(5, 20, 80, 95), 0)
    now = Origin({"model": cell, "brush": 120 + 225}, {"brush": 3, "gesture": 2})
    assert state.facts(None).made_with == now
    second = accept(other, desk)
    assert (second.facts.made_with, second.facts.by_gestures) == (now, False)


def test_a_stroke_in_several_bits_is_one(session, corrections):
    layer = session.classes_layer
    with layer.block_history():
        for row in range(5, 9):
            layer.paint((row, 8), 1)
    layer.paint((70, 90), 1)
    layer.undo()
    layer.paint((70, 90), 1)
    assert session.states[0].facts(None).made_with.strokes["brush"] == 2


def test_an_older_version_is_of_unknown_making_and_what_comes_after_is_known(
    session, corrections, desk, training_set, again
):
    layer = session.classes_layer
    layer.data_setitem(block(5, 15, 5, 15), 1)
    cells = np.count_nonzero(layer.data)
    accept(corrections, desk)
    for path in training_set.folder.rglob("0001*"):  # as an older plugin wrote it
        if path.name.endswith("_makers.png"):
            path.unlink()
        elif path.suffix == ".json":
            record = json.loads(path.read_text())
            for key in ("pixels_by", "strokes_by", "makers_sha256"):
                del record[key]
            path.write_text(json.dumps(record))
    other = again()
    gesture(other.session, (slice(5, 15), slice(80, 85)), 2)
    assert accept(other, desk).facts.made_with == Origin({"unknown": cells, "gesture": 50}, {"gesture": 1})
