"""Cells followed through edits of a class map that someone else holds."""

import numpy as np
import pytest
from drawn import disc

from edits import run
from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.live import LiveCells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize

SHAPE = (100, 160)
SMUDGE = Flag.NOT_A_WBC_SMUDGE


@pytest.fixture
def classes():
    """Two cells apart: centres (50, 40) and (50, 115), radius 25, nuclei 12."""
    classes = np.zeros(SHAPE, np.uint8)
    for x in (40, 115):
        classes[disc(SHAPE, (50, x), 25)] = 1
        classes[disc(SHAPE, (50, x), 12)] = 2
    return classes


@pytest.fixture
def live(classes):
    return LiveCells(classes, label_cells(classes), pixel_size=PixelSize(0.25, "typed"))


def numbers(live):
    return [measure.cell for measure in live.measures]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_a_hundred_random_edits_keep_every_property(seed):
    made, _ = run(100, seed=seed)
    assert {"stroke", "split", "join", "mark", "undo", "redo"} <= made.keys()


def test_the_holder_s_arrays_are_left_alone(classes, live):
    before = classes.copy()
    edit = classes.copy()
    edit[40:60, 30:50] = 1
    live.follow(edit)
    np.testing.assert_array_equal(classes, before)


def test_an_edit_measures_its_cell_again_and_no_other(classes, live):
    other = live.measure_of(2)
    edit = classes.copy()
    edit[disc(SHAPE, (50, 40), 16)] = 2
    change = live.follow(edit)
    assert change.cells == {1}
    assert live.measure_of(1).cnr < 1.6
    assert live.measure_of(2) is other
    assert Flag.EDITED in live.measure_of(1).flags
    assert Flag.EDITED not in other.flags


def test_a_neighbour_learns_that_it_is_touched(classes, live):
    edit = classes.copy()
    edit[45:55, 60:90] = 1
    live.follow(edit)
    assert Flag.TOUCHING in live.measure_of(1).flags
    assert Flag.TOUCHING in live.measure_of(2).flags


def test_nothing_changed_is_nothing(classes, live):
    assert live.follow(classes) is None
    assert not live.edited


def test_numbers_are_never_given_twice(classes, live):
    edit = classes.copy()
    edit[:, 80:] = 0
    live.follow(edit)
    assert numbers(live) == [1]
    live.follow(classes)
    assert numbers(live) == [1, 3]


def test_undo_brings_the_number_back(classes, live):
    edit = classes.copy()
    edit[:, 80:] = 0
    live.follow(edit)
    live.follow_undo(classes, back=True)
    assert numbers(live) == [1, 2]
    assert not live.edited
    live.follow_undo(edit, back=False)
    assert numbers(live) == [1]


def test_one_undo_may_take_back_several_steps(classes, live):
    half, whole = classes.copy(), classes.copy()
    half[30:70, 10:25] = 0
    whole[30:70, 10:40] = 0
    live.follow(half)
    live.follow(whole)
    live.follow_undo(classes, back=True)
    assert not live.edited
    live.follow_undo(whole, back=False)
    np.testing.assert_array_equal(live.classes, whole)
    assert live.edited


def test_an_undo_from_before_the_history_is_followed_as_an_edit(classes, live):
    live.history.clear()
    edit = classes.copy()
    edit[50:53, 40:43] = 1
    assert live.follow_undo(edit, back=True) is not None
    np.testing.assert_array_equal(live.classes, edit)


def test_split_and_join(live):
    live_repairs.split(live, [(20, 40), (80, 40)])
    assert numbers(live) == [1, 2, 3]
    assert live.measure_of(1).cytoplasm_px + live.measure_of(3).cytoplasm_px > 1400
    live_repairs.join(live, [3, 1])
    assert numbers(live) == [2, 3]
    live.follow_undo(live.classes.copy(), back=True)
    assert numbers(live) == [1, 2, 3]
    live.follow_undo(live.classes.copy(), back=True)
    assert numbers(live) == [1, 2]
    assert not live.edited


def test_cells_apart_can_be_joined_and_split_again(live):
    live_repairs.join(live, [1, 2])
    assert numbers(live) == [1]
    live_repairs.split(live, [(50, 5), (50, 155)])  # lengthwise through both
    assert len(numbers(live)) > 1


def test_a_short_stroke_is_meant_to_go_right_through(live):
    live_repairs.split(live, [(45, 40), (55, 40)])
    assert numbers(live) == [1, 2, 3]


def test_a_mark_withholds_the_cnr_and_is_undone(classes, live):
    live_repairs.mark(live, [2], SMUDGE)
    assert np.isnan(live.measure_of(2).cnr)
    assert SMUDGE in live.measure_of(2).flags
    assert live.edited
    assert live_repairs.mark(live, [2], SMUDGE) is None
    live.follow_undo(classes, back=True)
    assert live.measure_of(2).cnr > 0
    assert not live.edited


def test_a_type_is_kept_with_the_cell_and_undone_and_done_again(classes, live):
    live_repairs.set_type(live, [1, 2], "Monocyte")
    assert [measure.cell_type for measure in live.measures] == ["monocyte", "monocyte"]
    assert live.edited
    assert not live.by_hand.edited  # its outlines are as they were
    assert live_repairs.set_type(live, [2], "monocyte") is None
    live_repairs.set_type(live, [2], "")
    assert live.by_hand.types == {1: "monocyte"}
    live.follow_undo(classes, back=True)
    live.follow_undo(classes, back=True)
    assert [measure.cell_type for measure in live.measures] == ["", ""]
    assert not live.edited
    live.follow_undo(classes, back=False)
    assert [measure.cell_type for measure in live.measures] == ["monocyte", "monocyte"]


@pytest.mark.parametrize("words", ["a, b", "a;b", "a\x1bb", "x" * 61])
def test_words_that_are_no_type_are_refused(live, words):
    with pytest.raises(LeukocyteError, match="cell type"):
        live_repairs.set_type(live, [1], words)


def test_split_off_gives_the_smaller_piece(live):
    y, x = live_repairs.split_off(live, [(20, 55), (80, 55)])
    assert (x >= 55).all()
    assert 0 < len(y) < 900


def test_fill_takes_the_holes_and_then_the_indent(classes):
    classes[disc(SHAPE, (62, 50), 3)] = 0
    classes[disc(SHAPE, (50, 66), 6)] = 0
    live = LiveCells(classes, label_cells(classes), pixel_size=PixelSize(None))
    y, x = live_repairs.fill(live, [1])
    assert len(y) == disc(SHAPE, (62, 50), 3).sum()
    classes[y, x] = 1
    live.follow(classes)
    y, x = live_repairs.fill(live, [1])
    assert (abs(y - 50) <= 7).all()
    classes[y, x] = 1
    live.follow(classes)
    with pytest.raises(LeukocyteError, match="neither a hole nor an indent"):
        live_repairs.fill(live, [1])


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (lambda live: live_repairs.split(live, [(2, 2), (2, 9)]), "meets no cell"),
        (lambda live: live_repairs.split(live, [(50, 40)]), "parts no cell"),
        (lambda live: live_repairs.split(live, [(-50, -40), (-9, -9)]), "meets no cell"),
        (lambda live: live_repairs.split_off(live, [(2, 2), (2, 9)]), "meets no cell"),
        (lambda live: live_repairs.join(live, [1]), "cannot be joined"),
        (lambda live: live_repairs.join(live, [1, 1, 99]), "cannot be joined"),
        (lambda live: live_repairs.mark(live, [99], SMUDGE), "no cell to mark"),
        (lambda live: live_repairs.set_type(live, [99], "blast"), "no cell to give a type to"),
        (lambda live: live_repairs.fill(live, [99]), "no cell to fill"),
        (lambda live: live_repairs.delete(live, [99]), "no cell to delete"),
    ],
)
def test_a_repair_that_cannot_be_made_says_why_and_changes_nothing(live, job, sentence):
    cells = live.cells.copy()
    with pytest.raises(LeukocyteError, match=sentence):
        job(live)
    np.testing.assert_array_equal(live.cells, cells)
    assert not live.edited


def test_the_model_s_doubt_ends_where_a_hand_has_edited(classes):
    live = LiveCells(classes, label_cells(classes), pixel_size=PixelSize(None), unsure={1, 2}, blurred={1})
    assert Flag.LOW_CONFIDENCE in live.measure_of(1).flags
    edit = classes.copy()
    edit[50:53, 40:43] = 1
    live.follow(edit)
    assert Flag.LOW_CONFIDENCE not in live.measure_of(1).flags
    assert Flag.OUT_OF_FOCUS in live.measure_of(1).flags  # an edit makes it no sharper
    assert Flag.OUT_OF_FOCUS not in live.measure_of(2).flags
    assert Flag.LOW_CONFIDENCE in live.measure_of(2).flags


def test_a_value_that_is_no_class_counts_as_nucleus(classes, live):
    edit = classes.copy()
    edit[classes == 2] = 7
    live.follow(edit)
    assert live.measure_of(1).nucleus_px == int(disc(SHAPE, (50, 40), 12).sum())


def test_an_estimated_pixel_size_gives_no_areas(classes):
    live = LiveCells(classes, label_cells(classes), pixel_size=PixelSize(0.25, "estimate", estimated=True))
    assert np.isnan(live.measure_of(1).cytoplasm_um2)


def test_an_empty_map_has_no_cells_and_can_be_painted():
    empty = np.zeros((20, 20), np.uint8)
    live = LiveCells(empty, empty.astype(np.int32), pixel_size=PixelSize(None))
    assert live.measures == []
    empty[5:12, 5:12] = 2
    live.follow(empty)
    assert numbers(live) == [1]
    assert Flag.RIM_NOT_RESOLVED in live.measure_of(1).flags


def test_measured_at_another_pixel_size_the_cells_are_as_if_measured_so_from_the_start(live, classes):
    live_repairs.join(live, [1, 2])
    live_repairs.mark(live, [1], SMUDGE)
    edited, marks, cells = live.edited, live.by_hand.marks, live.cells.copy()
    live.measure_at(PixelSize(0.1, "layer scale"))
    size = PixelSize(0.1, "typed")
    fresh = LiveCells(classes, live.cells, pixel_size=size, marks=marks, edited=live.by_hand.edited)
    assert str(live.measures) == str(fresh.measures)  # NaN is not equal to itself
    assert (live.edited, live.by_hand.marks) == (edited, marks)
    np.testing.assert_array_equal(live.cells, cells)


def test_a_part_is_taken_over_with_its_labels_as_one_step(classes, live):
    box = slice(20, 95), slice(0, 80)
    part, labels = classes[box].copy(), live.cells[box].copy()
    part[40:70, 60:75], labels[40:70, 60:75] = 1, 1
    part[0:5, 0:5], labels[0:5, 0:5] = 2, 7
    before = live.classes.copy(), live.cells.copy(), live.measures
    change = live.take_over(box, part, labels)
    after = live.classes.copy(), live.cells.copy(), live.measures
    assert change.cells >= {1, 7}
    assert live.origin.strokes["gesture"] == 1
    changed = (after[0] != before[0]).sum()
    assert live.origin.count(live.classes).pixels["gesture"] == changed
    assert np.array_equal(after[1][box], labels)  # though they touch no other, nothing is numbered anew
    assert live.by_hand.edited == {1, 7}
    assert live.next_number == 8
    assert live.measure_of(1) != before[2][0]
    for back, (map_, labels_, measures) in ((True, before), (False, after)):
        live.follow_undo(map_, back=back)
        assert np.array_equal(live.cells, labels_)
        assert live.measures == measures
    assert live.take_over(box, part, labels) is None


def test_marks_may_come_with_a_part_and_go_with_its_undo(classes, live):
    live.set_marks({1: SMUDGE})
    before = live.classes.copy()
    box = slice(0, 100), slice(0, 80)
    part = np.where(live.cells[box] == 1, 1, 0).astype(np.uint8)
    live.take_over(box, part, live.cells[box].copy(), marks={})
    assert live.by_hand.marks == {}
    live.follow_undo(before, back=True)
    assert live.by_hand.marks == {1: SMUDGE}


def test_a_cell_touches_neighbours_that_were_left_out_until_somebody_edits_it(classes):
    beside = {1: {Flag.TOUCHING}, 2: {Flag.OVERLAPPING}}
    live = LiveCells(classes, label_cells(classes), pixel_size=PixelSize(0.25, "typed"), beside=beside)
    assert Flag.TOUCHING in live.measure_of(1).flags
    assert live.measure_of(2).withheld
    edit = classes.copy()
    edit[disc(SHAPE, (50, 40), 16)] = 2
    live.follow(edit)
    assert Flag.TOUCHING not in live.measure_of(1).flags
    assert live.measure_of(2).withheld
    live.follow_undo(classes, back=True)
    assert Flag.TOUCHING in live.measure_of(1).flags


def test_cells_are_apart_where_no_chain_of_them_connects_all(classes):
    classes[45:55, 60:95] = 1  # a bridge from cell to cell
    labels = label_cells(np.where(classes, 1, 0).astype(np.uint8))
    labels[:] = np.where(classes > 0, 1 + (np.indices(SHAPE)[1] > 60) + (np.indices(SHAPE)[1] > 95), 0)
    live = LiveCells(classes, labels.astype(np.int32), pixel_size=PixelSize(0.25, "typed"))
    assert live_repairs.apart(live, [1, 3])
    assert not live_repairs.apart(live, [1, 2, 3])
    assert not live_repairs.apart(live, [3, 2, 1])
    assert not live_repairs.apart(live, [2])
