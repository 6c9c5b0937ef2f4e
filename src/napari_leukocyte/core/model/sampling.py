"""Which window of which image a training batch holds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.model.composites import CutOut, Kind, Window, add_neighbours, kind_of
from napari_leukocyte.core.model.crowding import RedCell, add_red_cells
from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.drawn import DRAWN

__all__ = ["Additions", "draw_batch", "sample_weights"]

_ON_CELL = 0.8  # share of windows placed around a cell pixel; the others lie anywhere, so background is seen too


@dataclass(frozen=True)
class Additions:
    """What is set beside the cells of a window, each with its own probability.

    Attributes
    ----------
    neighbours, cells
        Share of the photographs' windows that get other white cells, and those of each kind.
    red_share, red_cells
        Share of all windows that get red cells, and these.
    """

    pixel_size: float
    neighbours: float
    cells: Mapping[Kind, Sequence[CutOut]]
    red_share: float
    red_cells: Sequence[RedCell]

    def add(self, window: Window, kind: Kind, rng: np.random.Generator) -> Window:
        """Return the window with what chance adds to it."""
        if (cells := self.cells.get(kind)) and rng.random() < self.neighbours:
            window, _ = add_neighbours(window, cells, rng, pixel_size=self.pixel_size)
        if self.red_cells and rng.random() < self.red_share:
            window = add_red_cells(window, self.red_cells, rng, pixel_size=self.pixel_size)
        return window


def sample_weights(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Probability of each sample: sources weigh alike, but three-class masks twice as much, and drawn smears thrice.

    A small source with precise masks is not drowned by a large one, the nucleus is seen often enough, and so are the
    many stains of the drawn smears: of a source that was never seen they teach most.
    """
    count = Counter(s.source for s in samples)
    weights = np.array([_weight(s) / count[s.source] for s in samples])
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def _weight(sample: Sample) -> float:
    """How much of the windows the sample's source gets."""
    if sample.source == DRAWN:
        return 3.0
    return 1.0 if sample.whole_cell else 2.0


def draw_batch(
    samples: Sequence[Sample],
    weights: NDArray[np.float64],
    n: int,
    size: int,
    rng: np.random.Generator,
    additions: Additions | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw ``n`` windows of ``size`` x ``size`` px, most of them around a cell, some with ``additions``.

    Returns
    -------
    image, target
        (n, 3, size, size) and (n, 4, size, size) uint8; beyond the image's edge it is mirrored, both alike.
    """
    chosen = [samples[i] for i in rng.choice(len(samples), size=n, p=weights)]
    windows = [_window(sample, size, rng) for sample in chosen]
    if additions is not None:
        windows = [additions.add(w, kind_of(sample), rng) for w, sample in zip(windows, chosen, strict=True)]
    return np.stack([w[0] for w in windows]), np.stack([w[1] for w in windows])


def _window(sample: Sample, size: int, rng: np.random.Generator) -> Window:
    height, width = sample.image.shape[:2]
    cell_y, cell_x = np.nonzero(sample.target[0] < 128)
    if len(cell_y) and rng.random() < _ON_CELL:
        i = rng.integers(len(cell_y))
        y, x = int(cell_y[i]), int(cell_x[i])
    else:
        y, x = int(rng.integers(height)), int(rng.integers(width))
    rows = _mirrored(np.arange(y - size // 2, y - size // 2 + size), height)
    columns = _mirrored(np.arange(x - size // 2, x - size // 2 + size), width)
    image = sample.image[rows][:, columns].transpose(2, 0, 1)
    return image, sample.target[:, rows][:, :, columns]


def _mirrored(index: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Indices beyond 0..length-1 reflected back into it, as often as needed."""
    folded = np.mod(index, 2 * length)
    mirrored: NDArray[np.intp] = np.where(folded < length, folded, 2 * length - 1 - folded)
    return mirrored
