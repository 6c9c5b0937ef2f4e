"""A whole slide: a pyramid of levels on a disk or a server, of which only windows are ever in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.slides.level import Level

__all__ = ["Slide", "make_slide", "slide_name"]


@dataclass
class Slide:
    """An open slide. Label and macro images of the file, which can carry names, are never read.

    Attributes
    ----------
    name
        What tables call it: the name of its file.
    path
        The file, folder or address.
    levels
        The finest first.
    pixel_size
        Of the finest level, as far as the file states a plausible one.
    closer
        What closes the file; it holds no level.
    notes
        What is to be known of it.
    """

    name: str
    path: str
    levels: tuple[Level, ...]
    pixel_size: PixelSize
    closer: Callable[[], object] = lambda: None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the finest level, px."""
        return self.levels[0].size

    @property
    def rgb(self) -> bool:
        """Whether it is in colours."""
        return self.levels[0].ndim == 3

    def downsample(self, level: int) -> tuple[float, float]:
        """How many px of the finest level one px of a level covers, along rows and columns."""
        (height, width), (rows, columns) = self.shape, self.levels[level].size
        return height / rows, width / columns

    def level_for(self, factor: float) -> int:
        """The coarsest level whose pixels are at most ``factor`` px of the finest one wide."""
        fits = [i for i in range(len(self.levels)) if max(self.downsample(i)) <= factor * 1.05]
        return max(fits, key=lambda i: max(self.downsample(i)), default=0)

    def read(self, level: int, rows: slice, columns: slice) -> NDArray[Any]:
        """Read a window of a level, (Y, X) or (Y, X, 3), clipped to it.

        Raises
        ------
        LeukocyteError
            When the pixels cannot be read.
        """
        return self.levels[level][rows, columns]

    def close(self) -> None:
        """Close the file."""
        self.closer()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def make_slide(
    path: str,
    levels: Sequence[Level],
    pixel_size: PixelSize,
    close: Callable[[], object] = lambda: None,
    *,
    notes: tuple[str, ...] = (),
) -> Slide:
    """Put a slide together from levels, the finest first; those that are no smaller pictures of it are left out.

    Raises
    ------
    LeukocyteError
        When the finest one is no picture, or lies in blocks so large that it cannot be read in parts.
    """
    finest = levels[0]
    height, width = finest.size
    if min(height, width) < 2:
        raise LeukocyteError(f"{path} is only {height} x {width} px large: choose another file.")
    if not finest.in_parts:
        raise LeukocyteError(
            f"{path} lies in blocks of {finest.block_bytes // 10**6} MB, and one would be read for each cell in it: "
            "save it as a tiled TIFF or OME-Zarr with blocks of 512 x 512 px."
        )
    kept = [finest]
    for level in levels[1:]:
        factors = height / level.size[0], width / level.size[1]
        alike = abs(np.log(factors[0] / factors[1])) < 0.1  # odd sides are rounded
        same = alike and level.ndim == finest.ndim and level.dtype == finest.dtype
        if same and level.in_parts and level.size < kept[-1].size:
            kept.append(level)
    return Slide(slide_name(path), path, tuple(kept), pixel_size, close, notes)


def slide_name(path: str) -> str:
    """The last part of a path or an address."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
