"""How images, class maps and cell labels look as napari layers, and what a layer says about its pixel size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels
    from napari.utils.colormaps import DirectLabelColormap

    from napari_leukocyte.core.segmentation.segment import Segmentation

__all__ = ["CELLS", "CLASSES", "METADATA_KEY", "add_cells", "add_classes", "add_image", "describe", "pixel_size_of"]

CLASSES, CELLS = "classes", "cells"
METADATA_KEY = "napari-leukocyte"
_MICRON = "micrometer"


def pixel_size_of(layer: Image) -> PixelSize:
    """The layer's scale, when its units are a length; a scale without a unit means nothing physical."""
    y, x = (float(s) for s in layer.scale[-2:])
    try:
        um = [float((1 * unit).to(_MICRON).magnitude) for unit in layer.units[-2:]]
    except Exception:  # pint raises its own kinds for pixels and for what is no length
        return PixelSize(None)
    if not 0 < y * um[0] <= 5 or abs(y * um[0] - x * um[1]) > 0.01 * x * um[1]:
        return PixelSize(None)
    return PixelSize(y * um[0], "layer scale")


def class_colormap(palette: str) -> DirectLabelColormap:
    """Colours of the class map on screen: background transparent, cytoplasm and nucleus by palette."""
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, NDArray[np.float32]] = {
        value: np.array(rgba, np.float32) for value, rgba in PALETTES[palette].items()
    }
    # a value that is no class shouts, so that a slip with the brush is seen
    colours[None] = np.array([1, 0, 1, 1], np.float32)
    return DirectLabelColormap(color_dict=colours)


def add_image(viewer: ViewerModel, pixels: NDArray[np.generic], source: ImageSource) -> Image:
    """Show an image of a list of files."""
    channels = pixels.shape[-1] if pixels.ndim == 3 else 1
    if channels == 1:
        pixels = pixels.reshape(pixels.shape[:2])
    layer: Image = viewer.add_image(pixels, name=source.label, rgb=channels in (3, 4))
    return layer


def add_classes(viewer: ViewerModel, data: NDArray[np.uint8], image: Image) -> Labels:
    """Add the class map over its image, make it the active layer, ready to be painted plane by plane."""
    layer: Labels = viewer.add_labels(
        data, name=CLASSES, opacity=0.45, colormap=class_colormap(get_settings().palette), **_placed_like(image)
    )
    layer.n_edit_dimensions = 2
    layer.selected_label = int(max(1, data.max()))
    viewer.layers.selection.active = layer
    return layer


def add_cells(viewer: ViewerModel, data: NDArray[np.int32], image: Image) -> Labels:
    """Add the cell labels, hidden and locked: they follow from the class map and are not painted."""
    layer: Labels = viewer.add_labels(data, name=CELLS, opacity=0.5, visible=False, **_placed_like(image))
    layer.editable = False
    return layer


def _placed_like(image: Image) -> dict[str, object]:
    n = image.ndim
    return {
        "scale": image.scale[-n:],
        "translate": image.translate[-n:],
        "rotate": image.rotate,
        "units": image.units[-n:],
        "axis_labels": image.axis_labels[-n:],
    }


def describe(classes: Labels | None, cells: Labels | None, result: Segmentation) -> None:
    """Write down in the layers which model and parameters made them."""
    for layer in (classes, cells):
        if layer is not None:
            layer.metadata[METADATA_KEY] = dict(result.provenance)
