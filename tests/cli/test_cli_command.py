import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_leukocyte as nl
from napari_leukocyte import __version__
from napari_leukocyte.core.model.weights import SHIPPED_MODELS

PROGRAM = Path(sys.executable).with_name("napari-leukocyte")


@pytest.fixture
def image(tmp_path, picture):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_version_and_help(run):
    assert run("--version").stdout == f"napari-leukocyte {__version__}\n"
    assert run("--help").exit_code == 0
    assert "--log FILE" in run("--help").stdout
    for command in ("segment", "demo", "train"):
        shown = run(command, "--help")
        assert shown.exit_code == 0
        assert command in run("--help").stdout


def test_help_names_all_shipped_models(run):
    shown = run("segment", "--help").stdout
    assert [name for name in SHIPPED_MODELS if name not in shown] == []
    assert [name for name in SHIPPED_MODELS if f"``{name}``" not in (nl.load_model.__doc__ or "")] == []


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from napari_leukocyte.cli import app; app(['segment', '--help'], standalone_mode=False);"
        "sys.exit(bool({'torch', 'matplotlib', 'napari', 'skimage', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_a_wrong_option_has_status_2(run, tmp_path):
    result = run("segment", tmp_path, "--out", tmp_path, "--mode", "four-class")
    assert result.exit_code == 2
    assert "four-class" in result.stderr
    assert run("no-such-command").exit_code == 2


@pytest.mark.parametrize("after", [True, False])
def test_log_may_stand_before_or_after_the_command(tmp_path, run, image, model, after):
    log = tmp_path / "log.txt"
    command = ["segment", image, "--out", tmp_path / "out", "--model", model]
    result = run(*command, "--log", log) if after else run(f"--log={log}", *command)
    assert result.exit_code == 0, result.output
    text = log.read_text(encoding="utf-8")
    for word in ("torch 2.", f"napari-leukocyte {__version__}", "Python 3.", str(image), "on cpu", "done after"):
        assert word in text


def test_errors_are_logged_with_their_traceback(tmp_path, run, image):
    log = tmp_path / "log.txt"
    result = run("--log", log, "segment", image, "--out", tmp_path / "out", "--model", "none")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "LeukocyteError: There is no model" in log.read_text(encoding="utf-8")


def test_a_defect_is_called_one(tmp_path, run, image, monkeypatch):
    def broken(parameters):
        raise IndexError("seven is not six")

    monkeypatch.setattr("napari_leukocyte.core.segmentation.segment.method_of", broken)
    result = run("segment", image, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "defect of napari-leukocyte (IndexError: seven is not six)" in result.stderr
    assert "run again with --log FILE" in result.stderr
    log = tmp_path / "log.txt"
    result = run("segment", image, "--out", tmp_path / "out", "--log", log)
    assert f"the traceback is in {log}" in result.stderr
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_what_tifffile_says_of_a_damaged_file_goes_into_the_log_alone(tmp_path):
    path, log = tmp_path / "m.tif", tmp_path / "log.txt"
    tifffile.imwrite(path, np.zeros((40, 40), np.uint8), rowsperstrip=4, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["ImageLength"].overwrite(4000)
    command = [PROGRAM, "measure", path, "--out", tmp_path / "t.csv"]
    for options in ([], ["--log", log]):
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "TiffPage" not in done.stderr
        assert f"{path}: It is damaged or cut short" in done.stderr
    assert "TiffPage" in log.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written(tmp_path, run, image, model):
    result = run("segment", image, "--out", tmp_path / "out", "--model", model, "--log", tmp_path)
    assert result.exit_code == 1
    assert "log file" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_log_on_a_full_disk_does_not_stop_the_work(tmp_path, run, image, model):
    result = run("segment", image, "--out", tmp_path / "out", "--model", model, "--log", "/dev/full")
    assert result.exit_code == 0
    assert result.stderr == ""


def test_the_installed_program(tmp_path, image, model):
    (tmp_path / "bad.png").write_bytes(b"no")
    done = subprocess.run(
        [PROGRAM, "segment", image, tmp_path / "bad.png", "--out", tmp_path / "out", "--model", model],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 1
    assert "1 image of 2 segmented" in done.stdout
    assert "bad.png is not an image" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "a_classes.png").exists()
