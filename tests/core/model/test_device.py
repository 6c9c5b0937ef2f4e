import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.device import (
    autocast,
    bfloat16_is_faster,
    describe_device,
    is_out_of_memory,
    resolve_device,
)
from napari_leukocyte.core.model.unet import UNet, UNetConfig


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


def test_description_counts_the_threads():
    assert describe_device(torch.device("cpu")) == f"cpu ({torch.get_num_threads()} threads)"


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


@pytest.mark.parametrize("backward", [False, True])
def test_timing_leaves_the_network_as_it_was(backward):
    model = UNet(UNetConfig(widths=(4, 8)))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    if not backward:
        model.eval()
    assert bfloat16_is_faster(model, torch.device("cpu"), size=16, backward=backward) in (True, False)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_mps_is_never_timed():
    assert bfloat16_is_faster(UNet(UNetConfig(widths=(4, 8))), torch.device("mps")) is False
