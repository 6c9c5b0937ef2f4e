"""The Correct dock as a person uses it: strokes, keys and clicks; and what is left when napari is killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from driving import LEFT, LONG, NO_KEY, block, choose, click, of_account, paint, press, turn_wheel, type_into
from napari import settings as napari_settings
from PIL import Image
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.canvas.layers import CLASSES
from napari_leukocyte.plugin.measure.columns import place_of

SHAPE = (100, 120)
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def folder(crops):
    return crops(("a10", "a9", "b"), SHAPE)


@pytest.fixture
def dock(viewer, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Correct")
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    yield dock
    dock.end()


@pytest.fixture
def opened(viewer, dock, folder, tmp_path, segmentation, disc_map, qtbot):
    """A folder of three crops, segmented, with a new training set."""
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    for index in range(3):
        dock.session.put(index, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
    dock.new_set(tmp_path / "set")
    settle(dock, qtbot)
    return dock


@pytest.fixture
def preferences(dock):
    """What the Preferences dialog writes to."""
    yield napari_settings.get_plugin_settings("napari-leukocyte").leukocyte
    napari_settings._clear_plugin_settings_cache()


def settle(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.disk.busy, timeout=LONG)


def stored(dock):
    return of_account(TrainingSet.open(dock.corrections.training_set.folder))


def stroke(viewer):
    paint(viewer, (15, 15), (15, 45))


def test_paint_accept_and_next_three_times(viewer, opened, qtbot):
    click(opened.brushes.buttons[1])
    assert viewer.layers[CLASSES].mode == "paint"
    assert viewer.layers[CLASSES].selected_label == 1
    viewer.layers[CLASSES].brush_size = 8
    shown = []
    for _ in range(3):
        shown.append(opened.session.images[opened.session.index].name)
        stroke(viewer)  # the brush is in the hand on every image
        press(viewer, Qt.Key.Key_D, SHIFT)
        settle(opened, qtbot)
        assert ("No image waits" in opened.status.text()) == (len(shown) == 3)
    assert shown == ["a10.png", "b.png", "a9.png"]  # on from the first file, and around
    qtbot.waitUntil(lambda: opened.position.text().endswith("3 accepted"), timeout=LONG)
    assert "No image waits" in opened.status.text()
    items = stored(opened).items()
    assert len(items) == 3
    for item in items:
        assert item.edited
        assert (item.read().classes[15, 20:40] == 1).all()
        origin = stored(opened).current(item.name).facts.made_with
        assert origin.strokes == {"brush": 1, "gesture": 0}
        assert origin.pixels["brush"] == stored(opened).current(item.name).facts.pixels_changed


@pytest.mark.parametrize("name", ["accept_button", "skip_button"])
def test_a_double_click_leaves_the_next_image_alone(opened, qtbot, name):
    button = getattr(opened, name)
    click(button)
    at = QPointF(button.rect().center())
    for kind in (QEvent.Type.MouseButtonDblClick, QEvent.Type.MouseButtonRelease):  # the second press of a double click
        held = LEFT if kind == QEvent.Type.MouseButtonDblClick else Qt.MouseButton.NoButton
        QApplication.sendEvent(button, QMouseEvent(kind, at, button.mapToGlobal(at), LEFT, held, NO_KEY))
    settle(opened, qtbot)
    assert opened.session.images[opened.session.index].name == "b.png"  # behind a10
    assert opened.corrections.accepted == (name == "accept_button")
    click(button)  # a click that is one by itself counts
    settle(opened, qtbot)
    assert opened.session.images[opened.session.index].name == "a9.png"


def test_keys_mean_the_image_again_after_a_name_and_after_an_order(viewer, opened, qtbot):
    if not opened.set_bar.reader.field.isVisible():
        click(opened.set_bar.reader.change_button)
    type_into(opened.set_bar.reader.field, "Q. E. Windsor")
    settle(opened, qtbot)
    press(viewer, Qt.Key.Key_N)
    assert opened.session.images[opened.session.index].name == "b.png"  # behind a10
    assert "Q. E. Windsor" in opened.set_bar.reader.text.text()
    opened.order.setFocus()
    QTest.keyClick(opened.order, Qt.Key.Key_End)
    assert opened.order.currentText() == "Most flags first"
    press(viewer, Qt.Key.Key_N, SHIFT)
    assert opened.order.currentText() == "Most flags first"
    assert opened.session.images[opened.session.index].name != "b.png"


def test_order_and_difficulty_are_stepped_through_by_keys_and_other_keys_mean_the_image(viewer, opened):
    window, entry = viewer.window._qt_window, opened.corrections.entry
    opened.difficulty.setFocus()
    for difficulty in (1, 2, 3):
        press(viewer, Qt.Key.Key_Down)
        assert entry(0).difficulty == difficulty
    press(viewer, Qt.Key.Key_6)
    assert entry(0).difficulty == 6
    press(viewer, Qt.Key.Key_Up)
    assert opened.difficulty.currentText().startswith("5 ")
    press(viewer, Qt.Key.Key_N)
    assert opened.session.index != 0
    assert opened.difficulty.currentText() == "Not judged"
    assert entry(0).difficulty == 5
    opened.order.setFocus()
    for text in ("Most uncertain first", "Most flags first"):
        press(viewer, Qt.Key.Key_Down)
        assert opened.order.currentText() == text
    assert window.focusWidget() is opened.order
    press(viewer, Qt.Key.Key_Return)
    assert window.focusWidget() is not opened.order
    press(viewer, Qt.Key.Key_Down)
    assert opened.order.currentText() == "Most flags first"


def test_an_entry_that_is_picked_from_the_open_list_gives_the_keys_back(viewer, opened):
    opened.difficulty.setFocus()
    opened.difficulty.showPopup()
    QTest.keyClick(opened.difficulty.view(), Qt.Key.Key_Down)
    QTest.keyClick(opened.difficulty.view(), Qt.Key.Key_Return)
    assert opened.corrections.entry(0).difficulty == 1
    assert viewer.window._qt_window.focusWidget() is not opened.difficulty


def test_the_wheel_changes_no_field_that_it_passes(opened):
    opened.order.setFocus()
    for field in (opened.difficulty, opened.training, opened.blind.share):
        before = field.value() if field is opened.blind.share else field.currentText()
        assert not turn_wheel(field)
        assert (field.value() if field is opened.blind.share else field.currentText()) == before
    assert stored(opened).items() == []
    assert turn_wheel(opened.order)  # the one that was clicked
    assert opened.order.currentText() == "Most uncertain first"


def test_a_stroke_is_a_draft_within_a_second_and_the_dock_says_when(viewer, opened, qtbot):
    click(opened.brushes.buttons[0])
    viewer.layers[CLASSES].brush_size = 8
    stroke(viewer)
    assert opened.saved.text() == "Draft not saved yet …"
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    draft = stored(opened).drafts.read(opened.corrections.entry(0).id)
    np.testing.assert_array_equal(draft.classes, viewer.layers[CLASSES].data)
    assert stored(opened).items() == []
    press(viewer, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: stored(opened).drafts.read(opened.corrections.entry(0).id) is None, timeout=LONG)


def test_leaving_an_image_saves_its_strokes_at_once(viewer, opened, qtbot):
    click(opened.brushes.buttons[0])
    stroke(viewer)
    press(viewer, Qt.Key.Key_N)
    assert opened.session.index != 0
    settle(opened, qtbot)
    opened.disk.flush()
    assert stored(opened).drafts.read(opened.corrections.entry(0).id) is not None


def test_keys_choose_classes_step_and_skip(viewer, opened, qtbot):
    canvas = viewer.window._qt_viewer.canvas.native
    QTest.keyClick(canvas, Qt.Key.Key_W)
    assert [b.isChecked() for b in opened.brushes.buttons] == [False, True, False]
    QTest.keyClick(canvas, Qt.Key.Key_Q)
    assert [b.isChecked() for b in opened.brushes.buttons] == [True, False, False]
    click(opened.brushes.buttons[2])
    assert viewer.layers[CLASSES].mode == "erase"
    first = opened.session.index
    press(viewer, Qt.Key.Key_N)
    press(viewer, Qt.Key.Key_N, SHIFT)
    assert opened.session.index == first
    press(viewer, Qt.Key.Key_K)
    assert opened.session.index != first
    assert opened.corrections.entry(first).skipped


def test_protection_holds_under_the_brush_and_one_undo_takes_the_stroke_back(viewer, opened):
    click(opened.brushes.protect)
    click(opened.brushes.buttons[1])
    layer = viewer.layers[CLASSES]
    layer.brush_size = 10
    before = layer.data.copy()
    paint(viewer, (50, 10), (50, 110))
    assert (layer.data != before).any()
    np.testing.assert_array_equal(layer.data == 2, before == 2)
    press(viewer, Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(layer.data, before)


def test_fill_holes_fills_all_of_them_in_one_step(viewer, opened):
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(45, 48, 40, 43), 0)
    layer.data_setitem(block(60, 62, 78, 80), 0)
    with_holes = layer.data.copy()
    click(opened.brushes.holes_button)
    assert layer.data[46, 41] == layer.data[61, 79] == 1
    layer.undo()
    np.testing.assert_array_equal(layer.data, with_holes)
    layer.undo()
    layer.undo()
    click(opened.brushes.holes_button)
    assert opened.status.text() == "No cell of this image has a hole."


def test_revoke_difficulty_and_exclusion_by_mouse(viewer, opened, qtbot):
    opened.difficulty.setCurrentIndex(4)
    opened.difficulty.activated.emit(4)
    click(opened.accept_button)
    settle(opened, qtbot)
    opened.session.show(0)
    assert opened.difficulty.currentText() == "4 Difficult"
    (item,) = stored(opened).items()
    assert stored(opened).current(item.name).facts.difficulty == 4
    opened.training.lineEdit().selectAll()
    QTest.keyClicks(opened.training.lineEdit(), "Bubble in it")
    QTest.keyClick(opened.training.lineEdit(), Qt.Key.Key_Return)
    settle(opened, qtbot)
    assert stored(opened).items() == []
    assert "excluded" in opened.image_name.text()
    opened.training.setCurrentIndex(0)
    opened.training.activated.emit(0)
    settle(opened, qtbot)
    click(opened.revoke_button)
    settle(opened, qtbot)
    assert stored(opened).items() == []
    assert not opened.revoke_button.isEnabled()


def test_a_full_disk_is_said_at_once_and_the_next_try_saves(viewer, opened, qtbot, monkeypatch):
    click(opened.brushes.buttons[0])
    stroke(viewer)
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    with monkeypatch.context() as patched:

        def full(*_args, **_options):
            raise OSError(28, "No space left on device")

        patched.setattr(os, "fsync", full)
        paint(viewer, (80, 15), (80, 45))
        qtbot.waitUntil(lambda: opened.saved.text().startswith("NOT SAVED: "), timeout=LONG)
        for modifier in (NO_KEY, SHIFT):
            press(viewer, Qt.Key.Key_N, modifier)
            assert opened.saved.text().startswith("NOT SAVED: ")
    assert "no space left" in opened.saved.text()
    paint(viewer, (90, 15), (90, 45))
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    assert (stored(opened).drafts.read(opened.corrections.entry(0).id).classes[80, 20:40] == 2).all()


@pytest.mark.parametrize("answer", ["restore", "discard"])
def test_a_draft_of_an_earlier_session_is_asked_about_compared_and_restored_or_dropped(
    viewer, opened, folder, segmentation, disc_map, qtbot, answer
):
    click(opened.brushes.buttons[0])
    stroke(viewer)
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    painted = viewer.layers[CLASSES].data.copy()
    opened.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))  # as a new start does
    opened.session.put(0, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
    settle(opened, qtbot)
    assert opened.recovery.isVisible()
    click(opened.recovery.compare_button)
    np.testing.assert_array_equal(viewer.layers["draft"].data, painted)
    assert (viewer.layers[CLASSES].data[15, 20:40] == 0).all()
    click(getattr(opened.recovery, f"{answer}_button"))
    settle(opened, qtbot)
    assert not opened.recovery.isVisible()
    qtbot.waitUntil(lambda: "draft" not in viewer.layers, timeout=LONG)  # not within an event of napari's
    assert bool((viewer.layers[CLASSES].data == painted).all()) is (answer == "restore")
    assert (stored(opened).drafts.read(opened.corrections.entry(0).id) is None) is (answer == "discard")


def test_a_draft_that_is_painted_over_and_accepted_over_stays_on_offer(
    viewer, opened, folder, segmentation, disc_map, qtbot
):
    click(opened.brushes.buttons[0])
    stroke(viewer)
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    first = viewer.layers[CLASSES].data.copy()
    opened.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))  # as a new start does
    opened.session.put(0, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
    settle(opened, qtbot)
    assert "It is kept until you restore or discard it" in opened.recovery.text.text()
    click(opened.brushes.buttons[0])
    paint(viewer, (90, 15), (90, 45))
    second = viewer.layers[CLASSES].data.copy()
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    entry = opened.corrections.entry(0)
    np.testing.assert_array_equal(stored(opened).drafts.read(entry.id).classes, second)
    assert opened.recovery.isVisible()
    click(opened.recovery.compare_button)
    np.testing.assert_array_equal(viewer.layers["draft"].data, first)
    click(opened.accept_button)
    settle(opened, qtbot)
    assert "is kept: go back to the image" in opened.status.text()
    opened.session.show(0)
    click(opened.recovery.restore_button)
    settle(opened, qtbot)
    np.testing.assert_array_equal(viewer.layers[CLASSES].data, first)
    assert not opened.recovery.isVisible()
    np.testing.assert_array_equal(stored(opened).read_mask(stored(opened).current(entry.id))[0], second)


def test_the_choosers_open_what_is_chosen_and_say_what_is_wrong(viewer, dock, tmp_path, monkeypatch, qtbot):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("no set")
    chosen = [str(tmp_path / "other")]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: chosen[0])
    click(dock.new_button)
    settle(dock, qtbot)
    assert "letter.txt" in dock.status.text()
    click(dock.open_button)
    settle(dock, qtbot)
    assert dock.corrections.training_set is None
    assert dock.status.text()
    chosen[0] = str(tmp_path / "new")
    click(dock.new_button)
    settle(dock, qtbot)
    assert dock.set_name.text() == "Training set: new"
    assert dock.session.training_set.folder == tmp_path / "new"


def test_without_a_set_a_stroke_says_that_it_is_not_saved(viewer, dock, folder, segmentation, disc_map):
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    dock.session.put(0, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
    click(dock.brushes.buttons[0])
    stroke(viewer)
    assert dock.saved.text().startswith("NOT SAVED: ")
    click(dock.accept_button)
    assert "training set" in dock.status.text()


def test_strokes_made_before_a_set_is_chosen_are_saved_as_soon_as_there_is_one(
    viewer, dock, folder, tmp_path, segmentation, disc_map, qtbot, monkeypatch
):
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    for index in range(3):
        dock.session.put(index, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
    click(dock.brushes.buttons[0])
    stroke(viewer)
    press(viewer, Qt.Key.Key_N)
    assert dock.saved.text().startswith("NOT SAVED: ")  # here as there
    stroke(viewer)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: str(tmp_path / "set"))
    click(dock.new_button)
    qtbot.waitUntil(lambda: dock.saved.text() == "Draft not saved yet …", timeout=LONG)
    qtbot.waitUntil(lambda: dock.saved.text().startswith("Draft saved "), timeout=LONG)
    painted = [index for index, state in dock.session.states.items() if state.edited]
    assert len(painted) == 2
    for index in painted:
        draft = stored(dock).drafts.read(dock.corrections.entry(index).id)
        np.testing.assert_array_equal(draft.classes, dock.session.states[index].classes)


def test_a_disk_that_is_full_from_the_first_stroke_on_is_said_too(viewer, opened, qtbot, monkeypatch):
    click(opened.brushes.buttons[0])
    with monkeypatch.context() as patched:

        def full(*_args, **_options):
            raise OSError(28, "No space left on device")

        patched.setattr(os, "fsync", full)
        stroke(viewer)
        qtbot.waitUntil(lambda: opened.saved.text().startswith("NOT SAVED: "), timeout=LONG)
        press(viewer, Qt.Key.Key_N)
        assert opened.session.index != 0
        assert opened.saved.text().startswith("NOT SAVED: ")
    stroke(viewer)
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    assert stored(opened).drafts.read(opened.corrections.entry(0).id) is not None
    press(viewer, Qt.Key.Key_N, SHIFT)
    assert opened.saved.text() == ""


def test_autosave_can_be_switched_while_the_dock_is_open(viewer, opened, preferences, qtbot):
    preferences.autosave = False
    click(opened.brushes.buttons[0])
    stroke(viewer)
    assert opened.saved.text().startswith("Not saved: autosave is switched off")
    press(viewer, Qt.Key.Key_N)
    press(viewer, Qt.Key.Key_N, SHIFT)
    settle(opened, qtbot)
    assert opened.saved.text().startswith("Not saved: autosave is switched off")
    assert opened.corrections.entry(0).id is None  # nothing of it is in the set
    preferences.autosave = True
    paint(viewer, (90, 15), (90, 45))
    assert opened.saved.text() == "Draft not saved yet …"
    qtbot.waitUntil(lambda: opened.saved.text().startswith("Draft saved "), timeout=LONG)
    drafted = stored(opened).drafts.read(opened.corrections.entry(0).id).classes
    np.testing.assert_array_equal(drafted, viewer.layers[CLASSES].data)
    assert (drafted[[15, 90], 20:40] == 2).all()
    preferences.autosave = False
    paint(viewer, (80, 15), (80, 45))
    assert opened.saved.text().startswith("Not saved: autosave is switched off")
    opened.saved.save_drafts()  # as the timers do
    opened.disk.flush()
    np.testing.assert_array_equal(stored(opened).drafts.read(opened.corrections.entry(0).id).classes, drafted)


def test_the_images_of_the_set_are_opened_once_every_edit_is_safe(viewer, opened, preferences, qtbot):
    click(opened.brushes.buttons[0])
    preferences.autosave = False
    stroke(viewer)
    click(opened.images_button)
    assert opened.question.isVisible()
    assert opened.session.states[0].edited
    click(opened.question.buttons["Stay with these images"])
    preferences.autosave = True
    paint(viewer, (90, 15), (90, 45))
    painted = viewer.layers[CLASSES].data.copy()
    click(opened.images_button)  # at once: the stroke is on its way to the disk
    assert not opened.question.isVisible()
    settle(opened, qtbot)
    (id_,) = stored(opened).image_ids()
    np.testing.assert_array_equal(stored(opened).drafts.read(id_).classes, painted)
    assert len(opened.session.images) == 1


def test_a_map_made_after_the_acceptance_is_not_called_accepted(viewer, opened, segmentation, disc_map, qtbot):
    press(viewer, Qt.Key.Key_D, SHIFT)
    settle(opened, qtbot)
    opened.session.show(0)
    assert opened.image_name.text().endswith(": accepted")
    opened.session.put(0, segmentation(disc_map(SHAPE, (50, 60, 20, 10))))
    assert opened.image_name.text().endswith(": another map is accepted")
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert opened.image_name.text().endswith(": accepted")


def test_measure_follows_the_queue(viewer, opened, qtbot):
    _, measure = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    qtbot.waitUntil(measure.isVisible, timeout=LONG)
    measure.scope.setCurrentText("This image")
    press(viewer, Qt.Key.Key_N)
    model = measure.table.model()
    assert [model.index(row, place_of("image")).data() for row in range(model.rowCount())] == [
        opened.session.images[opened.session.index].label
    ]


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import napari, numpy as np
from qtpy.QtCore import QTimer
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.segmentation import Segmentation

viewer = napari.Viewer(show=True)
_, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Correct")
dock.session.open_files(list(sources_from_files([Path({image!r})])))
classes = np.zeros({shape}, np.uint8)
classes[30:70, 30:70] = 1
result = Segmentation(classes, label_cells(classes), False, PixelSize(None), "all", (), {{}})
dock.session.put(0, result)
dock.open_set(Path({folder!r}))

def paint(row=[0]):
    row[0] += 1
    dock.session.classes_layer.paint((row[0], 50), 2)
    print("row", row[0], flush=True)

dock.session.classes_layer.brush_size = 1
dock.disk.saved.connect(lambda *_: print("saved", flush=True))
timer = QTimer()
timer.timeout.connect(paint)
timer.start(60)
napari.run()
"""


def test_napari_killed_in_the_middle_of_painting_loses_no_stroke_older_than_two_seconds(folder, tmp_path):
    image = folder / "b.png"
    made = TrainingSet.create(tmp_path / "set")
    id_ = made.add_image(np.asarray(Image.open(image)), name=image.name)
    classes = np.zeros(SHAPE, np.uint8)
    classes[80:90, 80:90] = 1
    made.drafts.save(id_, Draft(classes, label_cells(classes), MaskFacts(), datetime.now(UTC)))  # of an earlier session
    script = KILLED.format(
        tests=str(Path(__file__).parent), image=str(image), shape=SHAPE, folder=str(tmp_path / "set")
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={**os.environ, "NAPARI_CONFIG": ""}
    )
    painted: list[tuple[float, int]] = []
    saves = 0
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("row"):
            painted.append((time.monotonic(), int(line.split()[1])))
        saves += line == "saved\n"
        if saves >= 2 and painted and painted[-1][0] - painted[0][0] > 3:
            break
    now = time.monotonic()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    training_set = of_account(TrainingSet.open(tmp_path / "set"))
    draft = training_set.drafts.read(id_)
    old = [row for when, row in painted if now - when > 2]
    assert old
    assert (draft.classes[old, 50] == 2).all()
    ((kept,), _) = training_set.drafts.kept(id_)
    np.testing.assert_array_equal(kept.classes, classes)


def test_masks_of_other_programs_become_maps_of_their_images_and_edits_stay(
    viewer, dock, folder, tmp_path, segmentation, disc_map, qtbot, monkeypatch
):
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    (tmp_path / "masks").mkdir()
    drawn = disc_map(SHAPE, (50, 60, 30, 15))
    for name in ("a10", "a9", "nobody's"):
        Image.fromarray(drawn).save(tmp_path / "masks" / f"{name}.png")
    dock.session.put(1, segmentation(drawn))
    dock.session.show(1)
    viewer.layers[CLASSES].data_setitem((np.array([3]), np.array([3])), 1)
    chosen = [str(path) for path in sorted((tmp_path / "masks").iterdir())]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    click(dock.import_button)
    settle(dock, qtbot)
    said = dock.status.text()
    assert said.startswith("1 mask imported.")
    assert "no image of the list is called nobody's.png" in said
    assert "a9.png: its map has edits, which stay." in said
    np.testing.assert_array_equal(dock.session.states[0].classes, drawn)
    assert dock.session.states[1].classes[3, 3] == 1
    assert 2 not in dock.session.states
    facts = dock.session.states[0].facts(None)
    assert facts.edited  # no model of ours made it
    assert facts.made_with.pixels["import"] == np.count_nonzero(drawn)


def test_a_mask_that_may_mean_something_else_is_asked_about_and_read_as_the_user_says(
    dock, folder, tmp_path, disc_map, qtbot, monkeypatch
):
    dock.session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    drawn = disc_map(SHAPE, (50, 60, 30, 15))
    Image.fromarray(np.array([0, 2, 1], np.uint8)[drawn]).save(tmp_path / "a10.png")
    Image.fromarray(drawn).save(tmp_path / "a9.png")
    chosen = [str(tmp_path / name) for name in ("a10.png", "a9.png")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    asked = dock.import_button.read_as
    assert not asked.isVisible()
    click(dock.import_button)
    settle(dock, qtbot)
    assert dock.status.text().startswith("1 mask imported.")
    assert "the nucleus is a ring around the cytoplasm" in dock.status.text()
    assert "--read-masks-as" not in dock.status.text()
    assert asked.isVisible()
    choose(asked.combo, "nuc")
    settle(dock, qtbot)
    assert dock.status.text() == "1 mask imported."
    for state in (dock.session.states[0], dock.session.states[1]):
        np.testing.assert_array_equal(state.classes, drawn)
