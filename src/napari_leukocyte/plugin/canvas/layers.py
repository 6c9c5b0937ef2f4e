"""How images, class maps and cell labels look as napari layers, and what a layer says about its pixel size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resolution import stated
from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from napari.utils.colormaps import DirectLabelColormap

    from napari_leukocyte.core.imaging.image_list import ImageSource
    from napari_leukocyte.core.imaging.opened import Opened
    from napari_leukocyte.core.results.segmentation import Segmentation
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

__all__ = [
    "CELLS",
    "CLASSES",
    "METADATA_KEY",
    "PIXEL_SIZE_KEY",
    "REGION_KEY",
    "TRUTH",
    "add_cells",
    "add_classes",
    "add_draft",
    "add_image",
    "brush_of",
    "cell_colormap",
    "class_colormap",
    "covering",
    "describe",
    "file_of",
    "fit",
    "follow_palette",
    "look_at",
    "opened",
    "overlap",
    "physical_pixel_size",
    "pixel_size_of",
    "place_like",
    "placed_like",
    "put_image",
    "put_labels",
    "sources_of",
    "take_brush",
]

CLASSES, CELLS, TRUTH = "classes", "cells", "truth"
METADATA_KEY = "napari-leukocyte"
PIXEL_SIZE_KEY = "napari-leukocyte um per px"
REGION_KEY = "napari-leukocyte region"  # of which layer (unique id) an image is a region, and where: y, x
_MICRON = "micrometer"
_MARGIN = 0.95  # of the canvas is filled by an image that is looked at


def pixel_size_of(layer: Image) -> PixelSize:
    """The layer's scale, when its units are a length; else what the file states that napari opened.

    A scale without a unit means nothing physical; where it is all there is, the source says so.
    """
    if any(unit.is_compatible_with(_MICRON) for unit in layer.units[-2:]):
        return physical_pixel_size(layer.scale, layer.units)
    from napari_leukocyte.core.imaging.opened import pixel_size_in  # readers of files load when there is a layer

    path = file_of(layer)
    size = PixelSize(None) if path is None else pixel_size_in(path)
    y, x = (abs(float(step)) for step in layer.scale[-2:])
    if size.um is None and (y, x) != (1, 1):
        text = f"{y:g}" if y == x else f"{y:g} x {x:g}"
        return PixelSize(None, f"the layer's scale of {text} has no unit, so it is not used: give it the unit um")
    return size


def file_of(layer: Layer) -> Path | None:
    """The file on this computer that napari opened as this layer; None where there is none."""
    path = layer.source.path
    if not isinstance(path, str | PathLike) or "://" in str(path):
        return None
    return Path(path)


def opened(layer: Image) -> Opened:
    """The image or stack that a layer shows, as every other door reads it; napari hands on a file's bare numbers."""
    from napari_leukocyte.core.imaging.opened import opened_from

    return opened_from(layer.data, file_of(layer), rgb=layer.rgb)


def sources_of(layer: Image) -> list[ImageSource]:
    """The image, or the planes, that a layer shows, for a list of images.

    Raises
    ------
    LeukocyteError
        When its axes have no single reading.
    """
    from napari_leukocyte.core.imaging.image_list import sources_from_array

    image = opened(layer)
    sources = sources_from_array(image.array, name=layer.name, rgb=image.rgb, pixel_size=pixel_size_of(layer))
    region = layer.metadata.get(REGION_KEY)
    return sources if region is None else [replace(one, region_at=(region["y"], region["x"])) for one in sources]


def physical_pixel_size(scale: Sequence[float], units: Sequence[Any]) -> PixelSize:
    """Pixel size from the last two axes (Y, X) of a scale and its pint units.

    Unknown when a unit is no length, when y and x differ (its source then says so), or when no microscope has such
    pixels (``core.imaging.resolution``). A mirrored axis (negative scale) counts by its size.
    """
    if not all(unit.is_compatible_with(_MICRON) for unit in units[-2:]):
        return PixelSize(None)
    y, x = (
        abs(float(step)) * float((1 * unit).to(_MICRON).magnitude)
        for step, unit in zip(scale[-2:], units[-2:], strict=True)
    )
    return stated(x, y, "layer scale")


def class_colormap(palette: str) -> DirectLabelColormap:
    """Colours of the class map on screen: background transparent, cytoplasm and nucleus by palette."""
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, NDArray[np.float32]] = {
        value: np.array(rgba, np.float32) for value, rgba in PALETTES[palette].items()
    }
    # a value that is no class has a glaring colour, so that a slip with the brush is seen
    colours[None] = np.array([1, 0, 1, 1], np.float32)
    return DirectLabelColormap(color_dict=colours)


def follow_palette(viewer: ViewerModel, palette: str) -> None:
    """Give a palette to whatever is shown in the class colours of another one; other colours are left as they are."""
    from napari.layers import Labels

    ours = [class_colormap(name).color_dict for name in PALETTES]
    for layer in viewer.layers:
        if isinstance(layer, Labels):
            colours = getattr(layer.colormap, "color_dict", {})
            if any(
                colours.keys() == one.keys() and all(map(np.array_equal, colours.values(), one.values()))
                for one in ours
            ):
                layer.colormap = class_colormap(palette)


def add_image(viewer: ViewerModel, pixels: NDArray[np.generic], source: ImageSource) -> Image:
    """Show an image of a list of files, at its physical size when the file states one."""
    pixels, rgb = _as_layer(pixels)
    layer: Image = viewer.add_image(pixels, name=source.label, rgb=rgb, **_physical(source))
    return layer


def put_image(layer: Image, pixels: NDArray[np.generic], source: ImageSource) -> bool:
    """Have the layer of a file show another one; returns whether it can: colour and gray are layers of two kinds."""
    pixels, rgb = _as_layer(pixels)
    if layer.rgb != rgb or layer.data.dtype != pixels.dtype or layer.data.shape[2:] != pixels.shape[2:]:
        return False
    layer.data = pixels
    if not rgb:
        layer.reset_contrast_limits_range()
        layer.reset_contrast_limits()
    layer.name = source.label
    for name, value in _physical(source).items():
        setattr(layer, name, value)
    return True


def put_labels(layer: Labels, labels: NDArray[np.generic]) -> None:
    """Have a layer show other labels, of which it keeps a copy."""
    if layer.data.shape == labels.shape and layer.data.dtype == labels.dtype:
        layer.data[...] = labels
        layer.refresh(extent=False)  # three times as fast as new data, for which napari asks all layers anew
    else:
        layer.data = labels.copy()


def _as_layer(pixels: NDArray[np.generic]) -> tuple[NDArray[np.generic], bool]:
    """An image as napari wants it, and whether that is in colour."""
    channels = pixels.shape[-1] if pixels.ndim == 3 else 1
    return (pixels.reshape(pixels.shape[:2]) if channels == 1 else pixels), channels in (3, 4)


def _physical(source: ImageSource) -> dict[str, Any]:
    um = source.pixel_size.for_areas
    return {"scale": (1, 1), "units": ("pixel", "pixel")} if um is None else {"scale": (um, um), "units": ("um", "um")}


def add_classes(viewer: ViewerModel, data: NDArray[np.uint8], image: Image) -> ClassMap:
    """Add the class map over its image, ready to be painted plane by plane."""
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

    layer = ClassMap(
        data,
        name=CLASSES,
        opacity=0.45,
        colormap=class_colormap(get_settings().palette),
        **placed_like(image, data.ndim),
    )
    viewer.add_layer(layer)
    layer.n_edit_dimensions = 2
    layer.selected_label = max(1, int(data.max()))
    return layer


_BRUSH = ("opacity", "contour", "brush_size", "contiguous", "protects_nucleus", "selected_label", "mode")


def brush_of(layer: ClassMap) -> dict[str, Any]:
    """Return how a class map is painted and looked at: tool, class, size; for `take_brush`."""
    return {name: getattr(layer, name) for name in _BRUSH}


def take_brush(layer: ClassMap, brush: Mapping[str, Any]) -> None:
    """Give a class map the tools and looks that `brush_of` returned."""
    for name, value in brush.items():
        setattr(layer, name, value)


def add_cells(viewer: ViewerModel, data: NDArray[np.int32], image: Image) -> Labels:
    """Add the cell labels as white outlines; they follow from the class map and are not painted."""
    from napari_leukocyte.plugin.canvas.class_map_layer import LockedLabels

    layer = LockedLabels(
        data,
        name=CELLS,
        opacity=0.8,
        colormap=cell_colormap(),
        **placed_like(image, data.ndim),
    )
    layer.contour = 1
    viewer.add_layer(layer)
    layer.editable = False
    return layer


def cell_colormap() -> DirectLabelColormap:
    """All cells white."""
    from napari.utils.colormaps import DirectLabelColormap

    return DirectLabelColormap(color_dict={None: "white", 0: "transparent"})


def add_draft(viewer: ViewerModel, classes: NDArray[np.uint8], image: Image) -> Labels:
    """Show the outlines of a draft over its image, in the class colours; they are not painted."""
    from napari_leukocyte.plugin.canvas.class_map_layer import LockedLabels

    layer = LockedLabels(
        classes, name="draft", colormap=class_colormap(get_settings().palette), **placed_like(image, classes.ndim)
    )
    layer.contour = 2
    viewer.add_layer(layer)
    layer.editable = False
    return layer


def placed_like(image: Layer, ndim: int) -> dict[str, Any]:
    """Where a layer with ``ndim`` axes lies over its image; a stack of one plane has an axis more than its labels."""
    first = image.ndim - ndim
    return {
        "scale": image.scale[first:],
        "translate": image.translate[first:],
        "rotate": image.rotate[first:, first:],
        "shear": None if first else image.shear,
        "affine": image.affine.affine_matrix[first:, first:],
        "units": image.units[first:],
        "axis_labels": image.axis_labels[first:],
    }


def place_like(layer: Layer, image: Image) -> bool:
    """Move a layer back over its image after the image was moved or scaled; returns whether that was needed."""
    now, wanted = placed_like(layer, layer.ndim), placed_like(image, layer.ndim)
    others = [name for name, value in wanted.items() if value is not None and not np.array_equal(now[name], value)]
    for name in others:
        setattr(layer, name, wanted[name])
    return bool(others)


def overlap(one: Layer, other: Layer) -> bool:
    """Whether two layers lie over each other on the canvas."""
    (low, high), (other_low, other_high) = (
        (box[0, -2:], box[1, -2:]) for box in (one.extent.world, other.extent.world)
    )
    return bool((low < other_high).all() and (other_low < high).all())


def covering(viewer: ViewerModel, image: Layer) -> list[Layer]:
    """The image layers above an image that hide what is below them."""
    from napari.layers import Image

    above = viewer.layers[viewer.layers.index(image) + 1 :]
    return [one for one in above if isinstance(one, Image) and one.opacity == 1 and one.blending != "additive"]


def look_at(viewer: ViewerModel, image: Layer) -> None:
    """Bring an image into view as a whole, unless some of it is in view already and it fills half of the canvas."""
    low, high = image.extent.world[:, -2:]
    camera, canvas = viewer.scene.camera, np.array(viewer.canvas.size)
    centre, seen = np.array(camera.center[-2:]), canvas / camera.zoom
    share = float(np.max((high - low) / seen))
    if (low <= centre).all() and (centre <= high).all() and 0.5 <= share <= 2:
        return
    fit(viewer, image)


def fit(viewer: ViewerModel, image: Layer) -> None:
    """Fill the canvas with an image. napari's own way fills it with all layers, hidden ones and other images too."""
    low, high = image.extent.world[:, -2:]  # of the middles of its outer pixels
    size = high - low + np.abs(image.extent.step[-2:])
    camera = viewer.scene.camera
    camera.center = (*camera.center[:-2], *((low + high) / 2))
    camera.zoom = float(np.min(np.array(viewer.canvas.size) / size)) * _MARGIN


def describe(classes: Labels | None, cells: Labels | None, result: Segmentation) -> None:
    """Record in the layers' metadata which model and parameters made them, and the pixel size for areas."""
    for layer in (classes, cells):
        if layer is not None:
            layer.metadata[METADATA_KEY] = dict(result.provenance)
            layer.metadata[PIXEL_SIZE_KEY] = result.pixel_size.for_areas
