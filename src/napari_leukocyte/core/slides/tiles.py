"""The network's look at a slide, tile by tile: what each pixel is goes to the disk, the same however tiles are cut.

The windows lie on one grid over the whole slide, so that a pixel's probabilities do not depend on the tile that it is
computed in. A tile is done or not done; an interrupted run goes on with the next one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.windows import Grid, Span
from napari_leukocyte.core.segmentation.windowed import Network, WindowDone, most_probable, strips
from napari_leukocyte.core.slides.slide import Slide

__all__ = [
    "CLASS_BITS",
    "DOUBTFUL_CELL",
    "UNSURE",
    "Tile",
    "TileDone",
    "Tiles",
    "codes_of",
    "predict_tiles",
    "reach_px",
]

# What is kept of a pixel, in one byte: background that the network is sure of is 0, and takes no room on the disk.
CLASS_BITS = 0b0011
UNSURE = 0b0100  # its class is less probable than "sure" asks
DOUBTFUL_CELL = 0b1000  # it is cell, of whichever part, with less than that probability

_TILE_PX = 4096  # a tile is about so wide: 50 MB of RGB
_CHUNK_PX = 1024  # the same for what is kept of it
_REACH_UM = 30.0  # around what counts, the network looks as far: a cell whose centre counts is seen whole


@dataclass(frozen=True)
class Tile:
    """A part of the grid.

    Attributes
    ----------
    key
        Row and column among the tiles.
    rows, columns
        Pixels of the slide that are decided in it.
    """

    key: tuple[int, int]
    rows: slice
    columns: slice


@dataclass(frozen=True)
class TileDone:
    """The codes of a tile (Y, X) uint8 are known."""

    tile: Tile
    codes: NDArray[np.uint8]


class Tiles:
    """The grid of windows over a slide, cut into tiles, and which windows the network looks at.

    Parameters
    ----------
    shape
        Rows and columns of the slide, px.
    scale
        Working px of the network per px of the slide.
    wanted
        (Y, X) bool of patches in which cells count; None: everywhere.
    reach
        px around them that are looked at as well.
    windows
        Windows of a tile, each way; None: so many that it is about 4096 px wide.

    Attributes
    ----------
    chunk
        Side, px, of blocks that every tile is made of whole ones of.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        scale: float,
        wanted: NDArray[np.bool_] | None = None,
        reach: float = 0,
        windows: int | None = None,
    ) -> None:
        self.shape = shape
        self.grid = Grid.over(shape, scale)
        self.spans = self.grid.spans(0), self.grid.spans(1)
        together = max(1, _CHUNK_PX // self.grid.step)
        self.windows = windows or together * max(1, _TILE_PX // (together * self.grid.step))
        self.chunk = self.grid.step * (1 if windows else together)
        self._wanted, self._reach = wanted, reach
        self._seen = {
            (i, j)
            for i, row in enumerate(self.spans[0])
            for j, column in enumerate(self.spans[1])
            if self._meets(row, column)
        }

    def seen(self, row: Span, column: Span) -> bool:
        """Whether the network looks at a window."""
        return (row.start // self.grid.step, column.start // self.grid.step) in self._seen

    @property
    def count(self) -> int:
        """How many windows it looks at."""
        return len(self._seen)

    def tiles(self) -> list[Tile]:
        """Those with windows to look at, column by column: each begins where the one above it ended."""
        n = self.windows
        found = []
        for column in range(-(-len(self.spans[1]) // n)):
            for row in range(-(-len(self.spans[0]) // n)):
                inside = self._windows_of(row, 0), self._windows_of(column, 1)
                if any((i, j) in self._seen for i in inside[0] for j in inside[1]):
                    found.append(Tile((row, column), self._pixels(row, 0), self._pixels(column, 1)))
        return found

    def windows_for(self, tile: Tile, axis: int, *, before: bool = True) -> list[Span]:
        """The windows that decide a tile along an axis: its own and, with ``before``, the one in front of them."""
        inside = self._windows_of(tile.key[axis], axis, before=before)
        return self.spans[axis][inside.start : inside.stop]

    def _windows_of(self, index: int, axis: int, *, before: bool = True) -> range:
        first = index * self.windows
        return range(max(0, first - before), min(first + self.windows, len(self.spans[axis])))

    def _pixels(self, index: int, axis: int) -> slice:
        spans, after = self.spans[axis], (index + 1) * self.windows
        stop = spans[after].start if after < len(spans) else self.shape[axis]
        return slice(spans[index * self.windows].start, min(stop, self.shape[axis]))

    def _meets(self, row: Span, column: Span) -> bool:
        """Whether a window holds some of what counts, or of what lies near it."""
        if self._wanted is None:
            return True
        part = []
        for axis, span in enumerate((row, column)):
            side = self.shape[axis] / self._wanted.shape[axis]
            low, high = (span.start - self._reach) / side, (min(span.stop, self.shape[axis]) + self._reach) / side
            part.append(slice(max(0, int(low)), max(1, int(np.ceil(high)))))
        return bool(self._wanted[tuple(part)].any())


class _Part:
    """A part of a slide that was read, asked for in coordinates of the whole."""

    def __init__(self, pixels: NDArray[Any], top: int, left: int) -> None:
        self._pixels, self._top, self._left = pixels, top, left

    def __getitem__(self, window: Box) -> NDArray[Any]:
        rows, columns = window
        return self._pixels[
            rows.start - self._top : rows.stop - self._top, columns.start - self._left : columns.stop - self._left
        ]


def predict_tiles(
    slide: Slide, conversion: Conversion, network: Network, tiles: Tiles, todo: list[Tile], *, classes: int
) -> Iterator[WindowDone | TileDone]:
    """Yield progress over all of ``todo``, and each tile as it is done. Memory: one tile and a row of its windows.

    Parameters
    ----------
    todo
        Of `Tiles.tiles`, in its order.
    classes
        How many the network knows.
    """
    total = sum(_windows_in(tiles, tile) for tile in todo)
    done = 0
    above: tuple[tuple[int, int], NDArray[np.float32] | None] = ((-1, -1), None)
    for tile in todo:
        row, column = tile.key
        shared = above[1] if above[0] == (row - 1, column) else None
        columns = tiles.windows_for(tile, 1)
        rows = tiles.windows_for(tile, 0, before=shared is None)
        top, left = rows[0].start, columns[0].start
        pixels = slide.read(0, slice(top, rows[-1].stop), slice(left, columns[-1].stop))
        plane = _Part(pixels, top, left)
        codes = np.zeros((tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start), np.uint8)
        blended = strips(
            plane, conversion, network, tiles.grid.native_block, rows, columns,
            shared=shared, seen=tiles.seen, classes=classes,
        )  # fmt: skip
        own = _windows_in(tiles, tile)
        while True:
            try:
                event = next(blended)
            except StopIteration as end:
                above = (tile.key, end.value)
                break
            if isinstance(event, WindowDone):
                yield WindowDone(done + own * event.done // event.windows, total)
            elif event.start >= tile.rows.start:
                begin = event.start - tile.rows.start
                p = event.p[:, : len(codes) - begin, tile.columns.start - left :][:, :, : codes.shape[1]]
                codes[begin : begin + p.shape[1]] = codes_of(p)
            del event
        done += own
        del pixels, plane
        yield TileDone(tile, codes)


def codes_of(p: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What is kept of probabilities (C, Y, X), see `CLASS_BITS`."""
    found = most_probable(p)
    codes = found.classes | np.where(found.sure, 0, UNSURE).astype(np.uint8)
    doubtful = (found.classes > 0) & ~found.surely_cell
    return np.asarray(codes | np.where(doubtful, DOUBTFUL_CELL, 0).astype(np.uint8))


def reach_px(pixel_size: float) -> float:
    """How far around what counts the network looks, px."""
    return _REACH_UM / pixel_size


def _windows_in(tiles: Tiles, tile: Tile) -> int:
    rows, columns = (tiles.windows_for(tile, axis, before=False) for axis in (0, 1))
    return max(1, sum(tiles.seen(row, column) for row in rows for column in columns))
