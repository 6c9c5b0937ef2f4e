import csv
import errno
import json
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tifffile
import torch
import typer
from PIL import Image

from napari_leukocyte.cli import app
from napari_leukocyte.cli.segment import segment
from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS
from napari_leukocyte.core.cells.keep import Keep
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.model.device import Device
from napari_leukocyte.core.model.weights import replace_info
from napari_leukocyte.core.segmentation import segment as core_segment
from napari_leukocyte.core.segmentation.parameters import Engine, Mode, SegmentParameters
from napari_leukocyte.core.slides.inputs import AsSlides
from napari_leukocyte.core.slides.run import SlideParameters

ABSENT = "mps" if torch.cuda.is_available() else "cuda"  # no computer has both


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def read_table(path):
    header = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with path.open(encoding="utf-8", newline="") as file:
        return header, list(csv.DictReader(file))


def test_options_restate_the_parameters():
    command = typer.main.get_command(app).commands["segment"]
    of_the_folder = {"out", "resume", "overwrite", "jobs", "scheduler", "protocol", "slides"}
    options = {
        one.name: one for one in command.params if one.param_type_name == "option" and one.name not in of_the_folder
    }
    defaults = SegmentParameters()
    of_slides = {name for name in SlideParameters.__dataclass_fields__ if name not in ("segment", "windows")}
    assert {name: options.pop(name).default for name in of_slides} == dict.fromkeys(of_slides, False)
    assert {name: one.default for name, one in options.items()} == {
        name: getattr(defaults, name)
        for name in SegmentParameters.__dataclass_fields__
        if name != "pixel_size_source"  # what is typed here is typed
    }
    for name, choices in (("mode", Mode), ("keep", Keep), ("device", Device), ("engine", Engine)):
        assert get_args(get_type_hints(segment)[name]) == get_args(choices)
        assert options[name].opts == [f"--{name}"]
    assert options["pixel_size"].opts == ["--pixel-size"]
    assert get_args(get_type_hints(segment)["slides"]) == get_args(AsSlides)


def test_files_and_table_agree(tmp_path, run, model, picture):
    save(tmp_path / "a.png", picture(1))
    save(tmp_path / "b.jpg", picture(2))
    out = tmp_path / "new" / "out"
    result = run("segment", tmp_path, "--out", out, "--model", model, "--pixel-size", 0.5, "--keep", "all")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert sorted(path.name for path in out.iterdir()) == [
        "a_cells.tif",
        "a_classes.png",
        "b_cells.tif",
        "b_classes.png",
        "cells.csv",
        "cells.json",
        "results.jsonl",
    ]
    assert "2 images of 2 segmented" in result.stdout
    assert str(out) in result.stdout
    assert "Device: cpu" in result.stdout
    header, rows = read_table(out / "cells.csv")
    assert rows
    assert tuple(rows[0]) == CELL_COLUMNS
    assert header["model"] == "tiny"
    assert header["pixel_size_um"] == "0.5"
    assert header["pixel_size_source"] == "typed"
    for stem, name in (("a", "a.png"), ("b", "b.jpg")):
        with Image.open(out / f"{stem}_classes.png") as image:
            assert image.mode == "L"
            classes = np.array(image)
        cells = tifffile.imread(out / f"{stem}_cells.tif")
        assert classes.shape == cells.shape == (40, 48)
        assert set(np.unique(classes)) <= {0, 1, 2}
        own = [row for row in rows if row["image"] == name]
        assert [int(row["cell"]) for row in own] == list(range(1, cells.max() + 1))
        for row in own:
            inside = classes[cells == int(row["cell"])]
            assert int(row["cytoplasm_px"]) == np.count_nonzero(inside == 1)
            assert int(row["nucleus_px"]) == np.count_nonzero(inside == 2)
            assert float(row["nucleus_um2"]) == pytest.approx(0.25 * int(row["nucleus_px"]))
        assert read_provenance(out / f"{stem}_classes.png")["image"] == name
        assert read_provenance(out / f"{stem}_cells.tif")["model_sha256"] == header["model_sha256"]


def test_the_calibrated_range_of_a_model_goes_with_its_maps(tmp_path, run, model, picture):
    own = Path(shutil.copy(model, tmp_path / "own.safetensors"))
    replace_info(own, scores={"cnr_range": {"factor": 1.25, "cells": 30, "found_on": "own images"}})
    save(tmp_path / "a.png", picture(1))
    for weights, calibrated in ((own, True), (model, False)):
        out, again = tmp_path / f"out {calibrated}", tmp_path / f"again {calibrated}.csv"
        run("segment", tmp_path / "a.png", "--out", out, "--model", weights, "--pixel-size", 0.5, "--keep", "all")
        run("measure", out, "--out", again)
        for table in (out / "cells.csv", again):
            rows = [row for row in read_table(table)[1] if row["cnr"]]
            assert rows
            for row in rows:
                low, high = row["cnr_range_low"], row["cnr_range_high"]
                if calibrated:
                    assert float(low) == pytest.approx(float(row["cnr"]) / 1.25)
                    assert float(high) == pytest.approx(float(row["cnr"]) * 1.25)
                else:
                    assert (low, high) == ("", "")


def test_bad_files_are_reported_and_the_rest_runs(tmp_path, run, model, picture):
    (tmp_path / "noise.png").write_bytes(b"not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    save(tmp_path / "flat.png", np.full((30, 30, 3), 9, np.uint8))
    save(tmp_path / "good.png", picture())
    save(tmp_path / "grey.png", picture()[..., 0])
    out = tmp_path / "out"
    result = run("segment", tmp_path, tmp_path / "missing.png", "--out", out, "--model", model)
    assert result.exit_code == 1
    assert "2 images of 6 segmented" in result.stdout
    assert "grey.png: grayscale, repeated for red, green and blue" in result.stdout
    heading, *reasons, share = result.stderr.splitlines()
    assert (heading, share) == ("Not segmented:", "4 of 6 images failed.")
    for name, word in (
        ("noise", "not an image"),
        ("empty", "empty"),
        ("flat", "same colour"),
        ("missing", "does not exist"),
    ):
        (reason,) = [line for line in reasons if f"{name}.png" in line]
        assert word in reason
        assert not list(out.glob(f"{name}_*"))
    assert len(reasons) == 4
    assert {row["image"] for row in read_table(out / "cells.csv")[1]} <= {"good.png", "grey.png"}


def test_an_older_table_survives_a_run_without_results(tmp_path, run, model):
    (tmp_path / "noise.png").write_bytes(b"not a picture")
    out = tmp_path / "out"
    out.mkdir()
    (out / "cells.csv").write_text("old")
    result = run("segment", tmp_path, "--out", out, "--model", model)
    assert result.exit_code == 1
    assert "cells.csv is not from this program's results here, and is not replaced" in result.stderr
    result = run("segment", tmp_path, "--out", out, "--model", model, "--overwrite")
    assert result.exit_code == 1
    assert "Nothing of 1 image was segmented" in result.stdout
    assert (out / "cells.csv").read_text() == "old"


def test_one_stem_twice_keeps_extensions_and_folders(tmp_path, run, model, picture):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "a.png", picture())
    save(tmp_path / "x" / "b.png", picture())
    save(tmp_path / "x" / "b.bmp", picture())
    out = tmp_path / "out"
    result = run("segment", tmp_path / "x", tmp_path / "y", "--out", out, "--model", model, "--pixel-size", 0.5)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.glob("*_classes.png")) == [
        "b.bmp_classes.png",
        "b.png_classes.png",
        "x_a.png_classes.png",
        "y_a.png_classes.png",
    ]
    assert {row["image"] for row in read_table(out / "cells.csv")[1]} == {"x/a.png", "y/a.png", "b.png", "b.bmp"}


def test_a_stack_becomes_one_tiff_and_a_constant_plane_stays_empty(tmp_path, run, model, picture):
    stack = np.stack([picture(1), np.full_like(picture(), 200), picture(2, radius=15)])
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="rgb")
    out = tmp_path / "out"
    result = run("segment", tmp_path / "s.tif", "--out", out, "--model", model, "--keep", "all")
    assert result.exit_code == 1
    assert "s.tif [1]: Every pixel of the image has the same colour" in result.stderr
    classes, cells = tifffile.imread(out / "s_classes.tif"), tifffile.imread(out / "s_cells.tif")
    assert classes.shape == cells.shape == (3, 40, 48)
    assert classes.dtype == np.uint8
    assert not classes[1].any()
    header, rows = read_table(out / "cells.csv")
    assert {row["plane"] for row in rows} == {"0", "2"}
    assert (header["pixel_size_scope"], {row["pixel_size_um"] for row in rows}) == ("shared", {header["pixel_size_um"]})
    for plane in (0, 2):
        assert len([row for row in rows if row["plane"] == str(plane)]) == cells[plane].max()
    assert not (out / "s_classes.png").exists()


def test_large_images_become_tiff(tmp_path, run, model, picture, monkeypatch):
    monkeypatch.setattr("napari_leukocyte.core.results.maps._LARGE", 1000)
    save(tmp_path / "a.png", picture())
    assert run("segment", tmp_path / "a.png", "--out", tmp_path / "out", "--model", model).exit_code == 0
    assert tifffile.imread(tmp_path / "out" / "a_classes.tif").shape == (40, 48)


def test_binary_mode_has_no_cnr(tmp_path, run, binary_model, picture):
    save(tmp_path / "a.png", picture())
    out = tmp_path / "out"
    result = run(
        "segment", tmp_path / "a.png", "--out", out, "--model", binary_model, "--mode", "binary", "--keep", "all"
    )
    assert result.exit_code == 0, result.output
    with Image.open(out / "a_classes.png") as image:
        assert set(np.unique(np.array(image))) <= {0, 1}
    header, rows = read_table(out / "cells.csv")
    assert header["mode"] == "binary"
    assert rows
    assert {(row["cnr"], row["nucleus_px"]) for row in rows} == {("", "0")}


def test_only_a_known_pixel_size_gives_um2(tmp_path, run, model, picture):
    save(tmp_path / "tagged.png", picture(), dpi=(25400 / 0.5, 25400 / 0.5))
    save(tmp_path / "plain.png", picture())
    out = tmp_path / "out"
    result = run("segment", tmp_path, "--out", out, "--model", model, "--keep", "all")
    assert result.exit_code == 0, result.output
    assert "tagged.png: pixel size 0.5 µm/px (resolution tag)" in result.stdout
    assert "so areas are in px only" in result.stdout
    header, rows = read_table(out / "cells.csv")
    assert header["pixel_size_um of tagged.png"] == "0.5 (resolution tag)"
    assert {row["image"] for row in rows if row["nucleus_um2"]} == {"tagged.png"}
    with Image.open(out / "plain_classes.png") as image:
        assert "dpi" not in image.info  # an estimate must not come back as a measured size
    result = run(*("segment", tmp_path, "--out", tmp_path / "2", "--model", model, "--default-pixel-size", 0.4))
    assert "tagged.png: pixel size 0.5 µm/px (resolution tag)" in result.stdout
    assert "plain.png: pixel size 0.4 µm/px (default for images that state none)" in result.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "no-such-model"], "There is no model 'no-such-model'"),
        (["--pixel-size", "100"], "not plausible"),
        (["--device", ABSENT], f"no {ABSENT} device"),
    ],
)
def test_wrong_choices_are_one_sentence(tmp_path, run, picture, options, words):
    save(tmp_path / "a.png", picture())
    result = run("segment", tmp_path, "--out", tmp_path / "out", *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_model_that_does_not_fit(tmp_path, run, binary_model, picture):
    image = save(tmp_path / "a.png", picture())
    for file, words in ((binary_model, "binary"), (image, "safetensors")):
        result = run("segment", image, "--out", tmp_path / "out", "--model", file)
        assert result.exit_code == 1
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_no_input(tmp_path, run):
    (tmp_path / "empty").mkdir()
    for given in (tmp_path / "empty", tmp_path / "*.png"):
        result = run("segment", given, "--out", tmp_path / "out")
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
    assert run("segment", "--out", tmp_path / "out").exit_code == 2
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be(tmp_path, run, model, picture):
    image = save(tmp_path / "a.png", picture())
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = run("segment", image, "--out", out, "--model", model)
        assert result.exit_code == 1
        assert "cannot be made" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_results_never_replace_an_input(tmp_path, run, model, picture):
    image = save(tmp_path / "a.png", picture())
    other = save(tmp_path / "a_classes.png", picture(5))
    before = other.read_bytes()
    result = run("segment", image, other, "--out", tmp_path, "--model", model)
    assert result.exit_code == 1
    assert "a_classes.png is read, so it cannot be written as well" in result.stderr
    assert other.read_bytes() == before


@pytest.mark.parametrize("room", [0, 2], ids=["from the start", "for the record of the list alone"])
def test_a_full_disk_is_one_sentence(tmp_path, run, model, picture, monkeypatch, room):
    save(tmp_path / "a.png", picture())
    flushed = []

    def full(descriptor):
        flushed.append(descriptor)
        if len(flushed) > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = run("segment", tmp_path / "a.png", "--out", tmp_path / "out", "--model", model)
    assert result.exit_code == 1
    if room:
        _, reason, share = result.stderr.splitlines()
        assert share == "1 of 1 image failed."
    else:
        (reason,) = result.stderr.splitlines()
    assert "no space left on the device" in reason
    assert ".writing" not in reason
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["results.jsonl"] * bool(room)


def test_a_result_that_cannot_be_written_costs_only_its_image(tmp_path, run, model, picture):
    for name in "abc":
        save(tmp_path / f"{name}.png", picture())
    out = tmp_path / "out"
    (out / "b_classes.png" / "in the way").mkdir(parents=True)
    result = run("segment", tmp_path, "--out", out, "--model", model)
    assert result.exit_code == 1
    assert "b_classes.png could not be written" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 of 3 images failed."
    assert {row["image"] for row in read_table(out / "cells.csv")[1]} == {"a.png", "c.png"}


def test_names_that_steer_or_are_no_text(tmp_path, run, model, picture):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = [b"caf\xe9.png", b"=1+1.png", b"\x1b]0;x\x07.png", b"x" * 250 + b".png"]
    for name in names:
        save(folder / os.fsdecode(name), picture())
    (folder / os.fsdecode(b"\x1b[2J.png")).write_bytes(b"no picture")
    result = run("segment", folder, "--out", out, "--model", model)
    assert result.stderr.splitlines()[-1] == "1 of 5 images failed."
    assert "\x1b" not in result.stdout + result.stderr
    images = {row["image"] for row in read_table(out / "cells.csv")[1]}
    assert images == {r"caf\xe9.png", "'=1+1.png", r"\x1b]0;x\x07.png", "x" * 250 + ".png"}
    assert len(list(out.glob("*_classes.png"))) == 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ctrl+C may hit while a file opens
def test_ctrl_c_keeps_what_is_done(tmp_path, run, model, picture, interrupt_when):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for i in range(60):
        save(folder / f"{i}.png", picture(i))
    interrupt_when(out / "2_cells.tif")
    result = run("segment", folder, "--out", out, "--model", model, "--keep", "all", "--pixel-size", 0.5)
    assert result.exit_code == 130
    assert result.stderr == "Stopped.\n"
    rows = read_table(out / "cells.csv")[1]
    assert {"0.png", "1.png"} <= {row["image"] for row in rows}
    assert not (out / "59_cells.tif").exists()
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


# ---- engines and processes ------------------------------------------------------------------------------------


def test_the_engine_stands_in_every_row(tmp_path, run, model, picture):
    pytest.importorskip("openvino")
    save(tmp_path / "a.png", picture(1))
    given = ("--model", model, "--pixel-size", 0.5, "--keep", "all")
    result = run("segment", tmp_path / "a.png", "--out", tmp_path / "out", *given, "--engine", "fast")
    assert result.exit_code == 0, result.output
    _, rows = read_table(tmp_path / "out" / "cells.csv")
    assert {row["engine"] for row in rows} == {"openvino"}
    assert "computed" not in result.stderr
    save(tmp_path / "b.png", picture(2))
    both = tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "out", *given
    mixed = run("segment", *both, "--engine", "torch", "--resume")
    assert "Note: cells.csv also holds 1 image that openvino computed, as precisely: now torch." in mixed.stderr
    assert [row["engine"] for row in read_table(tmp_path / "out" / "cells.csv")[1]] == ["openvino", "torch"]
    refused = run("segment", tmp_path / "a.png", "--out", tmp_path / "8", *given, "--engine", "fast-int8")
    assert refused.exit_code == 1
    assert "model calibrate" in refused.stderr


@pytest.mark.parametrize("planes", [1, 3])
def test_a_file_that_changes_while_it_is_read_is_done_again(tmp_path, run, model, picture, monkeypatch, planes):
    path, real, looks = tmp_path / "a.tif", core_segment.find_conversion, []
    tifffile.imwrite(path, np.stack([picture(i) for i in range(planes)]), photometric="rgb")

    def change(plane, *, rgb):
        looks.append(1)
        if len(looks) == 1:  # its first plane has been read
            tifffile.imwrite(path, np.stack([picture(i) for i in range(9, 9 + planes)]), photometric="rgb")
        return real(plane, rgb=rgb)

    monkeypatch.setattr(core_segment, "find_conversion", change)
    given = ("segment", path, "--out", tmp_path / "out", "--model", model, "--pixel-size", 0.5, "--resume")
    assert "1 image of 1 segmented" in run(*given).stdout
    assert "1 image of 1 segmented, " in run(*given).stdout
    assert "Nothing of 1 image was segmented, 1 done before" in run(*given).stdout


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_and_keeps_what_is_done(tmp_path, run, model, picture, interrupt_when):
    for i in range(60):
        save(tmp_path / f"{i}.png", picture(i))
    out = tmp_path / "out"
    interrupt_when(out / "0_cells.tif")
    result = run("segment", tmp_path, "--out", out, "--model", model, "--pixel-size", 0.5, "--jobs", 2)
    assert result.exit_code == 130, result.output
    assert not multiprocessing.active_children()
    _, rows = read_table(out / "cells.csv")
    assert "0.png" in {row["image"] for row in rows}
    again = run("segment", tmp_path, "--out", out, "--model", model, "--pixel-size", 0.5, "--jobs", 2, "--resume")
    assert again.exit_code == 0, again.output
    assert {row["image"] for row in read_table(out / "cells.csv")[1]} == {f"{i}.png" for i in range(60)}
