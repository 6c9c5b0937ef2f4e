import pickle

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from napari_leukocyte.core.model.checkpoint import read_state, write_state


def as_text(value):
    """Every value with its type, the bits of each tensor included."""
    if isinstance(value, torch.Tensor):
        return f"{value.dtype} {tuple(value.shape)} {value.double().tolist()}"
    if isinstance(value, dict):
        return "".join(f"{key!r}: ({as_text(item)})" for key, item in value.items())
    return "".join(f"[{as_text(item)}]" for item in value) if isinstance(value, list) else repr(value)


def test_state_comes_back_as_it_was(tmp_path):
    shared = torch.arange(3.0)
    state = {
        "kernels": torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(7, dtype=torch.int64),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "twice": [shared, shared],
        "optimiser": {"state": {0: {"step": torch.tensor(2.0)}, 11: {}}, "groups": [{"lr": 1e-3, "fused": None}]},
        "generator": torch.Generator().manual_seed(5).get_state(),
        "rng": np.random.default_rng(3).bit_generator.state,  # integers of 128 bits
        "precision": ["cpu", True],
        "best": 0.1 + 0.2,
    }
    write_state(tmp_path / "c", state)
    back = read_state(tmp_path / "c")
    assert as_text(back) == as_text(state)
    assert back["kernels"].is_contiguous(memory_format=torch.channels_last)


def test_nothing_but_plain_values_is_written(tmp_path):
    with pytest.raises(TypeError):
        write_state(tmp_path / "c", {"a": object()})
    assert not list(tmp_path.iterdir())


def test_a_pickle_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    (tmp_path / "c").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(SafetensorError):
        read_state(tmp_path / "c")
    torch.save({"trap": Trap()}, tmp_path / "c")
    with pytest.raises(SafetensorError):
        read_state(tmp_path / "c")
