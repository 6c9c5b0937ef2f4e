"""Nested state in one safetensors file: the tensors in its body, everything else as JSON in its header.

Unlike a pickle, such a file can run no code when it is read.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.schema import parse_json

__all__ = ["read_state", "write_state"]

_KEY = "napari-leukocyte-checkpoint"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write dictionaries, lists and tuples of tensors, numbers, strings, booleans and None, whole or not at all.

    Raises
    ------
    LeukocyteError
        When the disk is full or the folder cannot be written to.
    TypeError
        When there is anything else in the state.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = json.dumps(_without_tensors(state, tensors))
    # as bytes: safetensors' own writer hides the reason (disk full) from atomic_path
    content = save(tensors, metadata={_KEY: tree})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_state(path: Path) -> dict[str, Any]:
    """Read it again, on the CPU: tuples come as lists, and tensors (A, B, Y, X) in the channels-last format.

    Raises
    ------
    SafetensorError, OSError, KeyError, TypeError, ValueError
        When the file is none of these, or damaged.
    """
    with safe_open(path, framework="pt") as file:
        tree = parse_json((file.metadata() or {})[_KEY])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (it has no __iter__)
    state: dict[str, Any] = _with_tensors(tree, tensors)
    return state


def _without_tensors(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Put each tensor into ``tensors`` and its key in its place; dictionaries become pairs, whose keys keep a type."""
    if isinstance(value, torch.Tensor):
        key = str(len(tensors))
        tensors[key] = value.detach().cpu().clone(memory_format=torch.contiguous_format)  # as the format asks for
        return {"tensor": key}
    if isinstance(value, dict):
        return {"pairs": [[key, _without_tensors(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_without_tensors(item, tensors) for item in value]
    return value


def _with_tensors(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(tree, list):
        return [_with_tensors(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "tensor" in tree:
        tensor = tensors[tree["tensor"]]
        return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
    return {key: _with_tensors(item, tensors) for key, item in tree["pairs"]}
