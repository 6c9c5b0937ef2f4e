"""Cells cut out of training images and set beside other cells: neighbours, clusters and half cells to learn from.

The thesis names touching cells as its main trouble and merged images as the way out (chapter 6). Smears with expert
masks seldom show cells in contact, so windows of training images get more cells while they train; nothing is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.model.dataset import Sample

__all__ = ["CutOut", "Kind", "Window", "add_neighbours", "beside", "cut_out_cells", "glass", "kind_of", "overlap"]

Kind = tuple[str, bool]
Overlap = tuple[tuple[slice, slice], tuple[slice, slice]]

Window = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Image (3, Y, X) and the shares of its classes (4, Y, X) as in `Sample`, both 0-255."""

_MARGIN = 6  # px around a cell that are cut out with it, for the soft edge
_SMALLEST = 20.0  # um2; less is a piece or a platelet
_LARGEST = 500.0  # um2; more is a clump
_MOST = 4  # cells added to one window
_PRESSED = (-0.3, 1.2)  # um that an added cell reaches into the one it touches; below 0 a gap is left
_STEP = 2  # px between the places tried on the way to contact


@dataclass(frozen=True)
class CutOut:
    """One cell without its surroundings.

    Attributes
    ----------
    density
        (3, Y, X) float32: optical density over the glass of its image.
    target
        (4, Y, X) uint8 as in `Sample`, for this cell alone.
    opacity
        (Y, X) float32, 0-1: 1 inside the cell, fading out past its outline.
    """

    density: NDArray[np.float32]
    target: NDArray[np.uint8]
    opacity: NDArray[np.float32]


def glass(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness 1-255 of the empty slide in each channel of (3, Y, X): what only a tenth of the pixels exceed."""
    level: NDArray[np.float32] = np.percentile(image.reshape(3, -1), 90, axis=1).astype(np.float32)
    return np.maximum(level, 1)


def kind_of(sample: Sample) -> Kind:
    """Source of a sample, and whether its mask knows only whole cells: cells go to windows of their own kind."""
    return sample.source, sample.whole_cell


def cut_out_cells(samples: Sequence[Sample], *, pixel_size: float) -> dict[Kind, list[CutOut]]:
    """Cut out every whole cell that touches neither the frame nor another cell, by `kind_of` its sample.

    The samples are at ``pixel_size`` um per px.
    """
    cells: dict[Kind, list[CutOut]] = {}
    for sample in samples:
        labels, _ = ndimage.label(sample.target[0] < 128)
        areas = np.bincount(labels.ravel()) * pixel_size**2
        image = sample.image.transpose(2, 0, 1)
        white = glass(image)
        for number, place in enumerate(ndimage.find_objects(labels), start=1):
            if place is None or not _SMALLEST <= areas[number] <= _LARGEST:
                continue
            rows, columns = (slice(part.start - _MARGIN, part.stop + _MARGIN) for part in place)
            if min(rows.start, columns.start) < 0 or rows.stop > labels.shape[0] or columns.stop > labels.shape[1]:
                continue
            cells.setdefault(kind_of(sample), []).append(
                _cut_out(
                    image[:, rows, columns],
                    sample.target[:, rows, columns],
                    labels[rows, columns] == number,
                    white,
                )
            )
    return cells


def _cut_out(
    image: NDArray[np.uint8],
    target: NDArray[np.uint8],
    cell: NDArray[np.bool_],
    white: NDArray[np.float32],
) -> CutOut:
    density = -np.log(np.maximum(image, 1) / white[:, None, None]).astype(np.float32)
    near = ndimage.binary_dilation(cell, iterations=1)
    own = np.where(near, target, np.array([255, 0, 0, 0], np.uint8)[:, None, None])
    opacity = ndimage.gaussian_filter(near.astype(np.float32), 0.8)
    return CutOut(density, own, opacity)


def add_neighbours(
    window: Window, cells: Sequence[CutOut], rng: np.random.Generator, *, pixel_size: float
) -> tuple[Window, list[NDArray[np.bool_]]]:
    """Set one to four cells beside those of a window, in contact or nearly so; the window itself is left as it is.

    A cell comes turned and mirrored, over or under its neighbour, with the density that it had over the glass of its
    own image laid over this window's glass. It may reach out of the window: half cells arise so. Beside the window
    come the areas (Y, X) that each added cell was the topmost of when it was laid.
    """
    image, target = (part.copy() for part in window)
    white = glass(image)
    areas = []
    for _ in range(int(rng.integers(1, _MOST + 1))):
        cell = _turned(cells[int(rng.integers(len(cells)))], rng)
        taken = target[0] < 128
        at = beside(taken, cell.target[0] < 128, rng, pixel_size, pressed=_PRESSED)
        shared = None if at is None else overlap(taken.shape, cell.opacity.shape, at)
        if shared is None:
            continue
        under = bool(rng.random() < 0.5)
        _lay(image, target, cell, shared, white, under=under)
        outline = np.zeros_like(taken)
        outline[shared[0]] = cell.target[0][shared[1]] < 128
        areas.append(outline & ~taken if under else outline)
    return (image, target), areas


def _turned(cell: CutOut, rng: np.random.Generator) -> CutOut:
    turns, step = int(rng.integers(4)), 1 - 2 * int(rng.integers(2))
    return CutOut(
        np.rot90(cell.density, turns, axes=(1, 2))[..., ::step],
        np.rot90(cell.target, turns, axes=(1, 2))[..., ::step],
        np.rot90(cell.opacity, turns)[..., ::step],
    )


def beside(
    taken: NDArray[np.bool_],
    cell: NDArray[np.bool_],
    rng: np.random.Generator,
    pixel_size: float,
    *,
    pressed: tuple[float, float],
) -> tuple[int, int] | None:
    """Corner (y, x) at which a cell touches what is there, coming from a random side; None where it cannot.

    ``pressed`` is the least and the most that it reaches into the other, um; below 0 a gap is left.
    """
    ys, xs = np.nonzero(taken)
    size = np.array(cell.shape)
    if not len(ys):
        corner = rng.integers(0, taken.shape) - size // 2
        return int(corner[0]), int(corner[1])
    i = int(rng.integers(len(ys)))
    goal = np.array([ys[i], xs[i]])
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.sin(angle), np.cos(angle)])
    reach = rng.uniform(*pressed) / pixel_size
    for distance in np.arange(max(taken.shape), 0, -_STEP):
        corner = np.round(goal + way * distance - size / 2).astype(int)
        shared = overlap(taken.shape, size, corner)
        if shared is not None and bool((taken[shared[0]] & cell[shared[1]]).any()):
            corner = np.round(goal + way * (distance + _STEP / 2 - reach) - size / 2).astype(int)
            return int(corner[0]), int(corner[1])
    return None


def overlap(
    shape: Sequence[int], size: Sequence[int] | NDArray[np.intp], corner: Sequence[int] | NDArray[np.intp]
) -> Overlap | None:
    """Where a patch at ``corner`` lies in a window, and which part of the patch that is; None when it lies outside."""
    there, own = [], []
    for n, length, start in zip(shape, size, corner, strict=True):
        low, high = max(0, int(start)), min(int(n), int(start + length))
        if low >= high:
            return None
        there.append(slice(low, high))
        own.append(slice(low - int(start), high - int(start)))
    return (there[0], there[1]), (own[0], own[1])


def _lay(
    image: NDArray[np.uint8],
    target: NDArray[np.uint8],
    cell: CutOut,
    shared: Overlap,
    white: NDArray[np.float32],
    *,
    under: bool,
) -> None:
    """Lay a cell onto a window, or under the cells that are there."""
    there, own = shared
    patch, before = image[:, there[0], there[1]], target[:, there[0], there[1]].astype(np.float32)
    density, inside = cell.density[:, own[0], own[1]], cell.target[:, own[0], own[1]].astype(np.float32)
    free, share = before[0] / 255, 1 - inside[0] / 255
    # the soft edge brings glass along: over another cell it would leave a bright seam, so there the outline is the edge
    opacity = free * cell.opacity[own] + (1 - free) * share
    if under:
        opacity, share = opacity * free, share * free
    colour = white[:, None, None] * np.exp(-density)
    patch[:] = np.clip(patch + opacity * (colour - patch), 0, 255).round().astype(np.uint8)
    # of what the cell covers, its own classes; background is what neither covers
    inside[0] = 0
    inside /= np.maximum(inside.sum(axis=0), 1)
    target[:, there[0], there[1]] = np.round(before * (1 - share) + 255 * share * inside).astype(np.uint8)
