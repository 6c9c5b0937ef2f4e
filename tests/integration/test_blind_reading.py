"""Two readers of one set: blind, with real strokes, and then compared."""

import math
import re

import napari.settings as napari_settings
import numpy as np
import pytest
from driving import LONG, NO_KEY, block, click, go_to_dock, open_dock, paint, press, type_into
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QDockWidget,
    QGroupBox,
    QLabel,
    QLineEdit,
    QTabBar,
    QWidget,
)

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.training_set.reader import Reader
from napari_leukocyte.core.training_set.reading import readings
from napari_leukocyte.core.training_set.training_set import TrainingSet

SHAPE = (100, 120)
NAMES = ("patient7_a", "patient7_b", "patient7_c")
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def preferences():
    """Who reads is kept in the preferences, which all tests share."""
    yield
    napari_settings._clear_plugin_settings_cache()


@pytest.fixture
def folder(crops):
    return crops(NAMES, SHAPE)


@pytest.fixture
def docks(viewer, qtbot, folder, segmentation, disc_map):
    """All docks open over three segmented crops, with their CNRs on screen."""
    found = {name: open_dock(viewer, qtbot, name) for name in ("Segment", "Measure", "Compare", "Train", "Correct")}
    session = found["Correct"].session
    session.open_files(list(sources_from_files(sorted(folder.iterdir()))))
    for index in range(3):
        session.put(index, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
    session.select(0, 1)
    yield found
    for dock in found.values():
        dock.end()


def settle(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.disk.busy, timeout=LONG)


def be(dock, qtbot, name):
    """Say who reads, by keys."""
    if not dock.set_bar.reader.field.isVisible():
        click(dock.set_bar.reader.change_button)
    type_into(dock.set_bar.reader.field, name)
    settle(dock, qtbot)


def begin(dock, qtbot, answer="Begin"):
    click(dock.blind.switch)
    settle(dock, qtbot)
    click(dock.blind.question.buttons[answer])
    settle(dock, qtbot)


def wait_for_position(dock, qtbot, text):
    qtbot.waitUntil(lambda: dock.position.text() == text, timeout=LONG)


def draw_cell(viewer, dock, *, right):
    """A nucleus in its cytoplasm, by two strokes: one of the whole cell, then one of the nucleus over it."""
    layer = dock.session.classes_layer
    layer.brush_size = 40
    press_canvas(viewer, Qt.Key.Key_W)
    paint(viewer, (50, 50), (50, right))
    layer.brush_size = 20
    press_canvas(viewer, Qt.Key.Key_Q)
    paint(viewer, (50, 55), (50, 65))


def press_canvas(viewer, key, modifier=NO_KEY):
    viewer.window._qt_window.centralWidget().setFocus()
    press(viewer, key, modifier)


def visible_texts(window):
    """All that the window shows in words: labels, fields, buttons, lists and tables, tabs, titles, tooltips."""
    found = [window.windowTitle(), window.statusBar().currentMessage()]
    for widget in window.findChildren(QWidget):
        if not widget.isVisible():
            continue
        found.append(widget.toolTip())
        if isinstance(widget, QLabel | QLineEdit | QAbstractButton):
            found.append(widget.text())
        elif isinstance(widget, QComboBox):
            found += [widget.currentText(), *(widget.itemText(i) for i in range(widget.count()))]
        elif isinstance(widget, QGroupBox):
            found.append(widget.title())
        elif isinstance(widget, QDockWidget):
            found.append(widget.windowTitle())
        elif isinstance(widget, QTabBar):
            found += [widget.tabText(i) for i in range(widget.count())]
        elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
            model = widget.model()
            roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
            found += [
                str(model.data(model.index(row, column), role) or "")
                for row in range(model.rowCount())
                for column in range(model.columnCount())
                for role in roles
            ]
        if hasattr(widget, "toPlainText"):
            found.append(widget.toPlainText())
    return [text for text in found if text]


def layer_texts(viewer):
    """What napari knows of each layer in words, shown in its list, its status bar or its table of features."""
    found = [viewer.title, str(viewer.status)]
    for layer in viewer.layers:
        # napari's status bar says this of the pixel under the pointer
        at = layer.get_status([50, 60], view_direction=None, dims_displayed=[0, 1])
        found += [layer.name, str(layer.source.path or ""), str(layer.metadata), str(at)]
        found += [layer.features.to_string()] if hasattr(layer, "features") else []
    return found


def leaks(viewer, cnrs):
    texts = visible_texts(viewer.window._qt_window) + layer_texts(viewer)
    numbers = {f"{cnr:.{digits}f}" for cnr in cnrs for digits in (2, 1)}
    return [
        text
        for text in texts
        if "patient7" in text or numbers & set(re.findall(r"[\d.]+", text)) or re.search(r"CNR\W*\d", text)
    ]


def test_nothing_on_screen_tells_an_image_or_a_cnr(viewer, docks, qtbot, tmp_path):
    correct, session = docks["Correct"], docks["Correct"].session
    correct.new_set(tmp_path / "patient7 set")
    settle(correct, qtbot)
    be(correct, qtbot, "Anna Berg")
    cnrs = [measure.cnr for state in session.states.values() for measure in state.measures]
    docks["Measure"].open_study()
    qtbot.waitUntil(docks["Measure"].study.isVisible, timeout=LONG)
    assert leaks(viewer, cnrs)  # so the walk finds what there is
    begin(correct, qtbot)
    assert not docks["Measure"].study.isVisible()
    assert session.blind is not None
    cnrs = []
    for _ in session.images:
        for name, dock in docks.items():
            go_to_dock(viewer, qtbot, dock)
            assert not leaks(viewer, cnrs), name
        draw_cell(viewer, correct, right=70)
        cnrs = [measure.cnr for measure in session.state.measures]
        assert not math.isnan(cnrs[0])
        session.select(session.index, 1)
        for key in (Qt.Key.Key_C, Qt.Key.Key_U, Qt.Key.Key_T, Qt.Key.Key_H, Qt.Key.Key_A, Qt.Key.Key_R):
            press_canvas(viewer, key)
        for name, dock in docks.items():
            go_to_dock(viewer, qtbot, dock)
            assert not leaks(viewer, cnrs), name
        press_canvas(viewer, Qt.Key.Key_D, SHIFT)
        settle(correct, qtbot)
        assert not leaks(viewer, cnrs)
    assert {layer.name for layer in viewer.layers} == {session.image_layer.name, "classes", "cells"}


def test_two_readers_blind_then_compared(viewer, docks, qtbot, tmp_path):
    correct, compare, session = docks["Correct"], docks["Compare"], docks["Correct"].session
    correct.new_set(tmp_path / "set")
    settle(correct, qtbot)
    assert "name of the account" in correct.set_bar.reader.text.text()
    assert correct.set_bar.reader.field.isVisible()  # asked, not taken for granted
    for name, right in (("Anna Berg", 70), ("Boris", 74)):
        be(correct, qtbot, name)
        if name == "Boris":  # what is on screen is Anna's
            assert not session.states
            assert not correct.blind.result.isVisible()  # and so is how far she agrees with herself
        begin(correct, qtbot)
        seen = []
        while session.blind is not None and len(seen) < 4:
            seen.append(session.images[session.index].label)
            assert not session.state.edited
            assert not session.state.classes.any()
            draw_cell(viewer, correct, right=right)
            press_canvas(viewer, Qt.Key.Key_D, SHIFT)
            settle(correct, qtbot)
        assert seen == [f"Image {i}" for i in (1, 2, 3, 4)]  # three, and one of them twice
        click(correct.blind.end_button)
        settle(correct, qtbot)
        assert session.blind is None
        assert "1 image read twice unseen" in correct.blind.result.text()
        assert sorted(source.label for source in session.images) == [f"{one}.png" for one in NAMES]
        qtbot.waitUntil(lambda: len(session.states) == 3, timeout=LONG)
    training_set = TrainingSet.open(tmp_path / "set")
    assert training_set.readers() == ["Anna Berg", "Boris"]
    for name in training_set.readers():
        (reading,) = readings(training_set, name)
        assert reading.ended is not None
        own = training_set.as_reader(Reader(name))
        masks = [own.current(id_) for id_ in own.image_ids()]
        assert {mask.by for mask in masks} == {name}
        assert not any(mask.repeat for mask in masks)
    assert sum(len(training_set.versions(id_)) for id_ in training_set.image_ids()) == 8
    # Boris's masks are on screen; Anna's are the truth
    go_to_dock(viewer, qtbot, compare)
    compare.open_reader("Anna Berg")
    qtbot.waitUntil(lambda: not compare.loader.running and len(compare.comparison.scores()) == 3, timeout=LONG)
    assert "Anna Berg" in compare.reading.text()
    assert all(score.cnr.n == 1 for score in compare.comparison.scores().values())


def test_a_paused_reading_goes_on_where_it_stopped_and_the_last_mask_can_be_taken_back(viewer, docks, qtbot, tmp_path):
    correct, session = docks["Correct"], docks["Correct"].session
    correct.new_set(tmp_path / "set")
    settle(correct, qtbot)
    be(correct, qtbot, "Anna Berg")
    begin(correct, qtbot)
    assert correct.image_name.text() == "Image 1: not read yet"
    draw_cell(viewer, correct, right=70)
    drawn = session.state.classes.copy()
    press_canvas(viewer, Qt.Key.Key_D, SHIFT)
    settle(correct, qtbot)
    wait_for_position(correct, qtbot, "2 of 4, 1 read")
    click(correct.blind.back_button)
    settle(correct, qtbot)
    wait_for_position(correct, qtbot, "1 of 4, 0 read")
    np.testing.assert_array_equal(session.state.classes, drawn)
    press_canvas(viewer, Qt.Key.Key_D, SHIFT)
    settle(correct, qtbot)
    click(correct.previous_button)  # what was accepted is closed
    assert session.index == 1
    click(correct.blind.switch)
    click(correct.blind.question.buttons["Pause"])
    assert (session.blind, session.images) == (None, [])
    begin(correct, qtbot, "Go on with it")
    wait_for_position(correct, qtbot, "2 of 4, 1 read")
    assert [source.label for source in session.images] == ["Image 2", "Image 3", "Image 4"]


def test_another_reader_sees_neither_masks_nor_drafts(viewer, docks, qtbot, tmp_path):
    correct, session = docks["Correct"], docks["Correct"].session
    correct.new_set(tmp_path / "set")
    settle(correct, qtbot)
    be(correct, qtbot, "Anna Berg")
    session.classes_layer.data_setitem(block(5, 9, 5, 60), 2)
    press_canvas(viewer, Qt.Key.Key_D, SHIFT)
    settle(correct, qtbot)
    session.classes_layer.data_setitem(block(80, 84, 5, 60), 1)
    qtbot.waitUntil(lambda: correct.saved.text().startswith("Draft saved"), timeout=LONG)
    painted = session.state.classes.copy()
    be(correct, qtbot, "Boris")
    assert set(session.states) == {2}  # nobody has touched what the model found there
    assert correct.corrections.accepted == 0
    assert not correct.recovery.isVisible()
    be(correct, qtbot, "anna berg")
    qtbot.waitUntil(lambda: correct.corrections.accepted == 1, timeout=LONG)
    session.show(1)
    click(correct.recovery.restore_button)
    settle(correct, qtbot)
    np.testing.assert_array_equal(session.state.classes, painted)
