"""A list of images segmented by several processes; the results come back in the order of the list."""

import contextlib
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
from napari_leukocyte.core.segmentation.segment import (
    ImageFailed,
    ImageSegmented,
    first_content,
    method_of,
    segment_plane,
)

__all__ = ["can_share_work", "jobs_that_pay", "segment_in_jobs"]

_IMAGES_EACH = 50  # a process takes some seconds to begin
_MOST = 8  # processes that are begun unasked: each takes about half a GB
_AHEAD = 3  # images in work or done for each process, so that none waits and few results are in memory
_DEATHS = 5  # of processes with one image each, one after the other: it is not the images
_DIED = (
    "The process that segmented it was ended, twice: the file crashes what reads it, or the memory ran out. Save it "
    "again in another format, or segment it by itself."
)

_Image = ImageSource | BrokenImage
_Answer = tuple[Segmentation, str] | str


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
        When processes cannot share work here, or one after the other is ended from outside. One that dies alone loses
        nothing: what was in work is done again, and an image that kills its process is reported as any that fails.
    """
    if not can_share_work():
        raise LeukocyteError(
            "Several processes cannot share work here, because /dev/shm is missing or may not be written to: "
            "use --jobs 1, or have it mounted for everybody."
        )
    processes = _Processes(parameters, jobs)
    waiting: deque[tuple[int, _Image, Future[_Answer] | None]] = deque()
    left = iter(enumerate(images))
    try:
        while True:
            # after a death, what was in work is done again one by one, and nothing else meanwhile
            alone = any(future is None and not isinstance(image, BrokenImage) for _, image, future in waiting)
            while not alone and len(waiting) < _AHEAD * jobs and (following := next(left, None)) is not None:
                index, image = following
                future = None if isinstance(image, BrokenImage) else processes.begin(image, decisions[index])
                waiting.append((index, image, future))
            if not waiting:
                return
            index, image, future = waiting.popleft()
            if isinstance(image, BrokenImage):
                yield ImageFailed(index, image.name, image.reason)
                continue
            try:
                result = processes.alone(image, decisions[index]) if future is None else future.result()
            except BrokenProcessPool:
                processes.renew()
                waiting.appendleft((index, image, None))
                waiting = deque((i, one, given if _is_done(given) else None) for i, one, given in waiting)
                continue
            yield (
                ImageFailed(index, image.label, result)
                if isinstance(result, str)
                else ImageSegmented(index, image, result[0], content=result[1])
            )
    finally:
        processes.end()


class _Processes:
    """Processes that share the work, and new ones where one has died."""

    def __init__(self, parameters: SegmentParameters, jobs: int) -> None:
        self._given = parameters, max(1, torch.get_num_threads() // jobs)
        self._jobs, self._deaths = jobs, 0
        self._pool = self._new()

    def begin(self, image: ImageSource, decision: SizeDecision) -> "Future[_Answer]":
        """Hand over an image."""
        try:
            with _signals_wait():  # it may be now that a process is born
                return self._pool.submit(_segment, image, decision)
        except BrokenProcessPool as error:
            future = Future[_Answer]()
            future.set_exception(error)
            return future

    def alone(self, image: ImageSource, decision: SizeDecision) -> "_Answer":
        """Segment an image while nothing else is in work: a process that dies, dies of it."""
        try:
            answer = self.begin(image, decision).result()
        except BrokenProcessPool as error:
            self._deaths += 1
            if self._deaths == _DEATHS:
                raise LeukocyteError(
                    f"{_DEATHS} processes that segment were ended one after the other, perhaps because the memory ran "
                    "out: use fewer --jobs. What was written stays, and --resume goes on with it."
                ) from error
            self.renew()
            return _DIED
        self._deaths = 0
        return answer

    def renew(self) -> None:
        """One of them has died, and took the others with it."""
        self.end()
        self._pool = self._new()

    def end(self) -> None:
        """Wait for what is in work, and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        # a fresh process: a fork would inherit threads that do not run
        return ProcessPoolExecutor(self._jobs, get_context("spawn"), initializer=_begin, initargs=self._given)


def _is_done(future: "Future[_Answer] | None") -> bool:
    return future is not None and future.done() and not future.cancelled() and future.exception() is None


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Ctrl+C reaches this process a moment later, and those that are born meanwhile never: they end with this one.

    A terminal sends it to all of them, and each would say where it was.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    _worker.append(_Worker(parameters, method_of(parameters)))


def _end_with_parent() -> None:
    """Nobody is left to hand results to when the one who writes was killed; a process would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _segment(image: ImageSource, decision: SizeDecision) -> _Answer:
    """One image in this process: its result and the hash of its file, or why there is none."""
    (worker,) = _worker
    try:
        content = first_content(image)
        *_, result = segment_plane(image, worker.parameters, worker.method, decision=decision)
    except LeukocyteError as error:
        return str(error)
    assert isinstance(result, Segmentation)  # the last event
    return result, content
