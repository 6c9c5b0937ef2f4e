import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_leukocyte.cli import app


@pytest.fixture
def run():
    """Run the program in this process: ``run("segment", path, ...)``."""

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def ts(run, data):
    """Run a sub-command on the training set in the folder that a test module's ``data`` is."""

    def invoke(command, *arguments):
        return run("training-set", command, data / "set", *arguments)

    assert invoke("create", "--pixel-size", "0.1").exit_code == 0
    return invoke


@pytest.fixture
def picture():
    """Draw a small (Y, X, 3) uint8 image: a dark disc with a darker core on a pale ground."""

    def draw(seed: int = 0, size: tuple[int, int] = (40, 48), radius: float = 13) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.ogrid[: size[0], : size[1]]
        distance = np.hypot(y - size[0] / 2, x - size[1] / 2)[..., np.newaxis]
        colour = np.where(distance < 7, [70, 30, 120], np.where(distance < radius, [150, 130, 190], [230, 225, 220]))
        return np.clip(colour + rng.normal(0, 6, (*size, 3)), 0, 255).astype(np.uint8)

    return draw


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A shell tells what it runs behind to ignore Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupt_when():
    """Press Ctrl+C as soon as a file is there."""
    stop = threading.Event()
    threads = []

    def start(path: Path) -> None:
        def watch() -> None:
            while not stop.is_set():
                if path.exists():
                    os.kill(os.getpid(), signal.SIGINT)
                    return
                time.sleep(0.001)

        threads.append(threading.Thread(target=watch))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()
