import json
import math

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from typer.testing import CliRunner

import napari_leukocyte as nl
from napari_leukocyte.cli import app

three_class = arrays(np.uint8, (12, 14), elements=st.integers(0, 2))


@pytest.fixture
def pair(disc_map):
    """A segmentation and its truth: two cells, one of them with a thin rim; a false cell."""
    truth = disc_map((60, 90), (28, 25, 17, 9), (30, 65, 12, 10))
    classes = disc_map((60, 90), (28, 25, 16, 9), (30, 65, 12, 9), (52, 82, 5, 2))
    return classes, truth


@pytest.mark.parametrize("keep", ["all", "whole", "centre"])
@pytest.mark.parametrize("kind", ["three-class", "binary", "whole-cell truth"])
def test_the_figures_are_those_of_the_command_line(tmp_path, pair, keep, kind):
    classes, truth = pair
    if kind == "binary":
        classes = (classes > 0).astype(np.uint8)
    if kind == "whole-cell truth":
        truth = np.where(truth > 0, 255, 0).astype(np.uint8)
    for folder, array in (("pred", classes), ("truth", truth)):
        (tmp_path / folder).mkdir()
        Image.fromarray(array).save(tmp_path / folder / "a.png")
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--pred", tmp_path / "pred", "--truth", tmp_path / "truth", "--keep", keep]
    done = CliRunner().invoke(app, [str(one) for one in [*arguments, "--pixel-size", 0.1, "--json", out]])
    assert done.exit_code == 0, done.output
    expected = json.loads(out.read_text())
    by_path = nl.score(tmp_path / "pred" / "a.png", tmp_path / "truth" / "a.png", keep=keep, pixel_size=0.1)
    for scores in (nl.score(classes, truth, keep=keep, pixel_size=0.1), by_path):
        figures = scores.figures()
        del figures["per_image"]
        assert figures == {key: value for key, value in expected.items() if key != "per_image"}
        for measure, own in (("iou", scores.iou), ("iou_b", scores.iou_b), ("scored", scores.scored_share)):
            there = {name: of[measure] for name, of in expected["classes"].items() if name in own}
            assert {name: None if math.isnan(value) else value for name, value in own.items()} == there
        assert set(scores.iou) == ({"cell"} if kind != "three-class" else {"cell", "cytoplasm", "nucleus"})
        assert scores.accuracy == expected["accuracy"]
        assert scores.false_cells == expected["false_cells"]
        if kind == "three-class":
            assert (scores.cnr_error, scores.cnr_bias) == (
                expected["cnr"]["median_error"],
                expected["cnr"]["bias"],
            )
        assert scores.border_px == pytest.approx(3.9)


def test_what_the_figures_are_by_hand(disc_map):
    truth = disc_map((60, 60), (30, 30, 20, 10))
    classes = disc_map((60, 60), (30, 30, 20, 12))
    scores = nl.score(classes, truth, border_px=0)
    cell, nucleus = truth > 0, truth == 2
    assert scores.iou["cell"] == 1
    assert scores.iou["nucleus"] == nucleus.sum() / (classes == 2).sum()
    assert scores.accuracy == (classes == truth).mean()
    true_cnr = (cell.sum() - nucleus.sum()) / nucleus.sum()
    cnr = (cell.sum() - (classes == 2).sum()) / (classes == 2).sum()
    assert scores.cnr_bias == pytest.approx(cnr / true_cnr - 1)
    assert scores.cnr_bias < 0
    assert scores.cnr_error == pytest.approx(true_cnr / cnr - 1)
    assert scores.cnr_coverage == 1
    assert scores.cnr.n == 1


@settings(max_examples=25, deadline=None)
@given(classes=three_class, truth=three_class)
def test_ratios_stay_in_their_range_and_a_map_agrees_with_itself(classes, truth):
    scores = nl.score(classes, truth, border_px=2)
    for ratios in (scores.iou, scores.iou_b, scores.scored_share):
        assert all(math.isnan(value) or 0 <= value <= 1 for value in ratios.values())
    assert 0 <= scores.accuracy <= 1
    same = nl.score(truth, truth, border_px=2)
    assert same.accuracy == 1
    assert same.false_cells == same.missed_cells == 0
    assert all(math.isnan(value) or value == 1 for value in same.iou.values())


@pytest.mark.parametrize("values", [(0, 128, 255), (0.0, 1.0, 2.0)], ids=["grey", "float"])
def test_values_are_read_as_in_files(pair, values):
    classes, truth = pair
    other = np.array(values)[truth]
    assert nl.score(classes, other).figures() == nl.score(classes, truth).figures()


def test_a_mask_of_true_and_false_is_one_of_whole_cells(pair):
    classes, truth = pair
    assert nl.score(classes > 0, truth).figures() == nl.score((classes > 0).astype(int), truth).figures()
    assert nl.score(classes, truth > 0).iou.keys() == {"cell"}


def test_an_empty_prediction_scores_0_in_all_classes(pair):
    _, truth = pair
    scores = nl.score(np.zeros_like(truth), truth, border_px=0)
    assert scores.iou == {"cell": 0, "cytoplasm": 0, "nucleus": 0}
    assert scores.missed_cells == 2
    assert scores.cnr_coverage == 0
    assert math.isnan(scores.cnr_error)


def test_what_is_not_to_be_scored_is_nan_and_says_why(disc_map):
    truth = disc_map((40, 40), (20, 20, 10, 9))
    scores = nl.score(truth, truth, border_px=8)
    assert math.isnan(scores.iou_b["cytoplasm"])
    assert scores.scored_share["cytoplasm"] == 0
    assert scores.reasons == {"cytoplasm": ("n/a (too thin to score)",)}


def test_stacks_and_lists_are_means_over_their_maps(pair, disc_map):
    classes, truth = pair
    small = disc_map((30, 30), (15, 15, 10, 5))
    single = [nl.score(classes, truth), nl.score(truth, truth)]
    stack = nl.score(np.stack([classes, truth]), np.stack([truth, truth]))
    added = single[0] + single[1]
    for scores in (stack, added):
        assert scores.accuracy == pytest.approx(np.mean([one.accuracy for one in single]))
        assert scores.iou["nucleus"] == pytest.approx(np.mean([one.iou["nucleus"] for one in single]))
        assert scores.cnr.n == sum(one.cnr.n for one in single)
        assert len(scores.images) == 2
    mixed = nl.score([classes, small], [truth, small])
    assert mixed.accuracy == pytest.approx((single[0].accuracy + 1) / 2)
    # a map without nuclei in a list that has some is no binary one
    without = np.minimum(small, 1)
    assert nl.score([classes, without], [truth, small]).images[1].score("nucleus", "iou").value == 0


def test_a_result_brings_its_cells_marks_and_pixel_size(model, picture):
    image = picture((30, 28, 14), (30, 54, 13))
    result = nl.segment(image, pixel_size=1 / 3, keep="all", model=model)
    scores = nl.score(result, result.classes)
    assert scores.accuracy == 1
    assert scores.cnr_error == 0
    assert scores.border_px == pytest.approx(0.39 * 3)
    binary = nl.segment(image, pixel_size=1 / 3, keep="all", model=model, mode="binary")
    assert nl.score(binary, result.classes).iou == {"cell": 1.0}
    whole_stack = nl.segment(np.stack([image, image * 0]), pixel_size=1 / 3, keep="all", model=model)
    assert nl.score(whole_stack, np.stack([result.classes] * 2)).iou["cell"] == 0.5
    assert repr(scores) == (
        "<Scores of 1 image: accuracy 1.000, IoU_b cell 1.000, cytoplasm 1.000, nucleus 1.000, "
        "CNR error 0.0 %, coverage 100.0 %>"
    )


def test_a_file_of_ours_brings_its_cells_and_pixel_size(tmp_path, model, picture):
    path = tmp_path / "smear.png"
    Image.fromarray(picture((30, 28, 14), (30, 54, 13))).save(path)
    options = ["--model", model, "--pixel-size", 1 / 3, "--keep", "all"]
    done = CliRunner().invoke(app, [str(one) for one in ["segment", path, "--out", tmp_path / "out", *options]])
    assert done.exit_code == 0, done.output
    scores = nl.score(tmp_path / "out" / "smear_classes.png", tifffile.imread(tmp_path / "out" / "smear_cells.tif") > 0)
    assert scores.iou == {"cell": 1.0}
    assert scores.border_px == pytest.approx(0.39 * 3)


GOOD = np.eye(9, dtype=int)
BAD_MAPS = {
    "empty": np.zeros((0, 9), int),
    "nothing": None,
    "one axis": np.arange(3),
    "four axes": np.zeros((1, 1, 9, 9), int),
    "NaN": np.full((9, 9), np.nan),
    "complex": np.ones((9, 9), complex),
    "half": np.full((9, 9), 0.5),
    "seven": np.full((9, 9), 7),
    "negative": -GOOD,
    "another size": np.eye(8, dtype=int),
    "another number of planes": np.stack([GOOD] * 2),
    "texts": np.full((9, 9), "x"),
    "ragged": [[1, 2], [3]],
    "an empty list": [],
    "a missing file": "missing.png",
    "a folder": ".",
}


@pytest.mark.parametrize("bad", BAD_MAPS.values(), ids=BAD_MAPS)
def test_bad_maps_are_one_sentence(bad):
    for classes, truth in ((bad, GOOD), (GOOD, bad)):
        with pytest.raises(nl.LeukocyteError) as raised:
            nl.score(classes, truth)
        text = str(raised.value)
        assert text.endswith(".")
        assert "\n" not in text
        assert len(text.split()) > 6


@pytest.mark.parametrize(
    "choices",
    [{"keep": "auto"}, {"keep": None}, {"pixel_size": -1}, {"pixel_size": "x"}, {"border_px": -1}, {"border_um": 0.4},
     {"border_px": 1, "border_um": 1}, {"score_at": 0}],
    ids=str,
)  # fmt: skip
def test_impossible_choices_are_one_sentence(choices):
    with pytest.raises(nl.LeukocyteError) as raised:
        nl.score(GOOD, GOOD, **choices)
    assert "\n" not in str(raised.value)
