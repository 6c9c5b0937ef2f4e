"""What a worker waits for before it hands napari its first labels."""

from threading import Event

import pytest

from napari_leukocyte.core.results.reopen import Reopened
from napari_leukocyte.plugin.segment import folder_opener, warm


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
    assert next(reading) == ("an image",)
    assert [next(reading) for _ in range(3)] == [None, None, None]
    warm._begun.append(None)
    is_list.set()
    assert [next(reading) for _ in range(3)] == [None, None, None]
    ended.set()
    assert next(reading).problem == "a problem"
    with pytest.raises(StopIteration) as end:
        next(reading)
    assert end.value.value == ("a note",)
