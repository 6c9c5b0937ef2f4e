"""A network as an ONNX file, for programs that run that format."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder
from napari_leukocyte.core.model.folded import folded
from napari_leukocyte.core.model.unet import probabilities
from napari_leukocyte.core.model.weights import load_model, model_path
from napari_leukocyte.core.outputs import ONNX, spare_foreign

__all__ = ["export_onnx"]

_OPSET = 18
_MOST_OFF = 1e-4  # of a probability; rounding in float32 stays far below


def export_onnx(model: str | Path, out: Path) -> float:
    """Write a model, check it, and return how far its class probabilities are from torch's at most.

    Parameters
    ----------
    model
        Name of a shipped model, or a weight file.
    out
        The file; an older one of ours is replaced only by a whole one that agrees with torch.

    Raises
    ------
    LeukocyteError
        When there is no such model, the extra is not installed, or the file disagrees with torch or cannot be written.
    """
    if any(find_spec(name) is None for name in ("onnx", "onnxscript")):
        raise LeukocyteError('Export needs the package onnx: run pip install "napari-leukocyte[onnx]" first.')
    spare_foreign({out: ONNX})
    import onnx
    from onnx.reference import ReferenceEvaluator

    network, info = load_model(model_path(model))
    network = folded(network)
    inputs, side = info.architecture.inputs, 2 * info.architecture.multiple
    trial = torch.rand(1, inputs, side, 2 * side, generator=torch.Generator().manual_seed(0))
    batch, height, width = (torch.export.Dim.DYNAMIC for _ in range(3))
    with _quiet():
        program = torch.onnx.export(
            network,
            (torch.rand(2, inputs, 4 * side, 3 * side),),
            dynamo=True,
            verbose=False,
            opset_version=_OPSET,
            input_names=["rgb"],
            output_names=["logits"],
            dynamic_shapes=({0: batch, 2: height, 3: width},),
        )
    assert program is not None  # no file was named
    proto = program.model_proto
    proto.producer_name = "napari-leukocyte"
    for key, value in {"model": info.name, "classes": info.classes, "um_per_px": info.pixel_size}.items():
        proto.metadata_props.add(key=key, value=str(value))
    content = proto.SerializeToString()
    (logits,) = ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"rgb": trial.numpy()})
    with torch.inference_mode():
        expected = probabilities(network(trial))
    off = float((probabilities(torch.from_numpy(np.asarray(logits, np.float32))) - expected).abs().max())
    if not off < _MOST_OFF:
        raise LeukocyteError(f"The exported model is {off:.1g} off torch: install another version of onnx or torch.")
    make_folder(out.parent)
    with atomic_path(out) as temporary:
        temporary.write_bytes(content)
    return off


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter has to say about itself and about packages that it does not need."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
