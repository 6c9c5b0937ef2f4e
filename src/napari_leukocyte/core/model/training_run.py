"""The state of a training: networks, optimisers, random numbers, progress; a checkpoint brings it back."""

import importlib
import math
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import unreadable
from napari_leukocyte.core.model.checkpoint import read_state, write_state
from napari_leukocyte.core.model.device import uses_bfloat16
from napari_leukocyte.core.model.muon import Muon, is_hidden_kernel
from napari_leukocyte.core.model.recipes import Recipe
from napari_leukocyte.core.model.unet import UNet
from napari_leukocyte.core.schema import Fields

__all__ = ["TrainingRun"]


class TrainingRun:
    """The state that a checkpoint must bring back: networks, optimiser, random numbers, progress."""

    def __init__(self, recipe: Recipe, device: torch.device, seed: int, start: UNet | None, steps: int) -> None:
        torch.manual_seed(seed)
        model = deepcopy(start) if start is not None else UNet(recipe.architecture)
        self.model = model.to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.model) if recipe.averaging else self.model
        self.start = deepcopy(self.model) if recipe.anchor or recipe.start_share else None
        self.frozen = [*self.model.down, self.model.bottom] if recipe.frozen_encoder else []
        kept = {id(p) for part in self.frozen for p in part.parameters()}
        self.trained = [p for p in self.model.parameters() if id(p) not in kept]
        self.optimisers = _optimisers(recipe, self.trained, next(self.model.parameters()))
        total = steps if recipe.cosine else 0
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(
                optimiser, lambda i: 0.5 * (1 + math.cos(math.pi * min(i, total) / total)) if total else 1.0
            )
            for optimiser in self.optimisers
        ]
        self.generator = torch.Generator().manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.step, self.best, self.seconds = 0, -1.0, 0.0
        self.waited = 0  # validations since the best one
        self.bfloat16 = uses_bfloat16(device)
        self.device = device
        for part in self.frozen:
            part.requires_grad_(False)

    def train_mode(self, *, frozen_statistics: bool) -> None:
        """What trains learns batch statistics too, unless told otherwise; what is frozen keeps its own."""
        self.model.train()
        for part in self.frozen:
            part.eval()
        if frozen_statistics:
            for part in self.model.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()

    def descend(self, loss: torch.Tensor, recipe: Recipe) -> None:
        """One step of all optimisers down the gradients of the loss."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained, 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        if recipe.anchor:
            self._pull_to_start(recipe.anchor * float(self.schedules[0].get_last_lr()[0]))
        for schedule in self.schedules:
            schedule.step()
        self.step += 1
        self._update_average(recipe.averaging)

    @torch.no_grad()
    def _pull_to_start(self, share: float) -> None:
        """Move every weight a little of the way back to where it started."""
        assert self.start is not None
        for now, then in zip(self.model.parameters(), self.start.parameters(), strict=True):
            now.lerp_(then, share)

    def result(self, start_share: float) -> UNet:
        """The network that is validated and saved."""
        if not start_share:
            return self.average
        assert self.start is not None
        mixed = deepcopy(self.average)
        then = self.start.state_dict()
        for key, value in mixed.state_dict().items():
            if value.is_floating_point():
                value.lerp_(then[key], start_share)
        return mixed

    def _update_average(self, decay: float) -> None:
        """Move the average a little towards the weights; at first faster, so the random start is forgotten."""
        if self.average is self.model:
            return
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)

    def save(self, path: Path, fingerprint: str) -> None:
        """Write everything, whole or not at all."""
        state = {
            "fingerprint": fingerprint,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "rng": self.rng.bit_generator.state,
            "progress": (self.step, self.best, self.seconds, self.waited),
            "precision": (self.device.type, self.bfloat16),
        }
        write_state(path, state)

    def load(self, path: Path, fingerprint: str) -> None:
        """Go on from a checkpoint of the same run; another run's checkpoint is refused in words."""
        mend = "delete it to start this training anew"
        try:
            path.open("rb").close()
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            state = read_state(path)
            same = state["fingerprint"] == fingerprint
            if same:
                self._restore(state, path, mend)
        except LeukocyteError:
            raise
        except (SafetensorError, OSError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise LeukocyteError(f"{path} is damaged or of another version: {mend}.") from error
        if not same:
            raise LeukocyteError(f"{path} belongs to another training run: delete it or choose another output.")

    def _restore(self, state: dict[str, Any], path: Path, mend: str) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimiser, own in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(own)
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.rng.bit_generator.state = state["rng"]
        names = ("step", "best", "seconds", "waited")
        progress = Fields(dict(zip(names, state["progress"], strict=True)), str(path), mend)
        self.step, self.waited = progress.whole("step", low=0), progress.whole("waited", low=0)
        self.best, self.seconds = progress.number("best"), progress.number("seconds", low=0)
        for schedule in self.schedules:
            schedule.last_epoch = self.step
        precision = Fields(dict(zip(("device", "bfloat16"), state["precision"], strict=True)), str(path), mend)
        bfloat16 = precision.truth("bfloat16")
        if precision.text("device") == self.device.type:  # begun on another processor: other sums would follow
            self.bfloat16 = bfloat16


def _load_compiler() -> None:
    """Load what every optimiser of torch loads, without triton where there is no CUDA.

    Triton has no use there, and its LLVM ends the process where Mesa has loaded its own, as it does for napari's canvas
    on a machine without a GPU.
    """
    absent = "triton" not in sys.modules and not torch.cuda.is_available()
    if absent:
        sys.modules["triton"] = None  # type: ignore[assignment]  # an import of it fails as if it were not installed
    try:
        importlib.import_module("torch._dynamo")
    finally:
        if absent:
            del sys.modules["triton"]


def _optimisers(recipe: Recipe, trained: Sequence[nn.Parameter], first: nn.Parameter) -> list[torch.optim.Optimizer]:
    """The recipe's optimiser for every parameter, or Muon for the kernels that it is made for: not the ``first``."""
    _load_compiler()
    kernels = [p for p in trained if recipe.kernel_rate and is_hidden_kernel(p) and p is not first]
    muons = {id(p) for p in kernels}
    rest = [p for p in trained if id(p) not in muons]
    make = torch.optim.AdamW if recipe.weight_decay else torch.optim.Adam
    optimisers: list[torch.optim.Optimizer] = [make(rest, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)]
    if kernels:
        optimisers.append(Muon(kernels, lr=recipe.kernel_rate, weight_decay=recipe.weight_decay))
    return optimisers
