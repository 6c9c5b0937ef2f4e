"""Ctrl+C and SIGTERM at any moment: no traceback, no file in the making, table and record of what was done."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from napari_leukocyte.core.results.record_file import read_record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")


@pytest.fixture
def start():
    """Start the program; what is still there at the end is killed."""
    running = []

    def call(*arguments):
        command = [sys.executable, "-m", "napari_leukocyte", *map(str, arguments)]
        running.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)
        )
        return running[-1]

    yield call
    for one in running:
        one.kill()
        one.communicate()


def settled(program):
    """Wait until the program has decided what signals do, which Linux tells; elsewhere a moment."""
    path = Path(f"/proc/{program.pid}/status")
    while program.poll() is None:
        if not path.exists():
            time.sleep(0.3)
            return
        lines = path.read_text().splitlines()
        caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")), 0)
        if caught >> (signal.SIGTERM - 1) & 1:
            return


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("after", [0, 0.1, 0.3])
def test_while_libraries_load_there_is_no_traceback(tmp_path, start, number, status, after):
    program = start("segment", tmp_path / "none.png", "--out", tmp_path / "out")
    settled(program)
    time.sleep(after)
    program.send_signal(number)
    _, said = program.communicate(timeout=60)
    assert (program.returncode, said) == (status, "Stopped.\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_in_the_middle_of_the_work_everything_is_left_whole(tmp_path, start, picture, model, number, status):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for i in range(300):
        Image.fromarray(picture(i)).save(folder / f"{i}.png")
    program = start("segment", folder, "--out", out, "--model", model, "--pixel-size", 0.5, "--keep", "all")
    while program.poll() is None and not (out / "3_cells.tif").exists():
        time.sleep(0.005)
    program.send_signal(number)
    _, said = program.communicate(timeout=60)
    assert (program.returncode, said) == (status, "Stopped.\n")
    record = read_record(out)
    assert 4 <= len(record.done) < 300
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["cells.csv", "cells.json", "results.jsonl", *(name for one in record.done.values() for name in one.files)]
    )
    assert len((out / "cells.csv").read_text().splitlines()) == 1 + len(record.table().rows)


def test_a_signal_that_is_to_be_ignored_is(tmp_path):
    code = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "from napari_leukocyte import stopping; stopping.begin(); stopping.interruptible();"
        "signal.raise_signal(signal.SIGTERM); print('on', stopping.status())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "on 130\n"


def test_a_signal_that_python_drops_comes_again():
    code = """
import signal, time
from napari_leukocyte import stopping
stopping.begin(), stopping.interruptible()
class Tidy:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
try:
    tidy = Tidy()
    del tidy
    time.sleep(20)
    print("lost")
except KeyboardInterrupt:
    print("heard", stopping.status())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("heard 143\n", "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux tells of processes as files")
def test_no_process_outlives_one_that_is_killed(tmp_path, start, picture, model):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for i in range(40):
        Image.fromarray(picture(i)).save(folder / f"{i}.png")
    program = start("segment", folder, "--out", out, "--model", model, "--pixel-size", 0.5, "--jobs", 2)
    while program.poll() is None and not list(out.glob("*_cells.tif")):
        time.sleep(0.01)
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    assert len(children) >= 2
    program.kill()
    program.communicate()
    until = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.01)
    again = start("segment", folder, "--out", out, "--model", model, "--pixel-size", 0.5, "--resume")
    again.communicate(timeout=120)
    assert len(read_record(out).done) == 40


@pytest.mark.slow
def test_killed_and_gone_on_with_the_end_is_as_without(model):
    script = Path(__file__).parents[2] / "benchmarks" / "resume_kills.py"
    command = [sys.executable, script, "--kills", "2", "--files", "12", "--seed", "5", "--model", model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 differences from the undisturbed run" in done.stdout
