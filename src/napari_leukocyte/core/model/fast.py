"""The network on the CPU through OpenVINO, which an extra installs: the same function, sooner.

The graph is built from the weights by the operations of `UNet.forward`, one to one, so that no other format and no
converter stand between the two.
"""

from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.int8 import Ranges, inner_convolutions
from napari_leukocyte.core.model.unet import UNet

__all__ = ["FastNetwork", "is_installed"]

_LEVELS = 255  # of a weight in 8-bit integers, as many below 0 as above; what enters has one more


def is_installed() -> bool:
    """Whether OpenVINO is there."""
    return find_spec("openvino") is not None


class FastNetwork:
    """A network compiled for this computer's CPU, for windows of any size.

    Parameters
    ----------
    network
        Folded (`folded.folded`), on the CPU, with three input channels.
    bfloat16
        Run in bfloat16 where the processor has it, as torch would.
    ranges
        Run in 8-bit integers, with these ranges; None: in floating point.

    Raises
    ------
    LeukocyteError
        When OpenVINO is not installed, or the ranges are not those of such a network.
    """

    def __init__(self, network: UNet, *, bfloat16: bool = False, ranges: Ranges | None = None) -> None:
        if not is_installed():
            raise LeukocyteError(
                'The fast engine needs OpenVINO: run pip install "napari-leukocyte[fast]", or choose the engine torch.'
            )
        self._compiled = _core().compile_model(
            _graph(network, ranges),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        self._lock = Lock()  # it takes one batch at a time, and the method that was used last serves all who ask

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """RGB windows (N, 3, Y, X) in 0-1 to logits, as `UNet`."""
        with self._lock:
            logits: NDArray[np.float32] = self._compiled(np.ascontiguousarray(batch.numpy()))[0]
        return torch.from_numpy(logits)


@cache
def _core() -> Any:
    """OpenVINO, for the rest of the program.

    When its last core goes, its CPU plugin is unloaded together with the stack that it gave the thread for signals: the
    next Ctrl+C would end the program.
    """
    import openvino

    return openvino.Core()


def _graph(network: UNet, ranges: Ranges | None) -> Any:
    """The network as an OpenVINO model."""
    import openvino
    from openvino import opset13 as ops

    names = {module: name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}

    def rounded(values: Any, low: Any, high: Any, levels: int) -> Any:
        return ops.fake_quantize(values, low, high, low, high, levels)

    def convolution(values: Any, module: nn.Conv2d) -> Any:
        weight = module.weight.detach().float().contiguous().numpy()
        filters = ops.constant(weight)
        if ranges is not None and names[module] in ranges:
            values = rounded(values, np.float32(0), np.float32(ranges[names[module]]), _LEVELS + 1)
            largest = np.maximum(np.abs(weight).max(axis=(1, 2, 3), keepdims=True), np.float32(1e-12))
            filters = rounded(filters, -largest, largest, _LEVELS)
        pad = [int(n) for n in module.padding]
        values = ops.convolution(values, filters, [1, 1], pad, pad, [1, 1])
        assert module.bias is not None  # the network is folded
        return ops.add(values, ops.constant(module.bias.detach().float().numpy().reshape(1, -1, 1, 1)))

    def convolutions(values: Any, block: nn.Module) -> Any:
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                values = ops.relu(convolution(values, module))
        return values

    config = network.config
    if ranges is not None and set(ranges) != set(inner_convolutions(network)):
        raise LeukocyteError(f"The ranges for 8-bit integers are of another network than this one, {config.widths}.")
    rgb = ops.parameter([-1, 3, -1, -1], np.float32, name="rgb")
    x = ops.multiply(ops.subtract(rgb, np.float32(config.input_mean)), np.float32(1 / config.input_std))
    beside = []
    for level in network.down:
        x = convolutions(x, level)
        beside.append(x)
        x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
    x = convolutions(x, network.bottom)
    for level in network.up:
        wide = ops.interpolate(
            x,
            np.array([2, 2], np.float32),
            "nearest",
            "scales",
            axes=np.array([2, 3]),
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        wide = convolutions(wide, level.get_submodule("upconv"))
        x = convolutions(ops.concat([beside.pop(), wide], 1), level.get_submodule("merge"))
    return openvino.Model([convolution(x, network.head)], [rgb], "leukocyte")
