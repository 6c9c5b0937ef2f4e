"""What becomes of the docks when they, or their window, are closed; and that nothing else ends them."""

import threading

import numpy as np
import pytest
from driving import (
    LONG,
    block,
    click,
    close_dock,
    frame_of,
    go_to_dock,
    of_account,
    open_dock,
    paint,
    press,
    wait_for_front,
)
from napari.settings import get_settings
from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import Qt

from napari_leukocyte.core.fine_tuning import fine_tune
from napari_leukocyte.core.fine_tuning.events import StageStarted
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.segmentation import segment
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.canvas.layers import CLASSES
from napari_leukocyte.plugin.cnr_text import get_cnr_text
from napari_leukocyte.plugin.compare import truths
from napari_leukocyte.plugin.measure import saving
from napari_leukocyte.plugin.session import Session, get_session

SHAPE = (100, 120)


@pytest.fixture
def show(segmentation, disc_map):
    """Have a viewer show a segmented image: a file, or a layer of the user's."""

    def show_image(viewer, dock, *, file=None):
        if file is None:
            dock.session.open_layer(viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear"))
        else:
            dock.session.open_files(list(sources_from_files([file])))
        dock.session.put(0, segmentation(disc_map(SHAPE, (50, 60, 30, 15))))
        viewer.reset_view()

    return show_image


@pytest.fixture
def correct(viewer, qtbot, show, crops, tmp_path):
    """A Correct dock with a new training set, a brush in the hand, and an image that is not part of the set yet."""

    def open_one(*, own_layer=False):
        dock = open_dock(viewer, qtbot, "Correct")
        show(viewer, dock, file=None if own_layer else crops(["a"], SHAPE) / "a.png")
        dock.new_set(tmp_path / "set")
        qtbot.waitUntil(lambda: not dock.disk.busy, timeout=LONG)
        click(dock.brushes.buttons[0])
        viewer.layers[CLASSES].brush_size = 8
        return dock

    return open_one


def stroke(viewer):
    """Paint, and return what the map holds then."""
    paint(viewer, (15, 15), (15, 45))
    painted = viewer.layers[CLASSES].data.copy()
    assert (painted[15, 20:40] == 2).all()
    return painted


def drafts(folder):
    """The drafts of a training set on the disk."""
    made = of_account(TrainingSet.open(folder))
    return [made.drafts.read(id_).classes for id_ in made.image_ids()]


# ---- a dock ------------------------------------------------------------------------------------------------


def test_to_hide_float_move_and_tabify_a_dock_ends_nothing(viewer, qtbot, show):
    dock = open_dock(viewer, qtbot, "Measure")
    show(viewer, dock)
    frame, window = frame_of(dock), viewer.window._qt_window
    click(frame.titleBarWidget().float_button)
    assert frame.isFloating()
    click(frame.titleBarWidget().float_button)
    assert not frame.isFloating()
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, frame)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, frame)
    segment = open_dock(viewer, qtbot, "Segment")
    qtbot.waitUntil(lambda: len(window.tabifiedDockWidgets(frame)) == 1, timeout=LONG)
    go_to_dock(viewer, qtbot, dock)
    click(frame.titleBarWidget().hide_button)
    assert not dock.isVisible()
    frame.toggleViewAction().trigger()
    go_to_dock(viewer, qtbot, segment)
    close_dock(segment)
    wait_for_front(dock, qtbot)
    dock.focus_canvas()
    press(viewer, Qt.Key.Key_Y)
    assert dock.tools.waiting == "split"
    assert dock.repairs.strokes["split"].isChecked()


@pytest.mark.parametrize("name", ["Segment", "Correct", "Measure", "Compare", "Train"])
def test_nothing_outside_tells_a_closed_dock_anything(viewer, qtbot, name):
    session = get_session(viewer)
    get_cnr_text(session)

    def listeners():
        signals = [getattr(session, name) for name in dir(Session) if isinstance(getattr(Session, name), Signal)]
        events = (viewer.layers.events.inserted, viewer.layers.events.removed, viewer.events.theme)
        active = viewer.layers.selection.events.active
        return [*map(len, signals), *(len(e.callbacks) for e in (*events, active)), len(viewer.mouse_drag_callbacks)]

    before = listeners()
    dock = open_dock(viewer, qtbot, name)
    assert listeners() != before
    close_dock(dock)
    assert listeners() == before


def test_the_last_stroke_is_saved_when_the_correct_dock_is_closed_and_the_next_one_goes_on(
    viewer, qtbot, correct, tmp_path
):
    dock = correct()
    painted = stroke(viewer)
    close_dock(dock)
    np.testing.assert_array_equal(drafts(tmp_path / "set"), [painted])
    other = open_dock(viewer, qtbot, "Correct")
    qtbot.waitUntil(lambda: not other.disk.busy, timeout=LONG)
    click(other.brushes.buttons[1])
    paint(viewer, (85, 15), (85, 45))
    qtbot.waitUntil(lambda: other.saved.text().startswith("Draft saved "), timeout=LONG)
    press(viewer, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not other.disk.busy, timeout=LONG)
    assert "accepted as version 1" in other.status.text()  # by one of them
    other.end()


# ---- a window ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "own_layer"),
    [
        ("the window's X", True),
        ("viewer.close()", False),
        pytest.param("the window's X", False, marks=pytest.mark.slow),
        pytest.param("viewer.close()", True, marks=pytest.mark.slow),
    ],
)
def test_the_last_stroke_is_saved_when_one_of_two_windows_is_closed_and_the_other_may_go_on(
    viewer, make_napari_viewer, qtbot, show, correct, tmp_path, by, own_layer
):
    get_settings().application.confirm_close_window = False
    second = make_napari_viewer(show=True)
    dock = correct(own_layer=own_layer)
    painted = stroke(viewer)
    window = viewer.window._qt_window
    if by == "viewer.close()":
        viewer.close()
    else:
        assert window.windowHandle().close()  # as the frame that the window manager draws does
        del viewer.window._qt_window  # or the fixture closes it once more
    np.testing.assert_array_equal(drafts(tmp_path / "set"), [painted])
    qtbot.waitUntil(lambda: not isalive(window), timeout=LONG)

    other = open_dock(second, qtbot, "Correct")
    show(second, other, file=None if own_layer else tmp_path / "crops" / "a.png")
    other.open_set(tmp_path / "set")
    qtbot.waitUntil(lambda: not other.disk.busy, timeout=LONG)
    second.layers[CLASSES].data_setitem(block(90, 95, 90, 95), 1)
    qtbot.waitUntil(lambda: other.saved.text().startswith("Draft saved "), timeout=LONG)
    assert dock.corrections.training_set is None
    other.end()


def test_a_window_that_nobody_holds_ends_its_docks_when_it_is_closed(viewer, correct, tmp_path):
    dock = correct()
    painted = stroke(viewer)
    dock.save_work()
    assert own_threads() == ["draft-saver"]
    viewer.close()  # Qt deletes the window at once, and sends no event of it
    assert dock.ended
    assert own_threads() == []
    np.testing.assert_array_equal(drafts(tmp_path / "set"), [painted])


def test_a_window_that_is_not_closed_after_all_keeps_its_docks_and_has_saved(
    viewer, qtbot, correct, tmp_path, monkeypatch
):
    dock = correct()
    painted = stroke(viewer)
    window = viewer.window._qt_window
    with monkeypatch.context() as patched:
        patched.setattr(type(window), "closeEvent", lambda _self, event: event.ignore())  # as a No to napari's question
        assert not window.windowHandle().close()
    np.testing.assert_array_equal(drafts(tmp_path / "set"), [painted])
    paint(viewer, (85, 15), (85, 45))
    qtbot.waitUntil(lambda: dock.saved.text().startswith("Draft saved "), timeout=LONG)
    press(viewer, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not dock.disk.busy, timeout=LONG)
    assert "accepted as version 1" in dock.status.text()
    dock.end()


def test_a_window_that_is_closed_leaves_no_thread_and_what_is_saved_is_saved_to_its_end(
    viewer, qtbot, show, correct, tmp_path, monkeypatch, drawn_set, short_training, model, request
):
    """All docks are at work: one paints, one saves, three would go on for ever."""
    begun, saved, may_save, over = [], [], threading.Event(), threading.Event()
    request.addfinalizer(over.set)  # a failure here must not keep the tests that follow from ending

    def endless(event):
        begun.append(1)
        while not over.is_set():
            yield event
            threading.Event().wait(0.01)  # as long as a window takes

    def save(*_args, **_options):
        may_save.wait(LONG / 1000)
        saved.append("all of it")
        return ""

    for module, name, event in (
        (segment, "segment_images", WindowDone(1, 2)),
        (truths, "truths_from_folder", truths.TruthFailed("a.png", "there is no mask of this name.")),
        (fine_tune, "fine_tune", StageStarted("final", "training of the model", 10, 0, 10)),
    ):
        monkeypatch.setattr(module, name, lambda *_args, event=event, **_options: endless(event))
    monkeypatch.setattr(saving, "save_results", save)
    painting = correct()
    docks = {name: open_dock(viewer, qtbot, name) for name in ("Segment", "Measure", "Compare", "Train")}
    docks["Train"].open_set(drawn_set(tmp_path / "other", 2).folder)
    qtbot.waitUntil(lambda: docks["Train"].train_button.isEnabled() and not painting.disk.busy, timeout=LONG)
    docks["Train"].train()
    docks["Segment"].form.use_weight_file(model)
    docks["Segment"].segment()
    docks["Compare"].open_folder(tmp_path)
    docks["Measure"].save(tmp_path / "out")
    stroke(viewer)
    qtbot.waitUntil(lambda: len(begun) == 3, timeout=LONG)
    assert len(own_threads()) >= 4  # and the writer of drafts, as soon as it has one
    window = viewer.window._qt_window
    viewer.close()
    qtbot.waitUntil(lambda: not isalive(window), timeout=LONG)
    qtbot.waitUntil(lambda: own_threads() == ["napari-leukocyte: the export"], timeout=LONG)
    may_save.set()
    qtbot.waitUntil(lambda: not own_threads(), timeout=LONG)
    assert saved == ["all of it"]


def own_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("napari-leukocyte", "draft-"))]
