"""Clusters merged from real cells: cells of expert-masked images set beside other cells of the same source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.model.composites import CutOut, Window, add_neighbours, cut_out_cells, glass, kind_of
from napari_leukocyte.core.model.dataset import IndexRow, Sample, load_sample

_SIDE = 60.0  # um
_SMALLEST = 20.0  # um2; what is left of a covered cell, or a speck of a mask, is no cell below it
_HALO = 0.8  # um around a mirrored cell that go with it


@dataclass(frozen=True)
class Composite:
    """A merged picture (Y, X, 3) uint8, the cell of each pixel (Y, X) int32, and its classes (Y, X) uint8.

    ``classes`` knows only cells (1) where the masks did. ``seams`` (Y, X) bool are the pixels along the frame of the
    photograph, beyond which it is mirrored: a cell that the frame cut, which expert masks often leave out, becomes a
    whole one there that no mask knows.
    """

    source: str
    image: NDArray[np.uint8]
    cells: NDArray[np.int32]
    classes: NDArray[np.uint8]
    seams: NDArray[np.bool_]
    pixel_size: float


def composites(rows: Sequence[IndexRow], count: int, *, seed: int) -> Iterator[Composite]:
    """Merge ``count`` pictures at native resolution, the sources in turn.

    An image with a cell at its edge is no base: it is mirrored beyond its edges, and that cell would become two.
    """
    rng = np.random.default_rng(seed)
    by_source: dict[str, list[tuple[IndexRow, Sample]]] = {}
    for row in rows:
        sample = load_sample(row, pixel_size=row.pixel_size, soft=False)
        by_source.setdefault(row.source, []).append((row, sample))
    cells = {
        source: cut_out_cells([sample for _, sample in own], pixel_size=own[0][0].pixel_size)
        for source, own in by_source.items()
    }
    bases = {source: [pair for pair in own if not _at_edge(pair[1])] for source, own in by_source.items()}
    sources = [source for source in bases if bases[source] and cells[source]]
    for i in range(count):
        source = sources[i % len(sources)]
        row, sample = bases[source][int(rng.integers(len(bases[source])))]
        yield _composite(row, sample, cells[source][kind_of(sample)], rng)


def _at_edge(sample: Sample) -> bool:
    background = sample.target[0] > 128
    return not (background[0].all() and background[-1].all() and background[:, 0].all() and background[:, -1].all())


def _composite(row: IndexRow, sample: Sample, cells: Sequence[CutOut], rng: np.random.Generator) -> Composite:
    window, seams = _window(sample, row.pixel_size)
    labels = ndimage.label(window[1][0] < 128)[0].astype(np.int32)
    (image, target), areas = add_neighbours(window, cells, rng, pixel_size=row.pixel_size)
    labels[target[0] >= 128] = 0
    for area in areas:
        labels[area] = labels.max() + 1
    small = np.bincount(labels.ravel()) * row.pixel_size**2 < _SMALLEST
    labels[small[labels]] = 0
    classes = np.where(target[0] < 128, 1 + target[1:3].argmax(axis=0), 0).astype(np.uint8)
    return Composite(row.source, np.ascontiguousarray(image.transpose(1, 2, 0)), labels, classes, seams, row.pixel_size)


def _window(sample: Sample, pixel_size: float) -> tuple[Window, NDArray[np.bool_]]:
    """The image in the middle of a larger one, and its seams; around it its mirror image, with glass for its cells."""
    shape = sample.target.shape[1:]
    margins = [(0, 0)]
    for n in shape:
        more = max(0, round(_SIDE / pixel_size) - n)
        margins.append((more // 2, more - more // 2))
    image = np.pad(sample.image.transpose(2, 0, 1), margins, mode="symmetric")
    target = np.pad(sample.target, margins, mode="symmetric")
    copied = ndimage.binary_dilation(target[0] < 128, iterations=round(_HALO / pixel_size))
    copied[tuple(slice(start, start + n) for (start, _), n in zip(margins[1:], shape, strict=True))] = False
    image[:, copied] = glass(image)[:, None].astype(np.uint8)
    target[:, copied] = np.array([[255], [0], [0], [0]], np.uint8)
    frame = [
        np.isin((np.arange(start + n + end) - start) % n, (0, n - 1))
        for (start, end), n in zip(margins[1:], shape, strict=True)
    ]
    return (image, target), frame[0][:, None] | frame[1][None, :]
