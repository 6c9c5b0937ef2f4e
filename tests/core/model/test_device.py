import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.device import (
    autocast,
    describe_device,
    is_out_of_memory,
    resolve_device,
    uses_bfloat16,
)


def availability(monkeypatch, *, cuda, mps):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "taken"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")]
)
def test_auto_takes_the_fastest(monkeypatch, cuda, mps, taken):
    availability(monkeypatch, cuda=cuda, mps=mps)
    assert resolve_device("auto").type == taken
    assert resolve_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there(monkeypatch, name):
    availability(monkeypatch, cuda=False, mps=False)
    with pytest.raises(LeukocyteError, match=f"no {name} device: use auto or cpu"):
        resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:7", "CPU"])
def test_an_unknown_device(name):
    with pytest.raises(LeukocyteError, match="use auto, cuda, mps or cpu"):
        resolve_device(name)


@pytest.mark.parametrize(("threads", "text"), [(1, "cpu (1 thread)"), (2, "cpu (2 threads)")])
def test_description_counts_the_threads(monkeypatch, threads, text):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert describe_device(torch.device("cpu")) == text


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (torch.OutOfMemoryError(""), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), True),
        (RuntimeError("Expected 4-dimensional input"), False),
        (ValueError("memory"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected


def test_autocast_only_when_asked():
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    cpu = torch.device("cpu")
    with autocast(cpu, bfloat16=False):
        assert layer(x).dtype == torch.float32
    with autocast(cpu, bfloat16=True):
        assert layer(x).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"avx512_f": True, "avx512_bf16": False}, False),  # emulated there
        ({"architecture": "aarch64", "neon": True}, False),
    ],
)
def test_precision_follows_from_the_processor(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert uses_bfloat16(torch.device("cpu")) is expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_precision_follows_from_the_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert uses_bfloat16(torch.device("cuda")) is expected
    assert uses_bfloat16(torch.device("mps")) is False


def test_an_older_torch_that_cannot_tell_takes_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert uses_bfloat16(torch.device("cpu")) is False
