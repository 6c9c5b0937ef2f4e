"""The table of a slide's cells under real mouse clicks and keys."""

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMainWindow

from napari_leukocyte.plugin.segment.slide_table import SlideTable

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CNR = 1  # its column


def cell(number, cnr, **others):
    told = {"cell": str(number), "cnr": cnr, "x_um": f"{10 * number}", "y_um": "7.5", "place": "monolayer", "flags": ""}
    return told | others


@pytest.fixture
def rows():
    """Ten cells; the third has no CNR."""
    return [cell(n, "" if n == 3 else f"{(7 * n) % 10 / 10 + 0.05}") for n in range(1, 11)]


@pytest.fixture
def window(qtbot, rows):
    """A window that notes the keys which nobody in it took, as napari's does."""

    class Window(QMainWindow):
        def keyPressEvent(self, event):  # noqa: N802  (Qt's name)
            self.keys.append(event.key())

    window = Window()
    window.keys = []
    table = SlideTable()
    table.show_cells(rows)
    window.setCentralWidget(table)
    qtbot.addWidget(window)
    window.resize(420, 180)
    with qtbot.waitExposed(window):
        window.show()
    return window


@pytest.fixture
def table(window):
    return window.centralWidget()


@pytest.fixture
def chosen(table):
    found = []
    table.chosen.connect(found.append)
    return found


def shown(table):
    return [int(table.model().index(place, 0).data()) for place in range(table.model().rowCount())]


def title(table, column):
    return table.model().headerData(column, Qt.Orientation.Horizontal)


def click(table, number):
    index = table.model().index(shown(table).index(number), CNR)
    table.scrollTo(index)
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, table.visualRect(index).center())


def click_header(table, column):
    header = table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(column) + 8, header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, NO_KEY, at)


def test_a_cell_without_a_cnr_comes_last_in_both_directions(table):
    click_header(table, CNR)
    assert title(table, CNR) == "CNR ▴"
    up = shown(table)
    click_header(table, CNR)
    assert [title(table, column) for column in (0, CNR)] == ["Cell", "CNR ▾"]
    assert up[-1] == shown(table)[-1] == 3
    assert up[:-1] == shown(table)[-2::-1]


def test_a_click_tells_the_row_of_the_file_however_it_is_sorted_and_again_to_come_back(table, chosen):
    click_header(table, CNR)
    click(table, 8)
    click(table, 8)
    assert chosen == [7, 7]
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert chosen[2:] == [shown(table)[shown(table).index(8) + 1] - 1]


def test_keys_of_the_brush_are_left_to_the_window(window, table, chosen):
    click(table, 1)
    for key in (Qt.Key.Key_Q, Qt.Key.Key_5):
        QTest.keyClick(table, key)
    assert window.keys == [Qt.Key.Key_Q, Qt.Key.Key_5]
    assert chosen == [0]


def test_new_figures_of_the_cells_leave_the_picked_one_where_it_is(table, chosen, rows):
    click_header(table, CNR)
    click(table, 9)
    scrolled = table.verticalScrollBar().value()
    table.renew([cell(11, "0.01"), *(row | {"flags": "edited"} for row in rows if row["cell"] != "4")])
    assert table.currentIndex().siblingAtColumn(0).data() == "9"
    assert table.selectionModel().isRowSelected(table.currentIndex().row())
    assert table.verticalScrollBar().value() == scrolled
    assert chosen == [8]  # nobody has clicked
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert chosen == [8, 8]  # the first row of the file is another one now, one is gone
    table.renew([row for row in rows if row["cell"] != "9"])
    assert not table.selectionModel().hasSelection()


def test_sorting_anew_keeps_the_picked_cell(table):
    click(table, 5)
    click_header(table, CNR)
    assert table.currentIndex().siblingAtColumn(0).data() == "5"
    assert table.selectionModel().isRowSelected(table.currentIndex().row())
