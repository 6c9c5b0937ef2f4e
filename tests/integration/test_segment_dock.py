"""The Segment dock as a person uses it: real mouse clicks on real buttons, real strokes on the canvas."""

import csv

import numpy as np
import pytest
from driving import LONG, block, click, close_dock, open_dock, paint, turn_wheel, type_into
from napari.layers._layer_actions import _duplicate_layer
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QTabBar

from napari_leukocyte.plugin.canvas.layers import CELLS, CLASSES
from napari_leukocyte.plugin.cnr_text import CNR


def smear(shape=(120, 140), *, centre=(60, 70), radius=30, background=250):
    """Light ground, a grey cell with a dark nucleus: what the hand-made network knows."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - centre[0], x - centre[1])
    grey = np.where(distance <= radius / 2, 20, np.where(distance <= radius, 140, background))
    return np.repeat(grey[..., None], 3, axis=-1).astype(np.uint8)


@pytest.fixture
def viewer(make_napari_viewer):
    from napari_leukocyte.core.segmentation import loaded

    loaded._loaded.cache_clear()
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    return viewer


@pytest.fixture
def dock(viewer, model, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    dock.form.use_weight_file(model)
    dock.form.pixel_size.value = 0.3
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    return dock


def press_segment_and_wait(dock, qtbot):
    click(dock.segment_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)


def layer_names(viewer):
    return [layer.name for layer in viewer.layers]


def test_one_press_gives_classes_cells_and_the_cnr_on_the_canvas(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert layer_names(viewer) == ["smear", CLASSES, CELLS, CNR]
    assert viewer.layers.selection.active is viewer.layers[CLASSES]
    (measure,) = dock.session.state.measures
    assert measure.cnr == pytest.approx(3, rel=0.15)  # radii 30 and 15
    assert list(viewer.layers[CNR].features["cnr"]) == [f"{measure.cnr:.2f}"]
    assert dock.status.text().startswith("Done on ")
    assert "typed" in dock.form.pixel_note.text() or "as typed" in dock.form.pixel_note.text()


def test_keys_reach_the_canvas_after_a_run(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    focused = viewer.window._qt_window.focusWidget()  # also where no window manager makes windows active
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_2)  # napari's own key for the brush
    assert viewer.layers[CLASSES].mode == "paint"


def test_the_cnr_follows_a_painted_stroke_and_its_undo(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    layer = viewer.layers[CLASSES]
    viewer.reset_view()
    before = list(viewer.layers[CNR].features["cnr"])
    layer.mode, layer.selected_label, layer.brush_size = "paint", 1, 14
    paint(viewer, (60, 60), (60, 80))
    qtbot.waitUntil(lambda: list(viewer.layers[CNR].features["cnr"]) != before, timeout=LONG)
    assert dock.session.state.edited
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: list(viewer.layers[CNR].features["cnr"]) == before, timeout=LONG)


@pytest.fixture
def edited(viewer, dock, qtbot):
    """A segmented image with a painted corner: its class-map layer, and what it held after painting."""
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(0, 9, 0, 9), 2)
    painted = layer.data.copy()
    click(dock.segment_button)
    assert not dock.job.running
    assert dock.question.isVisible()
    assert "Kept, it becomes a layer of its own" in dock.question.text.text()
    return layer, painted


def test_segmenting_over_edits_asks_and_keeps_them_by_default(viewer, dock, qtbot, edited):
    layer, painted = edited
    assert dock.question.buttons["Keep my edits"].isDefault()
    click(dock.question.buttons["Keep my edits"])
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert layer in viewer.layers
    np.testing.assert_array_equal(layer.data, painted)
    assert not viewer.layers[CLASSES].data[:9, :9].any()
    assert not dock.question.isVisible()


def test_replaced_edits_come_back_with_undo(viewer, dock, qtbot, edited):
    layer, painted = edited
    click(dock.question.buttons["Replace them"])
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert not layer.data[:9, :9].any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, painted)


def test_a_dismissed_question_changes_nothing(viewer, dock, edited):
    layer, painted = edited
    click(dock.question.buttons["Don't segment"])
    assert not dock.job.running
    assert not dock.question.isVisible()
    np.testing.assert_array_equal(layer.data, painted)


def test_edits_whose_layer_was_deleted_are_kept_all_the_same(viewer, dock, qtbot):
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    painted = viewer.layers[CLASSES].data.copy()
    dock.session.flush()
    viewer.layers.remove(CLASSES)
    click(dock.segment_button)
    click(dock.question.buttons["Keep my edits"])
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    (aside,) = [layer for layer in viewer.layers if layer.name.endswith("(edited)")]
    np.testing.assert_array_equal(aside.data, painted)
    assert not viewer.layers[CLASSES].data[:9, :9].any()


def test_segmenting_a_second_image_keeps_the_first(viewer, dock, qtbot):
    one = viewer.add_image(smear(), name="one")
    press_segment_and_wait(dock, qtbot)
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(0, 9, 0, 9), 2)
    two = viewer.add_image(smear((100, 100), centre=(50, 50), radius=20), name="two")
    assert dock.form.scope.value == "this image"
    press_segment_and_wait(dock, qtbot)
    session = dock.session
    assert [image.name for image in session.images] == ["one", "two"]
    assert session.image_layer is two
    assert (one.visible, two.visible) == (False, True)
    assert layer_names(viewer) == ["one", "two", CLASSES, CELLS, CNR]  # over the new image, too
    assert viewer.layers[CLASSES].data.shape == (100, 100)
    assert [len(session.states[i].measures) for i in (0, 1)] == [2, 1]
    assert session.states[0].edited
    assert dock.form.scope.value == "this image"
    assert "2 of 2" in dock.stepper.position.text()
    click(dock.stepper.previous_button)
    assert session.image_layer is one
    assert dock.form.image.value is one
    assert (one.visible, two.visible) == (True, False)
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()
    assert len(viewer.layers[CNR].data) == 2
    # a click in napari's list of layers leads there, too
    viewer.layers.selection.active = two
    assert session.image_layer is two
    assert viewer.layers.selection.active is two
    # a stack joins them
    viewer.add_image(np.stack([smear()] * 3), rgb=True, name="stack")
    dock.form.scope.value = "all 3 images"
    press_segment_and_wait(dock, qtbot)
    assert sorted(session.states) == [0, 1, 2, 3, 4]
    assert viewer.layers[CLASSES].data.shape == (3, 120, 140)
    session.go_to(3, 1)
    assert viewer.dims.current_step[0] == 1
    session.go_to(0, 1)
    assert viewer.layers[CLASSES].data.shape == (120, 140)
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()
    # one that goes takes its own results with it, and no others
    viewer.layers.remove(two)
    qtbot.waitUntil(lambda: len(session.images) == 4, timeout=LONG)
    assert [image.label for image in session.images] == ["one", "stack [0]", "stack [1]", "stack [2]"]
    assert sorted(session.states) == [0, 1, 2, 3]
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()
    viewer.layers.remove(one)
    qtbot.waitUntil(lambda: session.image_layer is not None, timeout=LONG)
    assert session.image_layer.name == "stack"
    assert viewer.layers[CLASSES].data.shape == (3, 120, 140)
    (aside,) = [layer for layer in viewer.layers if layer.name == f"{CLASSES} of one (edited)"]
    assert (aside.data[:9, :9] == 2).all()


def test_what_is_segmented_is_what_is_seen(viewer, qtbot, model):
    small, large = (viewer.add_image(smear(shape), name=name) for shape, name in (((90, 90), "a"), ((200, 300), "b")))
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    assert dock.form.image.value is large  # which lies on top, though the other was opened first
    dock.form.use_weight_file(model)
    dock.form.image.value = small  # and if the other is wanted, it is not covered
    dock.segment()
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert (small.visible, large.visible) == (True, False)
    dock.form.image.value = large
    dock.segment()
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert (small.visible, large.visible) == (False, True)
    dock.session.show(0)
    height, width = np.array(viewer.canvas.size) / viewer.scene.camera.zoom
    assert min(height, width) < 2 * 90  # the small one fills the canvas
    assert viewer.scene.camera.center[-2:] == pytest.approx((45, 45), abs=2)


def test_an_open_image_joins_the_files_of_a_folder(viewer, dock, qtbot, folder):
    open_folder(dock, folder, qtbot)
    press_segment_and_wait(dock, qtbot)
    dock.session.show(1)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    mine = viewer.add_image(smear(), name="mine")
    press_segment_and_wait(dock, qtbot)
    assert not dock.question.isVisible()  # nothing is lost
    assert [image.name for image in dock.session.images][-2:] == ["crop3.png", "mine"]
    assert sorted(dock.session.states) == [1, 2, 3, 4, 5]
    assert layer_names(viewer) == ["mine", CLASSES, CELLS, CNR]
    dock.session.show(1)
    assert layer_names(viewer) == ["mine", "crop0.png", CLASSES, CELLS, CNR]
    assert not mine.visible
    assert (viewer.layers[CLASSES].data[:9, :9] == 2).all()


def test_of_a_stack_kept_planes_stay_and_the_others_are_segmented(viewer, dock, qtbot):
    viewer.add_image(np.stack([smear()] * 3), rgb=True, name="stack")
    dock.form.scope.value = "all 3 images"
    press_segment_and_wait(dock, qtbot)
    viewer.dims.set_current_step(0, 1)
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(0, 9, 0, 9, plane=1), 2)
    before = dock.session.states[0]
    click(dock.segment_button)
    assert "Kept, it stays as it is. Replaced, it comes back with Ctrl+Z." in dock.question.text.text()
    click(dock.question.buttons["Keep my edits"])
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert (layer.data[1, :9, :9] == 2).all()
    assert dock.session.states[1].edited
    assert dock.session.states[0] is not before
    assert dock.status.text().startswith("2 of 2 images done")
    dock.form.scope.value = "this image"
    click(dock.segment_button)
    click(dock.question.buttons["Keep my edits"])
    assert not dock.job.running
    assert dock.status.text() == "Nothing was changed."


def test_a_question_goes_when_what_it_was_about_is_not_on_screen_any_more(viewer, dock, qtbot, folder):
    open_folder(dock, folder, qtbot)
    press_segment_and_wait(dock, qtbot)
    dock.session.show(1)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    dock.session.show(2)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    for change in (
        lambda: click(dock.stepper.next_button),
        lambda: setattr(dock.form.scope, "value", "this image"),
        lambda: viewer.add_image(smear(), name="other"),
    ):
        dock.session.show(1)
        dock.form.scope.value = dock.form.scope.choices[-1]
        click(dock.segment_button)
        assert dock.question.isVisible()
        assert dock.question.text.text().startswith("2 class maps hold your edits.")
        assert "and the others stay as they are. Replaced, only the one on screen" in dock.question.text.text()
        change()
        dock.form.image.value = viewer.layers["other"] if "other" in layer_names(viewer) else dock.form.image.value
        assert not dock.question.isVisible()
    assert not dock.job.running
    assert dock.session.states[1].edited


def test_a_list_has_one_pixel_size_whichever_image_is_segmented_first(viewer, dock, qtbot, tmp_path):
    for name, radius in (("a", 30), ("b", 24), ("c", 30)):  # alone, the second would say another size
        Image.fromarray(smear(radius=radius)).save(tmp_path / f"{name}.png")
    dock.form.pixel_size.value = 0  # automatic
    open_folder(dock, tmp_path, qtbot)
    dock.session.show(1)
    dock.form.scope.value = "this image"
    press_segment_and_wait(dock, qtbot)
    first = dock.session.states[1].result.pixel_size
    assert first.shared
    assert first.source.endswith("in 3 images")
    assert "pixel size doubtful: no red cell" in dock.status.text()
    dock.form.scope.value = dock.form.scope.choices[-1]
    press_segment_and_wait(dock, qtbot)
    assert {state.result.pixel_size for state in dock.session.states.values()} == {first}
    assert "doubtful: no red cell" in dock.form.pixel_note.text()
    (measure,) = dock.session.states[0].measures
    assert "pixel_size_doubtful" in measure.flags


def test_a_folder_with_edits_is_left_after_a_question_only(viewer, dock, qtbot, folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    Image.fromarray(smear()).save(other / "other.png")
    open_folder(dock, folder, qtbot)
    dock.session.show(1)
    dock.form.scope.value = "this image"
    press_segment_and_wait(dock, qtbot)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 2)
    dock.open_folder(other)
    assert not dock.opener.running
    assert "one class map" in dock.question.text.text()
    click(dock.question.buttons["Stay with these images"])
    assert not dock.question.isVisible()
    assert dock.session.states[1].edited
    # what a draft holds is not at stake
    dock.session.is_drafted = lambda index: index == 1
    assert dock.session.edits_at_stake() == 0
    dock.session.is_drafted = lambda _index: False
    dock.open_folder(other)
    click(dock.question.buttons["Let the edits go"])
    qtbot.waitUntil(lambda: [image.name for image in dock.session.images] == ["other.png"], timeout=LONG)


def test_a_file_comes_back_when_its_layer_was_deleted(viewer, dock, qtbot, folder):
    open_folder(dock, folder, qtbot)
    dock.session.show(2)
    dock.form.scope.value = "this image"
    press_segment_and_wait(dock, qtbot)
    viewer.layers.remove("crop1.png")
    assert dock.stepper.isVisible()
    dock.session.go_to(2, 1)
    assert layer_names(viewer) == ["crop1.png", CLASSES, CELLS, CNR]
    viewer.layers.remove("crop1.png")
    press_segment_and_wait(dock, qtbot)
    assert "crop1.png" in layer_names(viewer)
    assert len(dock.session.images) == 5


def test_renamed_new_and_removed_layers_never_change_the_image_in_silence(viewer, dock):
    one = viewer.add_image(smear(), name="smear")
    other = viewer.add_image(smear(), name="other")
    viewer.layers.selection.active = one
    one.name = "mine"
    assert dock.form.image.value is one
    assert dock.form.image.native.findText("smear") < 0
    two = viewer.add_image(smear(), name="smear")  # under the name that the other had
    viewer.layers.selection.active = one
    assert dock.form.image.value is one
    viewer.layers.remove(two)
    assert dock.form.image.value is one
    viewer.layers.remove(one)
    assert dock.form.image.value is other
    assert dock.status.text() == "mine is closed: Segment works on other now."
    viewer.layers.selection.active = other
    _duplicate_layer(viewer.layers)
    copy = viewer.layers["other copy"]
    viewer.layers.selection.active = copy
    assert dock.form.image.value is copy
    assert dock.status.text() == "Segment works on other copy now."


def test_a_duplicate_of_the_class_map_is_said_to_count_for_nothing(viewer, dock, qtbot):
    _, measure = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    viewer.add_image(smear(), name="smear")
    dock.segment()
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    classes = viewer.layers[CLASSES]
    viewer.layers.selection.active = classes
    _duplicate_layer(viewer.layers)
    copy = viewer.layers[f"{CLASSES} copy"]
    viewer.layers.selection.active = copy
    for said in (measure.problem.text(), dock.status.text()):
        assert said == "classes copy is a copy: what is painted on it changes no number. Choose classes to go on."
    assert dock.session.classes_layer is classes
    viewer.layers.selection.active = classes
    assert measure.problem.text() == ""


def test_of_a_multiscale_image_the_region_in_view_is_segmented_and_a_second_adds_to_it(viewer, dock, qtbot, tmp_path):
    full = np.full((800, 1000, 3), 250, np.uint8)
    full[500:620, 600:740] = smear()
    full[100:220, 200:340] = smear()
    slide = viewer.add_image(
        [full, full[::2, ::2]], multiscale=True, rgb=True, name="slide", scale=(0.3, 0.3), units="um"
    )
    viewer.scene.camera.center = (0, 560 * 0.3, 670 * 0.3)
    viewer.scene.camera.zoom *= 4
    press_segment_and_wait(dock, qtbot)
    session = dock.session
    region = session.image_layer
    assert region is not None, dock.status.text()
    assert region.name.startswith("slide [")
    assert region.data.shape[0] < 800
    (measure,) = session.state.measures
    where = viewer.layers[CLASSES].data_to_world((measure.y, measure.x))
    assert where == pytest.approx((560 * 0.3, 670 * 0.3), abs=0.5)
    # the same view again is the same region, and another one adds to it
    assert dock.form.image.value is slide
    press_segment_and_wait(dock, qtbot)
    assert [layer for layer in viewer.layers if layer.name.startswith("slide [")] == [region]
    viewer.scene.camera.center = (0, 160 * 0.3, 270 * 0.3)
    press_segment_and_wait(dock, qtbot)
    assert len(session.images) == 2
    assert session.image_layer is not region
    assert region.visible
    assert "2 of 2" in dock.stepper.position.text()
    assert [state.result.keep for state in session.states.values()] == ["all", "all"]
    _, measure = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    measure.export(tmp_path / "cells.csv")
    qtbot.waitUntil(lambda: not measure.output.writer.running, timeout=LONG)
    with (tmp_path / "cells.csv").open(newline="") as table:
        places = [(float(row["y"]), float(row["x"])) for row in csv.DictReader(table)]
    assert places == [pytest.approx((560, 670), abs=1.5), pytest.approx((160, 270), abs=1.5)]  # in the slide
    session.go_to(0, 1)
    assert session.image_layer is region


@pytest.fixture
def folder(tmp_path):
    """Crops of mixed sizes among garbage."""
    for i, shape in enumerate([(120, 140), (100, 100), (90, 130), (150, 110)]):
        image = smear(shape, centre=(shape[0] / 2, shape[1] / 2), radius=24 + 2 * i)
        Image.fromarray(image).save(tmp_path / f"crop{i}.png")
    (tmp_path / "notes.txt").write_text("not an image at all")
    (tmp_path / "broken.png").write_text("no image either")
    Image.fromarray(np.full((50, 50, 3), 200, np.uint8)).save(tmp_path / "blank.png")
    return tmp_path


def open_folder(dock, folder, qtbot):
    dock.open_folder(folder)
    qtbot.waitUntil(lambda: not dock.opener.running, timeout=LONG)


def test_a_long_file_name_leaves_the_place_in_the_list_in_sight(viewer, dock, qtbot, tmp_path):
    for letter in "ab":
        Image.fromarray(smear()).save(tmp_path / f"{letter * 120}.png")
    open_folder(dock, tmp_path, qtbot)
    label = dock.stepper.position
    assert label.fontMetrics().horizontalAdvance(label.text()) > label.width()
    shown = label.fontMetrics().elidedText(label.text(), label.elideMode(), label.width())
    assert shown.startswith("aaa")
    assert shown.endswith("1 of 2")


def test_a_folder_becomes_a_list_in_the_same_few_layers(viewer, dock, qtbot, folder):
    open_folder(dock, folder, qtbot)
    assert len(dock.session.images) == 5
    assert "broken.png" in dock.status.text()
    assert dock.form.scope.value == "all 5 images"
    press_segment_and_wait(dock, qtbot)
    assert sorted(dock.session.states) == [1, 2, 3, 4]
    assert "blank.png" in dock.status.text()
    assert "4 of 5" in dock.status.text()
    click(dock.stepper.next_button)
    assert layer_names(viewer) == ["crop0.png", CLASSES, CELLS, CNR]
    assert "2 of 5" in dock.stepper.position.text()
    click(dock.stepper.next_button)
    assert layer_names(viewer) == ["crop1.png", CLASSES, CELLS, CNR]
    assert viewer.layers[CLASSES].data.shape == (100, 100)


def test_a_wheel_that_passes_the_form_changes_nothing_in_it(viewer, dock):
    form = dock.form
    before = form.pixel_size.value, form.keep.value, form.model.value
    for field in (form.pixel_size, form.keep, form.model):
        for notches in (-1, 1, 1):
            turn_wheel(field.native, notches)
    assert (form.pixel_size.value, form.keep.value, form.model.value) == before
    form.keep.native.setFocus()
    turn_wheel(form.keep.native)
    assert form.keep.value != before[1]


def test_a_run_that_waits_for_the_canvas_can_be_cancelled(viewer, dock, qtbot, monkeypatch):
    from threading import Event

    from napari_leukocyte.plugin import warm

    monkeypatch.setattr(warm, "_begun", [None])
    monkeypatch.setattr(warm, "_ended", Event())  # which never comes
    viewer.add_image(smear(), name="smear")
    click(dock.segment_button)
    qtbot.waitUntil(lambda: dock.bar.format() == "Preparing the canvas …", timeout=LONG)
    click(dock.cancel_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert "Cancelled: 0 of 1" in dock.status.text()
    assert layer_names(viewer) == ["smear"]


def test_an_image_of_a_list_fills_the_canvas_whatever_the_size_of_the_one_before(viewer, dock, qtbot, tmp_path):
    sides = (300, 60, 200, 40)
    for name, side in zip("abcd", sides, strict=True):
        image = smear((side, side), centre=(0.8 * side, 0.8 * side), radius=min(20, side // 6))
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    open_folder(dock, tmp_path, qtbot)
    press_segment_and_wait(dock, qtbot)
    for side in sides[1:]:
        click(dock.stepper.next_button)
        assert viewer.layers[CLASSES].data.shape == (side, side)
        assert side * viewer.scene.camera.zoom == pytest.approx(0.95 * min(viewer.canvas.size), rel=0.02)


def test_notes_of_a_run_say_of_which_images_they_are(viewer, dock, qtbot, tmp_path):
    for name, background in (("a", 255), ("b", 250), ("c", 255)):
        Image.fromarray(smear(background=background)).save(tmp_path / f"{name}.png")
    open_folder(dock, tmp_path, qtbot)
    press_segment_and_wait(dock, qtbot)
    told = [line for line in dock.status.text().splitlines() if "overexposed" in line]
    assert told == ["• overexposed: 100 % of the glass is at the top value (2 images: a.png, c.png)"]


def test_all_open_images_become_one_list(viewer, dock, qtbot):
    for i, shape in enumerate([(120, 140), (100, 100), (90, 130)]):
        viewer.add_image(smear(shape, centre=(shape[0] / 2, shape[1] / 2), radius=24), name=f"open {i}")
    assert dock.form.scope.value == "this image"
    dock.form.scope.value = "all 3 open images"
    press_segment_and_wait(dock, qtbot)
    assert [image.name for image in dock.session.images] == ["open 0", "open 1", "open 2"]
    assert sorted(dock.session.states) == [0, 1, 2]
    assert all(len(state.measures) == 1 for state in dock.session.states.values())
    assert layer_names(viewer) == ["open 0", "open 1", "open 2", CLASSES, CELLS, CNR]  # none of them twice
    assert [viewer.layers[f"open {i}"].visible for i in range(3)] == [True, False, False]
    assert dock.form.scope.value == "all 3 images"
    click(dock.stepper.next_button)
    assert "open 1" in dock.stepper.position.text()


def test_a_dropped_folder_becomes_the_list(viewer, dock, qtbot, folder):
    viewer.open(str(folder), plugin="napari-leukocyte")  # what a drop does
    qtbot.waitUntil(lambda: len(dock.session.images) == 5 and not dock.opener.running, timeout=LONG)
    assert layer_names(viewer) == ["blank.png"]


def test_saved_results_come_back_and_are_gone_on_with(viewer, dock, qtbot, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    open_folder(dock, folder, qtbot)
    press_segment_and_wait(dock, qtbot)
    dock.session.show(2)
    viewer.layers[CLASSES].data_setitem(block(45, 55, 45, 55), 1)  # a correction
    _, measure = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    measure.save(out)
    qtbot.waitUntil(lambda: not measure.output.writer.running, timeout=LONG)
    assert dock.session.edits_at_stake() == 0
    before = {index - 1: state.measures for index, state in dock.session.states.items()}  # the first has no result
    maps = {index - 1: state.classes.copy() for index, state in dock.session.states.items()}
    open_folder(dock, out, qtbot)
    assert "4 with results" in dock.status.text()
    assert [image.name for image in dock.session.images] == [f"crop{i}.png" for i in range(4)]
    assert {index: state.measures for index, state in dock.session.states.items()} == before
    for index, classes in maps.items():
        np.testing.assert_array_equal(dock.session.states[index].classes, classes)
    assert dock.session.edits_at_stake() == 0  # they are saved
    assert dock.session.edited_images(range(4)) == [1]  # and are not replaced unasked
    dock.session.show(1)
    assert viewer.layers[CNR].features["cnr"].size == len(before[1])
    dock.segment()  # the Measure dock lies over the button
    assert "your edits" in dock.question.text.text()
    assert not dock.job.running


def test_a_folder_without_images_is_one_sentence(viewer, dock, qtbot, tmp_path):
    open_folder(dock, tmp_path, qtbot)
    assert str(tmp_path.name) in dock.status.text()
    assert not dock.session.images


def test_cancel_keeps_what_is_done(viewer, dock, qtbot):
    planes = 80  # far more than are done until the click
    viewer.add_image(np.stack([smear(centre=(60, 40 + i % 60)) for i in range(planes)]), rgb=True, name="stack")
    dock.form.scope.value = f"all {planes} images"
    cancel = [lambda: click(dock.cancel_button)]
    dock.session.changed.connect(lambda *_: cancel and cancel.pop()())  # at the first result
    click(dock.segment_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    done = len(dock.session.states)
    assert 1 <= done < planes
    assert dock.status.text().startswith(f"Cancelled: {done} of {planes}")
    assert viewer.layers[CLASSES].data.shape == (planes, 120, 140)
    press_segment_and_wait(dock, qtbot)
    assert len(dock.session.states) == planes


def test_a_dock_that_is_closed_stops_its_run_and_what_is_done_stays(viewer, dock, model, qtbot):
    planes = 80  # far more than are done until the click
    viewer.add_image(np.stack([smear(centre=(60, 40 + i % 60)) for i in range(planes)]), rgb=True, name="stack")
    dock.form.scope.value = f"all {planes} images"
    close = [lambda: close_dock(dock)]
    dock.session.changed.connect(lambda *_: close and close.pop()())  # at the first result
    click(dock.segment_button)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert 1 <= len(dock.session.states) < planes
    other = open_dock(viewer, qtbot, "Segment")
    other.form.use_weight_file(model)
    other.form.pixel_size.value = 0.3
    press_segment_and_wait(other, qtbot)
    assert other.status.text().startswith("Done on ")


def test_a_second_press_while_it_runs_changes_nothing(viewer, dock, qtbot):
    viewer.add_image(np.stack([smear()] * 8), rgb=True, name="stack")
    dock.form.scope.value = "all 8 images"
    click(dock.segment_button)
    results = []
    dock.session.changed.connect(lambda index: results.append(index), max_args=1)
    assert not dock.segment_button.isEnabled()
    click(dock.segment_button)
    dock.segment()  # from a script or a shortcut
    assert "running" in dock.status.text()
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert results == list(range(8))


def test_an_image_deleted_during_the_run_is_no_error(viewer, dock, qtbot):
    layer = viewer.add_image(np.stack([smear()] * 6), rgb=True, name="stack")
    dock.form.scope.value = "all 6 images"
    click(dock.segment_button)
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not dock.job.running, timeout=LONG)
    assert "closed" in dock.status.text()
    assert layer_names(viewer) == []


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((60, 60, 3), 128, np.uint8), "nothing to find"),
        (np.full((60, 60, 3), np.nan, np.float32), "not a number"),
        (np.zeros((60, 1), np.uint8), "1"),
    ],
    ids=["constant", "nan", "one pixel wide"],
)
def test_an_image_that_cannot_be_segmented_is_a_sentence(viewer, dock, qtbot, array, words):
    viewer.add_image(array, name="bad")
    press_segment_and_wait(dock, qtbot)
    assert words in dock.status.text()
    assert layer_names(viewer) == ["bad"]


def test_a_damaged_weight_file_is_a_sentence(viewer, dock, qtbot, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"garbage" * 50)
    dock.form.use_weight_file(bad)
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert "damaged" in dock.status.text()
    assert layer_names(viewer) == ["smear"]


def test_three_classes_from_a_binary_model_are_refused_and_binary_works(viewer, dock, qtbot, binary_model):
    dock.form.use_weight_file(binary_model)
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert "binary" in dock.status.text()
    dock.form.mode.value = "binary"
    press_segment_and_wait(dock, qtbot)
    assert set(np.unique(viewer.layers[CLASSES].data)) == {0, 1}
    assert list(viewer.layers[CNR].features["cnr"]) == ["–"]


def test_the_active_contour_is_one_of_the_methods(viewer, dock, qtbot):
    QTest.keyClicks(dock.form.model.native, "Active")  # the list goes to the entry that begins so
    viewer.add_image(smear(radius=40), name="smear")
    dock.form.pixel_size.value = 0.2
    press_segment_and_wait(dock, qtbot)
    assert dock.status.text() == "Done on cpu."
    assert dock.session.state.result.provenance["model"] == "active-contour"
    (measure,) = dock.session.state.measures
    assert measure.cnr == pytest.approx(3, rel=0.15)  # radii 40 and 20


def test_an_unexpected_error_is_a_sentence_and_the_dock_lives_on(viewer, dock, qtbot, monkeypatch, caplog):
    from napari_leukocyte.core.segmentation import segment

    viewer.add_image(smear(), name="smear")

    def fail(*args, **kwargs):
        raise ZeroDivisionError("by chance")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "label_cells", fail)
        press_segment_and_wait(dock, qtbot)
    assert "unexpected" in dock.status.text()
    assert "ZeroDivisionError" in caplog.text
    press_segment_and_wait(dock, qtbot)
    assert dock.status.text().startswith("Done on ")


def test_an_unknown_pixel_size_is_estimated_and_shown_as_such(viewer, dock, qtbot):
    dock.form.pixel_size.value = 0
    viewer.add_image(smear(), name="smear")
    assert "unknown" in dock.form.pixel_note.text()
    press_segment_and_wait(dock, qtbot)
    assert "estimated from 1 cell" in dock.form.pixel_note.text()
    assert np.isnan(dock.session.state.measures[0].nucleus_um2)


def test_a_typical_cell_gives_the_pixel_size(dock):
    dock.form.cell_diameter.value = 130
    assert dock.form.parameters().pixel_size == pytest.approx(0.1)
    dock.form.cell_diameter.value = 0
    assert dock.form.parameters().pixel_size is None


def test_digits_of_a_diameter_can_be_typed_one_by_one(dock):
    field = dock.form.cell_diameter.native
    type_into(field.lineEdit(), "130")
    assert dock.form.parameters().pixel_size == pytest.approx(0.1)


def test_after_the_binary_method_three_classes_are_back(dock):
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Down):
        QTest.keyClick(dock.form.model.native, key)
    assert (dock.form.model.value, dock.form.mode.value) == ("Thesis, binary", "binary")
    QTest.keyClick(dock.form.model.native, Qt.Key.Key_Home)
    assert dock.form.model.value.startswith("Default")
    assert dock.form.mode.value == "three-class"


@pytest.mark.parametrize(("scale", "expected"), [(None, "0.2 "), (0.1, "0.1 ")])
def test_the_default_pixel_size_is_for_images_that_state_none(viewer, dock, qtbot, monkeypatch, scale, expected):
    from napari_leukocyte.plugin.segment import segment_form
    from napari_leukocyte.plugin.settings import Settings

    monkeypatch.setattr(segment_form, "get_settings", lambda: Settings(pixel_size="0.2"))
    dock.form.pixel_size.value = 0
    known = {} if scale is None else {"scale": (scale, scale), "units": "um"}
    viewer.add_image(smear(), name="smear", **known)
    assert f"Pixel size: {expected}" in dock.form.pixel_note.text()
    press_segment_and_wait(dock, qtbot)
    assert dock.session.state.result.pixel_size.um == pytest.approx(scale or 0.2)
    assert f"Pixel size: {expected}" in dock.form.pixel_note.text()


def test_a_second_dock_does_not_write_the_badges_twice(viewer, dock, qtbot):
    from napari_leukocyte.plugin.segment.segment_widget import SegmentWidget

    other = SegmentWidget(viewer)
    qtbot.addWidget(other)
    viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert layer_names(viewer).count(CNR) == 1


def test_the_tabs_of_the_docks_show_short_names(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    names = ["Segment", "Measure", "Compare"]

    def titles():
        return [sorted(bar.tabText(i) for i in range(bar.count())) for bar in window.findChildren(QTabBar)]

    for n, name in enumerate(names, start=1):
        viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
        if n > 1:
            qtbot.waitUntil(lambda n=n: sorted(names[:n]) in titles(), timeout=LONG)


def test_of_two_stacks_the_shorter_one_is_segmented_with_the_slider_beyond_it(viewer, dock, qtbot):
    shorter = viewer.add_image(np.stack([smear()] * 2), rgb=True, name="two planes")
    viewer.add_image(np.stack([smear()] * 4), rgb=True, name="four planes")
    viewer.dims.set_current_step(0, 3)
    dock.form.image.value = shorter
    dock.form.scope.value = "this image"
    press_segment_and_wait(dock, qtbot)
    assert dock.status.text().startswith("Done on ")
    assert list(dock.session.states) == [1]
    assert "2 of 2" in dock.stepper.position.text()
    click(dock.stepper.previous_button)
    assert viewer.dims.current_step[0] == 0
    assert "1 of 2" in dock.stepper.position.text()


def test_a_scale_set_after_the_first_run_counts_at_the_next(viewer, dock, qtbot):
    dock.form.pixel_size.value = 0
    layer = viewer.add_image(smear(), name="smear")
    press_segment_and_wait(dock, qtbot)
    assert dock.session.state.result.pixel_size.estimated
    layer.scale, layer.units = (0.3, 0.3), ("um", "um")
    press_segment_and_wait(dock, qtbot)
    assert dock.form.pixel_note.text() == "Pixel size: 0.3 µm/px (layer scale)."
    for name in (CLASSES, CELLS, CNR):
        np.testing.assert_allclose(viewer.layers[name].scale, (0.3, 0.3))


def test_the_undo_key_leaves_planes_that_are_not_on_screen(viewer, dock, qtbot):
    viewer.add_image(np.stack([smear(), smear(centre=(50, 60)), smear(centre=(70, 80))]), rgb=True, name="stack")
    viewer.dims.set_current_step(0, 0)
    dock.form.scope.value = "all 3 images"
    press_segment_and_wait(dock, qtbot)
    layer = viewer.layers[CLASSES]
    before = layer.data.copy()
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(layer.data, before)
    layer.data_setitem(block(0, 9, 0, 9, plane=0), 2)  # the key does undo
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(layer.data, before)
    assert not dock.session.state.edited
