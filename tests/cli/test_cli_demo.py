import csv
import sys
from types import ModuleType

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.cli.demo import has_display
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.plugin.demo import check_display


@pytest.fixture
def no_display(monkeypatch, tmp_path):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.chdir(tmp_path)


def test_a_drawn_smear_without_a_display(no_display, tmp_path, run):
    result = run("demo")
    assert result.exit_code == 0, result.output
    out = tmp_path / "demo-output"
    assert sorted(path.name for path in out.iterdir()) == [
        "cells.csv",
        "cells.json",
        "results.jsonl",
        "smear.png",
        "smear_cells.tif",
        "smear_classes.png",
        "smear_overlay.png",
    ]
    assert str(out) in result.stdout.replace("\n", "")
    assert "Not for use in diagnostic procedures." in result.stdout
    with (out / "cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 3
    assert len([row for row in rows if row["cnr"]]) >= 1
    assert all(row["cytoplasm_um2"] for row in rows)
    for row in rows:
        assert f"\n{row['cell']}" in result.stdout
    with Image.open(out / "smear.png") as image, Image.open(out / "smear_overlay.png") as drawn:
        assert np.any(np.array(image) != np.array(drawn))
    assert read_provenance(out / "smear_overlay.png")["model"] == "default"


def test_an_image_and_the_first_plane_of_a_stack(no_display, tmp_path, run, picture):
    tifffile.imwrite(tmp_path / "s.tif", np.stack([picture(1), picture(2)]), photometric="rgb")
    result = run("demo", "s.tif")
    assert result.exit_code == 0, result.output
    assert "stack of 2 planes" in result.stderr
    with Image.open("demo-output/s_classes.png") as image:
        assert image.size == (48, 40)


def test_bad_images_are_one_sentence(no_display, tmp_path, run):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for name in ("bad.png", "missing.png"):
        result = run("demo", name)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert name in result.stderr


def test_with_a_display_napari_gets_the_image(tmp_path, run, monkeypatch):
    opened = []
    module = ModuleType("napari_leukocyte.plugin.demo")
    module.open_demo = opened.append
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert run("demo").exit_code == 0
    assert run("demo", tmp_path / "a.png").exit_code == 0
    assert opened == [None, tmp_path / "a.png"]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="a display is not chosen by the environment there")
@pytest.mark.parametrize(("name", "value"), [("DISPLAY", ":7777"), ("WAYLAND_DISPLAY", "no-such-socket")])
def test_a_display_that_does_not_answer_is_one_sentence(run, monkeypatch, name, value):
    for other in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    result = run("demo")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert f"Qt cannot show a window with {name}={value}: " in result.stderr
    assert "QT_QPA_PLATFORM=offscreen" in result.stderr


def test_a_display_that_answers_is_not_questioned(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    check_display()


@pytest.mark.parametrize(
    ("environment", "system", "there"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "minimal"}, "linux", False),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "xcb"}, "linux", True),
        ({}, "win32", True),
        ({"QT_QPA_PLATFORM": "offscreen:size=800x600"}, "darwin", False),
    ],
)
def test_what_counts_as_a_display(environment, system, there):
    assert has_display(environment, system) is there
