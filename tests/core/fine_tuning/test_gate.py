import math

import pytest

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter, Change, Comparison
from napari_leukocyte.core.fine_tuning.before_after_rows import before_after_rows, describe_basis
from napari_leukocyte.core.fine_tuning.gate import FEWEST_GROUPS, findings, gate

NONE = Change(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0)


def change(difference, spread=0.01, *, before=0.5, n=10, groups=10):
    return Change(before, before + difference, difference, difference - spread, difference + spread, n, groups)


def comparison(**changes):
    still = change(0.0)
    names = ("cell", "cytoplasm", "nucleus")
    given = {
        "images": 10,
        "iou": dict.fromkeys(names, still),
        "iou_b": dict.fromkeys(names, still),
        "cnr_error": still,
        "cnr_bias": still,
        "cnr_off": still,
        "coverage": still,
        "false_cells": still,
    }
    return Comparison(**{**given, **changes})


def before_after(own, *, unedited=None, guard=None, seen=None, gestures=None):
    return BeforeAfter("cross-validation", 3, own, unedited, guard or comparison(), seen, gestures)


def kinds(*args, **kwargs):
    return [finding.kind for finding in findings(before_after(*args, **kwargs))]


def test_nothing_worse_is_said_too():
    assert kinds(comparison()) == ["fine"]
    assert gate(before_after(comparison())) == ["On 10 images nothing got worse beyond its 95 % interval."]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iou_b": {"nucleus": change(-0.02)}}, "The IoU_b of nucleus got worse: 0.500 before, 0.480 after"),
        (
            {"cnr_error": change(0.02)},
            "The CNR error got worse: 50.0 % before, 52.0 % after (95 % interval",
        ),
        (
            {"cnr_off": change(0.02), "cnr_bias": change(-1.02)},
            "of the CNR got worse: +50.0 % before, -52.0 % after",
        ),
        ({"coverage": change(-0.02)}, "Fewer cells get a CNR"),
    ],
)
def test_worse_beyond_the_interval_warns(changes, words):
    (finding,) = findings(before_after(comparison(**changes)))
    assert finding.kind == "worse"
    assert words in finding.text


@pytest.mark.parametrize(
    "changes",
    [
        {"iou_b": {"nucleus": change(-0.02, 0.021)}},
        {"iou_b": {"nucleus": change(+0.02)}},
        {"iou": {"nucleus": change(-0.02)}},
        {"cnr_error": change(-0.02)},
        {"cnr_error": change(0.02, 0.021)},
        {"cnr_off": change(-0.02), "cnr_bias": change(-0.5)},  # the bias is gone
        {"coverage": change(0.02)},
    ],
)
def test_better_or_within_the_interval_does_not(changes):
    assert kinds(comparison(**changes)) == ["fine"]


def test_too_few_groups_warn_of_nothing_else():
    few = dict.fromkeys(("cell", "nucleus"), change(-0.3, groups=FEWEST_GROUPS - 1))
    (finding,) = findings(before_after(comparison(images=9, iou_b=few)))
    assert finding.kind == "too few"
    assert finding.text == (
        "Too few to judge: 9 images from 5 independent groups, where 6 are the fewest that can show a change beyond "
        "chance."
    )
    enough = dict.fromkeys(("cell", "nucleus"), change(-0.3, groups=FEWEST_GROUPS))
    assert kinds(comparison(iou_b=enough)) == ["worse", "worse"]


def test_too_few_cells_or_images_of_one_kind_are_named():
    texts = gate(before_after(comparison(cnr_error=change(0.3, n=2, groups=2))))
    assert texts == ["Too few to judge the CNR: 2 cells from 2 independent groups, where 6 are the fewest."]
    mixed = {"cell": change(0.0), "nucleus": change(-0.3, n=1, groups=1)}
    texts = gate(before_after(comparison(iou_b=mixed)))
    assert texts == ["Too few to judge the nucleus: 1 image from 1 independent group, where 6 are the fewest."]


def test_whole_cell_masks_have_no_cnr_to_judge():
    only_cell = {"cell": change(0.0)}
    none = dict.fromkeys(("cnr_error", "cnr_bias", "cnr_off", "coverage"), NONE)
    assert kinds(comparison(iou_b=only_cell, **none)) == ["fine"]


def test_unedited_masks_prove_nothing():
    (finding,) = findings(before_after(None, unedited=comparison()))
    assert finding.kind == "too few"
    assert "no mask of the images was changed by hand" in finding.text
    assert before_after(None, unedited=comparison(images=4)).proof == "4 of 4 unedited"


def test_forgetting_counts_from_one_point_on():
    fell = comparison(iou_b={"cell": change(-0.009, 0.001), "nucleus": change(-0.03)})
    texts = gate(before_after(comparison(), guard=fell))
    assert len(texts) == 1
    assert texts[0].startswith("On synthetic smears the IoU_b of nucleus fell: 0.500 before, 0.470 after")


def test_the_table_shows_every_set_and_says_what_is_not_there():
    shown = before_after(comparison(coverage=NONE), unedited=comparison(images=1), guard=comparison(cnr_error=NONE))
    rows = before_after_rows(shown)
    assert {len(row) for row in rows} == {5}
    labels = [row[0] for row in rows]
    assert labels[1] == "your images"
    assert "unedited masks (no proof)" in labels
    assert labels.count("cell IoU_b") == 3
    assert labels.count("CNR error") == 2
    assert ["CNR error", "n/a", "n/a", "n/a", "0 cells"] in rows
    assert ["cell IoU", "0.500", "0.500", "0.000 (-0.010 to +0.010)", "10 images"] in rows
    assert "1 of 11 unedited" in describe_basis(shown)


def test_table_and_gate_write_figures_alike_and_no_negative_zero():
    tiny = Change(0.049, 0.0489, -0.0001, -0.0004, 0.0004, 10, 10)
    worse = {"cnr_error": Change(0.0489, 0.049, 0.0001, 0.0001, 0.0004, 10, 10)}
    shown = before_after(comparison(iou_b={"cell": tiny}, cnr_bias=tiny, false_cells=tiny, **worse))
    rows = {row[0]: row for row in before_after_rows(shown)[1:12]}
    assert rows["cell IoU_b"][1:4] == ["0.049", "0.049", "0.000 (0.000 to 0.000)"]
    assert rows["CNR bias"][1:4] == ["+4.9 %", "+4.9 %", "0.0 % (0.0 to 0.0)"]
    assert rows["CNR error"][1:4] == ["4.9 %", "4.9 %", "0.0 % (0.0 to 0.0)"]
    assert gate(shown) == [
        "The CNR error got worse: 4.9 % before, 4.9 % after (95 % interval of the difference 0.0 to 0.0 points)."
    ]


def test_images_that_the_start_knows_are_no_evidence():
    some = before_after(comparison(), seen=comparison(images=4))
    assert gate(some) == [
        "On 10 images nothing got worse beyond its 95 % interval.",
        "Not counted: 4 images, for the start model was trained on them, or on their slides.",
    ]
    assert [row[0] for row in before_after_rows(some) if not row[1]][1] == "known to the start (no proof)"
    assert describe_basis(some).endswith(
        "; 0 of 10 unedited; 4 images that the start model was trained on, or on their slides, do not count."
    )
    (finding,) = findings(before_after(None, seen=comparison(images=4)))
    assert finding.kind == "too few"
    assert finding.text.endswith("; the start model was trained on all 4 images there are, or on their slides.")
    assert "unedited" not in describe_basis(before_after(None, seen=comparison(images=1)))
    (finding,) = findings(before_after(None, unedited=comparison(), seen=comparison(images=1)))
    assert "changed by hand" in finding.text
    assert finding.text.endswith("trained on the other 1 image, or on their slides.")


def test_masks_made_by_gestures_alone_prove_nothing_and_it_is_said_what_to_do():
    better = comparison(images=40, iou_b=dict.fromkeys(("cell", "nucleus"), change(0.2, n=40, groups=40)))
    (finding,) = findings(before_after(None, gestures=better))
    assert finding.kind == "too few"
    assert finding.text == (
        "Too few to judge: no mask of the images was drawn with the brush or imported. The 40 masks made by the "
        "network's gestures cannot prove a model of the same kind: draw with the brush, or import, masks of at least 6 "
        "slides or patients."
    )
    few = dict.fromkeys(("cell", "nucleus"), change(0.0, groups=FEWEST_GROUPS - 1))
    (finding,) = findings(before_after(comparison(images=5, iou_b=few), gestures=better))
    assert finding.kind == "too few"
    assert "5 images from 5 independent groups" in finding.text
    assert "The 40 masks made by the network's gestures cannot prove" in finding.text


def test_beside_enough_others_gesture_masks_may_warn_and_never_prove():
    beside = comparison(images=12)
    assert gate(before_after(comparison(), gestures=beside)) == [
        "On 10 images nothing got worse beyond its 95 % interval.",
        "Beside them, 12 masks made by gestures: they may warn, but prove nothing.",
    ]
    worse = comparison(images=12, iou_b={"nucleus": change(-0.02)})
    assert kinds(comparison(), gestures=worse) == ["worse", "gestures"]
    first, _ = gate(before_after(comparison(), gestures=worse))
    assert first.startswith("On masks made by gestures: the IoU_b of nucleus got worse: 0.500 before, 0.480 after")
    few = comparison(images=2, iou_b={"nucleus": change(-0.02, groups=2)})
    assert kinds(comparison(), gestures=few) == ["fine", "gestures"]


def test_gesture_masks_have_a_section_of_their_own():
    shown = before_after(comparison(), gestures=comparison(images=3), unedited=comparison(images=2))
    titles = [row[0] for row in before_after_rows(shown)[1:] if not row[1]]
    assert titles[:3] == ["your images", "masks made by gestures (may warn, no proof)", "unedited masks (no proof)"]
    assert shown.proof == "2 of 15 unedited, 3 made by gestures"
