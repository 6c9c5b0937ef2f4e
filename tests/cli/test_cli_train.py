import csv
import dataclasses
import hashlib
import json
from typing import get_args, get_type_hints

import numpy as np
import pytest
import typer
from PIL import Image

from napari_leukocyte.cli import app
from napari_leukocyte.cli.train import train as train_command
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.fine_tuning import fine_tune as fine_tune_module
from napari_leukocyte.core.fine_tuning.decision import card_path
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.plan import describe_known, known_images, make_plan
from napari_leukocyte.core.fine_tuning.samples import guard_items
from napari_leukocyte.core.model.device import Device
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.recipes import RECIPES, default_recipe
from napari_leukocyte.core.model.training import TrainEpoch, TrainParameters, checkpoint_path, train
from napari_leukocyte.core.model.unet import UNetConfig
from napari_leukocyte.core.model.weights import load_model, read_info
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet


def tiny_recipe(classes=3):
    return dataclasses.replace(
        default_recipe(classes),
        architecture=UNetConfig(classes=classes, widths=(4, 8)),
        window=16,
        batch=2,
        pixel_size=0.5,
        epochs=2,
        validate_every=1,
    )


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(RECIPES, "default", tiny_recipe)


@pytest.fixture
def data(tmp_path, picture):
    folder = tmp_path / "data"
    folder.mkdir()
    y, x = np.ogrid[:40, :48]
    distance = np.hypot(y - 20, x - 24)
    mask = np.where(distance < 7, 2, np.where(distance < 13, 1, 0)).astype(np.uint8)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "image", "mask", "px_per_um"])
        for i in range(8):
            Image.fromarray(picture(i)).save(folder / f"{i}.png")
            Image.fromarray(mask).save(folder / f"{i}_mask.png")
            writer.writerow(["drawn", f"{i}.png", f"{i}_mask.png", "2"])
    return folder


def test_options_restate_the_parameters():
    options = {one.name: one for one in typer.main.get_command(app).commands["train"].params}
    fields = {field.name: field for field in dataclasses.fields(TrainParameters)}
    for name in ("name", "device", "seed", "licence"):
        assert options[name].default == fields[name].default
    assert set(fields) - {"data"} <= set(options)  # the summary of the data is made from --data
    for field in dataclasses.fields(FineTuneParameters):
        option = options["from_model" if field.name == "start" else field.name]
        if field.name in ("start", "epochs", "patience", "learning_rate"):  # what --data is decides: the help tells it
            assert option.default is None
            assert f" {field.default}]" in option.help
        elif field.name != "out":
            assert option.default == field.default
    assert get_args(get_type_hints(train_command)["device"]) == get_args(Device)
    assert set(get_args(get_type_hints(train_command)["recipe"])) == set(RECIPES)


def test_one_epoch(tmp_path, run, data):
    out = tmp_path / "models" / "mine.safetensors"
    result = run("train", "--data", data, "--recipe", "default", "--epochs", 1, "--out", out, "--licence", "CC0")
    assert result.exit_code == 0, result.output
    assert f"Wrote {out}: validation score" in result.stdout
    assert "epoch 1 of 1: loss" in result.stderr
    info = read_info(out)
    assert (info.name, info.licence, info.classes) == ("mine", "CC0", 3)
    assert info.training["recipe"]["epochs"] == 1
    assert not checkpoint_path(out).exists()
    again = run("train", "--data", data, "--epochs", 1, "--out", out)
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_binary_from_a_split_and_a_start(tmp_path, run, data, binary_model):
    split = tmp_path / "split.json"
    names = [f"{i}.png" for i in range(8)]
    split.write_text(json.dumps({"train": names[:5], "validation": names[5:], "test": []}))
    out = tmp_path / "b.safetensors"
    options = ["--classes", 2, "--epochs", 1, "--split", split, "--from", binary_model, "--name", "B"]
    options += ["--learning-rate", 1e-4]
    result = run("train", "--data", data, "--out", out, *options)
    assert result.exit_code == 0, result.output
    info = read_info(out)
    assert (info.name, info.classes, info.training["data"]["train"]) == ("B", 2, {"drawn": 5})
    assert info.training["data"]["drawn"] == 5  # smears that the recipe adds
    recipe, usual = info.training["recipe"], tiny_recipe(2)
    assert recipe["learning_rate"] == 1e-4
    assert recipe["kernel_rate"] == pytest.approx(usual.kernel_rate * 1e-4 / usual.learning_rate)


def test_a_share_of_the_start_is_kept(tmp_path, run, data, binary_model):
    out = tmp_path / "all-start.safetensors"
    options = ["--classes", 2, "--epochs", 1, "--from", binary_model, "--start-share", 1]
    result = run("train", "--data", data, "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert read_info(out).training["recipe"]["start_share"] == 1
    before, after = load_model(binary_model)[0].state_dict(), load_model(out)[0].state_dict()
    assert all(bool((after[key] == value).all()) for key, value in before.items() if value.is_floating_point())
    refused = run("train", "--data", data, "--out", tmp_path / "b.safetensors", "--start-share", 0.5)
    assert refused.exit_code == 1
    assert "name it with --from" in refused.stderr


def test_a_start_of_another_architecture(tmp_path, run, data, binary_model):
    result = run("train", "--data", data, "--out", tmp_path / "a.safetensors", "--from", binary_model)
    assert result.exit_code == 1
    assert "another architecture" in result.stderr


def test_goes_on_from_its_checkpoint(tmp_path, run, data):
    out = tmp_path / "a.safetensors"
    recipe = dataclasses.replace(tiny_recipe(), epochs=3)
    training, validation, summary = prepare(data, recipe)
    events = train(training, validation, TrainParameters(out=out, recipe=recipe, device="cpu", data=summary))
    next(event for event in events if isinstance(event, TrainEpoch))
    events.close()
    result = run("train", "--data", data, "--epochs", 3, "--out", out, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert f"Going on from the checkpoint {checkpoint_path(out)}" in result.stderr
    assert "epoch 1 of 3" not in result.stderr
    assert "epoch 2 of 3" in result.stderr
    assert not checkpoint_path(out).exists()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ctrl+C may hit while a file opens
def test_ctrl_c_says_where_the_weights_are(tmp_path, run, data, interrupt_when):
    out = tmp_path / "a.safetensors"
    interrupt_when(checkpoint_path(out))
    result = run("train", "--data", data, "--epochs", 100_000, "--out", out)
    assert result.exit_code == 130
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Stopped: the best weights so far are in")
    assert str(out) in last
    assert str(checkpoint_path(out)) in last
    assert read_info(out).name == "a"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: (data / "index.csv").unlink(), "has no index.csv"),
        (lambda data: (data / "0.png").unlink(), "0.png does not exist"),
        (lambda data: (data / "0.png").write_bytes(b"no picture"), "0.png is not an image"),
    ],
)
def test_bad_data_is_one_sentence(tmp_path, run, data, change, words):
    change(data)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["0.png", "1.png"], "validation": [], "test": []}))
    result = run("train", "--data", data, "--split", split, "--epochs", 1, "--out", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert words in result.stderr.splitlines()[-1]
    assert "defect" not in result.stderr


def test_bad_outputs(tmp_path, run, data):
    (tmp_path / "file").write_text("mine")
    for out, words in ((tmp_path, "is a folder"), (tmp_path / "file" / "a.safetensors", "cannot be made")):
        result = run("train", "--data", data, "--out", out)
        assert result.exit_code == 1
        assert words in result.stderr


@pytest.fixture
def training_set(tmp_path, picture, monkeypatch):
    """Five images with accepted masks, one of them held out, one not touched by a hand."""
    monkeypatch.setattr(fine_tune_module, "guard_items", lambda: guard_items()[:2])
    made = TrainingSet.create(tmp_path / "set", pixel_size=0.5)
    y, x = np.ogrid[:40, :48]
    distance = np.hypot(y - 20, x - 24)
    classes = np.where(distance < 7, 2, np.where(distance < 13, 1, 0)).astype(np.uint8)
    for i in range(5):
        name = made.add_image(picture(i), name=f"{i}.png")
        model = "default" if i == 3 else ""
        made.accept(name, Correction(classes, label_cells(classes, pixel_size=0.5), MaskFacts(model=model)))
        if i == 4:
            made.hold_out([name])
    return made


def test_a_training_set_is_fine_tuned(tmp_path, run, training_set, model):
    out = training_set.models_folder / "mine.safetensors"
    options = ["--from", model, "--epochs", 1, "--learning-rate", "1e-5", "--name", "Mine"]
    result = run("train", "--data", training_set.folder, "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert "5 accepted masks" in result.stderr
    assert "1 of them held out" in result.stderr
    assert "Cross-validation, part 3 of 3." in result.stderr
    assert "IoU_b cell" in result.stderr
    assert "difference (95 % interval)" in result.stdout
    assert "synthetic smears (guard)" in result.stdout
    assert "1 of 5 unedited" in result.stdout
    assert "Too few to judge: 4 images from 4 independent groups" in result.stdout
    assert f"Wrote {out} and its card {card_path(out)}." in result.stdout
    info = read_info(out)
    assert info.name == "Mine"
    assert (info.training["recipe"]["epochs"], info.training["recipe"]["learning_rate"]) == (1, 1e-5)
    assert {(one["version"], one["sha256"]) for one in info.training["data"]["masks"]} == {
        (item.version, item.sha256) for item in training_set.items(held_out=False)
    }
    assert "Warning" not in result.stderr
    third = tmp_path / "third.safetensors"
    known = run("train", "--data", training_set.folder, "--out", third, "--from", out, "--epochs", 1)
    assert known.exit_code == 0, known.output
    plan = make_plan(training_set.items(), seed=0)
    warning = describe_known("mine", plan, known_images(info.training))
    assert "mine was trained on 4 of the 5 images that are to judge" in warning
    assert f"Warning: {warning}" in known.stderr
    assert "known to the start (no proof)" in known.stdout
    assert "Not counted: 4 images" in known.stdout
    again = run("train", "--data", training_set.folder, "--out", out, "--from", model)
    assert again.exit_code == 1
    assert "exists already" in again.stderr.splitlines()[-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ctrl+C may hit while a file opens
def test_a_stopped_fine_tuning_goes_on(tmp_path, run, training_set, model, interrupt_when):
    out = tmp_path / "mine.safetensors"
    command = ["train", "--data", training_set.folder, "--out", out, "--from", model, "--patience", 0]
    interrupt_when(checkpoint_path(out))
    result = run(*command, "--epochs", 30)
    assert result.exit_code == 130
    assert f"Stopped: the best weights so far are in {out}; the same command" in result.stderr.splitlines()[-1]
    other = run(*command, "--epochs", 1)
    assert other.exit_code == 1
    assert "belongs to another training run" in other.stderr.splitlines()[-1]


def test_options_of_a_training_set_without_one(tmp_path, run, data):
    result = run("train", "--data", data, "--out", tmp_path / "a.safetensors", "--patience", 1)
    assert result.exit_code == 1
    assert "--patience is for a training set" in result.stderr.splitlines()[-1]
    for rate in ("0", "-1e-3", "inf", "nan"):
        result = run("train", "--data", data, "--out", tmp_path / "a.safetensors", "--learning-rate", rate)
        assert result.exit_code == 1
        assert "--learning-rate must be above 0" in result.stderr.splitlines()[-1]
    bad = run("train", "--data", data, "--out", tmp_path / "a.safetensors", "--epochs", 0)
    assert bad.exit_code == 2


def test_notes_on_the_masks_reach_the_training_part(tmp_path, run, data):
    for folder in ("masks", "nuclei"):
        (data / folder).mkdir()
    lines = (data / "index.csv").read_text().replace("_mask.png", ".png").splitlines()
    rows = [line.split(",") for line in lines[1:]]
    for i in range(8):
        mask = np.asarray(Image.open(data / f"{i}_mask.png"))
        Image.fromarray(mask).save(data / "nuclei" / f"{i}.png")
        Image.fromarray((mask > 0).astype(np.uint8) * 255).save(data / "masks" / f"{i}.png")
    kept = [lines[0], *(f"{source},{image},masks/{mask},{scale}" for source, image, mask, scale in rows)]
    (data / "index.csv").write_text("\n".join(kept) + "\n")
    notes, out = tmp_path / "notes.json", tmp_path / "a.safetensors"
    notes.write_text(json.dumps({"nuclei": {"drawn": {"folder": "nuclei", "tolerance_um": 0.5}}}))
    result = run("train", "--data", data, "--epochs", 1, "--mask-notes", notes, "--out", out)
    assert result.exit_code == 0, result.output
    assert read_info(out).training["data"]["mask_notes"] == hashlib.sha256(notes.read_bytes()).hexdigest()
    notes.write_text("{")
    refused = run("train", "--data", data, "--epochs", 1, "--mask-notes", notes, "--out", tmp_path / "b.safetensors")
    assert refused.exit_code == 1
    assert f"{notes} is damaged (no valid JSON): correct it" in refused.stderr
    assert "Traceback" not in refused.output
