"""Which device runs the network, and in which precision."""

from contextlib import AbstractContextManager
from typing import Literal

import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

__all__ = [
    "Device",
    "autocast",
    "describe_device",
    "is_out_of_memory",
    "resolve_device",
    "uses_bfloat16",
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
        return f"cpu ({counted(threads, 'thread')})"
    return device.type


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, not the program, ran out: CUDA's own error, or the text that MPS raises."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def autocast(device: torch.device, *, bfloat16: bool) -> AbstractContextManager[None]:
    """bfloat16 mixed precision when asked for; otherwise a context that changes nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)


def uses_bfloat16(device: torch.device) -> bool:
    """Whether the network runs in bfloat16 there: a property of the device and never timed, so that runs repeat.

    True for processors that multiply bfloat16 in hardware (x86 with AVX512-BF16 or AMX) and NVIDIA GPUs of compute
    capability 8.0 or above; others emulate it, at a loss, and take float32, as does MPS.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    tell = getattr(torch.cpu, "get_capabilities", None)  # an older torch cannot tell
    has = {} if tell is None else tell()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))
