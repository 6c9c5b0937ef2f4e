"""Images too large for one piece: what is on screen, at full resolution, becomes an image layer of its own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.canvas.layers import REGION_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

__all__ = ["LARGEST_PX", "add_region", "add_region_in_view", "is_region_of", "needs_region"]

LARGEST_PX = 100_000_000  # of one plane; beyond it painting and undo grow slow


def needs_region(layer: Image) -> bool:
    """Whether a layer is multiscale (napari cannot edit multiscale labels) or a plane of it is too large."""
    shape = _full(layer).shape
    height, width = shape[-3:-1] if layer.rgb else shape[-2:]
    return bool(layer.multiscale) or height * width > LARGEST_PX


def is_region_of(region: Image | None, layer: Image | None) -> bool:
    """Whether an image layer is a region of another one."""
    if region is None or layer is None:
        return False
    return bool(region.metadata.get(REGION_KEY, {}).get("of") == layer.unique_id)


def add_region_in_view(viewer: ViewerModel, layer: Image) -> tuple[Image, str]:
    """Add the part of a layer that is on screen as a new layer, at full resolution and in the same place.

    Returned are the layer, which is an earlier one where it is of just this part, and what the user should know.

    Raises
    ------
    LeukocyteError
        For a stack, for more than 100 megapixels in view, or when the layer is out of view.
    """
    if layer.ndim != 2:
        raise LeukocyteError(
            f"{layer.name} is a stack of images too large for one piece: open its planes as single images."
        )
    full = _full(layer)
    centre = np.array(viewer.scene.camera.center[-2:])
    half = np.array(viewer.canvas.size) / viewer.scene.camera.zoom / 2  # canvas (height, width) in world units
    # all four, for a layer may be turned
    corners = np.array([layer.world_to_data(centre + half * side) for side in itertools.product((-1, 1), repeat=2)])
    low = np.clip(np.floor(corners.min(axis=0)), 0, full.shape[:2]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 0, full.shape[:2]).astype(int)
    height, width = (int(side) for side in high - low)
    if min(height, width) < 2:
        raise LeukocyteError(f"No part of {layer.name} is in view: move it into view and press Segment again.")
    if height * width > LARGEST_PX:
        raise LeukocyteError(
            f"{layer.name} is too large to be segmented in one piece ({height} x {width} px are in view): zoom in on "
            "a region and press Segment again, or use the command line for the whole."
        )
    y, x = (int(start) for start in low)
    others = [one for one in viewer.layers if is_region_of(one, layer)]
    place = (y, x, height, width)
    overlapped = [one.name for one in others if _place_of(one) != place and _overlap(_place_of(one), place)]
    note = f"It overlaps {', '.join(overlapped)}: cells that lie in both count twice." if overlapped else ""
    return add_region(viewer, layer, (slice(y, y + height), slice(x, x + width))), note


def add_region(viewer: ViewerModel, layer: Image, box: tuple[slice, slice]) -> Image:
    """Add rows and columns of a layer's finest level as a new layer in the same place; the one that is there stays."""
    y, x = (side.start for side in box)
    height, width = (side.stop - side.start for side in box)
    for one in viewer.layers:
        if is_region_of(one, layer) and _place_of(one) == (y, x, height, width):
            return one
    pixels = np.asarray(_full(layer)[box])
    region: Image = viewer.add_image(
        pixels,
        name=f"{layer.name} [{y}:{y + height}, {x}:{x + width}]",
        rgb=layer.rgb,
        scale=layer.scale,
        rotate=layer.rotate,
        shear=layer.shear,
        affine=layer.affine.affine_matrix,
        # what the affine matrix makes of it is where the first pixel lies in the layer
        translate=layer.affine.inverse(layer.data_to_world((y, x))),
        units=layer.units,
        axis_labels=layer.axis_labels,
        contrast_limits=None if layer.rgb else layer.contrast_limits,
        metadata={REGION_KEY: {"of": layer.unique_id, "y": y, "x": x}},
    )
    return region


def _place_of(region: Image) -> tuple[int, int, int, int]:
    """Row, column, height and width of a region in its slide."""
    known = region.metadata[REGION_KEY]
    return known["y"], known["x"], *region.data.shape[:2]


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


def _full(layer: Image) -> Any:
    """The array of the finest level."""
    return layer.data[0] if layer.multiscale else layer.data
