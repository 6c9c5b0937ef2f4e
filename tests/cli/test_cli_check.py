import csv

import pytest
from PIL import Image


@pytest.mark.slow
def test_nothing_moves_until_something_does(run, tmp_path, picture):
    Image.fromarray(picture(1, size=(120, 120), radius=30)).save(tmp_path / "own.png")
    table, own = tmp_path / "before.csv", tmp_path / "own.png"
    arguments = ("check", table, own, "--model", "active-contour")  # the default network takes a test too long
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "are kept in" in done.output
    kept = table.read_text(encoding="utf-8")
    with table.open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert len([cell for cell in cells if cell["image"].startswith("drawn cell")]) >= 10
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "CNR 0.00 % in the middle, 0.00 % at most" in done.output
    assert "Own images" in done.output
    assert table.read_text(encoding="utf-8") == kept
    with_cnr = next(i for i, cell in enumerate(cells) if cell["cnr"])
    cells[with_cnr]["cnr"] = str(float(cells[with_cnr]["cnr"]) / 1.1)
    cells[with_cnr]["engine"] = "other"
    cells.insert(0, cells.pop(with_cnr))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, cells[0])
        writer.writeheader()
        writer.writerows(cells)
    done = run(*arguments, "--renew")
    assert "+10.00 % at most" in done.output
    assert "engine: numpy, before other" in done.output
    assert table.read_text(encoding="utf-8") == kept


def test_what_cannot_be_done_is_said(run, tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    for arguments, said in (
        ((tmp_path / "x.txt",), "ends in .csv"),
        ((tmp_path / "mine.csv",), "none of this program's files"),
    ):
        done = run("check", *arguments)
        assert (done.exit_code, said in done.output) == (1, True), done.output
