"""Work beside the window: where it runs, what is told of it and in which thread, and what is left when it is over."""

import os
import subprocess
import sys
import threading

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.background import Background

LONG = 60_000


@pytest.fixture
def runner(qtbot):
    runner = Background("the test")
    yield runner
    runner.leave()
    qtbot.waitUntil(lambda: not runner.running, timeout=LONG)


class Heard:
    """What a runner told, as (name, value), and in which threads."""

    def __init__(self):
        self.told, self.threads = [], set()

    def __getattr__(self, name):
        def hear(value):
            self.told.append((name, value))
            self.threads.add(threading.current_thread())

        return hear


@pytest.fixture
def heard():
    return Heard()


def rest(runner, qtbot):
    qtbot.waitUntil(lambda: not runner.running, timeout=LONG)


def listeners(heard):
    return {"done": heard.done, "failed": heard.failed, "event": heard.event}


def test_work_runs_beside_the_window_and_is_told_in_its_thread(runner, heard, qtbot):
    worked = []
    runner.start(lambda: worked.append(threading.current_thread()) or 7, **listeners(heard))
    rest(runner, qtbot)
    assert heard.told == [("done", 7)]
    assert heard.threads == {threading.current_thread()}
    assert threading.current_thread() not in worked
    assert not worked[0].is_alive()


def test_events_come_in_their_order_and_before_the_end(runner, heard, qtbot):
    def work():
        yield from range(50)
        return "all"

    runner.start(work, **listeners(heard))
    rest(runner, qtbot)
    assert heard.told == [*(("event", i) for i in range(50)), ("done", "all")]


def test_a_cancelled_generator_lets_go_of_what_it_holds_in_its_own_thread(runner, heard, qtbot):
    let_go = []

    def work():
        try:
            while True:
                yield 0
        finally:
            let_go.append(threading.current_thread())

    runner.start(work, done=heard.done, failed=heard.failed, event=lambda _: runner.cancel())
    rest(runner, qtbot)
    assert heard.told == [("done", None)]
    assert runner.cancelled
    assert threading.current_thread() not in let_go
    assert len(let_go) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LeukocyteError("Choose another file."), "Choose another file."),
        (RuntimeError("a defect"), "Something unexpected went wrong in the test (RuntimeError: a defect)."),
        (MemoryError(), "The memory is not enough for the test: "),
        (RuntimeError("CUDA out of memory"), "The memory is not enough for the test: "),
        (OSError(28, "No space left on device"), "The disk refused the test (No space left on device): "),
        (SystemExit(1), "Something unexpected went wrong in the test (SystemExit: 1)."),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("late", [False, True], ids=["at once", "after an event"])
def test_whatever_stops_it_becomes_a_sentence_and_it_can_run_again(runner, heard, qtbot, error, words, late):
    def work():
        yield from [0] * late
        raise error

    def failed(sentence):
        heard.failed(sentence)
        runner.start(lambda: 7, **listeners(heard))

    runner.start(work, done=heard.done, failed=failed)
    rest(runner, qtbot)
    (_, sentence), end = heard.told
    assert sentence.startswith(words)
    assert end == ("done", 7)


def test_a_system_without_a_thread_to_spare_is_a_failure_like_others(runner, heard, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    runner.start(lambda: 7, **listeners(heard))
    assert "can't start new thread" in heard.told[0][1]
    assert not runner.running


def test_of_work_that_is_left_nothing_is_told_and_its_thread_ends(runner, heard, qtbot):
    going_on, written = threading.Event(), []

    def work():
        going_on.wait(LONG / 1000)
        written.append("to the end")

    runner.start(work, **listeners(heard))
    runner.leave()
    assert runner.running
    going_on.set()
    rest(runner, qtbot)
    qtbot.wait(1)  # nor by what was on its way
    assert written == ["to the end"]
    assert heard.told == []


def test_waiting_tells_all_at_once_without_qt_and_not_again(runner, heard, qtbot):
    def work():
        yield 1
        return 2

    runner.start(work, **listeners(heard))
    runner.wait()
    assert heard.told == [("event", 1), ("done", 2)]
    assert not runner.running
    qtbot.wait(1)
    assert len(heard.told) == 2


def test_a_second_start_is_refused_while_it_runs(runner, heard):
    going_on = threading.Event()
    runner.start(lambda: going_on.wait(LONG / 1000), **listeners(heard))
    with pytest.raises(RuntimeError, match="under way"):
        runner.start(lambda: 7, **listeners(heard))
    going_on.set()
    runner.wait()
    assert heard.told == [("done", True)]


def test_no_work_waits_for_other_work(qtbot):
    """More of them than processors, each of which ends only when all have begun."""
    runners = [Background(f"part {i}") for i in range((os.cpu_count() or 1) + 2)]
    meeting, failures = threading.Barrier(len(runners), timeout=LONG / 1000), []
    for one in runners:
        one.start(meeting.wait, failed=failures.append)
    for one in runners:
        one.wait()
    assert failures == []


ENDING = """
import sys, time
from pathlib import Path
from qtpy.QtCore import QCoreApplication
from napari_leukocyte.plugin.background import Background

app = QCoreApplication([])

def write():
    time.sleep(0.3)
    Path(sys.argv[1]).write_text("all of it")

def train():
    while True:
        yield time.sleep(0.01)

Background("the export").start(write, failed=print)
Background("the training").start(train, failed=print)
"""


def test_a_program_that_ends_waits_for_files_and_for_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    run = subprocess.run([sys.executable, "-c", ENDING, path], capture_output=True, text=True, timeout=LONG / 1000)
    assert run.returncode == 0, run.stderr
    assert path.read_text() == "all of it"
    assert run.stdout + run.stderr == ""


def test_work_waits_until_the_window_has_taken_in_what_it_was_told(qapp, qtbot):
    """Else all results of a folder would be taken in as one, which holds the window."""
    told, heard, ended = [], [], []

    def work():
        for number in range(6):
            told.append(number)
            yield number

    background = Background("the work")
    background.start(work, event=lambda n: heard.append((n, len(told))), done=ended.append, failed=ended.append)
    qtbot.waitUntil(lambda: bool(ended), timeout=60_000)
    assert [number for number, _ in heard] == list(range(6))
    assert all(ahead <= number + 2 for number, ahead in heard)


def test_who_waits_for_the_end_is_not_waited_for():
    heard = []
    background = Background("the work")
    background.start(lambda: iter_of(5), event=heard.append, failed=heard.append)
    background.wait()
    assert heard == list(range(5))


def iter_of(count):
    yield from range(count)
