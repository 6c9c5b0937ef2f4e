import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.fixture
def data(tmp_path, picture):
    """Five images with index masks."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    y, x = np.ogrid[:40, :48]
    distance = np.hypot(y - 20, x - 24)
    classes = np.where(distance < 7, 2, np.where(distance < 13, 1, 0)).astype(np.uint8)
    for i in range(5):
        Image.fromarray(picture(i)).save(tmp_path / "images" / f"{i}.png")
        Image.fromarray(classes).save(tmp_path / "masks" / f"{i}_classes.png")
    return tmp_path


def add(ts, data, *options):
    return ts("add", "--images", data / "images", "--masks", data / "masks", *options)


def test_drafts_are_accepted_one_by_one(ts, data):
    result = add(ts, data, "--slide", "S1")
    assert result.exit_code == 0, result.output
    assert f"5 images of {data / 'set'}: 0 accepted, 5 as drafts." in result.stdout
    assert "read as index" in result.stdout
    opened = TrainingSet.open(data / "set")
    assert opened.items() == []
    assert {image.group for image in opened.images()} == {"S1"}
    for name in ("3", "4.png", opened.image_ids()[0]):
        assert "Mask 1 of" in ts("accept", name).stdout
    assert len(opened.items()) == 3
    assert not opened.drafts.has(opened.image_ids()[0])
    again = ts("accept", "3")
    assert again.exit_code == 1
    assert "has no draft to accept" in again.stderr


def test_revoke_and_restore(ts, data):
    add(ts, data, "--accept")
    opened = TrainingSet.open(data / "set")
    assert len(opened.items()) == 5
    assert "mask 1 is in force" not in ts("revoke", "2.png").stdout
    assert len(opened.items()) == 4
    assert "has no mask in force" in ts("revoke", "2.png").stderr
    assert "revoked" in ts("list").stdout
    assert "import " in ts("list").stdout
    assert "mask 1 is in force now" in ts("restore", "2.png").stdout
    assert "has no revoked mask" in ts("restore", "2.png").stderr
    assert "no accepted mask number 7" in ts("revoke", "2.png", "--version", "7").stderr
    assert len(opened.items()) == 5


def test_hold_out_by_name_and_by_share(ts, data):
    add(ts, data, "--accept")
    opened = TrainingSet.open(data / "set")
    assert "1 image of 5 held out" in ts("hold-out", "1.png").stdout
    assert "2 images of 5 held out, 1 of them now" in ts("hold-out", "--share", "0.4").stdout
    assert len(opened.items(held_out=False)) == 3
    assert ts("list").stdout.count("held out") == 2
    for wrong in ((), ("1.png", "--share", "0.2")):
        assert "one of the two" in ts("hold-out", *wrong).stderr
    assert "There is no image nobody" in ts("hold-out", "nobody").stderr


@pytest.mark.parametrize("format", ["rgb", "index", "cell-nucleus"])
def test_export(ts, data, format):
    add(ts, data, "--accept")
    result = ts("export", "--format", format, "--out", data / "out")
    assert result.exit_code == 0, result.output
    assert "5 masks written" in result.stdout
    assert len(list((data / "out").iterdir())) == (5 if format == "rgb" else 10)
    again = ts("export", "--format", format, "--out", data / "out")
    assert again.exit_code == 1
    assert again.stderr.count("is there already: choose another folder, or give --overwrite") == 5
    assert ts("export", "--format", format, "--out", data / "out", "--overwrite").exit_code == 0
    for own in ("images", "masks", "masks/x"):
        assert "belongs to the training set" in ts("export", "--format", format, "--out", data / "set" / own).stderr


def test_an_export_is_the_truth_of_what_segment_makes_of_the_images(run, ts, data, model):
    names = ["zheng1-001 (a).png", "a name of more than forty letters, and then some.png"]
    for i, name in enumerate(names):
        (data / "images" / f"{i}.png").rename(data / "images" / name)
        (data / "masks" / f"{i}_classes.png").rename(data / "masks" / f"{name[:-4]}_classes.png")
    add(ts, data, "--accept")
    segmented = run("segment", data / "images", "--out", data / "ours", "--model", model, "--keep", "all")
    assert segmented.exit_code == 0, segmented.output
    for format in ("rgb", "index", "cell-nucleus"):
        assert ts("export", "--format", format, "--out", data / format).exit_code == 0
        out = data / f"{format}.json"
        result = run("evaluate", "--pred", data / "ours", "--truth", data / format, "--json", out)
        assert result.exit_code == 0, result.output
        figures = json.loads(out.read_text(encoding="utf-8"))
        assert {one["name"] for one in figures["per_image"]} == {"2", "3", "4", *(name[:-4] for name in names)}
        assert figures["accuracy"] > 0.9


@pytest.mark.parametrize("problem", ["is missing", "is not an image", "is not the picture that was added"])
def test_the_advice_to_add_an_image_again_puts_it_right(ts, data, problem):
    add(ts, data, "--accept")
    image = TrainingSet.open(data / "set").images()[0]
    if problem == "is missing":
        image.path.unlink()
    elif problem == "is not an image":
        image.path.write_bytes(b"no")
    else:
        Image.new("RGB", (48, 40)).save(image.path)
    said = ts("check")
    assert said.exit_code == 1
    assert problem in said.stdout
    assert f"add {image.name} again" in said.stdout
    if problem != "is missing":
        assert "delete it and add" in said.stdout
        image.path.unlink()
    assert ts("add", "--images", data / "images" / image.name).exit_code == 0
    assert ts("check").stdout == f"{data / 'set'} is whole.\n"
    assert len(TrainingSet.open(data / "set").items()) == 5


def test_a_bad_file_is_told_at_the_end(ts, data):
    (data / "images" / "0.png").write_bytes(b"no")
    result = add(ts, data, "--accept")
    assert result.exit_code == 1
    assert "4 images" in result.stdout
    assert "0.png is not an image" in result.stderr
    assert "Traceback" not in result.output


def test_check_says_what_to_do(ts, data):
    add(ts, data, "--accept")
    whole = ts("check")
    assert whole.exit_code == 0
    assert whole.stdout == f"{data / 'set'} is whole.\n"
    image = TrainingSet.open(data / "set").image_ids()[0]
    leftover = data / "set" / "masks" / image / "0002.png"
    leftover.write_bytes(b"half")
    result = ts("check")
    assert result.exit_code == 0
    assert "accepting it was interrupted" in result.stdout
    assert "0 problems, 1 leftover" in result.stdout
    assert str(leftover) in ts("list").stderr
    (data / "set" / "notes.txt").write_text("x")
    assert ts("check").exit_code == 1
    (data / "set" / "training-set.json").write_text("{")
    result = ts("check")
    assert result.exit_code == 1
    assert "training-set create" in result.stdout
    for command in (("list",), ("accept", "1"), ("hold-out", "1")):
        assert ts(*command).exit_code == 1


def test_a_log_and_wrong_values(run, ts, data):
    assert "not plausible" in run("training-set", "create", data / "b", "--pixel-size", "900").stderr
    assert not (data / "b").exists()
    log = data / "log.txt"
    assert run("training-set", "check", data / "nowhere", "--log", log).exit_code == 1
    assert "training-set check" in log.read_text(encoding="utf-8")
    assert "is a training set already" in ts("create").stderr


def test_help_is_complete_and_loads_nothing_heavy(run):
    shown = run("training-set", "--help").stdout
    for command in ("create", "add", "check", "list", "export", "accept", "revoke", "restore", "hold-out"):
        assert command in shown
        assert run("training-set", command, "--help").exit_code == 0
    code = (
        "import sys; from napari_leukocyte.cli import app;"
        "app(['training-set', 'add', '--help'], standalone_mode=False);"
        "sys.exit(bool({'torch', 'skimage', 'scipy', 'numpy', 'filelock'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
