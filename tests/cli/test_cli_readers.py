"""Readers and cells without a CNR, as the commands tell of them."""

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.training_set.reader import Reader
from napari_leukocyte.core.training_set.records import user_name
from napari_leukocyte.core.training_set.training_set import TrainingSet


def concentric(cell, nucleus, shape=(60, 60)):
    y, x = np.ogrid[: shape[0], : shape[1]]
    distance = np.hypot(y - shape[0] / 2, x - shape[1] / 2)
    return np.where(distance < nucleus, 2, np.where(distance < cell, 1, 0)).astype(np.uint8)


@pytest.fixture
def data(tmp_path):
    """Four images, and masks of two experts who differ by a pixel."""
    for name in ("images", "anna", "boris"):
        (tmp_path / name).mkdir()
    for i in range(4):
        noise = np.random.default_rng(i).integers(0, 255, (60, 60, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "images" / f"{i}.png")
        for more, name in enumerate(("anna", "boris")):
            Image.fromarray(concentric(18 + i + more, 10)).save(tmp_path / name / f"{i}_classes.png")
    return tmp_path


def add(ts, data, expert, *options):
    return ts("add", "--images", data / "images", "--masks", data / expert, *options)


def test_masks_of_two_readers_stand_side_by_side_and_are_compared(run, ts, data):
    for expert in ("anna", "boris"):
        result = add(ts, data, expert, "--accept", "--reader", expert.title())
        assert f"Their reader is {expert.title()}." in result.stdout
    told = ts("readers").stdout
    assert "Anna: 4 masks" in told
    assert "Boris: 4 masks" in told
    assert "Boris over Anna, not typed, 4 cells: CNR 1." in told
    assert "ICC(2,1)" in told
    assert run("measure", data / "anna", "--out", data / "results" / "cells.csv").exit_code == 0
    table = data / "results" / "cells.csv"  # of class maps it has the stems, of images that are segmented their names
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([head, *(row.replace(",", ".png,", 1) for row in rows)]), encoding="utf-8")
    report = run("report", data / "results", "--out", data / "report", "--reader", data / "set")
    assert report.exit_code == 0, report.output
    page = (data / "report" / "report.html").read_text(encoding="utf-8")
    assert "Boris to Anna" in page


def test_the_name_of_the_account_is_said_and_a_reader_accepts_own_drafts(ts, data):
    assert "0 accepted, 4 as drafts" in add(ts, data, "anna").stdout
    assert (
        f"Their reader is {user_name()}, the name of the account (--reader gives another)." in ts("accept", "0").stdout
    )
    ts("accept", "1", "--reader", "Anna")
    opened = TrainingSet.open(data / "set")
    assert [opened.current(one).by for one in opened.image_ids()[:2]] == [user_name(), "Anna"]
    assert opened.as_reader(Reader("Boris")).current(opened.image_ids()[0]) is None
    assert "needs a name" in ts("accept", "2", "--reader", " ").stderr


def test_the_end_of_a_command_says_which_cells_have_no_cnr_and_where_they_are_not_random(run, tmp_path):
    for folder, whole in (("good", 12), ("bad", 1)):
        (tmp_path / folder).mkdir()
        cells = [concentric(18, 10 if i < whole else 0, (44, 44)) for i in range(12)]
        Image.fromarray(np.pad(np.hstack(cells), 4)).save(tmp_path / folder / f"{folder}_classes.png")
    out = tmp_path / "cells.csv"
    result = run("measure", tmp_path / "good", tmp_path / "bad", "--pixel-size", "0.2", "--out", out)
    assert result.exit_code == 0, result.output
    assert "24 cells, CNR of 13: median 2." in result.stdout
    assert "no CNR: 11 without nucleus (46 %)" in result.stdout
    assert "Note: Images differ in the share of cells without a CNR: from 0 to 92 %" in result.stdout
