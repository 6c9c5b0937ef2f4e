"""The Train dock as a person uses it: real mouse clicks, a real training of a tiny network on drawn cells."""

from threading import Event

import numpy as np
import pytest
from driving import LONG, click, close_dock, open_dock, paint

from napari_leukocyte.core.fine_tuning import fine_tune
from napari_leukocyte.core.fine_tuning.decision import card_path, read_decision
from napari_leukocyte.core.model.weights import model_hash
from napari_leukocyte.plugin.canvas.layers import CLASSES
from napari_leukocyte.plugin.segment.segment_form import SegmentForm


@pytest.fixture
def dock(viewer, short_training, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Train")
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    yield dock
    dock.job.cancel()
    qtbot.waitUntil(lambda: not (dock.job.running or dock.set.busy), timeout=LONG)


@pytest.fixture
def with_set(tmp_path, dock, drawn_set, model, qtbot):
    """Open a set of n masks in the dock, to be trained for one epoch from the tiny network."""

    def open_set(n, **changes):
        made = drawn_set(tmp_path / "my stain", n, **changes)
        dock.open_set(made.folder)
        rest(dock, qtbot)
        dock.use_weight_file(model)
        rest(dock, qtbot)
        dock.form.epochs.value = 1
        dock.form.device.value = "cpu"
        return made

    return open_set


def rest(dock, qtbot):
    qtbot.waitUntil(lambda: not (dock.job.running or dock.set.busy), timeout=LONG)


def train(dock, qtbot):
    click(dock.train_button)
    assert dock.job.running
    rest(dock, qtbot)


def test_without_a_set_it_says_what_to_do(dock):
    assert "No training set is open" in dock.masks.text()
    assert not dock.train_button.isEnabled()
    assert not dock.cancel_button.isEnabled()
    assert not dock.review.isVisible()


def test_a_folder_that_is_no_set_is_said_in_words(dock, tmp_path, qtbot):
    dock.open_set(tmp_path)
    rest(dock, qtbot)
    assert "is no training set" in dock.status.text()
    assert dock.summary is None


def test_train_compare_accept_and_segment_with_it(viewer, dock, with_set, qtbot):
    made = with_set(4, unedited=(3,))
    assert dock.masks.text() == "4 accepted masks (3 edited by hand, 1 unedited)."
    assert dock.form.name.value == "my-stain-1"
    train(dock, qtbot)
    path = made.models_folder / "my-stain-1.safetensors"
    assert dock.curves.isVisible()
    assert [epoch.epoch for epoch in dock.curves.epochs] == [1]
    assert "Too few to judge" in dock.review.verdict.text()
    assert [dock.review.table.topLevelItem(i).text(0) for i in range(3)] == [
        "Your images: 3 images",
        "Unedited masks (no proof): 1 image",
        "Synthetic smears (guard): 2 images",
    ]
    assert read_decision(path) is None
    click(dock.review.accept_button)
    rest(dock, qtbot)
    assert read_decision(path).decision == "accepted"
    assert "**Decision**: accepted" in card_path(path).read_text(encoding="utf-8")
    assert "Recorded: my-stain-1 is accepted" in dock.status.text()
    qtbot.waitUntil(lambda: "none new since my-stain-1" in dock.masks.text(), timeout=LONG)
    assert dock.form.name.value == "my-stain-2"

    segment = open_dock(viewer, qtbot, "Segment")
    assert segment.form.model.value == path.name
    assert path.name in SegmentForm(lambda _combo: []).model.choices  # as it is made after a restart
    viewer.add_image(made.read_image(made.image_ids()[0]), name="smear")
    segment.form.pixel_size.value = 0.3
    click(segment.segment_button)
    qtbot.waitUntil(lambda: not segment.job.running, timeout=LONG)
    assert segment.session.state is not None, segment.status.text()
    assert segment.session.state.result.provenance["model_sha256"] == model_hash(path)


def test_a_model_accepted_while_segment_is_open_is_chosen_there(viewer, dock, model):
    _, segment = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    dock.session.use_model(model)
    assert segment.form.model.value == model.name


@pytest.mark.parametrize(("choice", "words"), [("reject_button", "is rejected"), ("keep_button", "stays a candidate")])
def test_other_decisions_are_recorded_and_segment_keeps_its_model(dock, with_set, qtbot, choice, words):
    made = with_set(1)
    assert "Too few images to judge on" in dock.judging.text()
    train(dock, qtbot)
    click(getattr(dock.review, choice))
    rest(dock, qtbot)
    assert words in dock.status.text()
    assert dock.session.model_path is None
    state = read_decision(made.models_folder / "my-stain-1.safetensors").decision
    assert (f"my-stain-1 ({state})" in dock.form.start.choices) == (state == "candidate")
    assert dock.review.model.value == f"my-stain-1 ({state})"


def test_painting_goes_on_cancel_keeps_the_best_and_resume_ends_it(
    viewer, dock, with_set, segmentation, disc_map, monkeypatch, qtbot
):
    stroke_done, real = Event(), fine_tune.replay_samples
    # the training waits for the stroke, so the stroke cannot wait for the training
    monkeypatch.setattr(fine_tune, "replay_samples", lambda *args: stroke_done.wait(LONG / 1000) and real(*args))
    made = with_set(2)
    image = viewer.add_image(np.full((200, 260, 3), 200, np.uint8), name="smear")
    dock.session.open_layer(image)
    dock.session.put(0, segmentation(disc_map((200, 260), (100, 130, 40, 20))))
    viewer.reset_view()
    layer = viewer.layers[CLASSES]
    viewer.layers.selection.active = layer
    layer.mode, layer.selected_label, layer.brush_size = "paint", 2, 10
    dock.job.epoch_done.connect(dock.job.cancel, max_args=0)
    click(dock.train_button)
    assert not dock.form.isEnabled()
    paint(viewer, (20, 20), (20, 60))
    assert dock.job.running
    assert layer.data[20, 40] == 2
    stroke_done.set()
    rest(dock, qtbot)
    path = made.models_folder / "my-stain-1.safetensors"
    assert path.is_file()
    assert "best weights so far are kept as my-stain-1" in dock.status.text()
    assert "Not compared" in dock.review.verdict.text()
    assert dock.form.name.value == "my-stain-2"
    dock.job.epoch_done.disconnect(dock.job.cancel)
    dock.form.epochs.value = 7  # Resume takes those of the run
    assert dock.resume_button.text() == "Resume my-stain-1"
    click(dock.resume_button)
    rest(dock, qtbot)
    assert "my-stain-1 is trained" in dock.status.text()
    assert "Too few" in dock.review.verdict.text()
    assert not dock.resume_button.isVisible()


def test_a_dock_that_is_closed_stops_its_training_and_another_resumes_it(viewer, dock, with_set, qtbot):
    made = with_set(2)
    dock.job.epoch_done.connect(lambda: close_dock(dock), max_args=0)
    click(dock.train_button)
    rest(dock, qtbot)
    other = open_dock(viewer, qtbot, "Train")
    rest(other, qtbot)
    assert other.set_name.text() == "Training set: my stain"
    assert other.resume_button.text() == "Resume my-stain-1"
    click(other.resume_button)
    rest(other, qtbot)
    assert "my-stain-1 is trained" in other.status.text()
    assert (made.models_folder / "my-stain-1.safetensors").is_file()


def test_it_follows_the_set_of_the_correct_dock(dock, tmp_path, drawn_set, qtbot):
    made = drawn_set(tmp_path / "other", 0)
    dock.session.use_training_set(made)
    rest(dock, qtbot)
    assert dock.set_name.text() == "Training set: other"
    assert "No accepted mask yet" in dock.masks.text()
    assert not dock.train_button.isEnabled()


def test_a_set_opened_here_is_the_one_of_all_docks(dock, with_set):
    made = with_set(1)
    assert dock.session.training_set.folder == made.folder


def test_images_are_locked_away_after_a_question(dock, with_set, qtbot):
    made = with_set(20)
    assert dock.hold_out_button.isEnabled()
    click(dock.hold_out_button)
    click(dock.dismiss_button)
    assert not dock.question.isVisible()
    assert not made.held_out
    click(dock.hold_out_button)
    click(dock.lock_button)
    rest(dock, qtbot)
    assert len(made.held_out) == 4
    assert "4 held out" in dock.masks.text()
    assert "Judged on the 4 images held out" in dock.judging.text()
    assert not dock.hold_out_button.isVisible()


def test_with_few_images_holding_out_is_explained_not_offered(dock, with_set):
    with_set(16)
    assert not dock.hold_out_button.isEnabled()
    assert "from 20 accepted images" in dock.hold_out_button.toolTip()
    assert "cross-validation over 16 images" in dock.judging.text()


def test_16_images_train(dock, with_set, qtbot):
    with_set(16)
    train(dock, qtbot)
    assert "my-stain-1 is trained" in dock.status.text()
    assert dock.review.table.topLevelItem(0).text(0) == "Your images: 16 images"


def test_a_name_that_is_no_file_name_is_refused(dock, with_set):
    with_set(1)
    dock.form.name.value = "a/b"
    click(dock.train_button)
    assert "Give the new model a name" in dock.status.text()
    assert not dock.job.running
