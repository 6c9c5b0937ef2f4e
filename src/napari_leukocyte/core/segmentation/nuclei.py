"""Where the nuclei of a plane are, from their stain alone: the places where contours start."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.segmentation.contour_parameters import ActiveContourParameters
from napari_leukocyte.core.segmentation.windowed import WindowDone

__all__ = ["Nuclei", "Reduced", "find_nuclei"]

_STRIP = 2**21  # native px of the plane in memory at a time
_BIN = 0.01  # width of a histogram bin, optical density
_BACKGROUND = 0.3  # quantile of the stain that counts as background; a cell may fill half of a crop
_DARKEST_UM2 = 15.0  # the darkest area of this size, less than any nucleus, says how dark nuclei are
_LOBE_UM2 = 1.5  # smaller seeds are granules or grain
_SPECK_UM = 0.2  # radius of what is taken off seeds all round


@dataclass(frozen=True)
class Reduced:
    """A plane seen in blocks of ``block`` x ``block`` px; any window of it is the same, however it is cut.

    Attributes
    ----------
    pixel_size
        um per block.
    """

    plane: Any
    conversion: Conversion
    block: int
    pixel_size: float
    darkest: float

    @classmethod
    def of(
        cls, plane: Any, conversion: Conversion, *, pixel_size: float, parameters: ActiveContourParameters
    ) -> "Reduced":
        """Reduce a plane of ``pixel_size`` um per px to about the contours' resolution; it is never enlarged."""
        block = max(1, round(parameters.resolution / pixel_size))
        return cls(plane, conversion, block, block * pixel_size, parameters.darkest)

    @property
    def shape(self) -> tuple[int, int]:
        """Blocks, those cut by the image edge too."""
        return -(-int(self.plane.shape[0]) // self.block), -(-int(self.plane.shape[1]) // self.block)

    def density(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Optical density (y, x, 3) of a window given in blocks."""
        b = self.block
        image = self.conversion(self.plane[rows.start * b : rows.stop * b, columns.start * b : columns.stop * b])
        if b > 1:
            image = np.pad(image, [(0, -image.shape[0] % b), (0, -image.shape[1] % b), (0, 0)], mode="edge")
            # summed in one fixed order, so that no window rounds differently
            image = np.asarray(sum(image[i::b, j::b] for i in range(b) for j in range(b)), np.float32) / np.float32(
                b * b
            )
        return np.asarray(-np.log(np.maximum(image, np.float32(self.darkest))), np.float32)

    def strips(self) -> Iterator[tuple[slice, NDArray[np.float32], WindowDone]]:
        """Rows, optical density and progress of one strip of full width after the other."""
        height, width = self.shape
        step = max(1, _STRIP // (width * self.block**2))
        starts = range(0, height, step)
        for i, start in enumerate(starts, start=1):
            rows = slice(start, min(start + step, height))
            yield rows, self.density(rows, slice(0, width)), WindowDone(i, len(starts))


@dataclass(frozen=True)
class Nuclei:
    """Seeds of the nuclei of a plane.

    Attributes
    ----------
    labels
        (Y, X) int32 in blocks: 0, or the number of the nucleus, 1..n; its lobes have one number.
    weights
        Share of red, green and blue optical density in the nuclear stain.
    """

    labels: NDArray[np.int32]
    weights: NDArray[np.float32]

    def stain(self, density: NDArray[np.float32]) -> NDArray[np.float32]:
        """Nuclear stain (Y, X) of optical density (Y, X, 3)."""
        return _weighted(density, self.weights)


def find_nuclei(reduced: Reduced, parameters: ActiveContourParameters) -> Generator[WindowDone, None, Nuclei]:
    """Find the nuclei of a plane, which is read twice, strip by strip: ``nuclei = yield from find_nuclei(...)``."""
    weights = np.array([parameters.red, 1, parameters.blue], np.float32)
    lowest = float(weights[weights < 0].sum()) * -np.log(reduced.darkest)
    counts, grey = np.zeros(1, np.intp), True
    for _, density, done in reduced.strips():
        grey = grey and bool((density == density[..., :1]).all())
        numbers = ((_weighted(density, weights) - lowest) / _BIN).astype(np.intp)
        strip = np.bincount(numbers.ravel(), minlength=counts.size)
        strip[: counts.size] += counts
        counts = strip
        yield done
    background, dark = (lowest + _BIN * n for n in _levels(counts, _DARKEST_UM2 / reduced.pixel_size**2))
    if grey:  # without colours the density itself is the stain
        background, dark, weights = (value / weights.sum() for value in (background, dark, weights))
    mask = np.zeros(reduced.shape, bool)
    if dark - background >= parameters.contrast:
        level = background + parameters.seed * (dark - background)
        for rows, density, done in reduced.strips():
            mask[rows] = _weighted(density, weights) > level
            yield done
    return Nuclei(_numbered(mask, reduced.pixel_size, parameters), weights)


def _weighted(density: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    # not as a matrix product, which rounds differently in windows of another shape
    return np.asarray(density[..., 0] * weights[0] + density[..., 1] * weights[1] + density[..., 2] * weights[2])


def _levels(counts: NDArray[np.intp], darkest: float) -> tuple[int, int]:
    """Bins of a histogram of the stain: of the background, and of the lightest of the ``darkest`` px."""
    background = int(np.searchsorted(np.cumsum(counts), _BACKGROUND * counts.sum()))
    from_above = np.cumsum(counts[::-1])
    return background, counts.size - 1 - int(np.searchsorted(from_above, min(darkest, from_above[-1])))


def _numbered(mask: NDArray[np.bool_], pixel_size: float, parameters: ActiveContourParameters) -> NDArray[np.int32]:
    """Number the seeds that are large enough, with near ones taken together as lobes."""
    px = 1 / pixel_size**2  # on 1 um2
    if round(_SPECK_UM / pixel_size):
        mask = ndimage.binary_opening(mask, iterations=round(_SPECK_UM / pixel_size))
    mask = mask & _large(ndimage.label(mask, np.ones((3, 3)))[0], _LOBE_UM2 * px)
    gap = 1 + 2 * round(parameters.lobe_gap / 2 / pixel_size)
    joined = ndimage.maximum_filter(mask.view(np.uint8), gap, mode="constant")
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(joined, np.ones((3, 3)), output=labels)
    labels *= mask
    labels *= _large(labels, parameters.smallest_nucleus * px)
    numbers = np.unique(labels)
    lookup = np.zeros(int(numbers[-1]) + 1, np.int32)
    lookup[numbers] = np.arange(numbers.size) + (numbers[0] > 0)  # 0 is there unless all is nucleus
    return np.asarray(lookup[labels])


def _large(labels: NDArray[np.int32], smallest: float) -> NDArray[np.bool_]:
    """Pixels of labels that cover at least ``smallest`` px."""
    large = np.bincount(labels.ravel()) >= smallest
    large[0] = False
    return np.asarray(large[labels])
