"""Types of cells in the Measure dock: by key and menu, for several rows and images, undone, taken back and saved."""

import csv

import numpy as np
import pytest
from driving import LEFT, LONG, NO_KEY, press
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_leukocyte.core.cells.cell_types import CELL_TYPES
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.results.class_maps import measure_class_maps
from napari_leukocyte.plugin.measure.columns import COLUMNS
from napari_leukocyte.plugin.measure.type_menu import LETTERS

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def dock(viewer, qtbot, tmp_path, segmentation, disc_map):
    """Two files in the list, with two cells and one."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    for name in ("a", "b"):
        Image.fromarray(np.full((120, 220, 3), 200, np.uint8)).save(tmp_path / f"{name}.png")
    dock.session.open_files(list(sources_from_files(sorted(tmp_path.glob("*.png")))))
    for i, cells in enumerate((((60, 60, 30, 15), (60, 160, 30, 20)), ((60, 60, 30, 15),))):
        dock.session.put(i, segmentation(disc_map((120, 220), *cells)))
    viewer.reset_view()
    return dock


def types(dock):
    return [dock.table.cells.row(i).measure.cell_type for i in range(dock.table.cells.rowCount())]


def click_row(dock, number, modifier=NO_KEY):
    index = dock.table.model().index(number, 2)
    QTest.mouseClick(dock.table.viewport(), LEFT, modifier, dock.table.visualRect(index).center())


def test_a_letter_types_all_selected_rows_and_undo_takes_it_back(viewer, dock):
    column = [column.title for column in COLUMNS].index("Type")
    assert dock.table.isColumnHidden(column)
    click_row(dock, 0)
    click_row(dock, 1, CTRL)
    press(viewer, Qt.Key.Key_I)  # the focus is on the canvas
    assert dock.type_button.menu().isVisible()
    QTest.keyClick(dock.type_button.menu(), Qt.Key.Key_M)
    assert not dock.type_button.menu().isVisible()
    assert types(dock) == ["monocyte", "monocyte", ""]
    assert not dock.table.isColumnHidden(column)
    assert "2 cells: monocyte" in dock.status.text()
    press(viewer, Qt.Key.Key_Z, CTRL)
    assert types(dock) == ["", "", ""]
    assert dock.table.isColumnHidden(column)


def test_rows_of_several_images_are_typed_taken_back_exported_and_saved(dock, qtbot, tmp_path):
    dock.table.setFocus()
    QTest.keyClick(dock.table, Qt.Key.Key_A, CTRL)
    QTest.keyClick(dock.table, Qt.Key.Key_I)
    dock.type_button.menu().words.setFocus()
    QTest.keyClicks(dock.type_button.menu().words, "Haarzelle")
    QTest.keyClick(dock.type_button.menu().words, Qt.Key.Key_Return)
    assert types(dock) == ["Haarzelle"] * 3
    assert dock.session.states[1].edited  # it would be asked about before it goes
    click_row(dock, 2)
    dock.type_button.menu().popup(dock.mapToGlobal(dock.rect().center()))
    assert "Haarzelle" in [action.text().strip() for action in dock.type_button.menu().actions()]
    QTest.keyClick(dock.type_button.menu(), Qt.Key.Key_L)
    assert types(dock) == ["Haarzelle", "Haarzelle", "lymphocyte"]
    dock.type_button.menu().aboutToShow.emit()
    back = dock.type_button.menu().actions()[-1]
    back.trigger()
    assert types(dock) == ["Haarzelle"] * 3
    dock.export(tmp_path / "cells.csv")
    qtbot.waitUntil(lambda: not dock.output.writer.running, timeout=LONG)
    with (tmp_path / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert [row["type"] for row in csv.DictReader(file)] == ["Haarzelle"] * 3
    dock.save(tmp_path / "out")
    qtbot.waitUntil(lambda: not dock.output.writer.running, timeout=LONG)
    found = list(measure_class_maps([tmp_path / "out" / "a_classes.png", tmp_path / "out" / "b_classes.png"]))
    assert [measure.cell_type for one in found for measure in one.measures] == ["Haarzelle"] * 3


def test_every_type_has_a_letter_of_its_own():
    assert len(set(LETTERS.values())) == len(CELL_TYPES)
