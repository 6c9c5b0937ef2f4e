"""The study of the image list, in the Measure dock: groups, the summary by type and group, the report."""

import csv

import numpy as np
import pytest
from driving import LEFT, LONG
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.measure.columns import place_of

pytestmark = pytest.mark.gui
DECORATION = Qt.ItemDataRole.DecorationRole


@pytest.fixture
def dock(viewer, qtbot, tmp_path, segmentation, disc_map):
    """Two groups of three patients with an image each; the nuclei of the second group are smaller."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    paths = []
    for number in range(6):
        folder = tmp_path / "study" / "AB"[number // 3] / f"P{number}"
        folder.mkdir(parents=True)
        paths.append(folder / "1.png")
        Image.fromarray(np.full((120, 220, 3), 200, np.uint8)).save(paths[-1])
    dock.session.open_files(list(sources_from_files(paths)))
    for i in range(6):
        nucleus = (16 if i < 3 else 12) + i % 3
        dock.session.put(i, segmentation(disc_map((120, 220), (60, 60, 30, nucleus), (60, 160, 30, nucleus))))
    return dock


def lines(table):
    texts = [[table.item(i, j).text() for j in range(table.columnCount())] for i in range(table.rowCount())]
    titles = [table.horizontalHeaderItem(j).text() for j in range(table.columnCount())]
    return [dict(zip(titles, line, strict=True)) for line in texts]


def summed_up(qtbot, window, groups):
    qtbot.waitUntil(lambda: [one["Group"] for one in lines(window.summary)] == groups, timeout=LONG)
    return lines(window.summary)


def test_groups_summary_and_report(dock, qtbot, tmp_path, monkeypatch):
    QTest.mouseClick(dock.study_button, LEFT)
    window = dock.study
    qtbot.waitUntil(window.isVisible, timeout=LONG)
    (whole,) = summed_up(qtbot, window, ["all images"])
    assert (whole["Type"], whole["Patients"], whole["Cells"], whole["no CNR"]) == ("not typed", "–", "12", "0")
    QTest.keyClick(window.how, Qt.Key.Key_Down)  # from folders
    first, second = summed_up(qtbot, window, ["A", "B"])
    assert window.said.text() == "6 images: 2 groups (A, B), 6 patients."
    assert (first["Patients"], first["Cells"]) == ("3", "6")
    assert float(first["CNR"]) < float(second["CNR"])
    (compared,) = lines(window.comparisons)
    assert (compared["Groups"], compared["Patients"]) == ("B / A", "3, 3")
    assert float(compared["Ratio of CNR"]) > 1.2
    assert "No cell has a type" in window.warnings.text()

    # groups are columns of the table, with a colour, and the table can show one
    column = place_of("group")
    assert not dock.table.isColumnHidden(column)
    assert [dock.table.cells.row(i).group for i in range(12)] == ["A"] * 6 + ["B"] * 6
    icons = {dock.table.cells.data(dock.table.cells.index(i, column), DECORATION).cacheKey() for i in (0, 5, 6)}
    assert len(icons) == 2
    dock.scope.setFocus()
    QTest.keyClick(dock.scope, Qt.Key.Key_End)
    assert dock.scope.currentText() == "Group B"
    assert {dock.table.cells.row(i).patient for i in range(dock.table.cells.rowCount())} == {"P3", "P4", "P5"}
    qtbot.waitUntil(lambda: dock.summary.text().startswith("6 cells"), timeout=LONG)
    QTest.keyClick(dock.scope, Qt.Key.Key_Home)
    assert dock.table.cells.rowCount() == 12

    # what the brush changes is in the summary, once the hand rests
    dock.session.go_to(2, 1)  # a CNR in the middle of its group
    y, x = np.mgrid[50:56, 50:70]
    dock.session.classes_layer.data_setitem((y.ravel(), x.ravel()), 1)
    qtbot.waitUntil(lambda: lines(window.summary)[0] != first, timeout=LONG)

    folder = tmp_path / "report"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    QTest.mouseClick(window.report_button, LEFT)
    qtbot.waitUntil(window.open_button.isEnabled, timeout=LONG)
    assert str(folder / "report.html") in window.status.text()
    with (folder / "cells.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["patient"]) for row in rows[::2]] == [("AB"[i // 3], f"P{i}") for i in range(6)]


def test_a_sample_sheet_and_one_that_fits_nothing(dock, qtbot, tmp_path):
    dock.open_study()
    window = dock.study
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("file,patient,group\nA/*/1,p,case\nB/P3/*,q,control\nC/1,r,case\n")
    window.group_by(str(sheet))
    summed_up(qtbot, window, ["case", "control"])
    assert "Left out, for the rows of sheet.csv do not fit: B/P4/1.png, B/P5/1.png" in window.said.text()
    assert "Listed, and not among the images: C/1" in window.said.text()
    window.group_by("{group}-{patient}")
    assert "fit none of 6 images" in window.said.text()
    assert [one["Group"] for one in lines(window.summary)] == ["case", "control"]  # as it was
    window.group_by(None)
    summed_up(qtbot, window, ["all images"])
    assert dock.table.isColumnHidden(place_of("group"))
    assert dock.scope.count() == 2


def test_the_window_goes_with_its_dock(viewer, dock, qtbot):
    dock.open_study()
    window = dock.study
    qtbot.waitUntil(window.isVisible, timeout=LONG)
    viewer.window.remove_dock_widget(dock)
    assert not window.isVisible()


def test_a_sample_sheet_that_is_not_chosen_leaves_the_choice_as_it_was(dock, qtbot, monkeypatch):
    QTest.mouseClick(dock.study_button, LEFT)
    window = dock.study
    qtbot.waitUntil(window.isVisible, timeout=LONG)
    QTest.keyClick(window.how, Qt.Key.Key_Down)
    grouped, said = window.how.currentText(), window.said.text()
    assert "2 groups" in said
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    QTest.keyClick(window.how, Qt.Key.Key_End)
    assert (window.how.currentText(), window.said.text()) == (grouped, said)
    assert not window.pattern.isVisible()


def test_figures_stand_beside_each_other_at_the_right(dock, qtbot):
    QTest.mouseClick(dock.study_button, LEFT)
    window = dock.study
    qtbot.waitUntil(window.isVisible, timeout=LONG)
    summed_up(qtbot, window, ["all images"])
    header = window.summary.horizontalHeader()
    assert 0.98 * header.width() < header.length() <= header.width()
    figures = [header.sectionSize(i) for i in range(2, header.count())]
    assert max(figures) < min(header.sectionSize(0), header.sectionSize(1))
