"""What goes wrong beside the window: every dock says a sentence, and the button that was pressed works again."""

import errno
import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from driving import LONG, block, click, of_account, open_dock
from qtpy.QtWidgets import QFileDialog

from napari_leukocyte.core.fine_tuning import fine_tune
from napari_leukocyte.core.fine_tuning.decision import read_decision
from napari_leukocyte.core.imaging import read
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.write import write_class_png
from napari_leukocyte.core.segmentation import segment
from napari_leukocyte.core.training_set.drafts import Drafts
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin import background
from napari_leukocyte.plugin.compare import truths
from napari_leukocyte.plugin.correct import set_jobs
from napari_leukocyte.plugin.measure import saving
from napari_leukocyte.plugin.train import current_set, train_widget

SHAPE = (100, 120)
ERRORS = {
    "unexpected went wrong": RuntimeError("a defect"),
    "memory is not enough": MemoryError(),
    "disk refused": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
}


@pytest.fixture
def place(viewer, qtbot, tmp_path, crops, model, monkeypatch, segmentation, disc_map, drawn_set, short_training):
    """A window with a folder of three images, segmented, and what the file dialogs answer."""
    place = SimpleNamespace(viewer=viewer, tmp_path=tmp_path, model=model, drawn_set=drawn_set, chosen=tmp_path)
    place.images = crops(("a", "b", "c"), SHAPE)
    place.classes = disc_map(SHAPE, (50, 60, 30, 15))
    docks = []

    def open_one(name):
        docks.append(open_dock(viewer, qtbot, name))
        return docks[-1]

    place.rest = lambda: qtbot.waitUntil(lambda: not working(), timeout=LONG)
    place.wait = lambda condition: qtbot.waitUntil(condition, timeout=LONG)
    for dialog in ("getExistingDirectory", "getOpenFileName", "getSaveFileName"):
        answer = (lambda *_, **__: str(place.chosen)) if "Dir" in dialog else lambda *_, **__: (str(place.chosen), "")
        monkeypatch.setattr(QFileDialog, dialog, answer)

    def show(dock):
        dock.session.open_files(list(sources_from_files(sorted(place.images.iterdir()))))
        for index in range(3):
            dock.session.put(index, segmentation(place.classes))
        return dock

    def correct():
        dock = show(place.open("Correct"))
        dock.new_set(tmp_path / "set")
        place.rest()
        return dock

    place.open, place.show, place.correct = open_one, show, correct
    yield place
    for dock in docks:
        dock.end()


def working():
    return any(one.running for one in background._all)


# ---- the work of each dock: what fails, the button, where the sentence stands, and how it is seen to work ---------


def opening_a_folder(place):
    dock = place.open("Segment")
    place.chosen = place.images
    return (read, "find_images"), dock.open_folder_button, dock.status, lambda: len(dock.session.images) == 3


def segmenting(place):
    dock = place.open("Segment")
    dock.form.use_weight_file(place.model)
    dock.form.pixel_size.value = 0.3
    grey = np.array([250, 140, 20], np.uint8)[place.classes]
    place.viewer.add_image(np.repeat(grey[..., None], 3, axis=-1), name="smear")
    return (segment, "segment_images"), dock.segment_button, dock.status, lambda: dock.session.state is not None


def exporting(place):
    dock = place.show(place.open("Measure"))
    place.wait(dock.output.export_button.isEnabled)
    place.chosen = place.tmp_path / "cells.csv"
    return (saving, "write_table"), dock.output.export_button, dock.status, place.chosen.is_file


def saving_all(place):
    dock = place.show(place.open("Measure"))
    place.wait(dock.output.save_button.isEnabled)
    place.chosen = place.tmp_path / "out"
    return (saving, "save_results"), dock.output.save_button, dock.status, (place.chosen / "cells.csv").is_file


def reading_a_truth(place):
    dock = place.show(place.open("Compare"))
    place.chosen = place.tmp_path / "a_truth.png"
    write_class_png(place.chosen, place.classes, provenance={})
    return (truths, "truths_from_file"), dock.file_button, dock.status, lambda: 0 in dock.comparison.truths


def reading_truths(place):
    dock = place.show(place.open("Compare"))
    place.chosen = place.tmp_path / "truths"
    place.chosen.mkdir()
    write_class_png(place.chosen / "b.png", place.classes, provenance={})
    return (truths, "truths_from_folder"), dock.folder_button, dock.status, lambda: 1 in dock.comparison.truths


def looking_for_readers(place):
    dock = place.show(place.open("Compare"))
    dock.session.use_training_set(of_account(TrainingSet.create(place.tmp_path / "set")))
    return (TrainingSet, "readers"), dock.reader_button, dock.status, lambda: "Nobody else" in dock.status.text()


def making_a_set(place):
    dock = place.open("Correct")
    place.chosen = place.tmp_path / "set"
    return (TrainingSet, "create"), dock.new_button, dock.status, lambda: dock.corrections.training_set is not None


def opening_a_set(place):
    dock = place.open("Correct")
    place.chosen = TrainingSet.create(place.tmp_path / "set").folder
    return (TrainingSet, "open"), dock.open_button, dock.status, lambda: dock.corrections.training_set is not None


def opening_its_images(place):
    dock = place.open("Correct")
    dock.open_set(place.drawn_set(place.tmp_path / "set", 2).folder)
    place.rest()
    return (set_jobs, "sources_of"), dock.images_button, dock.status, lambda: len(dock.session.images) == 2


def accepting(place):
    dock = place.correct()
    dock.session.show(0)

    def accepted():
        return dock.corrections.entry(0).version is not None

    return (set_jobs, "accept"), dock.accept_button, dock.status, accepted


def revoking(place):
    dock = place.correct()
    dock.corrections.accept(0)
    place.rest()
    return (set_jobs, "revoke"), dock.revoke_button, dock.status, lambda: dock.corrections.entry(0).version is None


def discarding_a_draft(place):
    dock = place.correct()
    place.viewer.layers["classes"].data_setitem(block(0, 5, 0, 5), 2)
    place.wait(lambda: dock.saved.text().startswith("Draft saved "))
    place.show(dock)
    place.rest()
    button = dock.recovery.discard_button
    return (set_jobs, "discard"), button, dock.status, lambda: not dock.corrections.entry(0).drafts


def reading_a_set(place):
    dock = place.open("Train")
    place.chosen = place.drawn_set(place.tmp_path / "set", 2).folder
    return (current_set, "read_summary"), dock.open_button, dock.status, lambda: dock.summary is not None


def training(place):
    dock = place.open("Train")
    dock.open_set(place.drawn_set(place.tmp_path / "set", 2).folder)
    place.rest()
    dock.use_weight_file(place.model)
    place.rest()
    dock.form.epochs.value, dock.form.device.value = 1, "cpu"
    done = (place.tmp_path / "set" / "models" / "set-1.safetensors").is_file
    return (fine_tune, "fine_tune"), dock.train_button, dock.status, done


def deciding(place):
    dock = place.open("Train")
    made = place.drawn_set(place.tmp_path / "set", 1)
    path = made.models_folder / "mine.safetensors"
    path.write_bytes(place.model.read_bytes())
    dock.open_set(made.folder)
    place.rest()
    return (train_widget, "decide"), dock.review.accept_button, dock.status, lambda: read_decision(path) is not None


WORK = [
    *(opening_a_folder, segmenting, exporting, saving_all, reading_a_truth, reading_truths, looking_for_readers),
    *(making_a_set, opening_a_set, opening_its_images, accepting, revoking, discarding_a_draft),
    *(reading_a_set, training, deciding),
]


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_what_stops_it_is_a_sentence_and_the_button_works_again(place, monkeypatch, work):
    target, button, said, worked = work(place)
    for words, error in ERRORS.items():

        def fail(*_args, error=error, **_options):
            assert threading.current_thread() is not threading.main_thread(), "it would freeze napari"
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(*target, fail)
            click(button)
            place.rest()
        assert words in said.text()
        assert "Traceback" not in said.text()
        assert not worked()
        assert button.isEnabled()
        place.viewer.window._qt_window.centralWidget().setFocus()
    click(button)
    place.rest()
    assert worked(), said.text()


@pytest.mark.parametrize("target", [(Drafts, "save"), (set_jobs, "join_and_claim")], ids=lambda it: it[1])
def test_a_draft_that_is_not_saved_is_said_and_the_next_stroke_saves_it(place, monkeypatch, target):
    dock = place.correct()
    layer = place.viewer.layers["classes"]
    for row, error in enumerate(ERRORS.values()):

        def fail(*_args, error=error, **_options):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(*target, fail)
            layer.data_setitem(block(row, row + 1, 0, 9), 2)
            place.wait(lambda: dock.saved.text().startswith("NOT SAVED: "))
            place.rest()
    layer.data_setitem(block(5, 6, 0, 9), 2)
    place.wait(lambda: dock.saved.text().startswith("Draft saved "))
    made = dock.corrections.training_set
    (id_,) = made.image_ids()
    np.testing.assert_array_equal(made.drafts.read(id_).classes, layer.data)


def test_an_image_that_could_not_be_looked_for_is_looked_for_again_and_its_strokes_are_saved(place, monkeypatch):
    def fail(*_args, **_options):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(set_jobs, "find", fail)
        dock = place.correct()
    assert "memory is not enough" in dock.status.text()
    place.viewer.layers["classes"].data_setitem(block(0, 5, 0, 5), 2)
    place.wait(lambda: dock.saved.text().startswith("Draft saved "))


def test_the_work_of_every_dock_is_tested_here(viewer, qtbot):
    before = set(background._all)
    for name in ("Segment", "Measure", "Compare", "Correct", "Train"):
        open_dock(viewer, qtbot, name)
    found = {one.what for one in background._all - before}
    assert found == {
        *("the reading of the images", "the segmentation", "the export", "the reading of the truth"),
        "the look for readers",
        *("the work on the training set", "the training"),
        "the gesture",  # in test_gestures.py
        "the report",  # in test_study_window.py
        "the summary",  # in test_study_window.py
        # in test_slides.py
        *("the search of the slide", "the reading of the region", "the writing of the corrections"),
        "the reading of the labels",  # in test_take_labels.py
        "the look at what is withheld",  # in tests/plugin/measure/test_withheld_note.py
    }
