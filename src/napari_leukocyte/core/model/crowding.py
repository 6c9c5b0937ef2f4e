"""Red cells cut out of training images and pressed against the white cells of others.

Where a model has not seen a laboratory's red cells lie against a white cell, it takes them for its cytoplasm
(docs/development/default-model.md, with what training on such windows gave). They come from any source, in a colour of
their own; nothing is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.imaging.discs import Discs, find_discs, optical_density
from napari_leukocyte.core.model.composites import Window, beside, glass, overlap
from napari_leukocyte.core.model.dataset import Sample

__all__ = ["RedCell", "add_red_cells", "cut_out_red_cells"]

_DIAMETER = (5.0, 10.0)  # um
_SUPPORT = 0.7  # of a disc's outline: what is found less surely may be a clump or a platelet
_FAINTEST = 0.08  # median density in the disc: less is hardly there
_MOST = 10  # red cells added to one window
_PRESSED = (-0.3, 2.5)  # um that one reaches under the white cell; below 0 a gap is left
_COLOUR = 0.4  # of the log density, in each channel
_STRENGTH = (-0.4, 0.7)  # of the log density, of all channels together


@dataclass(frozen=True)
class RedCell:
    """One red cell: its optical density over glass (3, Y, X) float32, 0 around it, and its disc (Y, X) bool."""

    density: NDArray[np.float32]
    disc: NDArray[np.bool_]


def cut_out_red_cells(samples: Sequence[Sample], *, pixel_size: float) -> list[RedCell]:
    """Cut out the red cells of samples at ``pixel_size`` um per px that touch neither the frame nor a white cell."""
    cells: list[RedCell] = []
    for sample in samples:
        image = sample.image.astype(np.float32)
        discs = find_discs(optical_density(image / np.float32(255)))
        diameter = 2 * discs.radius * pixel_size
        right = (diameter > _DIAMETER[0]) & (diameter < _DIAMETER[1]) & (discs.support > _SUPPORT)
        white = glass(sample.image.transpose(2, 0, 1))
        density = np.log(white / np.maximum(image, 1)).clip(min=0).transpose(2, 0, 1)
        cells += _cut_out(density, sample.target[0] < 128, discs[right])
    return cells


def _cut_out(density: NDArray[np.float32], white_cells: NDArray[np.bool_], discs: Discs) -> list[RedCell]:
    cells = []
    height, width = white_cells.shape
    for y, x, radius in zip(discs.y, discs.x, discs.radius, strict=True):
        reach = int(np.ceil(radius + 3))
        top, left = round(float(y)) - reach, round(float(x)) - reach
        if min(top, left) < 0 or top + 2 * reach >= height or left + 2 * reach >= width:
            continue
        place = slice(top, top + 2 * reach + 1), slice(left, left + 2 * reach + 1)
        rows, columns = np.ogrid[place]
        disc = np.hypot(rows - y, columns - x) <= radius + 0.5
        around = ndimage.binary_dilation(disc)
        if white_cells[place][around].any() or np.median(density[1:, *place][:, disc]) < _FAINTEST:
            continue
        fading = ndimage.gaussian_filter(around.astype(np.float32), 0.8)
        cells.append(RedCell(density[:, *place] * fading, disc))
    return cells


def add_red_cells(window: Window, cells: Sequence[RedCell], rng: np.random.Generator, *, pixel_size: float) -> Window:
    """Press one to ten red cells against the white cells of a window, under them; the target stays as it is.

    They share a colour, which is not that of their image, and absorb together with what lies there already.
    The window itself is left as it is.
    """
    image, target = window
    white_cells = target[0] < 128
    colour = np.exp(rng.uniform(-_COLOUR, _COLOUR, 3) + rng.uniform(*_STRENGTH)).astype(np.float32)
    density = np.zeros(image.shape, np.float32)
    for i in rng.integers(len(cells), size=int(rng.integers(1, _MOST + 1))):
        cell = cells[i]
        at = beside(white_cells, cell.disc, rng, pixel_size, pressed=_PRESSED)
        shared = None if at is None else overlap(white_cells.shape, cell.disc.shape, at)
        if shared is not None:
            (rows, columns), own = shared
            density[:, rows, columns] += cell.density[:, *own]
    density *= colour[:, None, None] * (target[0].astype(np.float32) / 255)
    return np.round(image * np.exp(-density)).astype(np.uint8), target
