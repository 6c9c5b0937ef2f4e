"""Slides as OME-Zarr 0.4 and 0.5: folders here, or addresses that zarr reads by way of fsspec."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
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
_NUMBERS = re.compile("[0-9]+")


def open_zarr_slide(path: str) -> Slide:
    """Open the first picture of an OME-Zarr. Blocks that are missing are white, and in a folder they are counted.

    Raises
    ------
    LeukocyteError
        When zarr is not installed, there is no such store, or it holds no picture that is read, or one that is damaged.
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
        levels = [Level(_white_where_missing(zarr, array, axes), axes, name=path) for array in arrays]
        return make_slide(path, levels, _pixel_size(multiscale, axes), notes=_missing(path, arrays, axes))
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # a store that is damaged, none, or away makes the library raise almost anything
        advice = (
            "check the address, and whether its server answers"
            if "://" in path
            else "check the name, or convert it again"
        )
        raise LeukocyteError(
            f"{path} holds no OME-Zarr picture that can be read ({reason_in(error)}): {advice}."
        ) from error


def _attributes(group: Any) -> dict[str, Any]:
    """Attributes of OME-Zarr 0.4, or of 0.5, which puts them under a name."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes


def _axis(axis: Any) -> str:
    """The letter of an axis: 0.3 has names alone, later ones a mapping."""
    return str(axis["name"] if isinstance(axis, dict) else axis)[:1].upper()


def _has_alpha(array: Any, axes: str) -> bool:
    """Whether there is a fourth colour; what of it is not there is transparent, and white for that."""
    return dict(zip(axes, array.shape, strict=True)).get("C") == 4


def _white_where_missing(zarr: Any, array: Any, axes: str) -> Any:
    """The array, which gives white for blocks that are not there, where its writer did not say otherwise."""
    if array.dtype != "uint8" or array.fill_value or _has_alpha(array, axes):
        return array
    return zarr.Array.from_dict(array.store_path, {**array.metadata.to_dict(), "fill_value": MISSING})


def _missing(path: str, arrays: Sequence[Any], axes: str) -> tuple[str, ...]:
    """What to know of blocks that have no files; of a server nothing tells.

    Raises
    ------
    LeukocyteError
        When of some blocks colours are there and others are not, which no writer leaves out.
    """
    if not Path(path).is_dir():
        return ()
    blocks = missing = torn = 0
    for array in arrays:
        sides = zip(array.shape, array.shards or array.chunks, strict=True)
        counts = [-(-length // side) for length, side in sides]
        colours = prod(n for n, axis in zip(counts, axes, strict=True) if axis == "C")
        places = Counter(
            tuple(n for n, axis in zip(block, axes, strict=True) if axis != "C")
            for block in _blocks_there(Path(path) / array.path, counts)
            if block[axes.find("C")] < 3 or "C" not in axes
        )
        torn += sum(n < min(colours, 3) for n in places.values())
        if not _has_alpha(array, axes):  # else it may be transparent
            blocks += prod(counts) // colours
            missing += prod(counts) // colours - len(places)
    if torn:
        raise LeukocyteError(f"{path} is damaged, {torn} of its blocks lack a colour: copy it again from its source.")
    if not missing:
        return ()
    words = f"{missing} of {blocks} blocks of the slide are missing, and nothing is found there"
    return (f"{words}: if it was copied, copy it again",)


def _blocks_there(folder: Path, counts: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Blocks of an array that have files, by their places along its axes; their names are "c/0/1/2" or "0.1.2"."""
    for below, _, names in os.walk(folder):
        before = _NUMBERS.findall(os.path.relpath(below, folder))
        for name in names:
            place = (*before, *_NUMBERS.findall(name))
            block = tuple(map(int, place))
            if len(block) == len(counts) and all(n < count for n, count in zip(block, counts, strict=True)):
                yield block


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
