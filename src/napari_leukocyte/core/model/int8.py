"""What a network needs to run in 8-bit integers: the range of what enters each convolution, seen on training images."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, exists
from napari_leukocyte.core.model.unet import UNet
from napari_leukocyte.core.schema import read_object

__all__ = ["Ranges", "inner_convolutions", "ranges_path", "read_ranges", "watched", "write_ranges"]

Ranges = dict[str, float]
"""Largest value that enters each convolution, by its name; what enters comes from a ReLU, so 0 is the smallest."""

# The outline is drawn on the finest levels: in 8-bit integers these move the CNR by more than engines may differ.
_FINEST = 2
_LEAST = 1e-6  # of a convolution that nothing enters


def inner_convolutions(network: UNet) -> list[str]:
    """Names of the convolutions that run in 8-bit integers: those below the two finest levels."""
    blocks = [*network.down[_FINEST:], network.bottom, *network.up[: max(0, len(network.up) - _FINEST)]]
    inner = {one for block in blocks for one in block.modules() if isinstance(one, nn.Conv2d)}
    return [name for name, one in network.named_modules() if one in inner]


@contextmanager
def watched(network: UNet) -> Iterator[Ranges]:
    """Note what enters the inner convolutions of a network while images run through it."""
    found: Ranges = {}

    def watch(name: str) -> Any:
        def note(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            found[name] = max(found.get(name, _LEAST), float(inputs[0].max()))

        return note

    inner = inner_convolutions(network)
    hooks = [network.get_submodule(name).register_forward_pre_hook(watch(name)) for name in inner]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def ranges_path(weights: Path) -> Path:
    """Where the ranges of a weight file lie: beside it."""
    return weights.with_suffix(".int8.json")


def write_ranges(weights: Path, model_sha256: str, ranges: Ranges, *, images: int) -> None:
    """Write the ranges beside a weight file, with what they were seen on.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    rounded = {name: float(f"{value:.5g}") for name, value in ranges.items()}
    text = json.dumps({"model_sha256": model_sha256, "images": images, "ranges": rounded}, indent=1)
    with atomic_path(ranges_path(weights)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_ranges(weights: Path, model_sha256: str) -> Ranges:
    """Read the ranges of a weight file.

    Raises
    ------
    LeukocyteError
        When there are none, or they are of other weights; the sentence says how they are made.
    """
    remedy = f"run `napari-leukocyte model calibrate {weights} --data MY-SET`, or choose another engine"
    path = ranges_path(weights)
    if not exists(path):
        raise LeukocyteError(f"{weights} was not calibrated for 8-bit integers: {remedy}.")
    fields = read_object(path, mend=remedy)
    if fields.text("model_sha256") != model_sha256:
        raise LeukocyteError(f"{path} was made for other weights: {remedy}.")
    ranges = fields.within("ranges")
    return {name: ranges.number(name, low=_LEAST) for name in ranges.keys()}  # noqa: SIM118
