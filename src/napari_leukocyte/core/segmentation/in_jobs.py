"""A list of images segmented by several processes; the results come back in the order of the list."""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process

import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented, load_predictor, segment_plane

__all__ = ["can_share_work", "jobs_that_pay", "segment_in_jobs"]

_IMAGES_EACH = 50  # a process takes some seconds to begin
_MOST = 8  # processes that are begun unasked: each takes about half a GB
_AHEAD = 3  # images in work or done for each process, so that none waits and few results are in memory


def can_share_work() -> bool:
    """Whether processes can share work here: in some containers /dev/shm is missing or not for everybody."""
    try:
        get_context("spawn").Lock()
    except (OSError, ImportError):
        return False
    return True


def jobs_that_pay(images: int, device: str) -> int:
    """How many processes to take for so many images: on the CPU a thread each once there are enough of them."""
    most = min(images // _IMAGES_EACH, torch.get_num_threads(), _MOST) if device.startswith("cpu") else 1
    return most if most > 1 and can_share_work() else 1


def segment_in_jobs(
    images: Sequence[ImageSource | BrokenImage],
    parameters: SegmentParameters,
    decisions: Mapping[int, SizeDecision],
    *,
    jobs: int,
) -> Iterator[ImageSegmented | ImageFailed]:
    """Segment a list as `segment.segment_images` does, without word of single windows. Stop iterating to cancel.

    Parameters
    ----------
    decisions
        Of the pixel size, by position, for every image that can be read.
    jobs
        Processes; they share the processor's threads.

    Raises
    ------
    LeukocyteError
        When processes cannot share work here, or one is ended from outside, for instance because the memory ran out.
    """
    if not can_share_work():
        raise LeukocyteError(
            "Several processes cannot share work here, because /dev/shm is missing or may not be written to: "
            "use --jobs 1, or have it mounted for everybody."
        )
    threads = max(1, torch.get_num_threads() // jobs)
    # a fresh process: a fork would inherit threads that do not run
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(parameters, threads))
    waiting: deque[tuple[int, Future[Segmentation | str] | None]] = deque()
    left = iter(enumerate(images))
    try:
        while True:
            while len(waiting) < _AHEAD * jobs and (following := next(left, None)) is not None:
                index, image = following
                if isinstance(image, BrokenImage):
                    waiting.append((index, None))
                else:
                    waiting.append((index, pool.submit(_segment, image, decisions[index])))
            if not waiting:
                return
            index, future = waiting.popleft()
            image = images[index]
            if isinstance(image, BrokenImage):
                yield ImageFailed(index, image.name, image.reason)
                continue
            assert future is not None
            result = future.result()
            yield (
                ImageFailed(index, image.label, result)
                if isinstance(result, str)
                else ImageSegmented(index, image, result)
            )
    except BrokenProcessPool as error:
        raise LeukocyteError(
            "A process that segments was ended from outside, perhaps because the memory ran out: use fewer --jobs. "
            "What was written stays, and --resume goes on with it."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Worker:
    """What a process keeps between its images."""

    parameters: SegmentParameters
    method: Method


_worker: list[_Worker] = []  # the one of this process, once it has begun


def _begin(parameters: SegmentParameters, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one who writes
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    _worker.append(_Worker(parameters, load_predictor(parameters)))


def _end_with_parent() -> None:
    """Nobody is left to hand results to when the one who writes was killed; a process would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _segment(image: ImageSource, decision: SizeDecision) -> Segmentation | str:
    """One image in this process: its result, or why there is none."""
    (worker,) = _worker
    try:
        *_, result = segment_plane(image, worker.parameters, worker.method, decision=decision)
    except LeukocyteError as error:
        return str(error)
    assert isinstance(result, Segmentation)  # the last event
    return result
