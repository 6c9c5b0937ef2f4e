"""A list segmented by several processes."""

import multiprocessing
import re
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation import in_jobs
from napari_leukocyte.core.segmentation.in_jobs import can_share_work, jobs_that_pay, segment_in_jobs
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import (
    ImageFailed,
    ImageSegmented,
    method_of,
    segment_images,
)

begin = in_jobs._Processes.begin
shared = pytest.mark.skipif(not can_share_work(), reason="no semaphores between processes here")


@pytest.fixture
def images(tmp_path, draw):
    """Three good files, one that has gone since it was listed, and one that is none."""
    for i in range(4):
        Image.fromarray(draw((40 + i, 50), [(18, 20, 12)])[0]).save(tmp_path / f"{i}.png")
    found = list(sources_from_files([tmp_path / f"{i}.png" for i in range(4)]))
    (tmp_path / "1.png").unlink()
    return [*found, BrokenImage("x.png", tmp_path / "x.png", "x.png is damaged.")]


@shared
def test_processes_give_what_one_gives_and_in_order(images, model_files):
    parameters = SegmentParameters(model=str(model_files.three), device="cpu", engine="torch", pixel_size=0.2)
    decisions = {i: SizeDecision(PixelSize(0.2, "typed")) for i in range(4)}
    parted = list(segment_in_jobs(images, parameters, decisions, jobs=2))
    events = segment_images(images, parameters, method_of(parameters), decisions=decisions)
    whole = [event for event in events if isinstance(event, ImageSegmented | ImageFailed)]
    assert [type(event) for event in parted] == [type(event) for event in whole]
    assert [event.index for event in parted] == [0, 1, 2, 3, 4]
    for one, other in zip(parted, whole, strict=True):
        if isinstance(one, ImageFailed):
            assert one == other
        else:
            np.testing.assert_array_equal(one.result.classes, other.result.classes)
            np.testing.assert_array_equal(one.result.cells, other.result.cells)
            assert one.result.measure() == other.result.measure()
            assert {**one.result.provenance, "device": ""} == {**other.result.provenance, "device": ""}
    assert not multiprocessing.active_children()


@shared
def test_a_process_that_is_killed_loses_nothing(images, model_files):
    parameters = SegmentParameters(model=str(model_files.three), device="cpu", engine="torch", pixel_size=0.2)
    decisions = {i: SizeDecision(PixelSize(0.2, "typed")) for i in range(30)}
    events = segment_in_jobs([images[0]] * 30, parameters, decisions, jobs=1)
    found = [next(events)]
    for child in multiprocessing.active_children():
        if (
            status := Path(f"/proc/{child.pid}/status")
        ).exists():  # Ctrl+C in a terminal reaches it, too, and is blocked
            blocked = int(re.search(r"SigBlk:\s*(\w+)", status.read_text()).group(1), 16)
            assert blocked & (1 << (signal.SIGINT - 1))
        child.kill()  # whoever waits for it as well, the pool or this test, learns how it ended, and the other does not
    found += events
    assert all(isinstance(event, ImageSegmented) for event in found)
    assert [event.index for event in found] == list(range(30))


class Work(Future):
    """It is done when it is waited for."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def result(self, timeout=None):
        if not self.done():
            self.set_result(self.answer)
        return super().result(timeout)


class Pool:
    """In place of processes: it dies of some images, of others only when they are not alone."""

    def __init__(self, *_, **__):
        self.open, self.dead = [], False

    def submit(self, _, image, decision):
        if self.dead:
            raise BrokenProcessPool("dead")
        self.open = [one for one in self.open if not one.done()]
        work = Work(f"{image} {decision}")
        self.open.append(work)
        if image == "fatal" or (image == "greedy" and len(self.open) > 1):
            self.dead = True
            for one in self.open:
                one.set_exception(BrokenProcessPool("dies"))
        elif len(self.open) > 3:
            self.open[1].result()
        return work

    def shutdown(self, *, cancel_futures):
        self.dead = cancel_futures


@pytest.mark.parametrize("seed", range(30))
def test_whatever_dies_of_an_image_each_image_comes_once_and_in_order(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["good", "fatal", "greedy", "broken"], 40, p=[0.7, 0.1, 0.1, 0.1]).tolist()
    monkeypatch.setattr(in_jobs, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(in_jobs, "can_share_work", lambda: True)
    monkeypatch.setattr(in_jobs, "_DEATHS", 40)
    images = [
        BrokenImage("x", Path("x"), "broken") if kind == "broken" else SimpleNamespace(label=str(i), kind=kind)
        for i, kind in enumerate(kinds)
    ]
    monkeypatch.setattr(in_jobs._Processes, "begin", lambda self, image, i: begin(self, image.kind, i))
    found = list(segment_in_jobs(images, SegmentParameters(), dict(enumerate(kinds)), jobs=2))
    assert [event.index for event in found] == list(range(40))
    for kind, event in zip(kinds, found, strict=True):
        reason = {"broken": "broken", "fatal": in_jobs._DIED}.get(kind, f"{kind} {kind}")
        assert event.reason == reason


@pytest.mark.parametrize("deaths", [1, 3])
def test_after_many_deaths_in_a_row_it_is_not_the_images(deaths, monkeypatch):
    monkeypatch.setattr(in_jobs, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(in_jobs, "can_share_work", lambda: True)
    monkeypatch.setattr(in_jobs, "_DEATHS", deaths)
    monkeypatch.setattr(in_jobs._Processes, "begin", lambda self, image, i: begin(self, image.kind, i))
    images = [SimpleNamespace(label=str(i), kind="fatal") for i in range(9)]
    events = segment_in_jobs(images, SegmentParameters(), dict.fromkeys(range(9)), jobs=2)
    assert [next(events).index for _ in range(deaths - 1)] == list(range(deaths - 1))
    with pytest.raises(LeukocyteError, match=r"ended one after the other.*--resume"):
        next(events)


def test_where_processes_cannot_share_work_one_does_it(images, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr("multiprocessing.synchronize.Lock", refuse)
    assert jobs_that_pay(10_000, "cpu (4 threads)") == 1
    with pytest.raises(LeukocyteError, match=r"/dev/shm.*--jobs 1"):
        next(segment_in_jobs(images, SegmentParameters(), {}, jobs=2))


def test_as_many_processes_as_pay(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr("napari_leukocyte.core.segmentation.in_jobs.can_share_work", lambda: True)
    assert [jobs_that_pay(images, "cpu (4 threads)") for images in (1, 99, 100, 160, 10_000)] == [1, 1, 2, 3, 4]
    assert jobs_that_pay(10_000, "cuda (NVIDIA T4)") == 1
