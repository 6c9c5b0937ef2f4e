import dataclasses
import json
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tifffile
import typer
from PIL import Image

from napari_leukocyte.cli import app
from napari_leukocyte.cli.evaluate import evaluate
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, Keep, score_case

RATIOS = {"iou", "iou_b", "scored"}


@pytest.fixture
def disc(disc_map):
    return disc_map((60, 70), (30, 35, 18, 9))


@pytest.fixture
def folder(tmp_path):
    def make(name, **files):
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        for stem, array in files.items():
            if array.ndim == 3:
                tifffile.imwrite(path / f"{stem}.tif", array.astype(np.uint8), photometric="minisblack")
            else:
                Image.fromarray(array.astype(np.uint8)).save(path / f"{stem}.png")
        return path

    return make


def shares(value):
    """Every ratio of the JSON, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [(key, inner)] if key in RATIOS | {"accuracy", "coverage"} else shares(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from shares(inner)


def check_schema(figures):
    """The format of the specification, section 6."""
    assert list(figures) == ["images", "border_px", "accuracy", "classes", "cnr", "false_cells", "per_image"]
    assert len(figures["per_image"]) == figures["images"]
    for one in (figures, *figures["per_image"]):
        assert list(one["classes"]) == ["cell", "cytoplasm", "nucleus"]
        assert all(list(scores) == ["iou", "iou_b", "scored", "false_class"] for scores in one["classes"].values())
        assert list(one["cnr"]) == ["median_error", "bias", "coverage", "n"]
        assert isinstance(one["cnr"]["n"], int)
    for one in figures["per_image"]:
        assert list(one) == ["name", "accuracy", "classes", "cnr", "false_cells"]
    for _, value in shares(figures):
        assert value is None or 0 <= value <= 1


def test_options_restate_the_parameters():
    options = {one.name: one for one in typer.main.get_command(app).commands["evaluate"].params}
    fields = {field.name: field.default for field in dataclasses.fields(EvaluationParameters)}
    others = {"pred", "truth", "json_file", "report", "images", "show", "index", "read_masks_as"}
    assert {name: one.default for name, one in options.items() if name not in others} == fields
    assert get_args(get_type_hints(evaluate)["keep"]) == get_args(Keep)
    spelt = {name: one.opts for name, one in options.items()}
    assert spelt["border_px"] == ["--border"]
    assert spelt["json_file"] == ["--json"]
    assert spelt["empty_scores_zero"] == ["--thesis-rule"]


def test_figures_in_json_and_on_screen(tmp_path, run, folder, disc, disc_map):
    smaller = disc_map((60, 70), (30, 35, 16, 9))
    smudge = disc_map((60, 70), (30, 35, 9, 9))
    truth = folder("truth", a=disc, b=disc, s=smudge)
    ours = folder("ours", a_classes=disc, b_classes=smaller, s_classes=smaller)
    out = tmp_path / "new" / "figures.json"
    result = run("evaluate", "--pred", ours, "--truth", truth, "--pixel-size", 1 / 10.2, "--json", out)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    figures = json.loads(out.read_text(encoding="utf-8"))
    check_schema(figures)
    assert (figures["images"], figures["false_cells"]) == (3, 1 / 3)
    assert figures["border_px"] == pytest.approx(0.39 * 10.2)
    first, second, third = figures["per_image"]
    assert first["classes"]["cytoplasm"]["iou"] == first["accuracy"] == 1
    assert (first["cnr"]["median_error"], first["cnr"]["bias"], first["cnr"]["n"]) == (0, 0, 1)
    assert second["classes"]["cell"]["iou_b"] == 1
    assert second["cnr"]["bias"] < -0.2
    assert third["classes"]["cytoplasm"] == {"iou": 0, "iou_b": 0, "scored": None, "false_class": 1}
    assert third["cnr"] == {"median_error": None, "bias": None, "coverage": None, "n": 0}
    assert figures["classes"]["cytoplasm"]["false_class"] == 1
    expected = np.mean([one["classes"]["cell"]["iou"] for one in figures["per_image"]])
    assert figures["classes"]["cell"]["iou"] == pytest.approx(expected)
    assert (figures["cnr"]["coverage"], figures["cnr"]["n"]) == (1, 2)
    for words in (
        "3 images scored",
        "Border band 3.98 px = 0.39 µm in all",
        "coverage 100.0 % (2 of 2 true CNRs); 1 given where the truth has none",
        "0.33 false and 0.33 missed cells an image",
        f"{expected:.3f}",
        "truth read as index",
    ):
        assert words in result.stdout


def test_choices_reach_the_scores(tmp_path, run, folder, disc, disc_map):
    neighbour = disc_map((60, 70), (30, 35, 18, 9), (8, 3, 7, 4))
    truth, ours = folder("truth", a=neighbour), folder("ours", a=disc)

    def cell(*options):
        out = tmp_path / "f.json"
        result = run("evaluate", "--pred", ours, "--truth", truth, "--json", out, *options)
        assert result.exit_code == 0, result.output
        figures = json.loads(out.read_text())
        check_schema(figures)
        return figures

    assert cell()["classes"]["cell"]["iou"] < cell("--keep", "whole")["classes"]["cell"]["iou"] == 1
    assert cell("--keep", "centre")["cnr"]["coverage"] == 1
    assert cell("--border", 0)["classes"]["cell"]["scored"] == 1
    assert cell("--border-um", 1, "--pixel-size", 0.1)["border_px"] == pytest.approx(10)
    assert cell("--score-at", 32)["accuracy"] != cell()["accuracy"]
    empty = folder("empty", a=disc * 0)
    nothing = ("--pred", empty, "--truth", empty, "--json", tmp_path / "e.json")
    for options, value in (((), None), (("--thesis-rule",), 0)):
        assert run("evaluate", *nothing, *options).exit_code == 0
        figures = json.loads((tmp_path / "e.json").read_text())
        assert figures["classes"]["nucleus"]["iou"] == value
        assert figures["accuracy"] == 1


def test_whole_cell_truths_and_separate_masks(tmp_path, run, folder, disc):
    ours = folder("ours", a=disc, b=disc)
    truth = folder("truth", a=(disc > 0) * 255, b_cell=(disc > 0) * 255, b_nucleus=(disc == 2) * 255)
    out = tmp_path / "f.json"
    result = run("evaluate", "--pred", ours, "--truth", truth, "--json", out)
    assert result.exit_code == 0, result.output
    check_schema(figures := json.loads(out.read_text()))
    whole, both = figures["per_image"]
    assert (whole["classes"]["cell"]["iou"], whole["classes"]["nucleus"]["iou"]) == (1, None)
    assert both["classes"]["nucleus"]["iou"] == 1
    assert figures["cnr"]["n"] == 1
    assert "a: truth read as whole cell (0, 255), so cell alone is scored" in result.stdout
    assert "nucleus n/a (whole cells only): 1 image" in result.stdout


def test_methods_are_compared_on_the_same_images(tmp_path, run, folder, disc, disc_map):
    truth = folder("truth", a=disc, b=disc)
    one, two = folder("one", a=disc, b=disc), folder("two", a=disc_map((60, 70), (30, 35, 15, 9)))
    out = tmp_path / "f.json"
    result = run("evaluate", "--pred", f"mine={one}", "--pred", two, "--truth", truth, "--json", out)
    assert result.exit_code == 1
    assert result.stderr == "Not scored:\n  b: no prediction of two\n"
    figures = json.loads(out.read_text())
    assert list(figures["methods"]) == ["mine", "two"]
    for method, iou in (("mine", 1), ("two", 0.7)):
        check_schema(figures["methods"][method])
        assert figures["methods"][method]["classes"]["cell"]["iou"] == pytest.approx(iou, abs=0.05)
    for doubled in (["--pred", one, "--pred", one], ["--pred", f"two={one}", "--pred", two]):
        result = run("evaluate", *doubled, "--truth", truth)
        assert result.exit_code == 1
        assert "NAME=DIR" in result.stderr


def test_bad_pairs_are_reported_and_the_others_score(tmp_path, run, folder, disc):
    truth = folder("truth", a=disc, b=disc, c=disc, d=np.stack([disc] * 3), e=disc, lonely=disc)
    ours = folder("ours", a=disc, b=disc[1:], c=disc + 3, d=np.stack([disc] * 4), stray=disc, strange=disc)
    (ours / "e.png").write_bytes(b"not a picture")
    out = tmp_path / "f.json"
    result = run("evaluate", "--pred", ours, "--truth", truth, "--json", out)
    assert result.exit_code == 1
    assert json.loads(out.read_text())["images"] == 1
    heading, *reasons = result.stderr.splitlines()
    assert heading == "Not scored:"
    assert reasons[0] == "  lonely: no prediction"
    assert reasons[1] == "  strange, stray: no truth for the prediction"
    for name, words in (("b", "70 × 59 px"), ("c", "values 3, 4, 5"), ("d", "4 planes"), ("e", "not an image")):
        (line,) = [line for line in reasons if line.startswith(f"  {name}: ")]
        assert words in line
        assert str(ours / name) in line
        assert str(truth / name) in line
    assert len(reasons) == 6


def test_nothing_scored(tmp_path, run, folder, disc):
    out = tmp_path / "f.json"
    result = run("evaluate", "--pred", folder("ours", a=disc[1:]), "--truth", folder("truth", a=disc), "--json", out)
    assert result.exit_code == 1
    assert "Nothing was scored" in result.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--border", "-1"], "-1 px is impossible"),
        (["--border", "4", "--border-um", "0.4"], "two widths"),
        (["--border-um", "0.4"], "needs the pixel size"),
        (["--border-um", "nan", "--pixel-size", "0.1"], "impossible"),
        (["--pixel-size", "100"], "not plausible"),
        (["--score-at", "0"], "0 px"),
        (["--images", "."], "--report"),
        (["--report", "report.pdf"], ".html"),
        (["--json", "."], "is a folder"),
        (["--index", "missing.csv"], "does not exist"),
    ],
)
def test_wrong_choices_are_one_sentence(run, folder, disc, options, words):
    truth = folder("truth", a=disc)
    result = run("evaluate", "--pred", truth, "--truth", truth, *options)
    assert result.exit_code == 1
    assert words in result.stderr.splitlines()[-1]
    assert "defect" not in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_wrong_folders_are_one_sentence(tmp_path, run, folder, disc):
    truth, empty = folder("truth", a=disc), folder("empty")
    (tmp_path / "file").write_text("mine")
    for ours, theirs, words in (
        (tmp_path / "missing", truth, "is no folder"),
        (truth, tmp_path / "missing", "is no folder"),
        (truth / "a.png", truth, "is no folder"),
        (empty, truth, "no image in the folder"),
        (folder("others", b=disc), truth, "No truth has a prediction"),
    ):
        result = run("evaluate", "--pred", ours, "--truth", theirs)
        assert result.exit_code == 1
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1
    result = run("evaluate", "--pred", truth, "--truth", truth, "--json", tmp_path / "file" / "f.json")
    assert result.exit_code == 1
    assert "cannot be made" in result.stderr
    assert run("evaluate", "--pred", truth).exit_code == 2
    assert run("evaluate", "--pred", truth, "--truth", truth, "--keep", "auto").exit_code == 2


def test_the_index_gives_pixel_size_and_groups(tmp_path, run, folder, disc):
    truth = folder("truth", a=disc, b=disc, c=disc)
    (tmp_path / "index.csv").write_text(
        "source,image,mask,px_per_um,cell_type\n"
        "s,x/a.png,truth/a.png,10,neutrophil\ns,x/b.png,truth/b.png,20,monocyte\nt,x/z.png,truth/z.png,5,\n"
    )
    out = tmp_path / "f.json"
    result = run("evaluate", "--pred", truth, "--truth", truth, "--index", tmp_path / "index.csv", "--json", out)
    assert result.exit_code == 0, result.output
    for words in ("s neutrophil: median", "s monocyte", "not known: median", "c: not in", "3.9 px = 0.39 µm"):
        assert words in result.stdout
    assert "4 px (pixel size unknown)" in result.stdout
    assert json.loads(out.read_text())["border_px"] is None


def test_the_report_gets_the_scores_and_can_read_the_cases(tmp_path, run, folder, disc, monkeypatch):
    from napari_leukocyte.core.scoring import report

    truth, photos = folder("truth", a=disc, b=disc), folder("photos", a=disc * 60, b=disc * 60)
    written = []

    def write(path, methods, cases, parameters, *, made_by, chosen):
        written.append((path, list(methods), made_by, chosen))
        for method, scores in methods.items():
            for score in scores:
                case = cases(method, score.name)
                again = score_case(case, parameters)
                assert (again.counts, again.cnr) == (score.counts, score.cnr)
                assert case.image.shape == (60, 70, 3)

    monkeypatch.setattr(report, "write_report", write)
    out = tmp_path / "r.html"
    options = ["--keep", "centre", "--images", photos, "--report", out, "--show", "b"]
    result = run("evaluate", "--pred", truth, "--truth", truth, *options)
    assert result.exit_code == 0, result.output
    assert written == [(out, ["truth"], {"truth": "folder truth"}, ["b"])]


def test_a_report_is_one_page(tmp_path, run, folder, disc):
    truth = folder("truth", a=disc)
    out = tmp_path / "sub" / "r.html"
    result = run("evaluate", "--pred", truth, "--truth", truth, "--report", out)
    assert result.exit_code == 0, result.output
    assert out.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    assert f"The report is {out}" in result.stdout
