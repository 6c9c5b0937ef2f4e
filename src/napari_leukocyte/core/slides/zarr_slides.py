"""Slides as OME-Zarr 0.4 and 0.5: folders here, or addresses that zarr reads by way of fsspec."""

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resolution import UM_PER_UNIT, stated
from napari_leukocyte.core.slides.level import MISSING, Level
from napari_leukocyte.core.slides.slide import Slide, make_slide

__all__ = ["open_zarr_slide"]

_OURS = "napari-leukocyte"
_HEADS = ("zarr.json", ".zarray", ".zattrs", ".zgroup")


def open_zarr_slide(path: str) -> Slide:
    """Open the first picture of an OME-Zarr. Blocks that are missing are white, and in a folder they are counted.

    Raises
    ------
    LeukocyteError
        When zarr is not installed, there is no such store, or it holds no picture that is read.
    """
    zarr = library("zarr", wanted_for="OME-Zarr", extra="slides")
    try:
        group = zarr.open_group(path, mode="r")
        attributes = _attributes(group)
        if "multiscales" not in attributes and "bioformats2raw.layout" in attributes:
            group = group["0"]  # the scan; label and macro come behind it
            attributes = _attributes(group)
        if _OURS in dict(group.attrs):
            raise LeukocyteError(f"{path} holds results of this program and no slide: name the slide itself.")
        multiscale = attributes["multiscales"][0]
        axes = "".join(_axis(axis) for axis in multiscale.get("axes", "tczyx"))
        arrays = [group[str(one["path"])] for one in multiscale["datasets"]]
        levels = [Level(_white_where_missing(zarr, array), axes, name=path) for array in arrays]
        return make_slide(path, levels, _pixel_size(multiscale, axes), notes=_missing(Path(path), arrays))
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # a store that is damaged, none, or away makes the library raise almost anything
        raise LeukocyteError(
            f"{path} holds no OME-Zarr picture that can be read ({reason_in(error)}): check the name, or convert it "
            "again."
        ) from error


def _attributes(group: Any) -> dict[str, Any]:
    """Attributes of OME-Zarr 0.4, or of 0.5, which puts them under a name."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes


def _axis(axis: Any) -> str:
    """The letter of an axis: 0.3 has names alone, later ones a mapping."""
    return str(axis["name"] if isinstance(axis, dict) else axis)[:1].upper()


def _white_where_missing(zarr: Any, array: Any) -> Any:
    """The array, which gives white for blocks that are not there, where its writer did not say otherwise."""
    if array.dtype != "uint8" or array.fill_value:
        return array
    return zarr.Array.from_dict(array.store_path, {**array.metadata.to_dict(), "fill_value": MISSING})


def _missing(folder: Path, arrays: Sequence[Any]) -> tuple[str, ...]:
    """What to know of blocks that have no file; of a server nothing tells."""
    if not folder.is_dir():
        return ()
    blocks = missing = 0
    for array in arrays:
        sides = array.shards or array.chunks
        wanted = prod(-(-length // side) for length, side in zip(array.shape, sides, strict=True))
        files = (name for _, _, names in os.walk(folder / array.path) for name in names)
        there = sum(name not in _HEADS and not name.endswith(".partial") for name in files)
        blocks, missing = blocks + wanted, missing + max(0, wanted - there)
    if not missing:
        return ()
    words = f"{missing} of {blocks} blocks of the slide are missing and count as bare glass"
    return (f"{words}: if it was copied, copy it again",)


def _pixel_size(multiscale: dict[str, Any], axes: str) -> PixelSize:
    """What the first dataset's scale says in a unit of length; a scale without unit says nothing."""
    scale = [1.0] * len(axes)
    of_all = multiscale.get("coordinateTransformations") or []
    for step in [*multiscale["datasets"][0].get("coordinateTransformations", []), *of_all]:
        if step.get("type") == "scale":
            scale = [have * float(more) for have, more in zip(scale, step["scale"], strict=True)]
    sizes = []
    for letter in "XY":
        at = axes.index(letter)
        axis = multiscale["axes"][at] if multiscale.get("axes") else {}
        unit = UM_PER_UNIT.get(str(axis.get("unit", "")).lower()) if isinstance(axis, dict) else None
        if unit is None:
            return PixelSize(None)
        sizes.append(scale[at] * unit)
    return stated(sizes[0], sizes[1], "OME-Zarr metadata")
