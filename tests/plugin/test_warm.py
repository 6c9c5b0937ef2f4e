"""What a worker waits for before it hands napari its first labels."""

import os
import subprocess
import sys
from threading import Event

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from napari_leukocyte.core.results.reopen import Reopened
from napari_leukocyte.plugin import warm
from napari_leukocyte.plugin.segment import folder_opener


@pytest.fixture
def ended(monkeypatch):
    """A preparation that has begun, and the event that ends it."""
    event = Event()
    monkeypatch.setattr(warm, "_begun", [None])
    monkeypatch.setattr(warm, "_ended", event)
    monkeypatch.setattr(warm, "_LOOK_S", 0.001)
    monkeypatch.setattr(folder_opener, "_LOOK_S", 0.001)
    return event


def test_a_worker_can_be_stopped_while_it_waits_for_the_canvas(ended):
    waiting = warm.until_warm()
    assert [next(waiting, "over") for _ in range(3)] == [None, None, None]
    ended.set()
    assert next(waiting, "over") == "over"


def test_nothing_is_waited_for_that_has_not_begun(monkeypatch, ended):
    monkeypatch.setattr(warm, "_begun", [])
    assert list(warm.until_warm()) == []


def test_results_wait_until_their_images_are_the_list_and_the_canvas_is_ready(ended, monkeypatch, tmp_path):
    class Saved:
        sources, notes = ("an image",), ("a note",)

        @staticmethod
        def results():
            yield Reopened(0, None, "a problem")

    monkeypatch.setattr("napari_leukocyte.core.results.reopen.holds_results", lambda _folder: True)
    monkeypatch.setattr("napari_leukocyte.core.results.reopen.saved_folder", lambda _folder: Saved)
    monkeypatch.setattr(warm, "_begun", [])  # it begins when the images are the list
    is_list = Event()
    reading = folder_opener._read([tmp_path], is_list)
    assert next(reading).sources == ("an image",)
    assert [next(reading) for _ in range(3)] == [None, None, None]
    warm._begun.append(None)
    is_list.set()
    assert [next(reading) for _ in range(3)] == [None, None, None]
    ended.set()
    assert next(reading).problem == "a problem"
    with pytest.raises(StopIteration) as end:
        next(reading)
    assert end.value.value == ("a note",)


def test_it_begins_with_the_first_layer_and_once(monkeypatch, viewer):
    begun = []
    monkeypatch.setattr(warm, "_begun", [])
    monkeypatch.setattr(warm, "warm_up", lambda: begun.append(True))
    warm.warm_up_with_a_layer(viewer)
    assert not begun
    for _ in range(2):
        viewer.add_image(np.zeros((9, 9), np.uint8))
    assert begun == [True]
    warm.warm_up_with_a_layer(viewer)
    assert begun == [True, True]


def test_a_first_map_and_its_first_edit_compile_nothing_then(monkeypatch, viewer, session, segmentation, disc_map):
    warm._colour_labels()
    compiled = []
    compile_for = Dispatcher._compile_for_args

    def watched(self, *args, **options):
        compiled.append(self)
        return compile_for(self, *args, **options)

    monkeypatch.setattr(Dispatcher, "_compile_for_args", watched)
    session.open_layer(viewer.add_image(np.zeros((90, 110, 3), np.uint8)))
    session.put(0, segmentation(disc_map((90, 110), (45, 55, 22, 12))))
    session.classes_layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[40:50, 50:60]), 1)
    assert not compiled


def test_numbas_own_pool_is_left_to_the_window_alone():
    """Two threads in it end the process, as on a computer that has no OpenMP for numba."""
    program = (
        "from numba.np.ufunc import parallel; from napari_leukocyte.plugin import warm; warm._compile();"
        "print(parallel._is_initialized, warm._ended.is_set())"
    )
    for layer, used in (("workqueue", "False"), ("default", "True")):
        environment = {**os.environ, "NUMBA_THREADING_LAYER": layer}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [used, "True"]
