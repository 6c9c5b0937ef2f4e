"""The rows change in place: what Qt hears is what a view and a selection live by."""

import math
import random

import pytest
from qtpy.QtCore import Qt

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.plugin.measure.cell_model import CellTableModel, SortedCells
from napari_leukocyte.plugin.measure.columns import COLUMNS

UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
TITLES = [column.title for column in COLUMNS]


@pytest.fixture
def model(qtmodeltester):
    model = CellTableModel()
    qtmodeltester.check(model, force_py=True)  # keeps watching that every signal fits what it announces
    return model


def keys(model):
    rows = [model.row(i) for i in range(model.rowCount())]
    return [(row.image_index, row.measure.cell) for row in rows]


def sorted_cells(model, title, order):
    proxy = SortedCells(model)
    proxy.sort(TITLES.index(title), order)
    return proxy, lambda: [int(proxy.index(i, TITLES.index("Cell")).data()) for i in range(proxy.rowCount())]


def heard(model):
    """Changes as Qt tells them: name, first and last row, and for data the titles of the columns."""
    events = []
    model.dataChanged.connect(lambda a, b: events.append(("changed", a.row(), b.row(), columns(a, b))))
    model.rowsInserted.connect(lambda _, first, last: events.append(("inserted", first, last)))
    model.rowsRemoved.connect(lambda _, first, last: events.append(("removed", first, last)))
    for signal in (model.modelReset, model.layoutChanged):
        signal.connect(lambda *_: events.append("all over"))
    return events


def columns(a, b):
    return TITLES[a.column() : b.column() + 1]


def test_the_columns_are_those_of_the_specification(model):
    assert TITLES == [
        "Image", "Cell", "CNR", "Range", "N:C", "Nucleus %",
        "Cytoplasm px²", "Nucleus px²", "Cytoplasm µm²", "Nucleus µm²", "Type", "Remarks",
    ]  # fmt: skip
    horizontal = Qt.Orientation.Horizontal
    assert [model.headerData(i, horizontal) for i in range(model.columnCount())] == TITLES
    assert all(model.headerData(i, horizontal, Qt.ItemDataRole.ToolTipRole) for i in range(model.columnCount()))


def test_what_a_row_shows(model, row):
    model.set_rows(3, [row(3, 7, 0.444, Flag.TOUCHING, Flag.EDITED)])
    shown = [model.index(0, i).data() for i in range(model.columnCount())]
    assert shown == [
        "smear_3.png", "7", "0.44", "0.36–0.58", "2.25", "69", "444", "1000", "4.4", "10.0", "", "touching; edited",
    ]  # fmt: skip
    tip = model.index(0, TITLES.index("Remarks")).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == f"{Flag.TOUCHING.words}\n{Flag.EDITED.words}"
    assert model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == "smear_3.png"


def test_a_withheld_cnr_is_a_dash_with_the_reason_as_tooltip(model, row):
    model.set_rows(0, [row(0, 1, 0.5, Flag.CUT_BY_EDGE, Flag.NOT_A_WBC_NRBC, Flag.EDITED)])
    for title in ("CNR", "Range", "N:C", "Nucleus %"):
        index = model.index(0, TITLES.index(title))
        assert index.data() == "–"
        assert index.data(Qt.ItemDataRole.ToolTipRole) == f"{Flag.CUT_BY_EDGE.words}\n{Flag.NOT_A_WBC_NRBC.words}"
    assert model.index(0, TITLES.index("Cytoplasm px²")).data() == "500"
    assert model.index(0, TITLES.index("Remarks")).data() == "cut by edge; not a WBC: nucleated red cell; edited"


def test_a_binary_map_has_whole_cells_and_no_nuclei(model, row):
    model.set_rows(0, [row(0, 1, binary=True)])
    assert "three classes" in model.index(0, TITLES.index("CNR")).data(Qt.ItemDataRole.ToolTipRole)
    assert [model.index(0, TITLES.index(title)).data() for title in ("Nucleus px²", "Nucleus µm²")] == ["–", "–"]
    area = model.index(0, TITLES.index("Cytoplasm px²"))
    assert area.data() == "1000"
    assert "whole cell" in area.data(Qt.ItemDataRole.ToolTipRole)


def test_numbers_are_aligned_to_the_right_and_words_to_the_left(model, row):
    model.set_rows(0, [row(0, 1)])
    for i, title in enumerate(TITLES):
        side = Qt.AlignmentFlag.AlignLeft if title in ("Image", "Type", "Remarks") else Qt.AlignmentFlag.AlignRight
        assert model.index(0, i).data(Qt.ItemDataRole.TextAlignmentRole) & side


def test_a_change_of_one_cell_tells_of_its_columns_only(model, row):
    rows = [row(0, n, n / 10) for n in range(1, 6)]
    model.set_rows(0, rows)
    events = heard(model)
    model.set_rows(0, [row(0, n, n / 10) for n in range(1, 6)])
    model.set_rows(0, [row(0, n, n / 10) for n in range(5, 0, -1)])
    assert events == []  # nothing differs, in whatever order they come
    rows[2] = row(0, 3, 0.3, Flag.EDITED)
    model.set_rows(0, rows)
    assert events == [("changed", 2, 2, ["Remarks"])]
    events.clear()
    rows[0] = row(0, 1, 0.9)
    model.set_rows(0, rows)
    (event,) = events
    assert event[:3] == ("changed", 0, 0)
    assert event[3] == TITLES[TITLES.index("CNR") : TITLES.index("Cytoplasm µm²") + 1]


def test_a_change_too_small_to_be_seen_still_sorts(model, row):
    model.set_rows(0, [row(0, 1, 0.7001), row(0, 2, 0.7002)])
    _, order = sorted_cells(model, "CNR", UP)
    assert order() == [1, 2]
    model.set_rows(0, [row(0, 1, 0.7003), row(0, 2, 0.7002)])
    assert order() == [2, 1]


def test_a_pixel_size_that_comes_to_be_known_is_told(model, row):
    model.set_rows(0, [row(0, 1, um2=False)])
    assert not model.has_um2
    assert model.index(0, TITLES.index("Nucleus µm²")).data() == "–"
    events = heard(model)
    model.set_rows(0, [row(0, 1, um2=False)])
    assert events == []
    model.set_rows(0, [row(0, 1)])
    assert events == [("changed", 0, 0, ["Cytoplasm µm²", "Nucleus µm²"])]
    assert model.has_um2


def test_new_cells_come_in_and_gone_ones_go_in_blocks(model, row):
    model.set_rows(1, [row(1, n) for n in (1, 2, 3, 6, 7)])
    model.set_rows(0, [row(0, 1)])
    model.set_rows(4, [row(4, 1)])
    events = heard(model)
    model.set_rows(1, [row(1, n) for n in (1, 4, 5, 6, 8)])
    assert keys(model) == [(0, 1), (1, 1), (1, 4), (1, 5), (1, 6), (1, 8), (4, 1)]
    assert events == [("removed", 5, 5), ("removed", 2, 3), ("inserted", 3, 3), ("inserted", 2, 3)]


def test_images_come_and_go_without_touching_others(model, row):
    for i in (2, 0, 1):
        model.set_rows(i, [row(i, 1), row(i, 2)])
    assert keys(model) == [(i, n) for i in range(3) for n in (1, 2)]
    model.set_rows(1, [])
    model.set_rows(9, [])
    assert keys(model) == [(0, 1), (0, 2), (2, 1), (2, 2)]
    assert (model.row_of(2, 1), model.row_of(1, 1), model.row_of(2, 3)) == (2, None, None)
    model.clear()
    assert (keys(model), model.row_of(0, 1), model.has_um2) == ([], None, False)


def test_any_sequence_of_changes_ends_where_it_should(model, row):
    """Random edits: the model, and a sorted and filtered view of it, always equal what was set last."""
    rng = random.Random(0)
    _, order = sorted_cells(model, "CNR", DOWN)
    held = {}
    for _ in range(40):
        image = rng.randrange(4)
        flags = [(), (), (), (Flag.CUT_BY_EDGE,)]
        held[image] = {
            n: row(image, n, rng.choice([0.2, 0.5, rng.random() + 0.1]), *rng.choice(flags))
            for n in rng.sample(range(1, 12), rng.randrange(11))
        }
        rows = list(held[image].values())
        rng.shuffle(rows)
        model.set_rows(image, rows)
        expected = [held[i][n] for i in sorted(held) for n in sorted(held[i])]
        assert [model.row(i) for i in range(model.rowCount())] == expected
        expected.sort(key=lambda r: (math.isnan(r.measure.cnr), 0 if math.isnan(r.measure.cnr) else -r.measure.cnr))
        assert order() == [r.measure.cell for r in expected]


@pytest.mark.parametrize("order", [UP, DOWN])
@pytest.mark.parametrize("title", ["CNR", "Range", "N:C", "Nucleus %", "Remarks"])
def test_what_has_no_value_is_last_in_both_directions(model, row, title, order):
    flags = {2: (Flag.EDITED,), 4: (Flag.TOUCHING,)}
    model.set_rows(0, [row(0, n, n / 10, *flags.get(n, ())) for n in range(1, 5)])
    model.set_rows(1, [row(1, 8, 1, Flag.NO_NUCLEUS), row(1, 9, 1, Flag.CUT_BY_EDGE)])
    _, cells = sorted_cells(model, title, order)
    if title == "Remarks":
        with_remarks = [9, 2, 8, 4]  # cut by edge, edited, no nucleus, touching
        assert cells() == (with_remarks if order == UP else with_remarks[::-1]) + [1, 3]
    else:
        rising = [4, 3, 2, 1] if title in ("N:C", "Nucleus %") else [1, 2, 3, 4]
        assert cells() == (rising if order == UP else rising[::-1]) + [8, 9]


def test_numbers_sort_by_value_and_images_as_in_the_list(model, row):
    model.set_rows(10, [row(10, 2, 10.0), row(10, 11, 9.0)])
    model.set_rows(9, [row(9, 100, 0.5)])
    assert sorted_cells(model, "CNR", UP)[1]() == [100, 11, 2]
    assert sorted_cells(model, "Cell", UP)[1]() == [2, 11, 100]
    assert sorted_cells(model, "Image", UP)[1]() == [100, 2, 11]
    assert sorted_cells(model, "Cytoplasm px²", DOWN)[1]() == [2, 11, 100]


def test_an_edit_outside_the_sorted_column_moves_nothing(model, row):
    rows = [row(0, n, n / 10) for n in range(1, 6)]
    model.set_rows(0, rows)
    proxy, order = sorted_cells(model, "CNR", UP)
    events = heard(proxy)
    rows[2] = row(0, 3, 0.3, Flag.EDITED)
    model.set_rows(0, rows)
    assert events == [("changed", 2, 2, ["Remarks"])]
    rows[2] = row(0, 3, 0.35)  # it changes, but its place does not
    model.set_rows(0, rows)
    assert "all over" not in events
    rows[2] = row(0, 3, 0.95)
    model.set_rows(0, rows)
    assert order() == [1, 2, 4, 5, 3]


def test_one_image_or_all(model, row):
    for i in (0, 1):
        model.set_rows(i, [row(i, 1), row(i, 2)])
    proxy = SortedCells(model)
    proxy.show_only(1)
    assert proxy.rowCount() == 2
    model.set_rows(1, [row(1, 1), row(1, 2), row(1, 3)])
    model.set_rows(2, [row(2, 1)])
    assert [proxy.index(i, 0).data() for i in range(proxy.rowCount())] == ["smear_1.png"] * 3
    proxy.show_only(None)
    assert proxy.rowCount() == 6
