"""``napari-leukocyte model``: calibration for 8-bit integers, and export."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.fixture
def training_set(tmp_path, picture):
    made = TrainingSet.create(tmp_path / "set", pixel_size=0.5)
    classes = np.zeros((40, 48), np.uint8)
    classes[10:30, 10:30], classes[15:25, 15:25] = 1, 2
    for seed in range(3):
        found = made.add_image(picture(seed), name=f"{seed}.png")
        made.accept(found, Correction(classes, (classes > 0).astype(np.int32), MaskFacts()))
    return made


def test_a_calibrated_model_runs_in_8_bits_and_says_so(tmp_path, run, model, picture, training_set):
    pytest.importorskip("openvino")
    model = shutil.copy(model, tmp_path / "m.safetensors")  # what is made beside it stays here
    done = run("model", "calibrate", model, "--data", training_set.folder, "--images", 2)
    assert done.exit_code == 0, done.output
    assert "on 2 images" in done.stdout
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    given = ("--model", model, "--pixel-size", 0.5, "--keep", "all", "--engine", "fast-int8")
    result = run("segment", tmp_path / "a.png", "--out", tmp_path / "out", *given)
    assert result.exit_code == 0, result.output
    with (tmp_path / "out" / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert {(row["engine"], row["precision"]) for row in csv.DictReader(file)} == {("openvino", "int8")}


def test_a_set_without_masks_calibrates_nothing(tmp_path, run, model):
    TrainingSet.create(tmp_path / "set", pixel_size=0.5)
    done = run("model", "calibrate", model, "--data", tmp_path / "set")
    assert done.exit_code == 1
    assert "accept some first" in done.stderr


def test_an_export_is_an_onnx_file(tmp_path, run, model):
    done = run("model", "export", model, "--out", tmp_path / "m.txt")
    assert done.exit_code == 1
    assert "ends in .onnx" in done.stderr
