"""One session over all docks, as a person goes through it: segment, look, correct, train, segment better."""

from types import SimpleNamespace

import numpy as np
import pytest
from driving import LEFT, LONG, NO_KEY, click, go_to_dock, of_account, open_dock, paint, press, type_into
from PIL import Image
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_leukocyte.core.fine_tuning import fine_tune
from napari_leukocyte.core.fine_tuning.decision import read_decision
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.model.weights import model_hash, read_info
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.canvas.layers import CELLS, CLASSES
from napari_leukocyte.plugin.measure.columns import place_of

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
SHAPE, CENTRE, NUCLEUS = (60, 66), (30, 33), 8


@pytest.fixture
def chosen(monkeypatch):
    """What the person picks in the next file dialog: nothing else of a dialog is replaced."""
    chosen = SimpleNamespace(path=None)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: str(chosen.path))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args, **_options: (str(chosen.path), ""))
    return chosen


@pytest.fixture
def cells(tmp_path, disc_map):
    """A folder of four crops: a dark nucleus in a grey cell, which the hand-made network knows."""
    folder = tmp_path / "cells"
    folder.mkdir()
    for i in range(4):
        grey = np.array([250, 140, 20 + i], np.uint8)[disc_map(SHAPE, (*CENTRE, 16 + i, NUCLEUS))]
        Image.fromarray(np.repeat(grey[..., None], 3, axis=-1)).save(folder / f"cell-{i}.png")
    return folder


@pytest.fixture
def loaded_anew():
    """No network of another test is still in memory."""
    from napari_leukocyte.core.segmentation import loaded

    loaded._loaded.cache_clear()


@pytest.fixture
def open_(qtbot):
    """Open docks; when the test ends, what they do in the background ends too."""
    docks = []

    def open_one(viewer, name):
        docks.append(open_dock(viewer, qtbot, name))
        return docks[-1]

    yield open_one
    for dock in filter(isalive, docks):  # not those of a window that was closed
        parts = vars(dock)
        if "job" in parts:
            parts["job"].cancel()
        rest(dock, qtbot)
        dock.end()


def rest(dock, qtbot):
    """Wait for what the dock does in the background."""
    parts = [part for name, part in vars(dock).items() if name in ("job", "set", "disk")]
    qtbot.waitUntil(lambda: not any(getattr(p, "running", getattr(p, "busy", False)) for p in parts), timeout=LONG)


def column(measure, name):
    model = measure.table.model()
    return [model.index(i, place_of(name)).data() for i in range(model.rowCount())]


def holds(draft, classes):
    return draft is not None and np.array_equal(draft.classes, classes)


def grow_nucleus(viewer):
    """A stroke from within the nucleus to beyond the cell."""
    viewer.layers[CLASSES].brush_size = 5
    paint(viewer, CENTRE, (CENTRE[0], CENTRE[1] - 24))


def test_from_a_folder_to_a_better_model(
    viewer, open_, cells, chosen, model, short_training, loaded_anew, tmp_path, qtbot
):
    # segment a folder
    segment = open_(viewer, "Segment")
    session = segment.session
    chosen.path = cells
    click(segment.open_folder_button)
    qtbot.waitUntil(lambda: len(session.images) == 4 and not segment.opener.running, timeout=LONG)
    chosen.path = model
    click(segment.form.file_button)
    assert segment.form.model.value == model.name
    type_into(segment.form.pixel_size.native.lineEdit(), "0.3333")
    assert segment.form.scope.value == "all 4 images"
    click(segment.segment_button)
    rest(segment, qtbot)
    assert sorted(session.states) == [0, 1, 2, 3], segment.status.text()

    # look at the measures, and begin with the first row
    measure = open_(viewer, "Measure")
    assert column(measure, "image") == [f"cell-{i}.png" for i in range(4)]
    segmented = column(measure, "cnr")
    for row in (3, 0):
        at = measure.table.visualRect(measure.table.model().index(row, place_of("cnr"))).center()
        QTest.mouseClick(measure.table.viewport(), LEFT, NO_KEY, at)
        assert session.index == row

    # correct three of four, into a new training set; the fourth stays a draft
    correct = open_(viewer, "Correct")
    chosen.path = tmp_path / "my stain"
    click(correct.new_button)
    rest(correct, qtbot)
    click(correct.brushes.buttons[0])
    painted = []
    for accept in (
        lambda: click(correct.accept_button),
        lambda: press(viewer, Qt.Key.Key_D, SHIFT),
        lambda: click(correct.accept_button),
    ):
        grow_nucleus(viewer)
        painted.append(viewer.layers[CLASSES].data.copy())
        accept()
        rest(correct, qtbot)
        assert session.index == len(painted), correct.status.text()
    grow_nucleus(viewer)
    qtbot.waitUntil(lambda: correct.saved.text().startswith("Draft saved "), timeout=LONG)
    corrected = viewer.layers[CLASSES].data.copy(), viewer.layers[CELLS].data.copy()
    made = of_account(TrainingSet.open(tmp_path / "my stain"))
    items = made.items()
    assert [made.image(item.name).name for item in items] == ["cell-0.png", "cell-1.png", "cell-2.png"]
    for item, classes in zip(items, painted, strict=True):
        assert item.edited
        np.testing.assert_array_equal(item.read().classes, classes)
    (drafted,) = set(made.image_ids()) - {item.name for item in items}
    assert made.drafts.has(drafted)
    go_to_dock(viewer, qtbot, measure)
    cnr = column(measure, "cnr")
    assert all(float(now) < float(before) for now, before in zip(cnr, segmented, strict=True))

    # train on the three, read before and after, accept the model
    train = open_(viewer, "Train")
    rest(train, qtbot)
    assert train.masks.text() == "3 accepted masks (3 edited by hand, 0 unedited)."
    chosen.path = model
    click(train.form.file_button)
    rest(train, qtbot)
    assert train.form.start.value == model.name
    type_into(train.form.epochs.native, "1")
    click(train.train_button)
    assert train.job.running
    rest(train, qtbot)
    path = made.models_folder / "my-stain-1.safetensors"
    trained_on = {mask["name"] for mask in read_info(path).training["data"]["masks"]}
    assert trained_on == {item.name for item in items}
    own = train.review.table.topLevelItem(0)
    assert own.text(0) == "Your images: 3 images"
    assert all(own.child(0).text(column) for column in (0, 1, 2))
    click(train.review.accept_button)
    rest(train, qtbot)
    assert read_decision(path).decision == "accepted"

    # segment with it; the map that was painted last is asked about, replaced, and comes back
    go_to_dock(viewer, qtbot, segment)
    assert segment.form.model.value == path.name
    assert segment.form.scope.value == "all 4 images"  # as it was, though other images were shown
    click(segment.segment_button)
    assert not segment.job.running
    click(segment.question.buttons["Replace them"])
    rest(segment, qtbot)
    assert {state.result.provenance["model_sha256"] for state in session.states.values()} == {model_hash(path)}
    assert (viewer.layers[CLASSES].data != corrected[0]).any()
    press(viewer, Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(viewer.layers[CLASSES].data, corrected[0])
    np.testing.assert_array_equal(viewer.layers[CELLS].data, corrected[1])
    assert column(measure, "cnr")[3] == cnr[3]
    qtbot.waitUntil(lambda: holds(made.drafts.read(drafted), corrected[0]), timeout=LONG)


def test_neither_held_out_pictures_nor_their_copies_train(
    viewer, open_, short_training, drawn_set, model, chosen, tmp_path, monkeypatch, qtbot
):
    trained = set()
    real = fine_tune.train

    def watched(training, validation, *args, **options):
        trained.update(sample.name for sample in (*training, *validation))
        return real(training, validation, *args, **options)

    monkeypatch.setattr(fine_tune, "train", watched)
    made = drawn_set(tmp_path / "set", 20)
    for item in made.items()[::2]:  # every other picture under a second name, too
        read = item.read()
        copy = made.add_image(read.image, name=f"copy-{item.name}.png")
        made.accept(copy, Correction(read.classes, read.cells, by="anna"))
    train = open_(viewer, "Train")
    chosen.path = made.folder
    click(train.open_button)
    rest(train, qtbot)
    chosen.path = model
    click(train.form.file_button)
    rest(train, qtbot)
    click(train.hold_out_button)
    click(train.lock_button)
    rest(train, qtbot)
    type_into(train.form.epochs.native, "1")
    click(train.train_button)
    rest(train, qtbot)
    content = {image.id: image.content for image in made.images()}
    twice = {one for one in content.values() if list(content.values()).count(one) == 2}
    locked = {content[one] for one in made.held_out}
    seen = {content[name] for name in trained if name in content}
    assert locked & twice
    assert seen & twice
    assert not seen & locked
    assert seen | locked == set(content.values())


def test_splits_and_joins_come_back_in_another_window(
    viewer, open_, make_napari_viewer, cells, chosen, segmentation, disc_map, tmp_path, qtbot
):
    measure = open_(viewer, "Measure")  # its tools take the strokes
    correct = open_(viewer, "Correct")
    session = correct.session
    session.open_files(list(sources_from_files([cells / "cell-0.png"])))
    session.put(0, segmentation(disc_map(SHAPE, (*CENTRE, 16, NUCLEUS), (10, 56, 8, 4))))
    chosen.path = tmp_path / "set"
    click(correct.new_button)
    rest(correct, qtbot)
    assert {one.cell for one in session.state.measures} == {1, 2}
    press(viewer, Qt.Key.Key_Y)
    paint(viewer, (8, 33), (52, 33))
    assert {one.cell for one in session.state.measures} == {1, 2, 3}
    split = session.state.cells.copy()
    press(viewer, Qt.Key.Key_D, SHIFT)
    rest(correct, qtbot)
    press(viewer, Qt.Key.Key_J)
    paint(viewer, (30, 42), (10, 56))
    qtbot.waitUntil(lambda: not measure.visibleRegion().isEmpty(), timeout=LONG)  # it asks, and comes to the front
    click(measure.repairs.question.buttons["Join them"])
    joined = session.state.cells.copy()
    assert len({one.cell for one in session.state.measures}) == 2
    qtbot.waitUntil(lambda: correct.saved.text().startswith("Draft saved "), timeout=LONG)
    correct.disk.close()
    viewer.close()

    other = make_napari_viewer(show=True)
    correct = open_(other, "Correct")
    click(correct.open_button)
    rest(correct, qtbot)
    click(correct.images_button)
    rest(correct, qtbot)
    np.testing.assert_array_equal(other.layers[CELLS].data, split)
    click(correct.recovery.restore_button)
    rest(correct, qtbot)
    np.testing.assert_array_equal(other.layers[CELLS].data, joined)
