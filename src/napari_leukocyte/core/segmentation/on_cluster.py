"""A list of images segmented by the workers of a dask cluster; what runs where and when is dask's business."""

import contextlib
import importlib.metadata
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any

from napari_leukocyte import __version__
from napari_leukocyte.core.errors import LeukocyteError, UnreadableError, reason_in
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.model.fast import is_installed
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision, decide_pixel_sizes
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import Engine, SegmentParameters
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:
    from napari_leukocyte.core.segmentation.cluster_worker import Offer

__all__ = ["Cluster", "connected"]

ImageEnd = ImageSegmented | ImageFailed

_PACKAGE = "napari-leukocyte"
_AHEAD = 3  # images on their way for each worker, so that none waits and few results are in memory
_RETRIES = 2  # of an image whose reading or computing went wrong
_CONNECT_S = 10
_LOOK_S = 5.0  # how often workers are counted


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at an address, while the block runs.

    Raises
    ------
    LeukocyteError
        When dask.distributed is not installed, or no scheduler answers there.
    """
    if find_spec("distributed") is None:
        raise LeukocyteError(
            'Work on several machines needs dask.distributed: run pip install "napari-leukocyte[distributed]".'
        )
    from distributed import Client

    # what matters is said in our own words; the third complains when Ctrl+C comes between two of dask's calls
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).handlers = [logging.NullHandler()]
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False, name=_PACKAGE)
    except Exception as error:  # whatever answers there, or does not
        raise LeukocyteError(
            f"No dask scheduler answers at {address} ({reason_in(error)}): start one with dask scheduler, and give the "
            "address that it prints."
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=_CONNECT_S)


class Cluster:
    """The workers of a cluster, told to compute in one way.

    Waits until there is a worker. Where workers could compute in different ways (a processor or GPU that has bfloat16
    and one that has not), all take float32, so that no result depends on where it was made.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    method
        Loaded here.
    parameters
        What the user chose.

    Attributes
    ----------
    method
        The same in the way that the workers compute.

    Raises
    ------
    LeukocyteError
        When a worker lacks this program in this version, or the device or engine that was asked for; `segment` raises
        the first, too, for one that comes later.
    """

    def __init__(self, client: Any, method: Method, parameters: SegmentParameters) -> None:
        self._client, self._parameters = client, parameters
        with _in_words():
            client.wait_for_workers(1)
            self._checked = set[str]()  # addresses of workers
            self._check_versions()
            self.method = self._held(method)

    @property
    def used(self) -> str:
        """In words, for instance ``2 workers at tcp://10.0.0.1:8786``."""
        with _in_words():
            return f"{counted(self._workers(), 'worker')} at {self._client.scheduler.address}"

    def segment(
        self,
        images: Sequence[ImageSource | BrokenImage],
        decisions: Mapping[int, SizeDecision],
        *,
        in_order: bool = False,
    ) -> Iterator[ImageEnd]:
        """Segment a list as `segment.segment_images` does, without word of single windows. Stop iterating to cancel.

        An image comes when it is done, the planes of a stack in their order. A worker that dies loses nothing: what it
        had is done anew by others, or by those that come. An image that no worker can do is tried three times.

        Parameters
        ----------
        decisions
            Of the pixel size, by position, for every image that can be read.
        in_order
            All images in the order of the list.

        Raises
        ------
        LeukocyteError
            When the scheduler goes.
        """
        from napari_leukocyte.core.segmentation.cluster_worker import ModelPlugin

        name = f"{_PACKAGE} {uuid.uuid4().hex}"
        try:
            with _in_words():
                self._client.register_plugin(ModelPlugin(self.method, self._parameters), name=name)
                yield from _Run(self._client, name, images, decisions, in_order).events(self._look)
        finally:
            with contextlib.suppress(Exception):
                self._client.unregister_worker_plugin(name)

    def segment_list(self, images: Sequence[ImageSource | BrokenImage]) -> Iterator[WindowDone | ImageEnd]:
        """The same in order, with the pixel sizes of the list, which are decided here and before the first result."""
        decisions = yield from decide_pixel_sizes(images, self._parameters, self.method)
        yield from self.segment(images, decisions, in_order=True)

    def _workers(self) -> int:
        return len(self._client.nthreads())

    def _look(self) -> int:
        """Count the workers, and look at those that have come: one that cannot work would fail image after image."""
        self._check_versions()
        return self._workers()

    def _check_versions(self) -> None:
        new = sorted(set(self._client.nthreads()) - self._checked)
        if not new:
            return
        # the workers need nothing of ours to answer this
        said = self._client.run(importlib.metadata.version, _PACKAGE, workers=new, on_error="return")
        for worker, version in _there(said).items():
            self._checked.add(worker)
            if isinstance(version, Exception):
                raise LeukocyteError(
                    f"The worker {worker} has no napari-leukocyte ({reason_in(version)}): install version "
                    f"{__version__} there."
                )
            if version != __version__:
                raise LeukocyteError(
                    f"The worker {worker} has napari-leukocyte {version}, and this is {__version__}: install the same "
                    "version on all."
                )

    def _held(self, method: Method) -> Method:
        """The method, settled on one engine and precision for all workers that there are or will be."""
        if not isinstance(method, Predictor):
            return method
        from napari_leukocyte.core.segmentation.cluster_worker import offer

        said = _there(self._client.run(offer, method.wanted_device, on_error="return"))
        for worker, found in said.items():
            if isinstance(found, LeukocyteError):
                raise LeukocyteError(f"The worker {worker}: {found}")
            if isinstance(found, Exception):
                raise found
            if method.wanted_engine.startswith("fast") and not found.openvino:
                raise LeukocyteError(
                    f"The worker {worker} has no OpenVINO, which the engine {method.wanted_engine} needs: run pip "
                    'install "napari-leukocyte[fast]" there, or choose the engine torch.'
                )
        engine, bfloat16 = _common(method.wanted_engine, list(said.values()))
        return method.held_to(engine, bfloat16=bfloat16)


def _common(wanted: Engine, offers: "Sequence[Offer]") -> tuple[Engine, bool]:
    """The engine that all have, and whether all run in bfloat16; `Predictor` chooses so for one computer."""
    bfloat16 = all(one.bfloat16 for one in offers)
    if wanted != "auto":
        return wanted, bfloat16
    fast = not bfloat16 and is_installed() and all(one.openvino and one.cpu for one in offers)
    return ("fast" if fast else "torch"), bfloat16


class _Run:
    """One list on its way."""

    def __init__(
        self,
        client: Any,
        plugin: str,
        images: Sequence[ImageSource | BrokenImage],
        decisions: Mapping[int, SizeDecision],
        in_order: bool,
    ) -> None:
        self._client, self._plugin, self._images, self._decisions = client, plugin, images, decisions
        self._in_order = in_order
        self._running: dict[Any, int] = {}  # positions by their future
        self._ready: dict[int, ImageEnd] = {}  # done; perhaps one before it is not
        self._given = 0  # all before this position are given away
        self._beyond = set[int]()  # and these

    def events(self, look: Callable[[], int]) -> Iterator[ImageEnd]:
        """See `Cluster.segment`; ``look`` counts the workers, and raises when one cannot work."""
        from distributed import wait

        left = iter(range(len(self._images)))
        counted_at, most = -_LOOK_S, 0
        try:
            while True:
                if perf_counter() - counted_at > _LOOK_S:
                    counted_at, most = perf_counter(), _AHEAD * max(1, look())
                while len(self._running) + len(self._ready) < most and (index := next(left, None)) is not None:
                    self._start(index)
                yield from self._in_turn()
                if not self._running:
                    if self._given == len(self._images):
                        return
                    continue
                done = set[Any]()
                with contextlib.suppress(TimeoutError), self._client.as_current():  # perhaps a worker has yet to come
                    done, _ = wait(list(self._running), timeout=_LOOK_S, return_when="FIRST_COMPLETED")
                for future in done:
                    self._end(future, look)
        finally:
            with contextlib.suppress(Exception):
                self._client.cancel(list(self._running), force=True)

    def _start(self, index: int) -> None:
        from dask import config

        from napari_leukocyte.core.segmentation.cluster_worker import segment_here

        image = self._images[index]
        if isinstance(image, BrokenImage):
            self._ready[index] = ImageFailed(index, image.name, image.reason)
            return
        try:
            image = image.portable()
        except LeukocyteError as error:
            self._ready[index] = ImageFailed(index, image.label, str(error))
            return
        with config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):  # pixels of an array are meant
            future = self._client.submit(
                segment_here,
                self._plugin,
                image,
                self._decisions[index],
                key=f"{self._plugin} image {index}",
                retries=_RETRIES,
                pure=False,
            )
        self._running[future] = index

    def _end(self, future: Any, look: Callable[[], int]) -> None:
        index = self._running.pop(future)
        image = self._images[index]
        assert isinstance(image, ImageSource)
        error = future.exception()
        if error is not None:
            look()  # perhaps a worker has come that has not what it needs
            self._ready[index] = ImageFailed(index, image.label, _reason(error))
            return
        found = future.result()
        self._ready[index] = (
            ImageFailed(index, image.label, found)
            if isinstance(found, str)
            else ImageSegmented(index, image, found.result, measures=found.measures, content=found.content)
        )

    def _in_turn(self) -> Iterator[ImageEnd]:
        """What is ready, and has its turn."""
        for index in sorted(self._ready):
            image = self._images[index]
            follows = self._in_order or (isinstance(image, ImageSource) and image.plane > 0)
            if follows and index > self._given and index - 1 not in self._beyond:
                continue
            event = self._ready.pop(index)
            self._beyond.add(index)
            while self._given in self._beyond:
                self._beyond.remove(self._given)
                self._given += 1
            yield event


def _reason(error: Exception) -> str:
    """Why an image failed on each worker that tried it."""
    from distributed import KilledWorker

    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, KilledWorker):
        return (
            "Each worker that segmented it died, perhaps because its memory ran out: give workers more memory, and go "
            "on with --resume."
        )
    return (
        f"It could not be segmented in {_RETRIES + 1} attempts ({type(error).__name__}: {reason_in(error)}): please "
        "report it, and go on with --resume."
    )


def _there(said: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of workers that did not go meanwhile."""
    return {worker: answer for worker, answer in said.items() if not isinstance(answer, OSError)}


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """One sentence for a scheduler that goes, whichever call finds out first."""
    try:
        yield
    except (OSError, CancelledError) as error:
        raise LeukocyteError(
            "The dask scheduler does not answer any more: what was written stays, and --resume goes on with it."
        ) from error
