"""A slide as a napari layer: multiscale, read as it is looked at, and where its file lies."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_leukocyte.core.errors import LeukocyteError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_leukocyte.core.slides.slide import Slide

__all__ = ["SLIDE_KEY", "add_slide", "is_one_slide", "slide_data", "slide_from_layer"]

SLIDE_KEY = "napari-leukocyte slide"
_CHUNK = 1024  # px that are read at a time


def is_one_slide(path: Path) -> bool:
    """Whether a file or folder is a slide; label maps of this program are none."""
    from napari_leukocyte.core.results.record import SLIDE_MAPS
    from napari_leukocyte.core.slides.opening import is_slide

    return is_slide(path) and path.name != SLIDE_MAPS


def slide_data(path: str | Sequence[str]) -> list[Any]:
    """Open a slide as napari wants it from a reader: one multiscale image, of which nothing is read yet.

    Raises
    ------
    LeukocyteError
        As `open_slide`.
    """
    from napari_leukocyte.core.slides.opening import open_slide

    name = path if isinstance(path, str) else path[0]
    slide = open_slide(name)
    weakref.finalize(slide.levels[0], slide.closer)  # the file is open as long as the layer is there
    um = slide.pixel_size.um
    physical = {} if um is None else {"scale": (um, um), "units": ("um", "um")}
    kind = {"rgb": slide.rgb, "multiscale": True, "metadata": {SLIDE_KEY: str(name)}}
    if not slide.rgb:
        kind["contrast_limits"] = _limits(slide)
    return [([_lazy(level) for level in slide.levels], {"name": slide.name, **kind, **physical}, "image")]


def add_slide(viewer: ViewerModel, path: Path | str) -> Image:
    """Open a slide in a viewer, whatever its name.

    Raises
    ------
    LeukocyteError
        As `open_slide`.
    """
    ((levels, about, _),) = slide_data(str(path))
    layer: Image = viewer.add_image(levels, **about)
    return layer


def slide_from_layer(layer: Image) -> Slide:
    """The slide that a layer shows: its file opened anew, or the levels that some other reader made.

    Raises
    ------
    LeukocyteError
        When it is no single picture.
    """
    from napari_leukocyte.core.slides.level import Level
    from napari_leukocyte.core.slides.opening import open_slide
    from napari_leukocyte.core.slides.slide import make_slide
    from napari_leukocyte.plugin.canvas.layers import pixel_size_of

    path = layer.metadata.get(SLIDE_KEY) or layer.source.path
    size = tuple(layer.data[0].shape[:2]) if layer.multiscale else tuple(layer.data.shape[:2])
    if path:
        try:
            slide = open_slide(str(path))
        except LeukocyteError:  # the reader that opened it knows more
            slide = None
        if slide is not None and slide.shape == size:
            if slide.pixel_size.um is None:
                slide.pixel_size = pixel_size_of(layer)
            return slide
        if slide is not None:
            slide.close()
    levels = list(layer.data) if layer.multiscale else [layer.data]
    axes = "YXS" if layer.rgb else "YX"
    if levels[0].ndim != len(axes):
        raise LeukocyteError(f"{layer.name} is no single picture: choose one plane of it.")
    return make_slide(layer.name, [Level(one, axes, name=layer.name) for one in levels], pixel_size_of(layer))


def _lazy(level: Any) -> Any:
    """What napari reads block by block, and keeps for a while."""
    import dask.array

    chunks = (_CHUNK, _CHUNK, 3)[: level.ndim]
    return dask.array.from_array(level, chunks=chunks, name=False, asarray=False)


def _limits(slide: Slide) -> tuple[float, float]:
    """Gray values from black to white, without a look at the finest level."""
    coarsest = slide.levels[-1]
    part = coarsest[: min(1024, coarsest.size[0]), : min(1024, coarsest.size[1])]
    low, high = float(part.min()), float(part.max())
    return (0.0, 255.0) if part.dtype == "uint8" else (low, high if high > low else low + 1)
