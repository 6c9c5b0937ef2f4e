import threading

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.autosave import DraftSaver

WAIT_S = 30


@pytest.fixture
def image(training_set, pixels):
    return training_set.add_image(pixels(), name="a.png")


class Listener:
    def __init__(self):
        self.saved, self.failed, self.threads = [], [], set()

    def on_saved(self, image, draft):
        self.saved.append((image, draft))
        self.threads.add(threading.current_thread())

    def on_failed(self, image, reason):
        self.failed.append((image, reason))
        self.threads.add(threading.current_thread())


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def saver(training_set, listener):
    saver = DraftSaver(training_set, listener.on_saved, listener.on_failed)
    yield saver
    saver.close(WAIT_S)


@pytest.fixture
def gate(training_set, monkeypatch):
    """Hold every write until the gate opens; ``entered`` is set by a write that waits."""
    real, entered, opened = training_set.drafts.save, threading.Event(), threading.Event()

    def save(image, draft):
        entered.set()
        assert opened.wait(WAIT_S)
        real(image, draft)

    monkeypatch.setattr(training_set.drafts, "save", save)
    entered.opened = opened
    return entered


def test_a_draft_is_on_the_disk_when_it_is_said_to_be(training_set, image, draft, saver, listener):
    given = draft(1)
    saver.submit(image, given)
    assert saver.flush(WAIT_S)
    assert listener.saved == [(image, given)]
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, given.classes)
    assert threading.main_thread() not in listener.threads
    assert saver.pending() == frozenset()


def test_submitting_never_waits_and_only_the_newest_is_written(training_set, image, draft, saver, listener, gate):
    drafts = [draft(i) for i in range(6)]
    saver.submit(image, drafts[0])
    assert gate.wait(WAIT_S)
    for one in drafts[1:]:  # the first is being written; a submit that waited for it would never return
        saver.submit(image, one)
    assert saver.pending() == {image}
    assert not saver.flush(0.01)
    gate.opened.set()
    assert saver.flush(WAIT_S)
    assert listener.saved == [(image, drafts[0]), (image, drafts[5])]


def test_every_image_gets_its_turn(training_set, pixels, draft, saver, listener, gate):
    ids = [training_set.add_image(pixels(i), name=f"{i}.png") for i in range(3)]
    for i, one in enumerate(ids * 3):
        saver.submit(one, draft(i % 8))
    gate.opened.set()
    assert saver.flush(WAIT_S)
    assert {one for one, _ in listener.saved} == set(ids)
    for i, one in enumerate(ids):
        np.testing.assert_array_equal(training_set.drafts.read(one).classes, draft(6 + i).classes)


def test_a_failed_draft_stays_and_is_tried_again(training_set, image, draft, saver, listener, full_disk):
    full_disk()
    saver.submit(image, draft(0))
    assert not saver.flush(WAIT_S)
    assert {one for one, _ in listener.failed} == {image}
    assert all("no space left on the device" in reason for _, reason in listener.failed)
    assert saver.pending() == {image}
    assert listener.saved == []
    full_disk(False)
    assert saver.flush(WAIT_S)
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(0).classes)


def test_another_submit_tries_it_again_too(training_set, image, pixels, draft, saver, full_disk):
    other = training_set.add_image(pixels(1), name="b.png")
    full_disk()
    saver.submit(image, draft(0))
    assert not saver.flush(WAIT_S)
    full_disk(False)
    saver.submit(other, draft(1))
    assert saver.flush(WAIT_S)
    assert training_set.drafts.has(image)
    assert training_set.drafts.has(other)


def test_a_newer_draft_is_not_replaced_by_one_that_failed(training_set, image, draft, saver, gate, monkeypatch):
    real, first = training_set.drafts.save, draft(0)

    def save(one, given):
        real(one, given)
        if given is first:
            raise LeukocyteError("The disk is full.")

    monkeypatch.setattr(training_set.drafts, "save", save)
    saver.submit(image, first)
    assert gate.wait(WAIT_S)
    saver.submit(image, draft(1))
    gate.opened.set()
    assert saver.flush(WAIT_S)
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(1).classes)


@pytest.mark.filterwarnings("error")
def test_a_defect_or_a_dead_listener_does_not_stop_the_saver(training_set, image, draft, monkeypatch, caplog):
    failed = []

    def gone(*_):
        raise RuntimeError("the window is gone")

    real = training_set.drafts.save
    saver = DraftSaver(training_set, gone, lambda *args: failed.append(args))
    monkeypatch.setattr(training_set.drafts, "save", lambda *_: [].pop())
    saver.submit(image, draft(0))
    assert not saver.flush(WAIT_S)
    assert "IndexError" in failed[0][1]
    monkeypatch.setattr(training_set.drafts, "save", real)
    assert saver.flush(WAIT_S)  # the listener raises
    saver.submit(image, draft(1))
    assert saver.close(WAIT_S)
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(1).classes)
    assert "the window is gone" in caplog.text


def test_a_discarded_draft_does_not_come_back(training_set, image, draft, saver, gate):
    saver.submit(image, draft(0))
    assert gate.wait(WAIT_S)
    saver.submit(image, draft(1))
    discarding = threading.Thread(target=saver.discard, args=(image,))
    discarding.start()
    gate.opened.set()
    discarding.join(WAIT_S)
    assert saver.flush(WAIT_S)
    assert not training_set.drafts.has(image)


def test_a_later_draft_outlives_a_discard_that_was_asked_for_before(training_set, image, draft, saver, gate):
    earlier = draft(0)
    saver.submit(image, earlier)
    assert gate.wait(WAIT_S)
    saver.submit(image, draft(1))
    discarding = threading.Thread(target=saver.discard, args=(image, earlier.saved))
    discarding.start()
    gate.opened.set()
    discarding.join(WAIT_S)
    assert saver.flush(WAIT_S)
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(1).classes)


def test_settling_waits_for_the_disk_or_says_why_not(training_set, image, draft, saver, gate, full_disk):
    saver.submit(image, draft(0))
    assert gate.wait(WAIT_S)
    gate.opened.set()
    saver.settle(image)
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(0).classes)
    full_disk()
    saver.submit(image, draft(1))
    with pytest.raises(LeukocyteError, match="not saved yet"):
        saver.settle(image)


def test_closing_writes_what_waits(training_set, image, draft, listener):
    saver = DraftSaver(training_set, listener.on_saved, listener.on_failed)
    saver.submit(image, draft(3))
    assert saver.close(WAIT_S)
    assert saver.close(WAIT_S)
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(3).classes)
    with pytest.raises(LeukocyteError, match="no longer saved"):
        saver.submit(image, draft(4))


def test_closing_on_a_full_disk_says_so(training_set, image, draft, listener, full_disk):
    full_disk()
    saver = DraftSaver(training_set, listener.on_saved, listener.on_failed)
    saver.submit(image, draft(3))
    assert not saver.close(WAIT_S)
    assert listener.failed
