"""While one thing is under way: another is refused only where it must be, in a sentence that is true."""

from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from driving import LONG, block, choose, click, drop, of_account, open_dock

from napari_leukocyte.core.imaging import read
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.results.reopen import SavedFolder
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin import warm
from napari_leukocyte.plugin.measure.saving import save_results, snapshots

SHAPE = (60, 70)
RUN = "Wait for the run to end, or cancel it, before you open other images."


@pytest.fixture
def hold(monkeypatch):
    """Have a function wait, beside the window, until the test lets it go."""
    held = []

    def make(place, name):
        work, begun, let_go = getattr(place, name), Event(), Event()

        def wait_first(*args, **options):
            begun.set()
            assert let_go.wait(LONG / 1000)
            return work(*args, **options)

        monkeypatch.setattr(place, name, wait_first)
        held.append(let_go)
        return SimpleNamespace(begun=begun.is_set, let_go=let_go.set)

    yield make
    for let_go in held:
        let_go.set()


@pytest.fixture(autouse=True)
def canvas(monkeypatch):
    """A run waits for the canvas while this event is not set; nothing is compiled for it beside the window."""
    monkeypatch.setattr(warm, "_begun", [None])
    monkeypatch.setattr(warm, "_ended", ready := Event())
    ready.set()
    yield ready
    ready.set()


@pytest.fixture
def dock(viewer, qtbot, model):
    dock = open_dock(viewer, qtbot, "Segment")
    dock.form.use_weight_file(model)
    dock.form.pixel_size.value = 0.3
    yield dock
    dock.end()


@pytest.fixture
def folder(crops):
    return crops(("a", "b"), SHAPE)


@pytest.fixture
def shown(dock, folder, segmentation, disc_map):
    """Two images with results."""
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    for index in range(2):
        dock.session.put(index, segmentation(disc_map(SHAPE, (30, 35, 20, 10))))
    return dock


@pytest.fixture
def results(shown, tmp_path):
    """A folder that holds them."""
    save_results(snapshots(shown.session, range(2)), tmp_path / "out", trusted={})
    return tmp_path / "out"


def wait_for(qtbot, condition):
    qtbot.waitUntil(condition, timeout=LONG)


def test_until_a_list_is_read_nothing_begins_that_it_would_close(viewer, dock, folder, hold, qtbot):
    viewer.add_image(np.full((*SHAPE, 3), 250, np.uint8), name="smear")
    reading = hold(read, "find_images")
    drop(dock, folder)
    wait_for(qtbot, reading.begun)
    assert not dock.open_folder_button.isEnabled()
    for begin in (lambda: click(dock.segment_button), lambda: drop(dock, folder)):
        dock.status.clear()
        begin()
        assert dock.status.text() == "Wait for the reading of crops to end."
    reading.let_go()
    wait_for(qtbot, lambda: not dock.opener.running)
    assert len(dock.session.images) == 2
    assert dock.open_folder_button.isEnabled()


def test_images_without_results_are_segmented_as_soon_as_they_are_the_list(dock, folder, hold, canvas, qtbot):
    canvas.clear()
    reading = hold(read, "passed_over")
    drop(dock, folder)
    wait_for(qtbot, lambda: reading.begun() and len(dock.session.images) == 2)
    click(dock.segment_button)
    assert dock.job.running
    assert dock.opener.running
    reading.let_go()
    wait_for(qtbot, lambda: not dock.opener.running)
    assert not dock.open_folder_button.isEnabled()  # the run goes on
    drop(dock, folder)
    assert dock.status.text() == RUN
    canvas.set()
    wait_for(qtbot, lambda: not dock.job.running)
    assert dock.open_folder_button.isEnabled()
    assert len(dock.session.states) == 2


def test_a_run_waits_for_results_that_come(dock, results, hold, qtbot):
    reading = hold(SavedFolder, "results")
    drop(dock, results)
    wait_for(qtbot, lambda: reading.begun() and not dock.session.states)
    click(dock.segment_button)
    assert not dock.job.running
    assert dock.status.text() == "Wait for the reading of out to end: not all of its results are there yet."
    reading.let_go()
    wait_for(qtbot, lambda: not dock.opener.running)
    assert len(dock.session.states) == 2
    click(dock.segment_button)
    assert dock.job.running
    wait_for(qtbot, lambda: not dock.job.running)


def test_a_run_on_another_list_waits_for_no_results(dock, results, folder, hold, qtbot):
    reading = hold(SavedFolder, "results")
    drop(dock, results)
    wait_for(qtbot, lambda: reading.begun() and not dock.session.states)
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))  # as the Correct dock does
    click(dock.segment_button)
    assert dock.job.running
    reading.let_go()
    wait_for(qtbot, lambda: not (dock.job.running or dock.opener.running))
    assert len(dock.session.states) == 2


def test_what_begins_withdraws_the_question_that_was_asked_before(viewer, dock, folder, segmentation, hold, qtbot):
    image = viewer.add_image(np.full((*SHAPE, 3), 250, np.uint8), name="smear")
    dock.session.open_layer(image)
    dock.session.put(0, segmentation(np.zeros(SHAPE)))
    dock.session.classes_layer.data_setitem(block(0, 9, 0, 9), 2)
    click(dock.segment_button)
    assert "your edits" in dock.question.text.text()
    reading = hold(read, "find_images")
    drop(dock, folder)
    assert not dock.question.isVisible()
    reading.let_go()
    wait_for(qtbot, lambda: not dock.opener.running)


def test_a_truth_is_read_while_readers_are_looked_for(viewer, qtbot, folder, shown, tmp_path, hold):
    compare = open_dock(viewer, qtbot, "Compare")
    compare.session.use_training_set(of_account(TrainingSet.create(tmp_path / "set")))
    looking = hold(TrainingSet, "readers")
    click(compare.reader_button)
    wait_for(qtbot, looking.begun)
    viewer.add_labels(compare.session.state.classes.copy(), name="experts")
    choose(compare.truth, "experts")
    wait_for(qtbot, lambda: 0 in compare.comparison.truths)
    looking.let_go()
    wait_for(qtbot, lambda: compare.status.text().startswith("Nobody else has accepted"))
    compare.end()
