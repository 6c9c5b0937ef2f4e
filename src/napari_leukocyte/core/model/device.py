"""Which device runs the network, and whether mixed precision is faster there."""

from contextlib import AbstractContextManager
from copy import deepcopy
from time import perf_counter
from typing import Literal

import torch
from torch import nn

from napari_leukocyte.core.errors import LeukocyteError

__all__ = [
    "Device",
    "autocast",
    "bfloat16_is_faster",
    "describe_device",
    "is_out_of_memory",
    "resolve_device",
]

Device = Literal["auto", "cuda", "mps", "cpu"]


def resolve_device(device: str) -> torch.device:
    """``auto`` takes cuda, then mps, then cpu; a named device that is not there is an error in words."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return torch.device(next(name for name, there in available.items() if there))
    if device not in available:
        raise LeukocyteError(f"Unknown device {device!r}: use auto, cuda, mps or cpu.")
    if not available[device]:
        raise LeukocyteError(f"This computer offers torch no {device} device: use auto or cpu.")
    return torch.device(device)


def describe_device(device: torch.device) -> str:
    """What the user reads, for instance ``cpu (2 threads)`` or ``cuda (NVIDIA T4)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({threads} thread{'s' if threads > 1 else ''})"
    return device.type


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, not the program, ran out: CUDA's own error, or the text that MPS raises."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def autocast(device: torch.device, *, bfloat16: bool) -> AbstractContextManager[None]:
    """bfloat16 mixed precision when asked for; otherwise a context that changes nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)


def bfloat16_is_faster(model: nn.Module, device: torch.device, *, size: int = 128, backward: bool = False) -> bool:
    """Time the network both ways on this machine: old processors only emulate bfloat16, at a loss.

    Best of three after a warm-up, for one ``size`` x ``size`` image, or a batch of 4 with its gradients.
    """
    if device.type == "mps":
        return False
    model = deepcopy(model) if backward else model  # batch normalisation would learn from the noise
    batch = torch.rand(4 if backward else 1, 3, size, size, device=device)
    batch = batch.contiguous(memory_format=torch.channels_last)

    def once(bfloat16: bool) -> float:
        start = perf_counter()
        with torch.set_grad_enabled(backward), autocast(device, bfloat16=bfloat16):
            out = model(batch)
            if backward:
                torch.autograd.grad(out.float().square().mean(), list(model.parameters()))
        if device.type == "cuda":
            torch.cuda.synchronize()
        return perf_counter() - start

    times = {dtype: min([once(dtype) for _ in range(4)][1:]) for dtype in (False, True)}
    return times[True] < times[False]
