"""By every command: what is read, and what somebody else made, is as it was; what the program wrote is replaced."""

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.imaging.write import write_class_png


@pytest.fixture
def place(tmp_path, disc_map, picture):
    """A folder of images, truths and predictions, and files of somebody else."""
    for folder in ("images", "truth", "pred"):
        (tmp_path / folder).mkdir()
        for name in ("a.png", "b.png"):
            if folder == "images":
                Image.fromarray(picture()).save(tmp_path / folder / name)
            else:
                classes = disc_map((40, 48), (20, 24, 13, 7))
                write_class_png(tmp_path / folder / name, classes, provenance={})
    (tmp_path / "index.csv").write_text("image,px_per_um\na.png,10\nb.png,10\n")
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    (tmp_path / "page.html").write_text("<!DOCTYPE html>mine")
    return tmp_path


def content(place):
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "--pred", "pred", "--truth", "truth", "--json", "truth/a.png"),
        ("evaluate", "--pred", "pred", "--truth", "truth", "--json", "notes.json"),
        ("evaluate", "--pred", "pred", "--truth", "truth", "--report", "page.html"),
        ("evaluate", "--pred", "pred", "--truth", "truth", "--index", "index.csv", "--json", "index.csv"),
        ("evaluate", "--pred", "pred", "--truth", "truth", "--json", "new.html", "--report", "new.html"),
        ("measure", "pred", "--out", "index.csv"),
        ("measure", "pred", "--out", "notes.csv"),  # whose JSON would be the notes
        ("segment", "images", "--out", "out", "--log", "images/a.png"),
        ("segment", "images", "--out", "out", "--log", "index.csv"),
        ("train", "--data", ".", "--out", "index.csv"),
        ("synth", "--out", ".", "--n", "1"),
    ],
)
def test_nothing_of_somebody_else_is_touched(place, run, monkeypatch, command):
    monkeypatch.chdir(place)
    before = content(place)
    result = run(*command)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert content(place) == before


def test_own_files_are_replaced(place, run, monkeypatch):
    monkeypatch.chdir(place)
    for _ in range(2):
        result = run(*("evaluate", "--pred", "pred", "--truth", "truth", "--json", "f.json", "--report", "r.html"))
        assert result.exit_code == 0, result.output
        result = run("measure", "pred", "--out", "t.csv", "--log", "log.txt")
        assert result.exit_code == 0, result.output
    assert (place / "log.txt").read_text().count("done after") == 2


def test_passed_over_files_are_said(place, run, model):
    (place / "images" / "c.gif").write_bytes(b"GIF89a")
    (place / "images" / "a_classes.png").write_bytes(b"old")
    result = run("segment", place / "images", "--out", place / "out", "--model", model, "--pixel-size", 0.3)
    assert "images: 1 file of earlier results passed over" in result.stdout
    assert "images: passed over, no kind of image that is read: c.gif" in result.stdout
    assert np.array(Image.open(place / "out" / "a_classes.png")).any()
