"""What a worker of a dask cluster does: it loads the model once, and segments one image at a time.

Imported only where dask.distributed is installed, which the extra ``distributed`` does.
"""

import pickle
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import torch
from distributed import WorkerPlugin, get_worker

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError, UnreadableError
from napari_leukocyte.core.freed_memory import keep_freed_memory
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.model.device import resolve_device, uses_bfloat16
from napari_leukocyte.core.model.fast import is_installed
from napari_leukocyte.core.packed import Packed
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import first_content, segment_plane

__all__ = ["Done", "ModelPlugin", "Offer", "offer", "segment_here"]


@dataclass(frozen=True)
class Offer:
    """What a worker could compute with: on its CPU, in bfloat16, with OpenVINO."""

    cpu: bool
    bfloat16: bool
    openvino: bool


def offer(device: str) -> Offer:
    """What this process could compute with.

    Raises
    ------
    LeukocyteError
        When there is no such device here.
    """
    found = resolve_device(device)
    return Offer(found.type == "cpu", uses_bfloat16(found), is_installed())


class Done:
    """The result of one plane, its measures, and with the first plane of a file a hash of what was read."""

    def __init__(self, result: Segmentation, measures: list[CellMeasure], content: str) -> None:
        self.measures, self.content = measures, content
        self._classes, self._cells = Packed(result.classes), Packed(result.cells)
        self._rest = replace(result, classes=result.classes[:0], cells=result.cells[:0])

    @property
    def result(self) -> Segmentation:
        """As it was made."""
        return replace(self._rest, classes=self._classes.array, cells=self._cells.array)


class ModelPlugin(WorkerPlugin):  # type: ignore[misc]  # dask is not typed
    """Brings the model to every worker that there is or will be; the first image there unpacks it.

    Parameters
    ----------
    method
        It is sent as it is, with its weights: a file of the user's need not be where workers are.
    parameters
        What the user chose.
    """

    def __init__(self, method: Method, parameters: SegmentParameters) -> None:
        self._packed = pickle.dumps(method)
        self._parameters = parameters

    def setup(self, worker: Any) -> None:
        """A worker has come."""
        keep_freed_memory()
        self._threads = int(worker.state.nthreads)
        self._lock = Lock()
        self._method: Method | None = None

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 - dask calls it so
        """The run has ended."""
        self._method = None

    def segment(self, image: ImageSource, decision: SizeDecision) -> Done:
        """One image; others in the threads of this worker wait, since its threads all work on this one."""
        with self._lock:
            if self._method is None:
                torch.set_num_threads(self._threads)
                self._method = pickle.loads(self._packed)
            content = first_content(image)
            *_, result = segment_plane(image, self._parameters, self._method, decision=decision)
            assert isinstance(result, Segmentation)  # the last event
            return Done(result, result.measure(), content)


def segment_here(plugin: str, image: ImageSource, decision: SizeDecision) -> Done | str:
    """One image in this worker: its result, or why there is none.

    Raises
    ------
    UnreadableError
        When the system does not let it be read, which may be otherwise a moment later or on another worker.
    """
    there: Any = get_worker().plugins[plugin]
    try:
        done: Done = there.segment(image, decision)
    except UnreadableError:
        raise
    except LeukocyteError as error:
        return str(error)
    return done
