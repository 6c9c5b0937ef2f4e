"""The cell table under real mouse clicks and keys."""

from dataclasses import replace

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QContextMenuEvent, QGuiApplication, QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMainWindow, QStyleOptionViewItem

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.plugin.measure.cell_table import CellTable
from napari_leukocyte.plugin.measure.columns import COLUMNS, place_of

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NAMES = [column.name for column in COLUMNS]
SHOWN = [name for name in NAMES if name not in ("type", "group", "patient")]  # until a cell has one


class _Window(QMainWindow):
    """Notes the keys that nobody in it took, as napari's does."""

    def __init__(self):
        super().__init__()
        self.keys = []

    def keyPressEvent(self, event):  # noqa: N802  (Qt's name)
        self.keys.append(event.key())


@pytest.fixture
def table(qtbot, row):
    """Three images of four cells; cell 4 is cut by the edge."""
    table = CellTable()
    qtbot.addWidget(table)
    for i in range(3):
        cells = [row(i, n, n / 10 + i) for n in (1, 2, 3)]
        table.cells.set_rows(i, [*cells, row(i, 4, 1, Flag.CUT_BY_EDGE)])
    table.resize(340, 500)
    with qtbot.waitExposed(table):
        table.show()
    return table


@pytest.fixture
def chosen(table):
    cells = []
    table.cell_chosen.connect(lambda image, cell: cells.append((image, cell)))
    return cells


def shown(table):
    """(image, cell) of each row, from the top."""
    model = table.model()
    rows = [[model.index(i, place_of(name)).data() for name in ("image", "cell")] for i in range(model.rowCount())]
    return [(int(image.removeprefix("smear_").removesuffix(".png")), int(cell)) for image, cell in rows]


def click(table, image, cell, modifier=NO_KEY, button=LEFT):
    index = table.model().index(shown(table).index((image, cell)), NAMES.index("cnr"))
    QTest.mouseClick(table.viewport(), button, modifier, table.visualRect(index).center())


def click_header(table, title, button=LEFT):
    header = table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(NAMES.index(title)) + 10, header.height() // 2)
    QTest.mouseClick(header.viewport(), button, NO_KEY, at)


def key(table, key, modifier=NO_KEY):
    QTest.keyClick(table, key, modifier)


def visible(table):
    return [name for i, name in enumerate(NAMES) if not table.isColumnHidden(i)]


# ---- picking and selecting ------------------------------------------------------------------------------


def test_a_click_chooses_a_cell(table, chosen):
    click(table, 1, 2)
    assert chosen == table.selected_cells() == [(1, 2)]
    click(table, 1, 2)
    assert chosen == [(1, 2), (1, 2)]  # to come back to it


def test_arrow_keys_choose_and_do_so_in_the_order_on_screen(table, chosen):
    table.select_cell(0, 4)
    key(table, Qt.Key.Key_Down)
    assert chosen == [(1, 1)]
    key(table, Qt.Key.Key_Up)
    key(table, Qt.Key.Key_Up)
    assert chosen == [(1, 1), (0, 4), (0, 3)]
    click_header(table, "cnr")
    key(table, Qt.Key.Key_Down)
    assert chosen[-1] == (1, 1)  # 0.3 is followed by 1.1
    key(table, Qt.Key.Key_End)
    assert chosen[-1][1] == 4  # the withheld ones are last
    before = len(chosen)
    key(table, Qt.Key.Key_Right)  # another field of the same cell
    assert len(chosen) == before
    key(table, Qt.Key.Key_Return)
    assert chosen[before:] == [chosen[before - 1]]


def test_selecting_by_program_says_nothing_and_scrolls_there(table, chosen, row):
    table.cells.set_rows(5, [row(5, n) for n in range(1, 200)])
    table.select_cell(5, 190)
    assert table.selected_cells() == [(5, 190)]
    at = table.visualRect(table.currentIndex())
    assert table.viewport().rect().contains(at.center())
    table.select_cell(5, None)
    assert table.selected_cells() == []
    table.select_cell(0, 2)
    table.select_cell(0, 77)  # no such cell
    assert table.selected_cells() == []
    assert chosen == []


def test_selecting_by_program_does_not_scroll_sideways(table):
    bar = table.horizontalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.value() > 0
    table.select_cell(2, 3)
    assert bar.value() == bar.maximum()


def test_selecting_one_of_several_selected_cells_keeps_them(table, chosen):
    click(table, 0, 1)
    click(table, 0, 3, CTRL)
    assert chosen == table.selected_cells() == [(0, 1), (0, 3)]
    table.select_cell(0, 1)
    assert table.selected_cells() == [(0, 1), (0, 3)]
    table.select_cell(0, 2)
    assert table.selected_cells() == [(0, 2)]


def test_many_cells_by_shift_and_taking_one_away_by_ctrl(table, chosen):
    click(table, 0, 2)
    click(table, 1, 1, SHIFT)
    assert table.selected_cells() == [(0, 2), (0, 3), (0, 4), (1, 1)]
    assert chosen == [(0, 2), (1, 1)]
    click(table, 0, 3, CTRL)
    assert table.selected_cells() == [(0, 2), (0, 4), (1, 1)]
    assert chosen == [(0, 2), (1, 1)]  # what was taken away was not chosen


def test_neither_a_right_click_nor_a_click_below_the_rows_chooses(table, chosen):
    click(table, 0, 1, button=Qt.MouseButton.RightButton)
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, QPoint(40, table.viewport().height() - 5))
    assert chosen == []


# ---- live changes ---------------------------------------------------------------------------------------


def test_a_selected_cell_stays_selected_while_it_and_others_change(table, chosen, row):
    click_header(table, "cnr")
    click(table, 0, 2)
    del chosen[:]
    # its CNR is now the largest, a cell before it goes, new ones come
    table.cells.set_rows(0, [row(0, 2, 9.0), row(0, 3, 0.3), row(0, 5, 0.01), row(0, 6, 0.5)])
    assert table.selected_cells() == [(0, 2)]
    assert [cell for cell in shown(table) if cell[0] == 0] == [(0, 5), (0, 3), (0, 6), (0, 2)]
    table.cells.set_rows(0, [row(0, 2, 0.25), row(0, 3, 0.3)])
    table.cells.set_rows(1, [])
    assert table.selected_cells() == [(0, 2)]
    assert chosen == []


def test_when_the_selected_cell_goes_no_other_is_selected(table, chosen, row):
    click(table, 0, 2)
    del chosen[:]
    table.cells.set_rows(0, [row(0, 1), row(0, 3)])
    assert table.selected_cells() == []
    click(table, 1, 2)
    click(table, 1, 3, CTRL)
    table.cells.set_rows(1, [row(1, 1), row(1, 2)])  # joined: 3 is now part of 2
    assert table.selected_cells() == [(1, 2)]
    table.cells.clear()
    assert table.selected_cells() == []
    assert chosen == [(1, 2), (1, 3)]


def test_showing_one_image(table, chosen):
    click(table, 0, 2)
    table.show_only([1])
    assert shown(table) == [(1, n) for n in (1, 2, 3, 4)]
    assert table.selected_cells() == []
    table.select_cell(0, 2)  # not among those shown
    assert table.selected_cells() == []
    table.select_cell(1, 3)
    assert table.selected_cells() == [(1, 3)]
    table.show_only(None)
    assert len(shown(table)) == 12
    assert table.selected_cells() == [(1, 3)]
    assert chosen == [(0, 2)]


# ---- sorting --------------------------------------------------------------------------------------------


def test_a_click_on_a_title_sorts_up_then_down_then_not(table):
    listed = shown(table)
    click_header(table, "cnr")
    cells = [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    withheld = [(0, 4), (1, 4), (2, 4)]
    assert shown(table) == cells + withheld
    horizontal = Qt.Orientation.Horizontal
    assert table.model().headerData(NAMES.index("cnr"), horizontal) == "CNR ▴\ncyt / nuc"
    click_header(table, "cnr")
    assert shown(table) == cells[::-1] + withheld
    assert table.model().headerData(NAMES.index("cnr"), horizontal) == "CNR ▾\ncyt / nuc"
    if hasattr(table.horizontalHeader(), "setSortIndicatorClearable"):
        click_header(table, "cnr")
        assert shown(table) == listed
        assert table.model().headerData(NAMES.index("cnr"), horizontal) == "CNR\ncyt / nuc"


# ---- columns --------------------------------------------------------------------------------------------


def test_the_first_columns_fit_in_a_narrow_dock(table):
    table.resize(320, 200)  # 340 less the margins of a dock; rows enough for a scroll bar
    QApplication.processEvents()
    assert table.verticalScrollBar().isVisible()
    last = NAMES.index("cnr")
    assert table.viewport().width() >= table.columnViewportPosition(last) + table.columnWidth(last)
    table.show_only([0])
    table.resize(400, 200)  # as wide as in a window of 1400 px
    QApplication.processEvents()
    room = table.fontMetrics().horizontalAdvance
    assert table.columnWidth(NAMES.index("range")) > room("0.44 – 0.57")


def test_um2_columns_are_there_when_a_pixel_size_is(table, row):
    assert visible(table) == SHOWN
    for i in range(3):
        table.cells.set_rows(i, [row(i, 1, um2=False)])
    assert visible(table) == [name for name in SHOWN if "um2" not in name]
    table.cells.set_rows(1, [row(1, 1)])
    assert visible(table) == SHOWN
    table.cells.set_rows(1, [])
    assert "nucleus_um2" not in visible(table)


def open_menu(table):
    header = table.horizontalHeader()
    at = QPoint(30, header.height() // 2)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, header.viewport().mapToGlobal(at))
    QApplication.sendEvent(header.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    return menu, dict(zip(NAMES, menu.actions(), strict=True))


def click_action(menu, action):
    QTest.mouseClick(menu, LEFT, NO_KEY, menu.actionGeometry(action).center())


def test_columns_are_chosen_on_the_header(table, row):
    menu, actions = open_menu(table)
    assert (actions["nc_ratio"].text(), actions["nucleus_fraction"].text()) == ("N:C nuc / cyt", "N:C nuc / cell")
    assert not actions["cell"].isEnabled()
    click_action(menu, actions["nc_ratio"])
    assert visible(table) == [name for name in SHOWN if name != "nc_ratio"]
    menu, actions = open_menu(table)
    assert not actions["nc_ratio"].isChecked()
    click_action(menu, actions["nucleus_um2"])
    # hidden by the user, it stays so when the other comes back
    for um2 in (False, True):
        for i in range(3):
            table.cells.set_rows(i, [row(i, 1, um2=um2)])
    assert visible(table) == [name for name in SHOWN if name not in ("nc_ratio", "nucleus_um2")]
    menu, actions = open_menu(table)
    click_action(menu, actions["nc_ratio"])
    assert "nc_ratio" in visible(table)


def test_the_column_of_types_comes_and_goes_with_them(table, row):
    typed = replace(row(1, 2), measure=replace(row(1, 2).measure, cell_type="blast"))
    table.cells.set_rows(1, [row(1, 1), typed])
    assert visible(table) == [name for name in NAMES if name not in ("group", "patient")]
    table.cells.set_rows(1, [row(1, 1), row(1, 2)])
    assert visible(table) == SHOWN


def test_the_columns_of_a_study_come_and_go_with_it(table, row):
    table.cells.set_rows(1, [replace(row(1, 1), patient="P1", group="treated")])
    assert visible(table) == [name for name in NAMES if name != "type"]
    table.cells.set_rows(1, [row(1, 1)])
    assert visible(table) == SHOWN


def test_an_empty_column_cannot_be_asked_for(table):
    table.cells.clear()
    menu, actions = open_menu(table)
    assert not actions["nucleus_um2"].isEnabled()
    assert not actions["image"].isEnabled()
    menu.close()


def test_the_image_stands_there_when_there_are_several(table, row):
    for i in (1, 2):
        table.cells.set_rows(i, [])
    assert visible(table) == [name for name in SHOWN if name != "image"]
    table.cells.set_rows(1, [row(1, 1)])
    assert visible(table) == SHOWN


def test_hidden_columns_are_told_to_be_remembered_and_hidden_again(table, qtbot):
    told = []
    table.columns_chosen.connect(told.append)
    for name in ("nc_ratio", "remarks"):
        menu, actions = open_menu(table)
        click_action(menu, actions[name])
    assert told == [["nc_ratio"], ["nc_ratio", "remarks"]]
    other = CellTable()
    qtbot.addWidget(other)
    other.hide_columns([*told[-1], "of an older version", "cell"])
    hidden = [name for i, name in enumerate(NAMES) if i in other._unwanted]
    assert hidden == ["nc_ratio", "remarks"]


# ---- copying --------------------------------------------------------------------------------------------


def test_ctrl_c_copies_the_selected_rows_as_seen(table):
    click_header(table, "cnr")
    click_header(table, "cnr")
    click(table, 0, 1)
    click(table, 1, 4, CTRL)
    click(table, 2, 3, CTRL)
    key(table, Qt.Key.Key_C, CTRL)
    lines = [line.split("\t") for line in QGuiApplication.clipboard().text().split("\n")]
    assert lines == [
        [column.heading for column in COLUMNS if column.name in SHOWN and column.name != "sign"],
        ["smear_2.png", "3", "2.30", "1.84–2.99", "0.30", "0.43", "2300", "1000", "23.0", "10.0", ""],
        ["smear_0.png", "1", "0.10", "0.08–0.13", "0.91", "10.00", "100", "1000", "1.0", "10.0", ""],
        ["smear_1.png", "4", "cut", "–", "–", "–", "1000", "1000", "10.0", "10.0", "cut by edge"],
    ]


def test_what_is_not_shown_is_not_copied(table):
    for place in range(NAMES.index("cnr") + 1, len(NAMES)):
        table.column_menu().actions()[place].trigger()
    click(table, 0, 1)
    key(table, Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == "Image\tCell\tCNR cyt / nuc\nsmear_0.png\t1\t0.10"


def test_nothing_selected_leaves_the_clipboard_alone(table):
    QGuiApplication.clipboard().setText("mine")
    key(table, Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == "mine"


def test_the_table_copies_even_where_the_window_has_the_same_keys(table, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(table)
    taken = []
    action = window.addAction("Copy")
    action.setShortcut(QKeySequence.StandardKey.Copy)
    action.triggered.connect(lambda: taken.append(True))
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    table.setFocus()
    click(table, 0, 1)
    key(table, Qt.Key.Key_C, CTRL)
    assert taken == []
    assert QGuiApplication.clipboard().text().startswith("Image\t")
    window.takeCentralWidget()  # each is closed on its own


def test_a_title_and_a_field_explain_themselves(table):
    index = table.model().index(shown(table).index((0, 4)), NAMES.index("cnr"))
    assert index.data(Qt.ItemDataRole.ToolTipRole) == Flag.CUT_BY_EDGE.words
    header = table.model().headerData(NAMES.index("nc_ratio"), Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "1 / CNR" in header


def test_a_click_keeps_the_focus_and_other_keys_go_to_the_window(table, chosen, qtbot):
    window = _Window()
    qtbot.addWidget(window)
    window.setCentralWidget(table)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    click(table, 0, 1)
    assert table.hasFocus()
    key(table, Qt.Key.Key_Down)
    key(table, Qt.Key.Key_Down)
    assert chosen == [(0, 1), (0, 2), (0, 3)]
    for letter in (Qt.Key.Key_Q, Qt.Key.Key_U, Qt.Key.Key_2, Qt.Key.Key_Delete):
        key(table, letter)
    assert window.keys == [Qt.Key.Key_Q, Qt.Key.Key_U, Qt.Key.Key_2, Qt.Key.Key_Delete]
    assert table.selected_cells() == [(0, 3)]
    window.takeCentralWidget()


def test_doubtful_and_withheld_numbers_are_drawn_otherwise(table, row):
    table.cells.set_rows(0, [row(0, 1), row(0, 2, 1.0, Flag.TOUCHING), row(0, 3, 1.0, Flag.CUT_BY_EDGE)])
    table.show_only([0])
    signs, italic = [], []
    for number in range(3):
        sign = table.viewport().grab(table.visualRect(table.cells.index(number, NAMES.index("sign")))).toImage()
        signs.append(len({sign.pixel(x, y) for x in range(sign.width()) for y in range(sign.height())}))
        option = QStyleOptionViewItem()
        table.itemDelegate().initStyleOption(option, table.cells.index(number, NAMES.index("cnr")))
        italic.append(option.font.italic())
    assert signs[0] == 1  # nothing but the ground
    assert min(signs[1:]) > 5
    assert italic == [False, True, True]
