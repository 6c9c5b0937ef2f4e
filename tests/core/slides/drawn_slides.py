"""Pictures that the tiny network knows: dark nuclei in grey cells on white, and how to segment them."""

import csv

import numpy as np

from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import segment_plane
from napari_leukocyte.core.slides.level import Level
from napari_leukocyte.core.slides.run import SlideParameters, SlideResult, segment_slide
from napari_leukocyte.core.slides.slide import make_slide

UM = 1 / 3  # of a pixel, as the tiny network works


def draw(shape, cells, *, red_cells=0, seed=0):
    """A picture (Y, X, 3) with a cell for each (y, x, radius), its nucleus in the middle, and faint red cells."""
    rng = np.random.default_rng(seed)
    picture = np.full(shape, 245, np.uint8)

    def disc(y, x, radius, value):
        rows, columns = (slice(max(0, int(c - radius) - 1), int(c + radius) + 2) for c in (y, x))
        part = picture[rows, columns]
        i, j = np.mgrid[rows.start : rows.start + part.shape[0], columns.start : columns.start + part.shape[1]]
        part[np.hypot(i - y, j - x) < radius] = value

    for _ in range(red_cells):
        disc(rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), 10, 205)
    for y, x, radius in cells:
        disc(y, x, radius, 140)
    for y, x, radius in cells:
        disc(y, x, radius * 0.6, 20)
    return np.repeat(picture[..., np.newaxis], 3, axis=-1)


def scattered(shape, count, *, seed=0, radius=(14, 20)):
    """Places of cells, some of which touch."""
    rng = np.random.default_rng(seed)
    return [(rng.uniform(-5, shape[0] + 5), rng.uniform(-5, shape[1] + 5), rng.uniform(*radius)) for _ in range(count)]


def slide_of(picture, *, um=UM, levels=1):
    arrays = [picture[:: 2**k, :: 2**k] for k in range(levels)]
    return make_slide(
        "drawn.tif", [Level(one, "YXS"[: one.ndim], name="drawn.tif") for one in arrays], PixelSize(um, "test")
    )


def parameters(**choices):
    own = {key: choices.pop(key) for key in ("whole_film", "crops", "windows") if key in choices}
    return SlideParameters(segment=SegmentParameters(**{"device": "cpu", "engine": "torch", **choices}), **own)


def run(slide, folder, method, *, resume=False, overwrite=False, **choices):
    """All events of a run; the last is its result."""
    return list(
        segment_slide(slide, folder, parameters(**choices), method, resume=resume, overwrite=overwrite)
    )  # fmt: skip


def table(folder):
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def in_one_piece(picture, method, *, um=UM, **choices) -> Segmentation:
    """What `segment_plane` makes of all of it."""
    (source,) = sources_from_array(picture, name="drawn.tif", rgb=picture.ndim == 3, pixel_size=PixelSize(um, "test"))
    asked = SegmentParameters(**{"device": "cpu", "engine": "torch", "keep": "all", **choices})
    *_, result = segment_plane(source, asked, method)
    assert isinstance(result, Segmentation)
    return result


__all__ = ["UM", "SlideResult", "draw", "in_one_piece", "parameters", "run", "scattered", "slide_of", "table"]
