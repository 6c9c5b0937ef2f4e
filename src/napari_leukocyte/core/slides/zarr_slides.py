"""Slides as OME-Zarr 0.4 and 0.5: folders here, or addresses that zarr reads by way of fsspec."""

from typing import Any

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resolution import UM_PER_UNIT, plausible
from napari_leukocyte.core.slides.level import Level
from napari_leukocyte.core.slides.slide import Slide, make_slide

__all__ = ["open_zarr_slide"]

_OURS = "napari-leukocyte"


def open_zarr_slide(path: str) -> Slide:
    """Open the first picture of an OME-Zarr.

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
        datasets = multiscale["datasets"]
        levels = [Level(group[str(one["path"])], axes, name=path) for one in datasets]
        return make_slide(path, levels, _pixel_size(multiscale, axes))
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
    um = plausible(*sizes)
    return PixelSize(None) if um is None else PixelSize(um, "OME-Zarr metadata")
