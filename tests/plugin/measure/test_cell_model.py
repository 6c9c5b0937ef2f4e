"""The rows change in place: what Qt hears is what a view and a selection live by."""

import math
import random
from dataclasses import replace

import pytest
from qtpy.QtCore import QPersistentModelIndex, Qt

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.plugin.measure.cell_model import CellTableModel
from napari_leukocyte.plugin.measure.columns import COLUMNS, Sign, sign_of

UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
NAMES = [column.name for column in COLUMNS]


@pytest.fixture
def model(qtmodeltester):
    model = CellTableModel()
    qtmodeltester.check(model, force_py=True)  # keeps watching that every signal fits what it announces
    return model


def keys(model):
    rows = [model.row(i) for i in range(model.rowCount())]
    return [(row.image_index, row.measure.cell) for row in rows]


def cells_by(model, name, order):
    """The cell numbers from the top, sorted by a column."""
    model.sort(NAMES.index(name), order)
    return shown_cells(model)


def shown_cells(model):
    return [int(model.index(i, NAMES.index("cell")).data()) for i in range(model.rowCount())]


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
    return NAMES[a.column() : b.column() + 1]


def test_the_columns_and_their_formulas(model):
    assert NAMES == [
        "sign", "image", "cell", "cnr", "range", "nucleus_fraction", "nc_ratio",
        "cytoplasm_px", "nucleus_px", "cytoplasm_um2", "nucleus_um2", "type", "group", "patient",
        "remarks",
    ]  # fmt: skip
    horizontal, tip = Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    heads = {name: model.headerData(i, horizontal) for i, name in enumerate(NAMES)}
    tips = {name: model.headerData(i, horizontal, tip) for i, name in enumerate(NAMES)}
    assert all(tips.values())
    assert heads["cnr"] == "CNR\ncyt / nuc"
    assert (heads["nc_ratio"], heads["nucleus_fraction"]) == ("N:C\nnuc / cyt", "N:C\nnuc / cell")
    assert "cytoplasm area / nucleus area" in tips["cnr"]
    assert "nucleus area / cytoplasm area" in tips["nc_ratio"]
    assert "nucleus area / area of the whole cell" in tips["nucleus_fraction"]


def test_what_a_row_shows(model, row):
    model.set_rows(3, [row(3, 7, 0.444, Flag.TOUCHING, Flag.EDITED)])
    shown = [model.index(0, i).data() for i in range(model.columnCount())]
    assert shown == [
        "", "smear_3.png", "7", "0.44", "0.36–0.58", "0.69", "2.25", "444", "1000", "4.4", "10.0", "",
        "", "", "touching; edited",
    ]  # fmt: skip
    tip = model.index(0, NAMES.index("remarks")).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == f"{Flag.TOUCHING.words}\n{Flag.EDITED.words}"
    assert model.index(0, NAMES.index("sign")).data(Qt.ItemDataRole.ToolTipRole) == tip
    assert model.index(0, NAMES.index("image")).data(Qt.ItemDataRole.ToolTipRole) == "smear_3.png"


def test_a_withheld_cnr_is_a_word_with_the_reasons_as_tooltip(model, row):
    model.set_rows(0, [row(0, 1, 0.5, Flag.CUT_BY_EDGE, Flag.NOT_A_WBC_NRBC, Flag.EDITED)])
    for name, text in (("cnr", "NRBC"), ("range", "–"), ("nc_ratio", "–"), ("nucleus_fraction", "–")):
        index = model.index(0, NAMES.index(name))
        assert index.data() == text
        assert index.data(Qt.ItemDataRole.ToolTipRole) == f"{Flag.CUT_BY_EDGE.words}\n{Flag.NOT_A_WBC_NRBC.words}"
    assert model.index(0, NAMES.index("cytoplasm_px")).data() == "500"
    assert model.index(0, NAMES.index("remarks")).data() == "cut by edge; not a WBC: nucleated red cell; edited"


def test_a_binary_map_has_whole_cells_and_no_nuclei(model, row):
    model.set_rows(0, [row(0, 1, binary=True)])
    assert "three classes" in model.index(0, NAMES.index("cnr")).data(Qt.ItemDataRole.ToolTipRole)
    assert [model.index(0, NAMES.index(title)).data() for title in ("nucleus_px", "nucleus_um2")] == ["–", "–"]
    area = model.index(0, NAMES.index("cytoplasm_px"))
    assert area.data() == "1000"
    assert "whole cell" in area.data(Qt.ItemDataRole.ToolTipRole)


def test_numbers_are_aligned_to_the_right_and_words_to_the_left(model, row):
    model.set_rows(0, [row(0, 1)])
    for i, title in enumerate(NAMES):
        words = title in ("sign", "image", "type", "group", "patient", "remarks")
        side = Qt.AlignmentFlag.AlignLeft if words else Qt.AlignmentFlag.AlignRight
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
    assert events == [("changed", 2, 2, [name]) for name in ("sign", "range", "remarks")]  # the range's tooltip, too
    events.clear()
    rows[0] = row(0, 1, 0.9)
    model.set_rows(0, rows)
    assert {event[:3] for event in events} == {("changed", 0, 0)}
    assert [name for event in events for name in event[3]] == [
        "cnr", "range", "nucleus_fraction", "nc_ratio", "cytoplasm_px", "cytoplasm_um2",
    ]  # fmt: skip


def test_a_change_too_small_to_be_seen_still_sorts(model, row):
    model.set_rows(0, [row(0, 1, 0.7001), row(0, 2, 0.7002)])
    assert cells_by(model, "cnr", UP) == [1, 2]
    model.set_rows(0, [row(0, 1, 0.7003), row(0, 2, 0.7002)])
    assert shown_cells(model) == [2, 1]


def test_a_pixel_size_that_comes_to_be_known_is_told(model, row):
    model.set_rows(0, [row(0, 1, um2=False)])
    assert not model.has_um2
    assert model.index(0, NAMES.index("nucleus_um2")).data() == "–"
    events = heard(model)
    model.set_rows(0, [row(0, 1, um2=False)])
    assert events == []
    model.set_rows(0, [row(0, 1)])
    assert events == [("changed", 0, 0, ["cytoplasm_um2", "nucleus_um2"])]
    assert model.has_um2


def test_new_cells_come_in_and_gone_ones_go_in_blocks(model, row):
    model.set_rows(1, [row(1, n) for n in (1, 2, 3, 6, 7)])
    model.set_rows(0, [row(0, 1)])
    model.set_rows(4, [row(4, 1)])
    events = heard(model)
    model.set_rows(1, [row(1, n) for n in (1, 4, 5, 6, 8)])
    assert keys(model) == [(0, 1), (1, 1), (1, 4), (1, 5), (1, 6), (1, 8), (4, 1)]
    assert events == [("removed", 5, 5), ("removed", 2, 3), ("inserted", 2, 3), ("inserted", 5, 5)]


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
    """Random edits: the list, and the same sorted, always equal what was set last; Qt's checker hears each step."""
    rng = random.Random(0)
    by_cnr, model = model, CellTableModel()
    by_cnr.sort(NAMES.index("cnr"), DOWN)
    held = {}
    for _ in range(20):
        image = rng.randrange(4)
        flags = [(), (), (), (Flag.CUT_BY_EDGE,)]
        held[image] = {
            n: row(image, n, rng.choice([0.2, 0.5, rng.random() + 0.1]), *rng.choice(flags))
            for n in rng.sample(range(1, 7), rng.randrange(6))
        }
        rows = list(held[image].values())
        rng.shuffle(rows)
        model.set_rows(image, rows)
        by_cnr.set_rows(image, rows)
        expected = [held[i][n] for i in sorted(held) for n in sorted(held[i])]
        assert [model.row(i) for i in range(model.rowCount())] == expected
        expected.sort(key=lambda r: (math.isnan(r.measure.cnr), 0 if math.isnan(r.measure.cnr) else -r.measure.cnr))
        assert [by_cnr.row(i) for i in range(by_cnr.rowCount())] == expected
        found = {(r.image_index, r.measure.cell): i for i, r in enumerate(expected)}
        assert {key: by_cnr.row_of(*key) for key in found} == found


def test_changes_at_many_places_are_told_as_one(row):
    model = CellTableModel()
    model.set_rows(0, [row(0, n, n / 10) for n in range(1, 400)])
    model.sort(NAMES.index("cnr"), UP)
    events = heard(model)
    model.set_rows(1, [row(1, n, n / 10 + 0.05) for n in range(1, 400)])  # each falls between two others
    assert events == ["all over"]
    assert shown_cells(model) == [n for n in range(1, 400) for _ in (0, 1)]
    model.set_rows(1, [])
    assert events == ["all over"] * 2
    assert shown_cells(model) == list(range(1, 400))


def test_a_persistent_index_goes_where_its_cell_goes(model, row):
    model.set_rows(0, [row(0, n, n / 10) for n in range(1, 6)])
    held = QPersistentModelIndex(model.index(0, NAMES.index("cell")))
    model.sort(NAMES.index("cnr"), DOWN)
    assert (held.row(), held.data()) == (4, "1")
    model.set_rows(0, [row(0, 1, 0.9), *[row(0, n, n / 10) for n in range(2, 6)]])
    assert (held.row(), held.data()) == (0, "1")


def test_the_sign_says_how_grave_a_remark_is(model, row):
    flags = [(), (Flag.EDITED,), (Flag.TOUCHING,), (Flag.CUT_BY_EDGE, Flag.TOUCHING), (Flag.PIXEL_SIZE_DOUBTFUL,)]
    rows = [row(0, n, 1.0, *found) for n, found in enumerate(flags)]
    assert [sign_of(one) for one in rows] == [Sign.NONE, Sign.REMARK, Sign.DOUBT, Sign.WITHHELD, Sign.REMARK]
    model.set_rows(0, rows)
    assert cells_by(model, "sign", UP) == [3, 2, 1, 4, 0]


def test_rows_that_were_segmented_with_other_choices_say_so(model, row):
    model.set_rows(0, [replace(row(0, 1), made_otherwise="Segmented with model: a instead of b.")])
    assert sign_of(model.row(0)) is Sign.DOUBT
    remark = model.index(0, NAMES.index("remarks"))
    assert remark.data() == "segmented with other choices"
    assert remark.data(Qt.ItemDataRole.ToolTipRole) == "Segmented with model: a instead of b."


@pytest.mark.parametrize("order", [UP, DOWN])
@pytest.mark.parametrize("title", ["cnr", "range", "nc_ratio", "nucleus_fraction", "remarks"])
def test_what_has_no_value_is_last_in_both_directions(model, row, title, order):
    flags = {2: (Flag.EDITED,), 4: (Flag.TOUCHING,)}
    model.set_rows(0, [row(0, n, n / 10, *flags.get(n, ())) for n in range(1, 5)])
    model.set_rows(1, [row(1, 8, 1, Flag.NO_NUCLEUS), row(1, 9, 1, Flag.CUT_BY_EDGE)])
    cells = cells_by(model, title, order)
    if title == "remarks":
        with_remarks = [9, 2, 8, 4]  # cut by edge, edited, no nucleus, touching
        assert cells == (with_remarks if order == UP else with_remarks[::-1]) + [1, 3]
    else:
        rising = [4, 3, 2, 1] if title in ("nc_ratio", "nucleus_fraction") else [1, 2, 3, 4]
        assert cells == (rising if order == UP else rising[::-1]) + [8, 9]


def test_numbers_sort_by_value_and_images_as_in_the_list(model, row):
    model.set_rows(10, [row(10, 2, 10.0), row(10, 11, 9.0)])
    model.set_rows(9, [row(9, 100, 0.5)])
    assert cells_by(model, "cnr", UP) == [100, 11, 2]
    assert cells_by(model, "cell", UP) == [2, 11, 100]
    assert cells_by(model, "image", UP) == [100, 2, 11]
    assert cells_by(model, "cytoplasm_px", DOWN) == [2, 11, 100]


def test_an_edit_outside_the_sorted_column_moves_nothing(model, row):
    rows = [row(0, n, n / 10) for n in range(1, 6)]
    model.set_rows(0, rows)
    cells_by(model, "cnr", UP)
    events = heard(model)
    rows[2] = row(0, 3, 0.3, Flag.EDITED)
    model.set_rows(0, rows)
    assert events == [("changed", 2, 2, [name]) for name in ("sign", "range", "remarks")]  # the range's tooltip, too
    rows[2] = row(0, 3, 0.35)  # it changes, but its place does not
    model.set_rows(0, rows)
    assert "all over" not in events
    rows[2] = row(0, 3, 0.95)
    model.set_rows(0, rows)
    assert shown_cells(model) == [1, 2, 4, 5, 3]


def test_one_image_or_all(model, row):
    for i in (0, 1):
        model.set_rows(i, [row(i, 1), row(i, 2)])
    model.show_only([1])
    assert model.rowCount() == 2
    model.set_rows(1, [row(1, 1), row(1, 2), row(1, 3)])
    model.set_rows(2, [row(2, 1)])
    image = NAMES.index("image")
    assert [model.index(i, image).data() for i in range(model.rowCount())] == ["smear_1.png"] * 3
    assert model.row_of(2, 1) is None
    model.show_only(None)
    assert model.rowCount() == 6
