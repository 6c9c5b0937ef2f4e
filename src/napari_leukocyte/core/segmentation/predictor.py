"""A loaded network on its device: RGB windows in, class probabilities out, also when memory runs short."""

from collections.abc import Generator, Iterator
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from napari_leukocyte.core.cells.calibrated import RANGE_FACTOR
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.model.cnr_range import find_cnr_range
from napari_leukocyte.core.model.device import (
    autocast,
    describe_device,
    is_out_of_memory,
    resolve_device,
    uses_bfloat16,
)
from napari_leukocyte.core.model.fast import FastNetwork, is_installed
from napari_leukocyte.core.model.folded import folded
from napari_leukocyte.core.model.int8 import read_ranges
from napari_leukocyte.core.model.unet import probabilities
from napari_leukocyte.core.model.weights import load_model, model_hash, model_path
from napari_leukocyte.core.segmentation.parameters import Engine
from napari_leukocyte.core.segmentation.pixel_size import find_rulers
from napari_leukocyte.core.segmentation.rulers import Rulers
from napari_leukocyte.core.segmentation.uncertainty import UNSURE_SHARE
from napari_leukocyte.core.segmentation.windowed import Prediction, WindowDone, predict_class_map

__all__ = ["Predictor"]

_GPU_BATCH = 8  # windows at a time; a CPU gains nothing from more than one


class Predictor:
    """A network ready to run.

    Parameters
    ----------
    model
        Name of a shipped model, or a weight file.
    device
        auto, cuda, mps or cpu.
    inputs
        Channels that it is to see: 3 to segment; more for a model that follows gestures.
    engine
        What computes it, see `parameters.SegmentParameters`.

    Attributes
    ----------
    notes
        What happened that the user should know, for instance that the GPU's memory ran out and the CPU went on.
    wanted_device, wanted_engine
        As they were asked for.

    Raises
    ------
    LeukocyteError
        For an unknown or damaged weight file, a model made for something else, a device that is not there, or an
        engine that is not installed, does not run on the device, or lacks the model's calibration.
    """

    def __init__(
        self, model: str | Path = "default", *, device: str = "auto", inputs: int = 3, engine: Engine = "torch"
    ) -> None:
        path = model_path(model)
        if engine in ("fast", "fast-int8"):
            if device not in ("auto", "cpu"):
                raise LeukocyteError(
                    f"The engine {engine} runs on the CPU: choose the device cpu, or the engine torch."
                )
            device = "cpu"
        self.wanted_device, self.wanted_engine = device, engine
        self.device = resolve_device(device)
        network, self.info = load_model(path, device=self.device)
        self.network = folded(network)
        if self.info.architecture.inputs != inputs:
            does = "follows gestures and segments nothing by itself" if inputs == 3 else "follows no gestures"
            raise LeukocyteError(f"The model {self.info.name!r} {does}: choose another model.")
        self.hash = model_hash(path)
        self.cnr_range = find_cnr_range(path, self.hash, self.info)
        self.notes: list[str] = []
        self._held: tuple[Engine, bool] | None = None  # engine and bfloat16, where these are settled
        self._ranges = read_ranges(path, self.hash) if engine == "fast-int8" else None
        self._settle()

    def _settle(self) -> None:
        """Bring the network to the device, and find out what suits it there."""
        self.network.to(self.device)
        self.batch = 1 if self.device.type == "cpu" else _GPU_BATCH
        engine, self.bfloat16 = self._held or (self.wanted_engine, uses_bfloat16(self.device))
        # in float32 engines agree to the last digits, in bfloat16 each rounds in its own places
        exact = self.device.type == "cpu" and not self.bfloat16 and is_installed()
        self._fast: FastNetwork | None = None
        if engine in ("fast", "fast-int8") or (engine == "auto" and exact):
            self._fast = FastNetwork(self.network, bfloat16=self.bfloat16, ranges=self._ranges)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: the weights on the CPU, so that a computer without this GPU can read them."""
        network = self.network if self.device.type == "cpu" else deepcopy(self.network).cpu()
        return {**self.__dict__, "network": network, "notes": list(self.notes), "_fast": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The device is chosen anew where this is read, as `Predictor` chose it."""
        self.__dict__.update(state)
        self.device = resolve_device(self.wanted_device)
        self._settle()

    def held_to(self, engine: Engine, *, bfloat16: bool) -> "Predictor":
        """The same network in this engine and precision, also where it is read from a pickle on another computer."""
        held = copy(self)
        held.notes, held._held = [], (engine, bfloat16)
        held._settle()
        return held

    @property
    def used(self) -> str:
        """Device in words, for instance ``cpu (2 threads)``."""
        return describe_device(self.device)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.info.name

    @property
    def classes(self) -> int:
        """2 or 3."""
        return self.info.classes

    @property
    def pixel_size(self) -> float:
        """Working resolution, um per px."""
        return self.info.pixel_size

    @property
    def unsure_limit(self) -> float:
        """Share of unsure pixels, 0-1, over which a cell is flagged: nine in ten cells of known laboratories have less.

        `UNSURE_SHARE` for a model that was not calibrated.
        """
        known = None if self.cnr_range is None else self.cnr_range.unsure
        return UNSURE_SHARE if known is None else known

    @property
    def provenance(self) -> dict[str, str]:
        """Name and hash of the model, and what runs it in which precision: a result depends on all of them.

        The factor of its calibrated range goes with them, where it has one.
        """
        precision = "int8" if self._ranges is not None else "bfloat16" if self.bfloat16 else "float32"
        engine = "torch" if self._fast is None else "openvino"
        factor = {} if self.cnr_range is None else {RANGE_FACTOR: f"{self.cnr_range.factor:g}"}
        return {"model": self.name, "model_sha256": self.hash, "engine": engine, "precision": precision, **factor}

    def find_rulers(self, plane: Any, conversion: Conversion) -> Generator[WindowDone, None, Rulers]:
        """See `pixel_size.find_rulers`."""
        return find_rulers(plane, conversion, self)

    def predict(self, plane: Any, conversion: Conversion, *, pixel_size: float) -> Iterator[WindowDone | Prediction]:
        """See `windowed.predict_class_map`."""
        return predict_class_map(plane, conversion, self, pixel_size=pixel_size)

    def __call__(
        self, windows: list[NDArray[np.float32]], working: tuple[int, int], native: tuple[int, int]
    ) -> list[NDArray[np.float32]]:
        """Class probabilities of RGB windows.

        Parameters
        ----------
        windows
            float32 (*native, C) in 0-1, all of one shape: RGB, and the further channels of a network that has them.
        working
            Shape that the network sees. It is mirrored up to what the poolings need.
        native
            Shape of the windows, and of what comes back.

        Returns
        -------
        list of ndarray
            float32 (C, *native) for each window, summing to 1; resized as probabilities, before any argmax.

        Raises
        ------
        RuntimeError
            When even a single window does not fit into the memory of the CPU.
        """
        done: list[NDArray[np.float32]] = []
        while len(done) < len(windows):
            try:
                done += self._run(windows[len(done) : len(done) + self.batch], working, native)
            except RuntimeError as error:
                if not is_out_of_memory(error) or not self._make_room():
                    raise
        return done

    def _make_room(self) -> bool:
        """Halve the batch, then move to the CPU; False when there is nothing left to give up."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.batch > 1:
            self.batch //= 2
            return True
        if self.device.type == "cpu":
            return False
        self.notes.append(f"The memory of {self.device.type} ran out even for one window: the CPU went on.")
        self.device = torch.device("cpu")
        self._settle()
        return True

    @torch.inference_mode()
    def _run(
        self, windows: list[NDArray[np.float32]], working: tuple[int, int], native: tuple[int, int]
    ) -> list[NDArray[np.float32]]:
        together = np.stack(windows) if len(windows) > 1 else windows[0][None]
        batch = torch.from_numpy(together).to(self.device).permute(0, 3, 1, 2)
        if working != native:
            batch = F.interpolate(batch, size=working, mode="bilinear", antialias=True, align_corners=False)
        multiple = self.network.config.multiple
        padding = (0, -working[1] % multiple, 0, -working[0] % multiple)
        if any(padding):
            # mirrored where the image is large enough to be: an edge copied outwards looks like nothing real
            mirror = padding[1] < working[1] and padding[3] < working[0]
            batch = F.pad(batch, padding, mode="reflect" if mirror else "replicate")
        batch = batch.contiguous(memory_format=torch.channels_last)
        if self._fast is not None:
            logits = self._fast(batch)
        else:
            with autocast(self.device, bfloat16=self.bfloat16):
                logits = self.network(batch)
        p = probabilities(logits[..., : working[0], : working[1]])
        if working != native:
            p = F.interpolate(p, size=native, mode="bilinear", align_corners=False)
        return list(p.cpu().numpy())
