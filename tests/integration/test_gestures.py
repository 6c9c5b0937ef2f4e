"""Cells by clicks, as a person makes them: real mouse, real network, drawn smear."""

import numpy as np
import pytest
from driving import LEFT, LONG, NO_KEY, canvas_point, click, open_dock, paint, press
from PIL import Image
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.synthetic.smear import draw_field
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.canvas.layers import CELLS, CLASSES
from napari_leukocyte.plugin.cnr_text import CNR

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=2, size=(260, 330), px_per_um=5, n_cells=6)


@pytest.fixture
def open_(viewer, qtbot):
    docks = []

    def open_one(name):
        docks.append(open_dock(viewer, qtbot, name))
        return docks[-1]

    yield open_one
    for dock in filter(isalive, docks):  # not those of a window that was closed
        rest(dock, qtbot)
        dock.end()


@pytest.fixture
def smear(viewer, field):
    layer = viewer.add_image(field.image, rgb=True, scale=(0.2, 0.2), units=("um", "um"), name="smear")
    viewer.reset_view()
    return layer


def rest(dock, qtbot):
    busy = [dock.gestures.hand.engine, *([dock.disk] if hasattr(dock, "disk") else [])]
    qtbot.waitUntil(lambda: not any(part.busy for part in busy), timeout=LONG)


def middle(field, cell):
    return np.argwhere((field.cells == cell) & (field.classes == 2)).mean(axis=0)


def on_canvas(viewer, at):
    return canvas_point(viewer, *viewer.layers[CLASSES].data_to_world(at)[-2:])


def click_at(viewer, at, modifier=NO_KEY):
    native = viewer.window._qt_viewer.canvas.native
    QTest.mouseClick(native, LEFT, modifier, on_canvas(viewer, at))


def move_to(viewer, at):
    """The mouse moves; QTest's own move asks the X server, which answers some time later."""
    native, point = viewer.window._qt_viewer.canvas.native, QPointF(on_canvas(viewer, at))
    QTest.qWait(10)  # napari passes over moves that come sooner after another
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, point, native.mapToGlobal(point), none, none, NO_KEY)
    QApplication.sendEvent(native, event)


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def numbers(dock):
    return [measure.cell for measure in dock.session.state.measures]


def test_a_missed_cell_one_click_undone_made_again_accepted_and_read_back(
    viewer, open_, field, segmentation, tmp_path, make_napari_viewer, qtbot
):
    """The cells are found but for one."""
    path = tmp_path / "smear.png"
    Image.fromarray(field.image).save(path)
    dock = open_("Correct")
    session = dock.session
    session.open_files(list(sources_from_files([path])))
    missed = field.cells == 3
    classes = np.where(missed, 0, field.classes)
    session.put(0, segmentation(classes, pixel_size=0.2))
    dock.new_set(tmp_path / "set")
    rest(dock, qtbot)
    before, cells = viewer.layers[CLASSES].data.copy(), session.state.cells.copy()
    press(viewer, Qt.Key.Key_C)
    assert dock.gestures.click_button.isChecked()
    rest(dock, qtbot)
    click_at(viewer, middle(field, 3))
    rest(dock, qtbot)
    made = viewer.layers[CLASSES].data.copy(), session.state.cells.copy()
    new = session.selection[1]
    assert new == cells.max() + 1
    assert overlap(made[1] == new, missed) > 0.85
    assert np.array_equal(np.where(made[1] == new, 0, made[1]), cells)  # the others are as they were
    assert np.array_equal(viewer.layers[CELLS].data, made[1])
    shown = dict(zip(viewer.layers[CNR].features["cell"], viewer.layers[CNR].features["cnr"], strict=True))[new]
    assert f"CNR {shown}" in dock.status.text()
    assert {m.cell for m in session.state.measures if "edited" in str(m.flags).lower()} == {new}

    press(viewer, Qt.Key.Key_Z, CTRL)  # one step
    assert np.array_equal(viewer.layers[CLASSES].data, before)
    assert np.array_equal(session.state.cells, cells)
    press(viewer, Qt.Key.Key_Z, CTRL | SHIFT)
    assert np.array_equal(viewer.layers[CLASSES].data, made[0])
    assert np.array_equal(viewer.layers[CELLS].data, made[1])
    qtbot.waitUntil(lambda: dock.saved.text().startswith("Draft saved "), timeout=LONG)

    press(viewer, Qt.Key.Key_D, SHIFT)
    rest(dock, qtbot)
    (item,) = TrainingSet.open(tmp_path / "set").items()
    assert np.array_equal(item.read().classes, made[0])
    assert item.by_gestures
    dock.disk.close()
    viewer.close()

    other = make_napari_viewer(show=True)
    again = open_dock(other, qtbot, "Correct")
    again.open_set(tmp_path / "set")
    again.session.open_files(list(sources_from_files([path])))
    qtbot.waitUntil(lambda: not again.disk.busy, timeout=LONG)
    assert np.array_equal(again.session.state.cells, made[1])
    again.end()


def test_on_an_image_that_was_never_segmented_cells_are_clicked_one_by_one(viewer, open_, field, smear, qtbot):
    dock = open_("Measure")
    click(dock.gestures.click_button)
    rest(dock, qtbot)
    assert "Click a white cell" in dock.status.text()
    for count, cell in enumerate((2, 3, 4), start=1):
        click_at(viewer, middle(field, cell))
        rest(dock, qtbot)
        assert numbers(dock) == list(range(1, count + 1))
        assert overlap(dock.session.state.cells == count, field.cells == cell) > 0.85
    assert dock.card.cnr.text() == list(viewer.layers[CNR].features["cnr"])[-1]
    ground = np.unravel_index(field.image.min(axis=-1).argmax(), field.cells.shape)
    click_at(viewer, ground)
    rest(dock, qtbot)
    assert "Nothing like a white cell" in dock.status.text()
    assert numbers(dock) == [1, 2, 3]
    paint(viewer, (20, 20), (30, 30))  # a drag moves the view
    rest(dock, qtbot)
    assert numbers(dock) == [1, 2, 3]
    press(viewer, Qt.Key.Key_2)  # the brush puts the tool away
    assert not dock.gestures.click_button.isChecked()
    assert viewer.layers[CLASSES].mode == "paint"


def test_the_outline_follows_the_pointer_when_it_rests_and_is_what_a_click_gives(viewer, open_, field, smear, qtbot):
    dock = open_("Measure")
    click(dock.gestures.click_button)
    rest(dock, qtbot)
    hand = dock.gestures.hand
    move_to(viewer, middle(field, 2))
    qtbot.waitUntil(lambda: len(hand.lines.lines) > 1, timeout=LONG)
    assert hand.lines.isVisible()
    corner, (rows, columns) = on_canvas(viewer, (0, 0)), np.nonzero(field.cells == 2)
    pixel = on_canvas(viewer, (100, 100)).x() - on_canvas(viewer, (0, 0)).x()
    box = hand.lines.lines[0].boundingRect()
    assert box.left() == pytest.approx(corner.x() + columns.min() * pixel / 100, abs=8)
    assert box.bottom() == pytest.approx(corner.y() + rows.max() * pixel / 100, abs=8)
    move_to(viewer, (2, 2))
    assert hand.lines.lines == []
    move_to(viewer, middle(field, 2))
    qtbot.waitUntil(lambda: len(hand.lines.lines) > 1, timeout=LONG)
    click_at(viewer, middle(field, 2))
    assert not hand.engine.busy  # it was there before the click
    assert numbers(dock) == [1]
    assert hand.lines.lines == []


def test_shift_and_a_click_take_a_false_cell_away(viewer, open_, field, smear, segmentation, qtbot):
    dock = open_("Measure")
    session = dock.session
    session.open_layer(smear)
    classes = field.classes.copy()
    room = ndimage.distance_transform_edt(np.pad(field.cells == 0, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(room.argmax(), classes.shape)
    rows, columns = np.ogrid[: classes.shape[0], : classes.shape[1]]
    classes[np.hypot(rows - y, columns - x) < 12] = 1
    session.put(0, segmentation(classes, pixel_size=0.2))
    false = int(session.state.cells[y, x])
    others = np.where(session.state.cells == false, 0, session.state.cells)
    click(dock.gestures.click_button)
    rest(dock, qtbot)
    click_at(viewer, (y, x), SHIFT)
    rest(dock, qtbot)
    assert f"Cell {false} is taken away" in dock.status.text()
    assert np.array_equal(session.state.cells, others)
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert false in numbers(dock)


def test_in_a_map_of_cells_alone_a_click_gives_one_without_nucleus(viewer, open_, field, smear, segmentation, qtbot):
    from dataclasses import replace

    dock = open_("Measure")
    dock.session.open_layer(smear)
    dock.session.put(0, replace(segmentation(np.zeros_like(field.classes), pixel_size=0.2), binary=True))
    click(dock.gestures.click_button)
    rest(dock, qtbot)
    click_at(viewer, middle(field, 2))
    rest(dock, qtbot)
    assert set(np.unique(viewer.layers[CLASSES].data)) == {0, 1}
    assert overlap(viewer.layers[CLASSES].data == 1, field.cells == 2) > 0.85
