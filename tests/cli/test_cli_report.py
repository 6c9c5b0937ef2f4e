import csv

from typer.testing import CliRunner

import napari_leukocyte as nl
from napari_leukocyte.cli import app
from napari_leukocyte.core.cells.cells_csv import cell_rows, write_cells_csv
from napari_leukocyte.core.cells.measures import CellMeasure


def results(folder, labels):
    """Cells whose CNR rises from image to image."""
    folder.mkdir()
    rows = []
    for i, label in enumerate(labels):
        cnr = 1 + i / 10
        measures = [
            CellMeasure(n, 50.0, 50.0, cnr, cnr, cnr, 1 / cnr, 1 / (1 + cnr), 400 + 40 * i, 400, 4.0, 4.0, (), "blast")
            for n in (1, 2)
        ]
        rows += cell_rows(measures, image=label)
    write_cells_csv(folder / "cells.csv", rows)
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_a_report_with_groups_and_what_does_not_fit(tmp_path):
    folder = results(tmp_path / "r", [*(f"{g}-{i}.png" for g in "AB" for i in range(3)), "odd.png"])
    done = run(folder, "--groups", r"(?P<patient>(?P<group>A|B)-\d)", "--out", tmp_path / "out", "--title", "A & B")
    assert done.exit_code == 0, done.output
    assert "1 image left out" in done.output
    assert "r/odd.png" in done.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h1>A &amp; B</h1>" in page
    with (tmp_path / "out" / "comparisons.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    study = nl.study(folder, groups=r"(?P<patient>(?P<group>A|B)-\d)")
    assert float(row["ratio"]) == round(study.table("comparisons")["ratio"][0], 7)
    assert study.left_out == ("r/odd.png",)


def test_a_coded_report_keeps_its_key_beside_the_folder(tmp_path):
    folder = results(tmp_path / "r", [f"{g}_{i}.png" for g in "AB" for i in range(3)])
    done = run(folder, "--groups", "{group}_{patient}", "--coded", "--out", tmp_path / "out")
    assert done.exit_code == 1  # one patient in both groups
    assert "3 patients stand in several groups" in done.output
    done = run(folder, "--groups", "{patient}", "--coded", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out-key.csv").is_file()
    assert "A_1" not in (tmp_path / "out" / "cells.csv").read_text(encoding="utf-8")


def test_what_cannot_be_done_is_said(tmp_path):
    folder = results(tmp_path / "r", ["a.png"])
    for arguments, said in (
        ((folder, "--out", folder), "is read, so it cannot be written"),
        ((folder, "--out", tmp_path / "o", "--key", tmp_path / "k.csv"), "--key is the key of --coded"),
        ((folder, "--coded", "--out", tmp_path / "o", "--key", tmp_path / "o" / "k.csv"), "would be given away"),
        ((tmp_path / "x", "--out", tmp_path / "o"), "does not exist"),
    ):
        done = run(*arguments)
        assert (done.exit_code, said in done.output) == (1, True), done.output
    assert not (tmp_path / "o").exists()
