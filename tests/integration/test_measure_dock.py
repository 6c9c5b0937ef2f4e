"""The Measure dock as a person uses it: rows, clicks on cells, strokes, keys."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from driving import LEFT, LONG, NO_KEY, block, canvas_point, click, close_dock, hover, open_dock, paint, press
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.exchange.formats import FORMATS
from napari_leukocyte.core.exchange.importing import find_masks, read_masks
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.plugin.canvas.layers import CELLS, CLASSES
from napari_leukocyte.plugin.cnr_text import CNR
from napari_leukocyte.plugin.measure.columns import place_of
from napari_leukocyte.plugin.parts.canvas_lines import CanvasLines

SHAPE = (200, 260)
CELLS_DRAWN = ((60, 60, 30, 15), (60, 180, 28, 20), (150, 120, 30, 12))


@pytest.fixture
def dock(viewer, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    return dock


@pytest.fixture
def measured(viewer, dock, segmentation, disc_map):
    """Three cells: CNR about 3, 1 and 5.2."""
    image = viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear")
    dock.session.open_layer(image)
    dock.session.put(0, segmentation(disc_map(SHAPE, *CELLS_DRAWN)))
    viewer.reset_view()
    return dock


def cells_of(dock):
    return [measure.cell for measure in dock.session.state.measures]


def rows(dock, column="cnr"):
    model = dock.table.model()
    return [model.index(i, place_of(column)).data() for i in range(model.rowCount())]


def click_row(dock, number):
    index = dock.table.model().index(number, place_of("cnr"))
    QTest.mouseClick(dock.table.viewport(), LEFT, NO_KEY, dock.table.visualRect(index).center())


def click_canvas(viewer, row, column):
    native, at = viewer.window._qt_viewer.canvas.native, canvas_point(viewer, row, column)
    QTest.mouseMove(native, at)
    QTest.mouseClick(native, LEFT, NO_KEY, at)


def test_every_cell_has_a_row_a_badge_and_stands_in_the_summary(viewer, measured, qtbot):
    assert rows(measured, "cell") == ["1", "2", "3"]
    assert rows(measured) == list(viewer.layers[CNR].features["cnr"])
    qtbot.waitUntil(lambda: "3 cells" in measured.summary.text(), timeout=LONG)


def test_a_row_click_chooses_and_centres_and_the_brush_is_a_key_away(viewer, measured, qtbot):
    click_row(measured, 2)
    assert viewer.window._qt_window.focusWidget() is measured.table  # for the arrow keys
    assert measured.session.selection == (0, 3)
    assert viewer.scene.camera.center[-2:] == pytest.approx((150, 120), abs=1)
    assert viewer.layers.selection.active is viewer.layers[CLASSES]
    press(viewer, Qt.Key.Key_2)
    assert viewer.layers[CLASSES].mode == "paint"
    colours = viewer.layers[CNR].face_color
    assert not np.array_equal(colours[2], colours[0])
    np.testing.assert_array_equal(colours[0], colours[1])


def test_arrow_keys_step_through_the_cells_of_all_images(viewer, files):
    click_row(files, 0)
    for image in (1, 2):
        press(viewer, Qt.Key.Key_Down)
        assert files.session.selection == (image, 1)
        assert files.session.index == image
        assert viewer.window._qt_window.focusWidget() is files.table
    press(viewer, Qt.Key.Key_Up)
    assert files.session.selection == (1, 1)


def test_rows_of_an_undone_segmentation_say_that_others_were_made_otherwise(viewer, files, segmentation, disc_map):
    def made(model, radius):
        made_by = {"model": model, "model_sha256": model, "mode": "three-class", "keep": "all"}
        result = segmentation(disc_map((120, 120), (60, 60, 40, radius)))
        return replace(result, provenance={**result.provenance, **made_by})

    for index in range(3):
        files.session.put(index, made("a", 20))
    assert rows(files, "remarks") == [""] * 3
    files.session.put(0, made("b", 22))
    assert rows(files, "remarks") == ["", *["segmented with other choices"] * 2]
    for index in (1, 2):
        files.session.put(index, made("b", 22))
    assert rows(files, "remarks") == [""] * 3
    viewer.layers[CLASSES].undo()
    assert rows(files, "remarks") == ["segmented with other choices", "", ""]
    tip = files.table.model().index(0, place_of("remarks")).data(Qt.ItemDataRole.ToolTipRole)
    assert "model: a instead of b" in tip
    viewer.layers[CLASSES].redo()
    assert rows(files, "remarks") == [""] * 3


def test_a_click_on_a_cell_selects_its_row_and_on_the_ground_none(viewer, measured):
    click_canvas(viewer, 60, 180)
    assert measured.table.selected_cells() == [(0, 2)]
    assert measured.card.cnr.text() == rows(measured)[1]
    click_canvas(viewer, 190, 250)
    assert measured.session.selection is None
    assert measured.table.selected_cells() == []


def test_table_and_card_call_an_image_as_its_layer_is_called_now(viewer, measured, segmentation, disc_map):
    other = viewer.add_image(np.full((120, 120, 3), 200, np.uint8), name="other")
    measured.session.open_layer(other)
    measured.session.put(1, segmentation(disc_map((120, 120), (60, 60, 40, 20))))
    click_row(measured, 3)
    assert (rows(measured, "image"), measured.card.title.text()) == (["smear"] * 3 + ["other"], "Cell 1 · other")
    other.name = "blood 7"
    assert rows(measured, "image") == ["smear"] * 3 + ["blood 7"]
    assert measured.card.title.text() == "Cell 1 · blood 7"
    assert measured.session.selection == (1, 1)
    viewer.layers["smear"].name = "blood 7"  # napari calls it "blood 7 [1]", for names differ there
    assert rows(measured, "image") == [viewer.layers[0].name] * 3 + ["blood 7"]


def test_a_drag_in_pan_mode_selects_nothing(viewer, measured):
    paint(viewer, (60, 180), (90, 120))
    assert measured.session.selection is None


def test_row_card_and_badge_follow_a_stroke_its_undo_and_redo(viewer, measured):
    layer = viewer.layers[CLASSES]
    layer.mode, layer.selected_label, layer.brush_size = "paint", 2, 10
    before, others = rows(measured)[0], rows(measured)[1:]
    paint(viewer, (60, 78), (75, 75))
    after = rows(measured)[0]
    assert float(after) < float(before)
    assert rows(measured)[1:] == others
    assert measured.card.cnr.text() == after  # the painted cell is the chosen one
    assert viewer.layers[CNR].features["cnr"][0] == after
    native = viewer.window._qt_viewer.canvas.native
    QTest.keyClick(native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert rows(measured)[0] == before
    QTest.keyClick(native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert rows(measured)[0] == after


@pytest.mark.parametrize("edit", ["fill", "polygon", "erase", "program", "data"])
def test_every_way_to_change_the_map_is_followed(viewer, measured, edit):
    layer = viewer.layers[CLASSES]
    before = rows(measured)[0]
    if edit == "fill":
        layer.fill((60, 60), 1)
    elif edit == "polygon":
        layer.paint_polygon([(50, 50), (50, 70), (70, 70), (70, 50)], 1)
    elif edit == "erase":
        layer.mode, layer.brush_size = "erase", 8
        paint(viewer, (60, 84), (64, 86))
    elif edit == "program":
        layer.data_setitem(block(55, 65, 55, 65), 1)
    else:
        changed = layer.data.copy()
        changed[55:65, 55:65] = 1
        layer.data = changed
    assert rows(measured)[0] != before
    assert list(viewer.layers[CNR].features["cnr"]) == rows(measured)


def test_split_by_key_and_stroke_and_its_undo(viewer, measured):
    viewer.layers[CLASSES].mode = "paint"
    press(viewer, Qt.Key.Key_Y)
    assert measured.repairs.strokes["split"].isChecked()
    assert "draw a line" in measured.status.text()
    assert not viewer.scene.camera.mouse_pan  # the drag draws
    paint(viewer, (20, 60), (100, 62))
    assert cells_of(measured) == [1, 2, 3, 4]
    assert not measured.repairs.strokes["split"].isChecked()
    assert viewer.layers[CLASSES].mode == "paint"  # the brush is back in the hand
    assert set(np.unique(viewer.layers[CELLS].data)) == {0, 1, 2, 3, 4}
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert cells_of(measured) == [1, 2, 3]
    assert set(np.unique(viewer.layers[CELLS].data)) == {0, 1, 2, 3}


def test_repairs_and_strokes_are_undone_in_their_order(viewer, measured):
    layer = viewer.layers[CLASSES]
    states = [rows(measured)]
    layer.data_setitem(block(55, 65, 55, 65), 1)
    states.append(rows(measured))
    measured.tools.join([1, 2], sure=True)
    states.append(rows(measured))
    layer.data_setitem(block(145, 155, 115, 125), 1)
    states.append(rows(measured))
    measured.tools.mark([3], Flag.NOT_A_WBC_PLATELET)
    for state in reversed(states):
        layer.undo()
        assert rows(measured) == state
    for state in states[1:]:
        layer.redo()
        assert rows(measured) == state
    layer.redo()
    assert rows(measured)[-1] == "PLT"


def select_rows(dock, *numbers):
    click_row(dock, numbers[0])
    for number in numbers[1:]:
        index = dock.table.model().index(number, place_of("cnr"))
        at = dock.table.visualRect(index).center()
        QTest.mouseClick(dock.table.viewport(), LEFT, Qt.KeyboardModifier.ControlModifier, at)


def test_cells_that_do_not_touch_are_joined_when_that_is_meant(viewer, measured):
    click(measured.repairs.strokes["join"])
    paint(viewer, (60, 60), (60, 180))
    assert cells_of(measured) == [1, 2, 3]
    click(measured.repairs.question.buttons["Leave them"])
    assert cells_of(measured) == [1, 2, 3]
    click(measured.repairs.strokes["join"])
    paint(viewer, (60, 60), (60, 180))
    click(measured.repairs.question.buttons["Join them"])
    assert cells_of(measured) == [1, 3]
    viewer.layers[CLASSES].undo()
    select_rows(measured, 1, 2)
    click(measured.repairs.strokes["join"])
    assert not measured.repairs.strokes["join"].isChecked()
    assert measured.repairs.question.isVisible()
    viewer.layers[CLASSES].data_setitem(block(0, 2, 0, 2), 1)  # asked of cells as they were
    assert not measured.repairs.question.isVisible()


def test_two_rows_and_j_join_cells_that_touch(viewer, measured):
    viewer.layers[CLASSES].data_setitem(block(56, 64, 85, 160), 1)
    assert cells_of(measured) == [1, 2, 3]
    select_rows(measured, 0, 1)
    press(viewer, Qt.Key.Key_J)  # the table has the focus
    assert cells_of(measured) == [1, 3]
    assert measured.status.text() == "Joined: cell 1."
    viewer.layers[CLASSES].undo()
    assert measured.status.text() == ""  # it was taken back, and so is what was said of it


def test_a_platelet_is_split_off_in_one_stroke(viewer, measured):
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(56, 64, 90, 104), 1)  # hangs on cell 1
    before = measured.session.state.live.measure_of(1).cytoplasm_px
    click(measured.repairs.strokes["split_off"])
    paint(viewer, (50, 91), (70, 91))
    assert not layer.data[60, 98]
    assert cells_of(measured) == [1, 2, 3]
    assert measured.session.state.live.measure_of(1).cytoplasm_px < before
    layer.undo()
    assert layer.data[60, 98] == 1


def test_a_hole_is_filled_by_key_under_the_cursor(viewer, measured):
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(76, 81, 58, 63), 0)
    native = viewer.window._qt_viewer.canvas.native
    viewer.window._qt_window.centralWidget().setFocus()
    QTest.mouseMove(native, canvas_point(viewer, 40, 60))
    press(viewer, Qt.Key.Key_G)
    assert (layer.data[76:81, 58:63] == 1).all()


def test_a_key_means_the_cell_that_was_brought_into_view_and_not_where_the_pointer_was(viewer, measured):
    hover(viewer, 60, 60)  # cell 1
    click_row(measured, 1)
    press(viewer, Qt.Key.Key_R)
    assert [value == "smudge" for value in rows(measured)] == [False, True, False]
    press(viewer, Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier)
    assert measured.session.selection == (0, 3)
    press(viewer, Qt.Key.Key_Delete)
    assert cells_of(measured) == [1, 2]
    hover(viewer, 62, 60)  # whoever moves the pointer means what lies there
    press(viewer, Qt.Key.Key_R)
    assert [value == "smudge" for value in rows(measured)] == [True, True]


def test_the_button_fills_the_chosen_cell_whatever_the_pointer_passed_on_its_way(viewer, measured):
    layer = viewer.layers[CLASSES]
    for hole in (block(76, 81, 58, 63), block(58, 63, 201, 206)):  # of cell 1 and of cell 2
        layer.data_setitem(hole, 0)
    click_row(measured, 1)
    hover(viewer, 60, 60)
    click(measured.repairs.fill_button)
    assert (layer.data[58:63, 201:206] == 1).all()
    assert not layer.data[76:81, 58:63].any()
    measured.session.select(0, 0)
    click(measured.repairs.fill_button)
    assert "no cell to fill" in measured.status.text()


def test_not_a_wbc_by_key_goes_through_the_kinds(viewer, measured, qtbot):
    click_canvas(viewer, 60, 180)
    viewer.window._qt_window.centralWidget().setFocus()
    press(viewer, Qt.Key.Key_R)
    assert rows(measured)[1] == "smudge"
    assert "smudge" in measured.status.text()
    press(viewer, Qt.Key.Key_R)
    assert "platelet" in measured.status.text()
    qtbot.waitUntil(lambda: "1 platelet" in measured.summary.text(), timeout=LONG)
    viewer.layers[CLASSES].undo()
    viewer.layers[CLASSES].undo()
    assert float(rows(measured)[1]) > 0


def test_not_a_wbc_by_menu_marks_all_selected_rows(measured):
    measured.table.selectAll()
    measured.repairs.mark_button.menu().actions()[0].trigger()
    assert rows(measured) == ["smudge"] * 3
    measured.repairs.mark_button.menu().actions()[-1].trigger()
    assert all(float(text) > 0 for text in rows(measured))


def test_a_key_means_all_selected_rows_where_it_means_one_of_them(viewer, measured):
    select_rows(measured, 0, 2)
    press(viewer, Qt.Key.Key_R)
    assert [value == "smudge" for value in rows(measured)] == [True, False, True]
    assert measured.status.text() == "2 cells: not a WBC (smudge)."
    press(viewer, Qt.Key.Key_R)
    assert measured.session.state.live.by_hand.marks == dict.fromkeys((1, 3), Flag.NOT_A_WBC_PLATELET)
    for _ in range(2):
        viewer.layers[CLASSES].undo()
    hover(viewer, 62, 180)  # over the cell between them, which is meant alone
    press(viewer, Qt.Key.Key_R)
    assert [value == "smudge" for value in rows(measured)] == [False, True, False]
    select_rows(measured, 0, 2)
    hover(viewer, 62, 60)  # over one of them
    press(viewer, Qt.Key.Key_Delete)
    assert cells_of(measured) == [2]
    assert measured.status.text() == "2 cells are deleted; Ctrl+Z brings them back."
    viewer.layers[CLASSES].undo()
    assert cells_of(measured) == [1, 2, 3]


def test_all_rows_are_meant_though_none_was_clicked(viewer, measured):
    measured.table.setFocus()
    press(viewer, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    press(viewer, Qt.Key.Key_R)
    assert rows(measured) == ["smudge"] * 3


def test_holes_of_all_selected_rows_are_filled_and_where_there_is_none_nothing(viewer, measured):
    layer = viewer.layers[CLASSES]
    for hole in (block(76, 81, 58, 63), block(58, 63, 201, 206)):  # of cell 1 and of cell 2
        layer.data_setitem(hole, 0)
    measured.table.selectAll()
    press(viewer, Qt.Key.Key_G)
    assert (layer.data[76:81, 58:63] == 1).all()
    assert (layer.data[58:63, 201:206] == 1).all()
    assert measured.status.text() == "3 cells: holes and indents filled with cytoplasm."
    measured.table.selectAll()
    click(measured.repairs.fill_button)
    assert measured.status.text() == "None of these cells has a hole or an indent to fill."


def test_rows_that_lie_behind_another_dock_stand_for_the_chosen_cell_alone(viewer, measured, qtbot):
    select_rows(measured, 0, 2)
    open_dock(viewer, qtbot, "Correct")
    viewer.window._qt_window.centralWidget().setFocus()
    press(viewer, Qt.Key.Key_Delete)
    assert cells_of(measured) == [1, 2]


def test_a_mark_is_for_selected_rows_of_all_images_and_only_what_is_seen_is_deleted(viewer, files):
    select_rows(files, 0, 2)
    press(viewer, Qt.Key.Key_R)
    assert [value == "smudge" for value in rows(files)] == [True, False, True]
    files.repairs.mark_button.menu().actions()[-1].trigger()
    assert all(float(text) > 0 for text in rows(files))
    press(viewer, Qt.Key.Key_Delete)
    assert rows(files, "image") == ["crop0.png", "crop1.png"]
    assert "1 selected cell of other images: show them to delete them." in files.status.text()


@pytest.mark.parametrize("name", ["split", "split_off", "join"])
def test_a_stroke_over_nothing_says_so(viewer, measured, name):
    click(measured.repairs.strokes[name])
    paint(viewer, (190, 10), (190, 40))
    assert measured.status.text().endswith((".", "outline.", "rows."))
    assert "cell" in measured.status.text()
    assert cells_of(measured) == [1, 2, 3]


def test_a_tool_is_put_away_by_its_button_the_brush_or_another_layer(viewer, measured):
    click(measured.repairs.strokes["split"])
    click(measured.repairs.strokes["split"])
    assert not measured.tools.waiting
    click(measured.repairs.strokes["split"])
    viewer.layers[CLASSES].mode = "paint"
    assert not measured.tools.waiting
    click(measured.repairs.strokes["join"])
    viewer.layers.selection.active = viewer.layers["smear"]
    assert not measured.tools.waiting


def test_without_a_class_map_the_tools_say_what_to_do(viewer, dock):
    for name in ("split", "fill", "mark"):
        dock.session.commanded.emit(name)
        assert dock.status.text()
    assert "Segment" in dock.summary.text() or not dock.summary.text()


def test_a_value_that_is_no_class_is_said(viewer, measured):
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(0, 4, 0, 4), 7)
    assert measured.problem.isVisible()
    assert "value 7" in measured.problem.text()
    layer.undo()
    assert not measured.problem.isVisible()


def test_a_class_map_of_another_size_is_said_and_measures_stay(viewer, measured):
    before = rows(measured)
    viewer.layers[CLASSES].data = np.zeros((50, 60), np.uint8)
    measured._refresh()
    assert "(50, 60)" in measured.problem.text()
    assert str(SHAPE) in measured.problem.text()
    assert rows(measured) == before


def test_the_cells_layer_is_locked(viewer, measured):
    layer = viewer.layers[CELLS]
    assert not layer.editable
    before = layer.data.copy()
    measured.tools.join([1, 2], sure=True)
    joined = layer.data.copy()
    viewer.layers.selection.active = layer
    layer.undo()
    np.testing.assert_array_equal(layer.data, joined)
    assert not np.array_equal(before, joined)


@pytest.fixture
def files(tmp_path, dock, segmentation, disc_map):
    """Three files in the list, measured: one cell each, CNR rising."""
    for i in range(3):
        Image.fromarray(np.full((120, 120, 3), 200, np.uint8)).save(tmp_path / f"crop{i}.png")
    dock.session.open_files(list(sources_from_files(sorted(tmp_path.glob("*.png")))))
    for i in range(3):
        dock.session.put(i, segmentation(disc_map((120, 120), (60, 60, 40, 30 - 6 * i))))
    return dock


def test_one_table_holds_the_list_and_a_row_click_loads_its_image(viewer, files):
    assert rows(files, "image") == ["crop0.png", "crop1.png", "crop2.png"]
    click_row(files, 2)
    assert files.session.index == 2
    assert "crop2.png" in [layer.name for layer in viewer.layers]
    assert files.session.selection == (2, 1)
    assert "crop2" in files.card.title.text()


def test_edits_stay_when_another_image_is_shown(viewer, files):
    viewer.layers[CLASSES].data_setitem(block(50, 70, 50, 70), 1)
    files.tools.mark([1], Flag.NOT_A_WBC_SMUDGE)
    click_row(files, 1)
    assert rows(files)[0] == "smudge"
    click_row(files, 0)
    assert (viewer.layers[CLASSES].data[50:70, 50:70] == 1).all()
    assert files.session.state.live.by_hand.marks == {1: Flag.NOT_A_WBC_SMUDGE}
    before = rows(files)
    viewer.layers[CLASSES].undo()  # the undo stack went with the image
    assert rows(files) == before


def test_this_image_only(files, qtbot):
    files.scope.setCurrentText("This image")
    assert rows(files, "image") == ["crop0.png"]
    qtbot.waitUntil(lambda: files.summary.text().startswith("1 cell"), timeout=LONG)
    files.session.show(1)
    assert rows(files, "image") == ["crop1.png"]


def test_a_file_that_is_gone_is_a_sentence(files, tmp_path):
    (tmp_path / "crop2.png").unlink()
    click_row(files, 2)
    assert "crop2.png" in files.status.text()
    assert files.session.index == 0


def wait_until_written(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.output.writer.running, timeout=LONG)


def test_export_holds_what_the_scope_shows(files, qtbot, tmp_path):
    files.tools.mark([1], Flag.NOT_A_WBC_ARTEFACT)
    files.export(tmp_path / "all.csv")
    wait_until_written(files, qtbot)
    table = (tmp_path / "all.csv").read_text().splitlines()
    assert len(table) == 4
    assert "not_a_wbc_artefact" in table[1]
    assert (tmp_path / "all.json").exists()
    files.scope.setCurrentText("This image")
    files.export(tmp_path / "one.csv")
    wait_until_written(files, qtbot)
    assert len((tmp_path / "one.csv").read_text().splitlines()) == 2


def test_all_results_are_saved_with_edits_splits_and_marks(files, qtbot, tmp_path):
    state = files.session.state
    files.session.edit_labels(lambda live: live_repairs.split(live, [(10, 60), (110, 60)]))
    files.tools.mark([2], Flag.NOT_A_WBC_SMUDGE)
    files.session.classes_layer.data_setitem(block(0, 3, 0, 3), 1)
    files.save(tmp_path / "out")
    wait_until_written(files, qtbot)
    assert "3 images" in files.status.text()
    np.testing.assert_array_equal(read_mask(tmp_path / "out" / "crop0_classes.png").classes, state.classes)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "crop0_cells.tif"), state.cells)
    with tifffile.TiffFile(tmp_path / "out" / "crop0_cells.tif") as tiff:
        assert "2 smudge" in tiff.pages[0].description
    assert len((tmp_path / "out" / "cells.csv").read_text().splitlines()) == 6


def test_what_somebody_else_corrected_is_asked_about_and_own_work_is_not(files, qtbot, tmp_path):
    out = tmp_path / "out"
    for row in (0, 2, 4):  # saved, painted, saved again
        files.session.classes_layer.data_setitem(block(row, row + 2, 0, 2), 1)
        files.save(out)
        wait_until_written(files, qtbot)
        assert "3 images" in files.status.text()
        assert not files.output.question.isVisible()
    assert {name: one.corrected for name, one in read_record(out).images.items()} == {
        "crop0": True,
        "crop1": False,
        "crop2": False,
    }
    (out / "crop1_classes.png").write_bytes(b"an expert's")
    files.save(out)
    wait_until_written(files, qtbot)
    assert "crop1_classes.png was changed since it was written" in files.status.text()
    assert files.output.question.isVisible()
    click(files.output.question.buttons["Leave it"])
    assert not files.output.writer.running
    assert (out / "crop1_classes.png").read_bytes() == b"an expert's"
    files.save(out)
    wait_until_written(files, qtbot)
    click(files.output.question.buttons["Replace it"])
    wait_until_written(files, qtbot)
    assert "3 images" in files.status.text()
    assert read_mask(out / "crop1_classes.png").classes.any()


def test_what_cannot_be_saved_is_a_sentence(files, qtbot, tmp_path):
    (tmp_path / "file").write_text("in the way")
    files.save(tmp_path / "file")
    wait_until_written(files, qtbot)
    assert "cannot be made" in files.status.text()
    files.export(tmp_path / "nowhere" / "cells.csv")
    wait_until_written(files, qtbot)
    assert str(tmp_path / "nowhere") in files.status.text()
    files.session.classes_layer.data_setitem(block(0, 3, 0, 3), 7)
    files.save(tmp_path / "out")
    wait_until_written(files, qtbot)
    assert "class map of crop0.png holds the value 7" in files.status.text()


def test_planes_of_a_stack_are_rows_of_one_table(viewer, dock, segmentation, disc_map):
    image = viewer.add_image(np.zeros((3, 120, 120, 3), np.uint8), rgb=True, name="stack")
    dock.session.open_layer(image)
    for i in range(3):
        dock.session.put(i, segmentation(disc_map((120, 120), (60, 60, 40, 30 - 6 * i))))
    assert len(rows(dock)) == 3
    click_row(dock, 2)
    assert viewer.dims.current_step[0] == 2
    before = rows(dock)
    viewer.layers[CLASSES].data_setitem(block(50, 70, 50, 70, plane=2), 1)
    after = rows(dock)
    assert after[:2] == before[:2]
    assert after[2] != before[2]
    click_row(dock, 0)
    viewer.layers[CLASSES].undo()  # must not change the plane that is not seen
    assert rows(dock) == after
    dock.tools.join([1, 1])
    assert "cannot be joined" in dock.status.text()


def test_a_binary_map_says_that_the_cnr_needs_three_classes(viewer, dock, segmentation, disc_map, qtbot):
    from dataclasses import replace

    image = viewer.add_image(np.zeros((*SHAPE, 3), np.uint8), name="smear")
    dock.session.open_layer(image)
    binary = segmentation((disc_map(SHAPE, *CELLS_DRAWN) > 0).astype(np.uint8))
    dock.session.put(0, replace(binary, binary=True))
    assert rows(dock) == ["–"] * 3
    qtbot.waitUntil(lambda: "three classes" in dock.summary.text(), timeout=LONG)


def test_an_image_without_cells(viewer, dock, segmentation, qtbot):
    image = viewer.add_image(np.zeros((*SHAPE, 3), np.uint8), name="smear")
    dock.session.open_layer(image)
    dock.session.put(0, segmentation(np.zeros(SHAPE, np.uint8)))
    assert rows(dock) == []
    qtbot.waitUntil(lambda: "No cells" in dock.summary.text(), timeout=LONG)


def test_the_docks_share_one_place(viewer, dock, qtbot):
    from qtpy.QtWidgets import QDockWidget

    _, segment = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    window = viewer.window._qt_window
    own = next(d for d in window.findChildren(QDockWidget) if d.isAncestorOf(segment))
    qtbot.waitUntil(lambda: len(window.tabifiedDockWidgets(own)) == 1, timeout=LONG)


@pytest.mark.parametrize("command", ["split", "join", "split_off"])
def test_the_repairs_are_commands_of_napari(viewer, measured, command):
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(f"napari-leukocyte.{command}").result()
    assert measured.tools.waiting == command


@pytest.mark.parametrize(
    ("command", "place"),
    [("outlines", "Measure"), ("nucleus", "Correct"), ("accept", "Correct"), ("truth", "Compare")],
)
def test_what_the_keys_do_are_commands_of_napari(viewer, measured, command, place):
    from napari._app_model import get_app_model

    heard = []
    measured.session.commanded.connect(heard.append)
    get_app_model().commands.execute_command(f"napari-leukocyte.{command}").result()
    assert heard == [command]
    assert any(place in name for name in viewer.window.dock_widgets)
    layer = viewer.layers[CLASSES]
    assert bool(layer.contour) == (command == "outlines")
    assert (layer.mode == "paint") == (command == "nucleus")


def test_what_is_said_of_a_mark_goes_with_the_mark(viewer, measured):
    measured.session.select(0, 1)
    press(viewer, Qt.Key.Key_R)
    assert "Cell 1: not a WBC" in measured.status.text()
    viewer.layers[CLASSES].undo()
    assert measured.status.text() == ""


def test_the_image_is_closed(viewer, measured):
    viewer.layers.remove(viewer.layers["smear"])
    assert rows(measured) == []
    assert measured.session.selection is None
    measured.session.commanded.emit("split")
    assert not measured.tools.waiting


def test_a_closed_dock_lets_the_canvas_go(viewer, measured):
    press(viewer, Qt.Key.Key_Y)
    assert measured.tools.waiting
    close_dock(measured)
    assert viewer.layers[CLASSES].mouse_pan
    assert not viewer.window._qt_window.findChildren(CanvasLines)
    click_canvas(viewer, 60, 60)
    assert measured.session.selection is None


def test_after_a_dock_is_closed_and_opened_again_a_key_acts_once(viewer, measured, qtbot):
    layer = viewer.layers[CLASSES]
    layer.data_setitem(block(80, 84, 58, 62), 0)  # two holes beside the nucleus of cell 1
    layer.data_setitem(block(38, 41, 58, 61), 0)
    with_holes = layer.data.copy()
    close_dock(measured)
    dock = open_dock(viewer, qtbot, "Measure")
    click_canvas(viewer, 60, 60)
    press(viewer, Qt.Key.Key_G)
    assert (layer.data != with_holes).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, with_holes)  # by one step
    press(viewer, Qt.Key.Key_R)
    assert dock.session.state.live.by_hand.marks == {1: Flag.NOT_A_WBC_SMUDGE}


def test_the_list_is_exported_for_other_programs_with_edits_and_asks_before_it_replaces(files, qtbot, tmp_path):
    files.tools.mark([1], Flag.NOT_A_WBC_ARTEFACT)
    out = tmp_path / "out"
    out.mkdir()
    menu = files.output.programs_button.menu()
    for _ in range(2):  # it is filled when it opens for the first time
        menu.popup(QPoint())
        menu.close()
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert len([action for action in menu.actions() if action.text()]) == len(actions)
    assert len(actions) == len(FORMATS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
        actions["QuPath GeoJSON …"].trigger()
        wait_until_written(files, qtbot)
        assert files.status.text() == f"3 files in {out}."
        actions["Table, Excel …"].trigger()
        wait_until_written(files, qtbot)
    assert {path.name for path in out.iterdir()} == {
        *(f"crop{number}.geojson" for number in range(3)),
        *("cells.xlsx", "cells.json", "cells_columns.csv"),
    }
    (imported,) = read_masks(find_masks([out / "crop0.geojson"]))
    back = imported.reads[0].cell_map
    np.testing.assert_array_equal(back.classes, files.session.states[0].classes)
    assert Flag.NOT_A_WBC_ARTEFACT in back.remarks[1]
    (out / "crop1.geojson").write_text("from QuPath")
    files.export_as("geojson", out)
    wait_until_written(files, qtbot)
    assert "is there already (2 more like it), and is not replaced" in files.status.text()
    assert (out / "crop1.geojson").read_text() == "from QuPath"
    click(files.output.question.buttons["Replace it"])
    wait_until_written(files, qtbot)
    assert files.status.text() == f"3 files in {out}."
    assert (out / "crop1.geojson").read_text() != "from QuPath"
