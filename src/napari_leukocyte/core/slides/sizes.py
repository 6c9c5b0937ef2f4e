"""The pixel size of a slide: what it states, held against its red cells, or what its cells say."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.list_pixel_sizes import decide_pixel_sizes
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.slides.slide import Slide
from napari_leukocyte.core.slides.tiles import Tiles

__all__ = ["size_of_slide", "spread_windows"]

_LOOKS = 5  # parts of the slide that are looked at
_SIDE = 1024  # px of such a part
_COARSE_PX = 2_000_000  # of the level that says where something lies


@dataclass(frozen=True)
class _Read:
    slide: Slide
    box: Box

    def __call__(self) -> NDArray[Any]:
        return self.slide.read(0, *self.box)


def size_of_slide(
    slide: Slide, conversion: Conversion, parameters: SegmentParameters, method: Method
) -> Generator[WindowDone, None, tuple[PixelSize, tuple[str, ...]]]:
    """Yield progress and return the pixel size, and notes on it."""
    boxes = _busiest(slide, conversion)
    # as planes of one stack: they share one size, whatever each of them says
    parts = [
        ImageSource(
            slide.name,
            plane,
            len(boxes) + 1,
            slide.rgb,
            slide.pixel_size,
            None,
            tuple(side.stop - side.start for side in box),
            _Read(slide, box),
        )
        for plane, box in enumerate(boxes)
    ]
    decisions = yield from decide_pixel_sizes(parts, parameters, method)
    decision = decisions[0]
    assert decision.size is not None  # planes share one
    return decision.size, tuple(filter(None, [decision.note]))


def _busiest(slide: Slide, conversion: Conversion) -> list[Box]:
    """Parts of the finest level with something in them: among those that vary most, the typical ones."""
    level = max(
        (i for i in range(len(slide.levels)) if np.prod(slide.levels[i].size) <= _COARSE_PX),
        key=lambda i: int(np.prod(slide.levels[i].size)),
        default=len(slide.levels) - 1,
    )
    coarse: Any = slide.levels[level]
    if np.prod(coarse.size) <= _COARSE_PX:
        coarse = coarse[:, :]
    height, width = slide.shape
    rows, columns = (max(1, n // _SIDE) for n in (height, width))
    down, across = slide.downsample(level)
    sides = height / rows, width / columns
    places = [(i, j) for i in range(rows) for j in range(columns)]
    if len(places) > 4000:  # a look at each costs too much
        places = places[:: len(places) // 4000]
    spread = {}
    for i, j in places:
        top, left = i * sides[0], j * sides[1]
        window = coarse[
            int(top / down) : max(int(top / down) + 2, int((top + sides[0]) / down)),
            int(left / across) : max(int(left / across) + 2, int((left + sides[1]) / across)),
        ]
        spread[i, j] = float(conversion(window).std()) if window.size else 0.0
    most = sorted(places, key=lambda place: -spread[place])
    busy = [place for place in most if spread[place] > 0.5 * spread[most[0]]]
    chosen = [busy[round(float(k))] for k in np.linspace(0, len(busy) - 1, min(_LOOKS, len(busy)))]
    boxes = []
    for i, j in chosen:
        top, left = int(i * sides[0]), int(j * sides[1])
        boxes.append((slice(top, min(top + _SIDE, height)), slice(left, min(left + _SIDE, width))))
    return boxes


def spread_windows(tiles: Tiles, most: int) -> list[Box]:
    """Windows that the network looked at, spread over the slide."""
    seen = [(row, column) for row in tiles.spans[0] for column in tiles.spans[1] if tiles.seen(row, column)]
    at = np.linspace(0, len(seen) - 1, min(most, len(seen))).round().astype(int)
    height, width = tiles.shape
    return [
        (slice(seen[k][0].start, min(seen[k][0].stop, height)), slice(seen[k][1].start, min(seen[k][1].stop, width)))
        for k in at
    ]
