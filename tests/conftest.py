"""Before anything imports napari: its settings, and those of plugins, stay in memory, never in the user's files."""

import gc
import os
import shutil
import subprocess
import sys
import threading
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
from hypothesis import settings

from tiny_model import tiny_model

os.environ["NAPARI_CONFIG"] = ""
# The tests' arrays are small, and several processes of several threads each get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples each time, however busy the machine is, and no file of them that two processes would share.
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.load_profile("suite")

# no doctests here, and one module named conftest must not be looked for in two places
collect_ignore = ["conftest.py"]


def pytest_configure(config):
    """Start a virtual display: one for each worker of pytest-xdist, and one for a single process without any."""
    if not hasattr(config, "workerinput") and (
        config.getoption("dist", "no") != "no" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    ):
        return
    if sys.platform == "linux" and shutil.which("Xvfb"):
        start_display()


def start_display():
    """Point this process at a new Xvfb, which ends with it.

    Qt's offscreen platform has no OpenGL, which napari needs, and two processes on one display take the keyboard from
    each other. The server picks a free number itself. A shell waits for the end of a pipe that this process holds open,
    which comes even when the process is killed.
    """
    alive, _held_open = os.pipe()
    number, write = os.pipe()
    server = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    script = 'exec 3<&0; ("$@" & read _; kill $!) <&3 >/dev/null 2>&1 &'  # what runs behind has no input otherwise
    subprocess.run(["sh", "-c", script, "sh", *server], stdin=alive, pass_fds=[write], check=True)
    os.close(alive)
    os.close(write)
    with os.fdopen(number) as pipe:
        display = pipe.readline().strip()
    if not display:
        pytest.exit("The virtual display could not be started: try Xvfb -displayfd 1", 1)
    os.environ["DISPLAY"] = f":{display}"
    for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        os.environ.pop(name, None)


def pytest_collection_modifyitems(items):
    """Mark what needs Qt, which the fixtures of a test tell."""
    for item in items:
        if {"qapp", "qtbot", "make_napari_viewer"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("gui")


_imported = 0


def pytest_runtest_setup():
    """Leave what has been imported, some 400,000 objects, out of the search for garbage.

    napari searches each time that a layer goes, which takes a tenth of a second or two when torch is loaded.
    """
    global _imported
    if len(sys.modules) > _imported + 100:
        gc.collect()
        gc.freeze()
        _imported = len(sys.modules)


_POOLS = ("zarr_io", "asyncio_", "ThreadPoolExecutor-", "dask", "Dask", "IO loop")
_PATIENCE_S = 180  # a busy machine is no failure


@pytest.fixture(autouse=True)
def settings_of_its_own():
    """What a test changes in the preferences, another one does not find there."""
    yield
    if napari_settings := sys.modules.get("napari.settings"):
        napari_settings._clear_plugin_settings_cache()


@pytest.fixture(autouse=True)
def no_thread_outlives_the_test():
    """What a test starts has ended when it ends: a dock, a saver or a server that is closed lets its threads go."""
    before = set(threading.enumerate())
    yield
    started = set(threading.enumerate()) - before
    # zarr and dask keep pools of their own for as long as Python runs
    left = {t for t in started if not (isinstance(t, threading._DummyThread) or t.name.startswith(_POOLS))}
    if left:
        if "qtpy.QtWidgets" in sys.modules:  # a window that is closed ends its docks when Qt deletes it
            core, widgets = sys.modules["qtpy.QtCore"], sys.modules["qtpy.QtWidgets"]
            widgets.QApplication.processEvents()
            widgets.QApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
        gc.collect()  # a pool of threads that nobody holds ends them
    for thread in left:
        thread.join(_PATIENCE_S)
    assert not [thread.name for thread in left if thread.is_alive()]


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="session")
def binary_model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny-binary.safetensors", classes=2)


@pytest.fixture
def segmentation():
    """Make a ``Segmentation`` from a class map, so that a test of the plugin needs no network."""
    from napari_leukocyte.core.cells.labels import label_cells
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.results.segmentation import Segmentation

    def make(classes, *, pixel_size=0.1, estimated=False):
        classes = np.array(classes, np.uint8)
        return Segmentation(
            classes=classes,
            cells=label_cells(classes, pixel_size=pixel_size),
            binary=False,
            pixel_size=PixelSize(pixel_size, "typed", estimated),
            keep="all",
            notes=(),
            provenance={"model": "by hand", "pixel_size_um": str(pixel_size)},
        )

    return make


@pytest.fixture
def disc_map():
    """A class map of concentric discs: (centre y, x, cell radius, nucleus radius) each."""

    def make(shape, *discs):
        y, x = np.mgrid[: shape[0], : shape[1]]
        classes = np.zeros(shape, np.uint8)
        for cy, cx, cell, nucleus in discs:
            distance = np.hypot(y - cy, x - cx)
            classes[distance <= cell] = 1
            classes[distance <= nucleus] = 2
        return classes

    return make


@pytest.fixture
def drawn_set():
    """Make a training set of accepted masks: dark nuclei in grey cells, which `tiny_model` knows; each differs."""
    from napari_leukocyte.core.cells.labels import label_cells
    from napari_leukocyte.core.results.mask_facts import MaskFacts
    from napari_leukocyte.core.training_set.records import Correction
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    def make(folder, n, *, unedited=()):
        made = TrainingSet.create(folder, pixel_size=1 / 3)
        for i in range(n):
            y, x = np.mgrid[:60, :66]
            distance = np.hypot(y - 30, x - 33 + i % 5)
            classes = np.where(distance < 8, 2, np.where(distance < 16 + i % 3, 1, 0)).astype(np.uint8)
            image = np.array([250, 140, 20 + i], np.uint8)[classes]
            id_ = made.add_image(np.repeat(image[..., None], 3, axis=-1), name=f"cell-{i:02d}.png")
            cells = label_cells(classes, pixel_size=1 / 3)
            made.accept(id_, Correction(classes, cells, MaskFacts(model="default" if i in unedited else ""), by="anna"))
        return made

    return make


@pytest.fixture(scope="session")
def short_guard():
    """Two smears of the guard, drawn once."""
    from dataclasses import replace

    from napari_leukocyte.core.fine_tuning.samples import guard_items

    return [replace(item, read=partial(deepcopy, item.read())) for item in guard_items()[:2]]


@pytest.fixture
def short_fine_tuning(monkeypatch, short_guard):
    """Two steps of two small windows an epoch, a guard of two smears, few resamples, one precision: seconds."""
    from dataclasses import replace

    from napari_leukocyte.core.fine_tuning import compare, fine_tune
    from napari_leukocyte.core.model import training_run
    from napari_leukocyte.core.segmentation import predictor

    recipe_of = fine_tune.fine_tune_recipe

    def short(info, parameters):
        made = recipe_of(info, parameters)
        steps = replace(made.training, window=32, batch=2, epoch_steps=2)
        return replace(made, training=steps, replayed=min(2, made.replayed))

    monkeypatch.setattr(fine_tune, "fine_tune_recipe", short)
    monkeypatch.setattr(fine_tune, "guard_items", lambda: short_guard)
    monkeypatch.setattr(compare, "_RESAMPLES", 20)
    for module in (training_run, predictor):
        monkeypatch.setattr(module, "uses_bfloat16", lambda device: False)


@pytest.fixture
def short_training(short_fine_tuning, monkeypatch):
    """The Train dock's training, as short."""
    # one thread: two that wait for each other on a busy machine take many times as long for so little
    monkeypatch.setattr("napari_leukocyte.plugin.train.train_job.training_threads", lambda cores: 1)


@pytest.fixture
def crops(tmp_path):
    """Make a folder of noise images, uint8 RGB, of these names and one shape."""
    from PIL import Image

    def make(names, shape):
        folder = tmp_path / "crops"
        folder.mkdir()
        rng = np.random.default_rng(0)
        for name in names:
            Image.fromarray(rng.integers(150, 255, (*shape, 3), np.uint8)).save(folder / f"{name}.png")
        return folder

    return make
