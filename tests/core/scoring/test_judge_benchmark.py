"""What the judge of models counts as false, missed, well outlined and silently wrong, on pictures made by hand."""

import json
import math

import numpy as np
import pytest
from PIL import Image

import judge as judge_module
from judge import Judged, cnr_figures, figures, judge, judge_source, line, main
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.cell_pairs import CellPair

SIDE, PIXEL_SIZE = 150, 0.25


def cells_at(*centres, radius=16, nucleus=9):
    y, x = np.mgrid[:SIDE, :SIDE]
    classes = np.zeros((SIDE, SIDE), np.uint8)
    for row, column in centres:
        distance = np.hypot(y - row, x - column)
        classes[distance <= radius] = 1
        classes[distance <= nucleus] = 2
    return classes


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Judge a prediction that is given against a truth that is given."""

    def run(predicted, truth, *, binary=False, whole_cell=False, uncertainty=math.nan):
        Image.fromarray(np.full((SIDE, SIDE, 3), 200, np.uint8)).save(tmp_path / "a.png")
        Image.fromarray((truth > 0).astype(np.uint8) * 255 if whole_cell else truth).save(tmp_path / "m.png")
        cells = label_cells(predicted, pixel_size=PIXEL_SIZE)
        made = Segmentation(predicted, cells, binary, PixelSize(PIXEL_SIZE), "all", (), {}, uncertainty=uncertainty)
        asked = []
        monkeypatch.setattr(judge_module, "segment", lambda row, model, options: asked.append(options) or made)
        row = IndexRow("lab/a.png", "lab", tmp_path / "a.png", tmp_path / "m.png", PIXEL_SIZE, "neutrophil", "")
        result = judge(row, None)
        assert [options.keep for options in asked] == ["all"]  # no keep rule hides a false cell
        return result

    return run


def test_a_perfect_prediction(judged):
    truth = cells_at((40, 40), (40, 110))
    result = judged(truth, truth)
    assert result.ious == {"cell": 1, "nucleus": 1, "cytoplasm": 1}
    assert (result.matched, result.false, result.missed, result.true) == (1, 0, 0, 2)
    assert [pair.log_ratio for pair in result.pairs] == [0, 0]


def test_false_and_missed_cells_and_what_is_left_without_the_false_ones(judged):
    truth = cells_at((40, 40), (40, 110))
    predicted = cells_at((40, 40), (110, 110))
    result = judged(predicted, truth)
    assert (result.false, result.missed, result.true) == (1, 1, 2)
    one = np.count_nonzero(cells_at((40, 40)))
    assert result.ious["cell"] == pytest.approx(one / (3 * one))
    assert result.matched == pytest.approx(one / (2 * one))


@pytest.mark.parametrize(("shift", "false", "missed"), [(8, 0, 0), (14, 0, 1), (26, 1, 1)])
def test_a_cell_is_false_below_three_tenths_and_missed_below_a_half(judged, shift, false, missed):
    truth, predicted = cells_at((70, 60)), cells_at((70, 60 + shift))
    share = np.count_nonzero((truth > 0) & (predicted > 0)) / np.count_nonzero(truth)
    assert (share < 0.3, share < 0.5) == (bool(false), bool(missed))
    result = judged(predicted, truth)
    assert (result.false, result.missed) == (false, missed)


def test_a_speck_of_a_mask_is_no_missed_cell(judged):
    result = judged(cells_at((40, 40)), np.maximum(cells_at((40, 40)), cells_at((110, 110), radius=7, nucleus=4)))
    assert (result.true, result.missed) == (1, 0)


def test_nothing_found_and_nothing_there(judged):
    empty, truth = cells_at(), cells_at((40, 40))
    nothing = judged(empty, truth)
    assert nothing.ious["cell"] == 0
    assert math.isnan(nothing.matched)
    assert (nothing.false, nothing.missed) == (0, 1)
    neither = judged(empty, empty)
    assert all(math.isnan(value) for value in neither.ious.values())
    made_up = judged(truth, empty)
    assert made_up.false == 1
    assert math.isnan(made_up.matched)


@pytest.mark.parametrize("which", [{"binary": True}, {"whole_cell": True}])
def test_without_nuclei_on_either_side_only_cells_are_judged(judged, which):
    truth = cells_at((40, 40))
    result = judged(np.minimum(truth, 1) if "binary" in which else truth, truth, **which)
    assert result.ious == {"cell": 1}
    assert result.pairs == ()


def image(name, cell, *, false=0, true=1, missed=0, pairs=(), cell_type="", matched=None, unlike=False):
    matched = cell if matched is None else matched
    return Judged(name, cell_type, {"cell": cell}, matched, false, true, missed, pairs, unlike)


@pytest.mark.parametrize(("uncertainty", "unlike"), [(math.nan, False), (0.0, False), (1.0, True)])
def test_what_the_user_is_told_of_an_image_is_judged(judged, uncertainty, unlike):
    truth = cells_at((40, 40))
    assert judged(truth, truth, uncertainty=uncertainty).unlike is unlike


def test_of_poor_images_those_count_that_are_said_to_be_unlike_any():
    images = [
        image("a", 0.69, unlike=True),
        image("b", 0.0),
        image("c", 0.7, unlike=True),
        image("d", 0.9),
        image("e", math.nan),  # nothing there and nothing found
    ]
    made = figures(images)
    assert made["unlike"] == {"images": 2, "poor": 2, "told_of_poor": 1}
    assert "unlike any 2 (of 2 poor ones 1)" in line("lab", made)


def test_figures_are_means_over_images_and_shares_of_true_cells():
    made = figures([image("a", 0.9, false=3), image("b", 0.7, true=3, missed=1), image("c", math.nan, true=0)])
    assert made["images"] == 3
    assert made["iou"]["cell"]["mean"] == made["score"] == made["matched_iou"]["mean"] == 0.8
    assert made["iou"]["cell"]["low"] == 0.7
    assert made["iou"]["cell"]["high"] == 0.9
    assert made["false_cells"] == 1
    assert made["missed_cells"] == 0.25
    assert "cnr" not in made


def measure(cnr, *flags):
    return CellMeasure(1, 0, 0, cnr, cnr, cnr, 1 / cnr, 1 / (1 + cnr), 10, 10, 1.0, 1.0, flags)


def test_gross_errors_are_silent_where_nothing_warned_of_them():
    flag = next(flag for flag in Flag if not flag.withholds)
    true = measure(2.0)
    pairs = [
        CellPair(measure(2.6), true),  # 30 % off, and no flag
        CellPair(measure(1.5), true),  # a quarter less is a third off, and no flag
        CellPair(measure(2.6, flag), true),
        CellPair(measure(2.2), true),
        CellPair(measure(math.nan), true),
        CellPair(None, true),
        CellPair(measure(2.0), None),
    ]
    made = cnr_figures(pairs)
    assert (made["n"], made["true"]) == (4, 6)
    assert made["silent_gross"] == 0.5
    logs = np.log([1.3, 0.75, 1.3, 1.1])
    assert made["bias"] == pytest.approx(math.expm1(logs.mean()), abs=1e-4)
    assert made["median_error"] == pytest.approx(math.expm1(np.median(np.abs(logs))), abs=1e-4)
    expected = [math.expm1(logs.mean() + s * 1.96 * logs.std()) for s in (-1, 1)]
    assert made["limits"] == pytest.approx(expected, abs=1e-4)
    points = 100 * (1 / (1 + np.array([2.6, 1.5, 2.6, 2.2])) - 1 / 3)
    assert made["nucleus_points_bias"] == pytest.approx(points.mean(), abs=0.01)


def test_cells_without_a_cnr_give_a_line_all_the_same():
    made = figures([image("a", 0.9, pairs=(CellPair(measure(math.nan), measure(2.0)),))])
    assert made["cnr"] == {"n": 0, "true": 1}
    assert line("lab", made).endswith("CNR 0/1")


def test_tight_masks_stand_apart_and_the_worst_come_first(monkeypatch):
    images = [
        image("a", 0.9, cell_type="x"),
        image("b", 0.5, cell_type="y"),
        image("c", math.nan),
        image("d", 0.7, cell_type="x"),
    ]
    monkeypatch.setattr(judge_module, "judge_all", lambda rows, model: iter(images))
    made = judge_source([], None, frozenset({"b"}))
    assert made["tight"]["score"] == 0.5
    assert made["clean"]["score"] == made["cell_types"]["x"]["score"] == 0.8
    assert [worst["name"] for worst in made["worst"]] == ["b", "d", "a"]
    assert "tight" not in judge_source([], None, frozenset({"z"}))
    assert "clean" not in judge_source([], None, frozenset("abcd"))


def test_a_run_writes_its_figures(tmp_path, model, capsys):
    truth = cells_at((70, 70))
    picture = np.array([[230, 225, 220], [150, 130, 190], [70, 30, 120]], np.uint8)[truth]
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(truth).save(tmp_path / "m.png")
    (tmp_path / "index.csv").write_text("source,image,mask,px_per_um\nlab,a.png,m.png,4\n")
    notes, out = tmp_path / "notes.json", tmp_path / "judged.json"
    notes.write_text("{}")
    arguments = [str(tmp_path), "--model", str(model), "--tight", str(notes), "--out", str(out)]
    main(arguments)
    made = json.loads(out.read_text())
    assert made["sources"]["lab"]["all"]["images"] == 1
    assert made["J"] == made["sources"]["lab"]["all"]["score"]
    assert "J over these sources" in capsys.readouterr().out
    with pytest.raises(LeukocyteError, match="No image of elsewhere"):
        main([*arguments, "--sources", "elsewhere"])
