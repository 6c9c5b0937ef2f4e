"""Cells by clicks, as a person makes them: real mouse, real network, drawn smear."""

import numpy as np
import pytest
from driving import LEFT, LONG, NO_KEY, canvas_point, click, open_dock, paint, press
from PIL import Image
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.synthetic.smear import draw_field
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin import warm
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


def test_what_stops_a_gesture_is_a_sentence_and_the_next_one_works(
    viewer, open_, smear, field, segmentation, monkeypatch, qtbot
):
    from napari_leukocyte.core.interactive.session import GestureSession

    dock = open_("Correct")
    dock.session.open_layer(smear)
    dock.session.put(0, segmentation(np.where(field.cells == 3, 0, field.classes), pixel_size=0.2))
    press(viewer, Qt.Key.Key_C)
    rest(dock, qtbot)
    before = viewer.layers[CLASSES].data.copy()

    def fail(*_args, **_options):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(GestureSession, "follow", fail)
        click_at(viewer, middle(field, 3))
        rest(dock, qtbot)
    assert "memory is not enough" in dock.status.text()
    assert np.array_equal(viewer.layers[CLASSES].data, before)
    click_at(viewer, middle(field, 3))
    rest(dock, qtbot)
    assert overlap(viewer.layers[CLASSES].data > 0, field.classes > 0) > 0.9
    assert not np.array_equal(viewer.layers[CLASSES].data, before)


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


@pytest.fixture
def leaking(field):
    """Class map of the smear, cell 2 leaking along a band into the background, and the band."""
    rows, columns = np.nonzero(field.cells == 2)
    y = int(np.median(rows))
    edges = (columns[rows == y].min(), columns[rows == y].max())
    band = np.zeros(field.cells.shape, bool)
    reach = slice(edges[1], edges[1] + 22) if edges[1] + 30 < band.shape[1] else slice(edges[0] - 22, edges[0])
    band[y - 6 : y + 7, reach] = True
    band &= field.cells == 0
    assert band.sum() > 100
    return np.where(band, 1, field.classes).astype(np.uint8), band


def along(band):
    """Ends of a stroke along the middle of a band, short of its ends."""
    rows, columns = np.nonzero(band)
    return np.array([rows.mean(), columns.min() + 4]), np.array([rows.mean(), columns.max() - 2])


def test_a_stroke_under_shift_takes_a_leak_off_and_leaves_the_cell(
    viewer, open_, field, leaking, smear, segmentation, qtbot
):
    classes, band = leaking
    dock = open_("Measure")
    dock.session.open_layer(smear)
    dock.session.put(0, segmentation(classes, pixel_size=0.2))
    layer = viewer.layers[CLASSES]
    click(dock.gestures.click_button)
    rest(dock, qtbot)
    before, centre = layer.data.copy(), viewer.scene.camera.center
    paint(viewer, *(layer.data_to_world(end) for end in along(band)), SHIFT)
    rest(dock, qtbot)
    assert viewer.scene.camera.center == centre  # a stroke, and no drag of the view
    assert dock.gestures.hand.lines.lines == []
    assert (layer.data[band] > 0).mean() < 0.1
    own = field.cells == 2
    assert overlap((layer.data > 0) & (own | band), own) > 0.95
    assert np.array_equal(layer.data[~own & ~band], before[~own & ~band])
    press(viewer, Qt.Key.Key_Z, CTRL)  # one step
    assert np.array_equal(layer.data, before)


def test_the_eraser_goes_on_to_the_border_too(viewer, open_, field, leaking, smear, segmentation, qtbot):
    classes, band = leaking
    dock = open_("Correct")
    dock.session.open_layer(smear)
    dock.session.put(0, segmentation(classes, pixel_size=0.2))
    layer = viewer.layers[CLASSES]
    before = layer.data.copy()
    press(viewer, Qt.Key.Key_E)  # napari's eraser
    assert layer.mode == "erase"
    layer.brush_size = 3
    start, end = along(band)
    paint(viewer, *(layer.data_to_world(at) for at in (start, end)))
    rest(dock, qtbot)
    plain = layer.data != before
    assert (layer.data[plain] == 0).all()
    assert 0.1 < plain[band].mean() < 0.6
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert np.array_equal(layer.data, before)

    paint(viewer, *(layer.data_to_world(at) for at in (start, end)), SHIFT)
    rest(dock, qtbot)
    own = field.cells == 2
    assert (layer.data[band] > 0).mean() < 0.1
    assert (layer.data[plain] == 0).all()
    assert overlap((layer.data > 0) & (own | band), own) > 0.95
    assert np.array_equal(layer.data[~own & ~band], before[~own & ~band])
    assert dock.session.state.facts(None).made_with.strokes == {"brush": 0, "gesture": 1}
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert np.array_equal(layer.data, before)
    assert layer.mode == "erase"  # the eraser stays in the hand


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


def wheel_at(viewer, at, notches):
    """The wheel under Shift, over a place."""
    native, point = viewer.window._qt_viewer.canvas.native, QPointF(on_canvas(viewer, at))
    for _ in range(abs(notches)):
        turn = QPoint(0, 120 if notches > 0 else -120)
        none = Qt.MouseButton.NoButton
        event = QWheelEvent(
            point, native.mapToGlobal(point), QPoint(), turn, none, SHIFT, Qt.ScrollPhase.NoScrollPhase, False
        )
        QApplication.sendEvent(native, event)


@pytest.fixture
def found(viewer, open_, field, smear, segmentation):
    """A Correct dock beside a smear whose cells are found, one of them with half of its nucleus."""
    dock = open_("Correct")
    dock.session.open_layer(smear)
    nucleus = (field.cells == 2) & (field.classes == 2)
    classes = field.classes.copy()
    classes[nucleus & (np.arange(len(nucleus))[:, None] > middle(field, 2)[0])] = 1
    dock.session.put(0, segmentation(classes, pixel_size=0.2))
    return dock


def test_a_smart_stroke_goes_on_to_the_border_and_a_plain_one_stays_what_it_is(viewer, found, field, qtbot):
    layer, brushes = viewer.layers[CLASSES], found.brushes
    before = layer.data.copy()
    at = int(found.session.state.cells[tuple(np.round(middle(field, 2)).astype(int))])
    lost = (field.cells == 2) & (field.classes == 2) & (before == 1)
    depth = ndimage.distance_transform_edt(lost)
    start = np.array(np.unravel_index(depth.argmax(), lost.shape))
    line = start, start + np.array([0, 2])
    click(brushes.buttons[0])
    layer.brush_size = 3
    paint(viewer, *(layer.data_to_world(place) for place in line))
    rest(found, qtbot)
    plain = layer.data.copy()
    assert 0 < (plain != before).sum() < 40
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert np.array_equal(layer.data, before)

    click(brushes.extend)
    paint(viewer, *(layer.data_to_world(place) for place in line))
    assert not (layer.data != before).any() or not found.gestures.hand.engine.busy  # the brush itself leaves nothing
    rest(found, qtbot)
    smart = layer.data.copy()
    assert overlap(smart != before, lost) > 0.7
    assert (smart[plain != before] == 2).all()  # what the stroke covers is what it says
    others = found.session.state.cells != at
    assert np.array_equal(smart[others], before[others])
    assert found.session.state.facts(None).made_with.strokes == {"brush": 0, "gesture": 1}
    press(viewer, Qt.Key.Key_Z, CTRL)  # one step
    assert np.array_equal(layer.data, before)


def test_outlines_grow_under_wheel_keys_and_buttons_and_the_same_way_back_is_the_same_map(viewer, found, field, qtbot):
    layer, session = viewer.layers[CLASSES], found.session
    before, cells = layer.data.copy(), session.state.cells.copy()
    cell = int(cells[tuple(np.round(middle(field, 2)).astype(int))])
    depth = ndimage.distance_transform_edt((cells == cell) & (before == 2))
    at = np.array(np.unravel_index(depth.argmax(), depth.shape))

    def size(value):
        return int(((session.state.cells == cell) & (layer.data >= value)).sum())

    nucleus, whole = size(2), size(1)
    zoom = viewer.scene.camera.zoom
    move_to(viewer, at)
    wheel_at(viewer, at, 3)
    rest(found, qtbot)
    assert viewer.scene.camera.zoom == zoom
    assert size(2) > nucleus
    assert size(1) == whole
    wheel_at(viewer, at, -3)
    assert np.array_equal(layer.data, before)
    press(viewer, Qt.Key.Key_A)  # the pointer is over the nucleus
    assert size(2) > nucleus
    press(viewer, Qt.Key.Key_Z, CTRL)  # a step is a step of undo
    assert np.array_equal(layer.data, before)
    press(viewer, Qt.Key.Key_A)
    press(viewer, Qt.Key.Key_S)
    assert np.array_equal(layer.data, before)
    for button, way in ((found.gestures.steps["cell", 1], 1), (found.gestures.steps["cell", -1], -1)):
        click(button)
        rest(found, qtbot)
        assert size(1) > whole if way > 0 else np.array_equal(layer.data, before)
    assert np.array_equal(session.state.cells, cells)
    assert "CNR" in found.status.text()


def test_a_cell_is_deleted_and_the_next_is_in_the_middle(viewer, found, field):
    session = found.session
    press(viewer, Qt.Key.Key_U, SHIFT)
    first = session.selection[1]
    measure = session.state.live.measure_of(first)
    assert viewer.scene.camera.center[-2:] == pytest.approx((measure.y * 0.2, measure.x * 0.2), abs=0.2)
    zoom = viewer.scene.camera.zoom
    rows, columns = session.state.live.boxes[first]
    wide = max(rows.stop - rows.start, columns.stop - columns.start) * 0.2 * zoom
    assert 0.2 < wide / min(viewer.canvas.size) < 0.5
    press(viewer, Qt.Key.Key_U, SHIFT)
    assert session.selection[1] == numbers(found)[1]
    press(viewer, Qt.Key.Key_U)
    assert "doubtful" in found.status.text()
    chosen = session.selection[1]
    click(found.gestures.delete_button)
    assert chosen not in numbers(found)
    assert not (viewer.layers[CLASSES].data[session.state.cells == 0] > 0).any()
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert chosen in numbers(found)
    click_at(viewer, middle(field, 2))
    press(viewer, Qt.Key.Key_Delete)
    assert len(numbers(found)) == len(np.unique(field.cells)) - 2


def test_what_the_first_click_needs_is_prepared_as_soon_as_there_is_an_image(viewer, qtbot, monkeypatch):
    begun = []
    monkeypatch.setattr(warm, "_begun", [])
    monkeypatch.setattr(warm, "warm_up", lambda: begun.append(True))
    open_dock(viewer, qtbot, "Measure")
    assert not begun
    viewer.add_image(np.zeros((20, 20, 3), np.uint8))
    qtbot.waitUntil(lambda: bool(begun), timeout=LONG)
