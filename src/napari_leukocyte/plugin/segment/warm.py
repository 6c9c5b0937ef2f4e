"""What napari compiles when the first labels are shown, for some seconds, is compiled while the network runs."""

from __future__ import annotations

import numpy as np

from napari_leukocyte.plugin.background import Background

__all__ = ["warm_up"]

_begun: list[Background] = []  # once in a process


def warm_up() -> None:
    """Begin, beside the window; a second call does nothing."""
    if not _begun:
        _begun.append(Background("the preparation of the canvas"))
        _begun[0].start(_compile, failed=lambda _sentence: None)  # then it is compiled when it is needed


def _compile() -> None:
    """Colour a few labels of each kind, in layers that no viewer has."""
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap, LockedLabels
    from napari_leukocyte.plugin.canvas.layers import cell_colormap, class_colormap
    from napari_leukocyte.plugin.settings import get_settings

    ClassMap(np.ones((2, 2), np.uint8), colormap=class_colormap(get_settings().palette))
    LockedLabels(np.ones((2, 2), np.int32), colormap=cell_colormap())
