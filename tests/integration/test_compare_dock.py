"""The Compare dock as a person uses it: truth from layers and files, live figures, difference image, list."""

import numpy as np
import pytest
from driving import LEFT, LONG, NO_KEY, block, choose, click, close_dock, open_dock, paint, press
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.write import write_class_png
from napari_leukocyte.core.scoring.difference import Difference
from napari_leukocyte.plugin.canvas.layers import CLASSES, TRUTH
from napari_leukocyte.plugin.compare.error_layers import BAND, DIFFERENCE

SHAPE = (200, 260)
DISCS = ((60, 60, 30, 15), (60, 180, 28, 20), (150, 120, 30, 12))


@pytest.fixture
def dock(viewer, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Compare")
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    return dock


@pytest.fixture
def segmented(viewer, dock, segmentation, disc_map):
    """Three cells, as the truth would have them."""
    image = viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="smear", scale=(0.1, 0.1), units="um")
    dock.session.open_layer(image)
    dock.session.put(0, segmentation(disc_map(SHAPE, *DISCS)))
    viewer.reset_view()
    return dock


def wait_for_truth(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.loader.running, timeout=LONG)


def choose_layer(dock, combo, name, qtbot):
    combo.setCurrentIndex(combo.findText(name))
    combo.activated.emit(combo.currentIndex())
    wait_for_truth(dock, qtbot)


def figures(dock):
    table = dock.figures
    return [[table.item(row, column).text() for column in range(table.columnCount())] for row in range(3)]


@pytest.fixture
def compared(viewer, segmented, disc_map, qtbot):
    viewer.add_labels(disc_map(SHAPE, *DISCS), name="experts")
    choose_layer(segmented, segmented.truth, "experts", qtbot)
    viewer.layers.selection.active = viewer.layers[CLASSES]
    return segmented


def test_the_same_masks_score_one(compared):
    assert [row[1] for row in figures(compared)] == ["1.000"] * 3
    assert "CNR error 0.0 %" in compared.cells_text.text()
    assert "0 false cells" in compared.cells_text.text()
    assert "index (0 background" in compared.reading.text()
    assert "µm" in compared.in_force.text()


def test_images_and_truths_are_called_as_their_layers_are_called_now(viewer, compared, qtbot):
    compared.session.open_layer(viewer.add_image(np.full((*SHAPE, 3), 200, np.uint8), name="other"))
    compared.session.go_to(0, 1)
    table = compared.list.images
    qtbot.waitUntil(lambda: table.rowCount() == 1 and table.item(0, 0).text() == "smear", timeout=LONG)
    viewer.layers["smear"].name = "blood"
    qtbot.waitUntil(lambda: table.item(0, 0).text() == "blood", timeout=LONG)
    assert compared.reading.text().startswith("Truth: experts,")
    viewer.layers["experts"].name = "Anna"
    assert compared.reading.text().startswith("Truth: Anna,")
    assert compared.truth.currentText() == "Anna"
    assert [row[1] for row in figures(compared)] == ["1.000"] * 3


def test_figures_follow_a_stroke_and_its_undo(viewer, compared):
    layer = viewer.layers[CLASSES]
    viewer.layers.selection.active = layer
    layer.mode, layer.selected_label, layer.brush_size = "paint", 2, 10
    before = figures(compared)
    paint(viewer, (6.0, 7.8), (7.5, 7.5))
    after = figures(compared)
    assert float(after[2][0]) < float(before[2][0])
    assert after[0] == before[0]  # the cell is what it was
    assert "CNR error 0.0 %" not in compared.cells_text.text() or "bias" in compared.cells_text.text()
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert figures(compared) == before


def test_the_difference_image_follows_and_its_colours_can_be_changed(viewer, compared):
    click(compared.boxes[DIFFERENCE])
    difference = viewer.layers[DIFFERENCE]
    assert not difference.data.any()
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 1)
    viewer.layers[CLASSES].data_setitem(block(145, 155, 115, 125), 0)
    assert (difference.data[:9, :9] == Difference.FALSE_POSITIVE).all()
    assert (difference.data[146:154, 116:124] == Difference.FALSE_NEGATIVE).all()
    assert viewer.layers.selection.active is viewer.layers[CLASSES]
    assert not difference.editable
    compared.scheme.setCurrentText("thesis")
    assert viewer.layers[DIFFERENCE].data[4, 4] == Difference.FALSE_POSITIVE
    click(compared.boxes[DIFFERENCE])
    assert not viewer.layers[DIFFERENCE].visible


def test_truth_and_band_are_drawn_and_the_keys_toggle_them(viewer, compared):
    viewer.layers.selection.active = viewer.layers[CLASSES]
    viewer.window._qt_window.centralWidget().setFocus()
    QTest.keyClick(viewer.window._qt_window.focusWidget(), Qt.Key.Key_T)
    assert compared.boxes[TRUTH].isChecked()
    np.testing.assert_array_equal(viewer.layers[TRUTH].data, compared.comparison.truths[0].classes)
    QTest.keyClick(viewer.window._qt_window.focusWidget(), Qt.Key.Key_T)
    assert not viewer.layers[TRUTH].visible
    click(compared.boxes[BAND])
    narrow = viewer.layers[BAND].data.sum()
    compared.form.band_width.setValue(8)
    assert viewer.layers[BAND].data.sum() > narrow
    assert "8 px = 0.8 µm" in compared.in_force.text()
    compared.form.unit.setCurrentText("µm")
    compared.form.band_width.setValue(0.2)
    assert "2 px = 0.2 µm" in compared.in_force.text()


def test_the_chosen_cell_of_several_has_both_its_numbers(viewer, compared):
    assert "Cell" not in compared.cells_text.text()
    viewer.layers[CLASSES].data_setitem(block(55, 66, 55, 66), 1)
    compared.session.select(0, 1)
    ours = compared.session.state.live.measure_of(1).cnr
    line = compared.cells_text.text().splitlines()[-1]
    assert line.startswith(f"Cell 1: CNR here {ours:.2f}, truth ")
    assert line.endswith(" %")
    compared.session.select(0, 0)
    assert "Cell" not in compared.cells_text.text()


def test_keep_acts_on_both_sides(viewer, compared):
    viewer.layers[CLASSES].data_setitem(block(190, 200, 240, 260), 1)  # a false cell, cut by the edge
    assert float(figures(compared)[0][0]) < 1
    compared.form.keep.setCurrentText("Whole cells only")
    assert figures(compared)[0][0] == "1.000"
    assert "1 false cell," in compared.cells_text.text()  # not hidden by the rule


def test_two_segmentations_stand_beside_each_other(viewer, compared, disc_map):
    viewer.add_labels(disc_map(SHAPE, *((y, x, r - 3, n) for y, x, r, n in DISCS)), name="rival")
    compared.other.setCurrentIndex(compared.other.findText("rival"))
    compared.other.activated.emit(compared.other.currentIndex())
    titles = [compared.figures.horizontalHeaderItem(i).text() for i in range(4)]
    assert titles == ["IoU A", "IoU_b A", "IoU B", "IoU_b B"]
    assert float(figures(compared)[0][2]) < float(figures(compared)[0][0])
    assert "B (rival)" in compared.cells_text.text()


def test_the_second_segmentation_is_scored_anew_only_when_something_of_it_changed(
    viewer, compared, disc_map, monkeypatch
):
    from napari_leukocyte.plugin.compare import comparison

    rival = viewer.add_labels(disc_map(SHAPE, *DISCS), name="rival")
    compared.other.setCurrentIndex(compared.other.findText("rival"))
    compared.other.activated.emit(compared.other.currentIndex())
    scored, original = [], comparison.score_case
    monkeypatch.setattr(comparison, "score_case", lambda *given: scored.append(1) or original(*given))
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 1)
    assert not scored
    rival.data_setitem(block(55, 65, 55, 65), 1)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 0)
    assert len(scored) == 1
    assert float(figures(compared)[2][2]) < 1
    compared.form.keep.setCurrentText("Whole cells only")
    assert len(scored) == 2


def test_a_layer_that_is_taken_away_takes_its_figures_along(viewer, compared, disc_map):
    rival = viewer.add_labels(disc_map(SHAPE, *DISCS), name="rival")
    compared.other.setCurrentIndex(compared.other.findText("rival"))
    compared.other.activated.emit(compared.other.currentIndex())
    assert compared.figures.columnCount() == 4
    viewer.layers.remove(rival)
    assert compared.other.currentText() == "–"
    assert compared.figures.columnCount() < 4
    assert "rival" not in compared.cells_text.text()
    assert figures(compared)[0][0] == "1.000"  # the truth is still there
    click(compared.boxes[DIFFERENCE])
    viewer.layers.remove(viewer.layers["experts"])
    assert compared.truth.currentText() == "–"
    assert compared.reading.text() == ""
    assert "Choose the ground truth" in compared.cells_text.text()
    assert not compared.comparison.truths
    QApplication.processEvents()  # napari has to be done with the truth before another layer may go
    assert DIFFERENCE not in viewer.layers


def test_the_truth_that_is_named_is_the_one_in_force(viewer, compared, disc_map, tmp_path, qtbot):
    odd = viewer.add_labels(np.full(SHAPE, 7, np.uint8), name="odd")
    choose_layer(compared, compared.truth, "odd", qtbot)
    assert compared.truth.currentText() == "experts"  # which is kept: the other is no truth
    viewer.layers.remove(odd)
    assert figures(compared)[0][0] == "1.000"
    write_class_png(tmp_path / "smear.png", disc_map(SHAPE, *DISCS), provenance={})
    compared.open_file(tmp_path / "smear.png")
    wait_for_truth(compared, qtbot)
    assert compared.truth.currentText() == "–"
    viewer.layers.remove(viewer.layers["experts"])  # it was the truth before
    assert figures(compared)[0][0] == "1.000"
    assert "smear.png" in compared.reading.text()


def test_a_whole_cell_truth_scores_the_cell_only(viewer, segmented, disc_map, qtbot):
    viewer.add_labels(255 * (disc_map(SHAPE, *DISCS) > 0).astype(np.uint8), name="cells only")
    choose_layer(segmented, segmented.truth, "cells only", qtbot)
    assert figures(segmented)[0][0] == "1.000"
    assert figures(segmented)[2] == ["–"] * 3
    assert "whole cells only" in segmented.cells_text.text()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((50, 60), np.uint8), "260 × 200 px"),
        (np.full(SHAPE, 7, np.uint8), "7"),
        (np.zeros((3, *SHAPE), np.uint8), "3 planes"),
    ],
    ids=["size", "value", "planes"],
)
def test_a_layer_that_is_no_truth_is_a_sentence(viewer, segmented, qtbot, mask, words):
    viewer.add_labels(mask, name="odd")
    choose_layer(segmented, segmented.truth, "odd", qtbot)
    assert words in segmented.status.text()
    assert not segmented.comparison.truths


def test_a_file_that_is_no_truth_is_a_sentence(segmented, tmp_path, qtbot):
    for name, content in (("text.png", b"no image"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        segmented.open_file(tmp_path / name)
        wait_for_truth(segmented, qtbot)
        assert name in segmented.status.text()
    segmented.open_folder(tmp_path / "nowhere")
    wait_for_truth(segmented, qtbot)
    assert "nowhere" in segmented.status.text()


def test_a_doubtful_truth_is_asked_about_and_read_as_the_user_says(viewer, segmented, disc_map, tmp_path, qtbot):
    swapped = np.array([0, 2, 1], np.uint8)[disc_map(SHAPE, *DISCS)]
    Image.fromarray(swapped).save(tmp_path / "smear.png")
    assert not segmented.read_as.isVisible()
    segmented.open_file(tmp_path / "smear.png")
    wait_for_truth(segmented, qtbot)
    assert not segmented.comparison.truths
    assert "the nucleus is a ring around the cytoplasm" in segmented.status.text()
    assert "--read-masks-as" not in segmented.status.text()
    assert segmented.read_as.isVisible()
    bold = [segmented.read_as.combo.itemData(i, Qt.ItemDataRole.FontRole).bold() for i in range(6)]
    assert [segmented.read_as.combo.itemData(i) for i in range(6) if bold[i]] == ["swapped"]
    choose(segmented.read_as.combo, "nuc")
    wait_for_truth(segmented, qtbot)
    assert [row[1] for row in figures(segmented)] == ["1.000"] * 3
    assert "swapped as told" in segmented.reading.text()
    assert segmented.read_as.isVisible()  # it can be said otherwise
    QTest.keyClick(segmented.read_as.combo, Qt.Key.Key_Up)  # right as it stands
    wait_for_truth(segmented, qtbot)
    assert figures(segmented)[2][1] != "1.000"
    viewer.add_labels(swapped, name="experts")  # a layer is asked about like a file
    choose_layer(segmented, segmented.truth, "experts", qtbot)
    assert segmented.read_as.read_as == "auto"
    assert "ring around" in segmented.status.text()
    choose(segmented.read_as.combo, "nuc")
    wait_for_truth(segmented, qtbot)
    assert [row[1] for row in figures(segmented)] == ["1.000"] * 3


def test_without_an_image_the_dock_says_what_to_do(dock, tmp_path):
    assert "Segment" in dock.cells_text.text()
    dock.open_folder(tmp_path)
    assert "no image yet" in dock.status.text()


@pytest.fixture
def files(tmp_path, dock, segmentation, disc_map, qtbot):
    """Three images with masks in a folder, the second segmented worst; a third mask is missing."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for i in range(3):
        picture = np.full((120, 120, 3), 200, np.uint8)
        picture[30:90, 30:90] = 90
        Image.fromarray(picture).save(images / f"crop{i}.png")
    for i in range(2):
        write_class_png(masks / f"crop{i}.png", disc_map((120, 120), (60, 60, 40, 20)), provenance={})
    dock.session.open_files(list(sources_from_files(sorted(images.glob("*.png")))))
    for i, radius in enumerate((40, 30, 40)):
        dock.session.put(i, segmentation(disc_map((120, 120), (60, 60, radius, 20))))
    dock.open_folder(masks)
    wait_for_truth(dock, qtbot)
    qtbot.waitUntil(lambda: dock.list.images.rowCount() == 2, timeout=LONG)
    return dock


def test_a_list_is_ordered_by_its_worst_and_a_click_goes_there(viewer, files):
    assert [files.list.images.item(row, 0).text() for row in range(2)] == ["crop1.png", "crop0.png"]
    assert "Truth of 2 of 3 images" in files.status.text()
    assert "crop2.png" in files.status.text()
    room = files.findChild(QScrollArea)
    assert room.rect().contains(files.status.mapTo(room, QPoint(0, files.status.height())))  # in sight, unscrolled
    QTest.mouseClick(
        files.list.images.viewport(),
        LEFT,
        NO_KEY,
        files.list.images.visualItemRect(files.list.images.item(0, 0)).center(),
    )
    assert files.session.index == 1
    assert "crop1.png" in files.reading.text()


def test_another_folder_takes_the_place_of_the_first_as_a_whole(files, disc_map, tmp_path, qtbot):
    others = tmp_path / "others"
    others.mkdir()
    (others / "crop0.png").write_bytes(b"no image")
    files.open_folder(others)
    wait_for_truth(files, qtbot)
    assert files.status.text().startswith("Not taken:")  # so all stays as it was
    assert sorted(files.comparison.truths) == [0, 1]
    write_class_png(others / "crop2.png", disc_map((120, 120), (60, 60, 40, 20)), provenance={})
    files.open_folder(others)
    wait_for_truth(files, qtbot)
    assert "Truth of 1 of 3 images" in files.status.text()
    assert sorted(files.comparison.scores()) == [2]
    assert "Choose the ground truth" in files.cells_text.text()  # of the shown image
    images = files.list.images
    qtbot.waitUntil(lambda: [images.item(i, 0).text() for i in range(images.rowCount())] == ["crop2.png"], timeout=LONG)


def test_the_columns_of_both_tables_fill_them(files):
    for table in (files.figures, files.list.figures):
        header = table.horizontalHeader()
        assert 0.95 * header.width() < header.length() <= header.width()


def test_all_images_together_have_a_summary_that_follows_the_brush(viewer, files, qtbot):
    panel = files.list
    assert "2 of 3 images" in panel.title.text()
    score = [files.comparison.of(i).score for i in range(2)]
    mean = np.mean([one.score("cell", "iou").value for one in score])
    assert panel.figures.item(0, 0).text().startswith(f"{mean:.3f} (")
    assert "95 % limits of agreement" in panel.text.text()
    assert "CNR coverage 100.0 % (2 of 2)" in panel.text.text()
    assert "CNR here" in files.cells_text.text()  # of one cell, the two numbers
    before = panel.images.item(0, 1).text()
    files.session.show(1)
    viewer.layers[CLASSES].data_setitem(block(0, 12, 0, 12), 2)  # a false cell
    qtbot.waitUntil(lambda: "1 false cell," in panel.text.text(), timeout=LONG)
    assert panel.images.item(0, 1).text() == before
    assert panel.images.item(0, 3).text() == "1 / 0"


def test_only_the_images_whose_score_is_new_are_written_into_the_table(viewer, files, qtbot, monkeypatch):
    shown = []
    monkeypatch.setattr(files.list.images, "_show_score", lambda index, score: shown.append(index))
    files.session.show(1)
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 1)
    qtbot.waitUntil(lambda: bool(shown), timeout=LONG)
    assert shown == [1]


def test_the_figures_of_the_list_are_exported(files, tmp_path, qtbot):
    panel = files.list
    panel.export(tmp_path / "scores.csv")
    qtbot.waitUntil(lambda: "scores.csv" in files.list.status.text(), timeout=LONG)
    rows = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert [row.partition(",")[0] for row in rows] == ["image", "crop0.png", "crop1.png"]
    panel.report(tmp_path / "report.html")
    qtbot.waitUntil(lambda: not panel.writer.running, timeout=LONG)
    assert "report.html" in files.list.status.text()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "crop1.png" in page
    assert "data:image/png" in page
    panel.export(tmp_path / "nowhere" / "scores.csv")
    qtbot.waitUntil(lambda: "nowhere" in panel.status.text(), timeout=LONG)
    assert panel.csv_button.isEnabled()


def test_the_key_speaks_of_what_is_on_screen(viewer, compared):
    assert not compared.key.isVisible()
    click(compared.boxes[DIFFERENCE])
    kinds = ["false positive", "false negative", "wrong class", "error inside the border band"]
    assert compared.key.entries == kinds
    wrong = viewer.layers[DIFFERENCE].colormap.map(Difference.WRONG_CLASS)[:3]
    for value in (1, 2):  # over what it is drawn
        assert np.abs(wrong - viewer.layers[CLASSES].colormap.map(value)[:3]).max() > 0.5
    compared.scheme.setCurrentText("thesis")
    assert compared.key.entries == ["correct", "wrong"]  # of a map with three classes
    click(compared.boxes[TRUTH])
    assert compared.key.entries[:2] == ["truth, around cells", "truth, around nuclei"]
    drawn = {tuple(viewer.layers[TRUTH].colormap.map(value)) for value in (1, 2)}
    own = {tuple(viewer.layers[CLASSES].colormap.map(value)) for value in (1, 2)}
    assert not drawn & own


def test_error_layers_follow_the_image_that_is_shown(viewer, files):
    click(files.boxes[DIFFERENCE])
    assert not viewer.layers[DIFFERENCE].data.any()
    files.session.show(1)
    assert viewer.layers[DIFFERENCE].data.any()
    assert viewer.layers.index(viewer.layers[DIFFERENCE]) > viewer.layers.index(viewer.layers["crop1.png"])
    files.session.show(2)  # without a truth
    assert DIFFERENCE not in viewer.layers or not viewer.layers[DIFFERENCE].visible


def test_segmenting_again_and_its_undo_are_scored(viewer, compared, segmentation, disc_map):
    compared.session.put(0, segmentation(disc_map(SHAPE, *DISCS[:2])))
    assert "1 missed" in compared.cells_text.text()
    viewer.layers[CLASSES].undo()
    assert "0 missed" in compared.cells_text.text()


def test_a_closed_dock_takes_its_layers_away_and_follows_no_more(viewer, compared, qtbot):
    click(compared.boxes[DIFFERENCE])
    click(compared.boxes[TRUTH])
    before = figures(compared)
    close_dock(compared)
    assert DIFFERENCE not in viewer.layers
    assert TRUTH not in viewer.layers
    viewer.layers[CLASSES].data_setitem(block(0, 9, 0, 9), 1)
    assert figures(compared) == before
    dock = open_dock(viewer, qtbot, "Compare")
    choose_layer(dock, dock.truth, "experts", qtbot)
    viewer.layers.selection.active = viewer.layers[CLASSES]
    dock.focus_canvas()
    press(viewer, Qt.Key.Key_H)
    press(viewer, Qt.Key.Key_T)
    own = [layer.name for layer in viewer.layers if layer.name.startswith((DIFFERENCE, TRUTH))]
    assert sorted(own) == [DIFFERENCE, TRUTH]
    assert [dock.boxes[name].isChecked() for name in (DIFFERENCE, TRUTH)] == [True, True]
