"""A list segmented by several processes."""

import multiprocessing

import numpy as np
import pytest
import torch
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.in_jobs import can_share_work, jobs_that_pay, segment_in_jobs
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.segment import (
    ImageFailed,
    ImageSegmented,
    SegmentParameters,
    load_predictor,
    segment_images,
)

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
    events = segment_images(images, parameters, load_predictor(parameters), decisions=decisions)
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
def test_a_process_that_is_killed_is_said(images, model_files):
    parameters = SegmentParameters(model=str(model_files.three), device="cpu", engine="torch", pixel_size=0.2)
    many = 1000  # far more than are done until the kill
    decisions = {i: SizeDecision(PixelSize(0.2, "typed")) for i in range(many)}
    events = segment_in_jobs([images[0]] * many, parameters, decisions, jobs=1)
    assert isinstance(next(events), ImageSegmented)
    for child in multiprocessing.active_children():
        child.kill()  # whoever waits for it as well, the pool or this test, learns how it ended, and the other does not
    with pytest.raises(LeukocyteError, match=r"ended from outside.*--resume"):
        list(events)


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
