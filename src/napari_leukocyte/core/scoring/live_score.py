"""The counts of one image while its prediction is edited."""

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.cells.checks import check_class_map, check_same_shape
from napari_leukocyte.core.scoring.border import border_bands
from napari_leukocyte.core.scoring.metrics import ImageCounts, count_pixels

__all__ = ["LiveScore"]


class LiveScore:
    """Counts a prediction against one truth, and follows its edits.

    The bands are built once; an edit costs as much as its box.

    Parameters
    ----------
    truth : (Y, X) array of integers
        Ground-truth class map.
    border_px : float
        Total width of the border band.
    whole_cell : bool
        One side knows no nuclei: only ``cell`` is scored.

    Raises
    ------
    LeukocyteError
        If the truth is no class map or the width is negative.

    Examples
    --------
    >>> truth = np.array([[0, 1, 2], [0, 1, 1]])
    >>> score = LiveScore(truth, border_px=0)
    >>> score.counts(truth).correct
    6
    >>> score.update([[2]], [[0]], (slice(0, 1), slice(2, 3))).correct
    5
    """

    def __init__(self, truth: npt.ArrayLike, *, border_px: float, whole_cell: bool = False) -> None:
        self._truth = check_class_map(truth, name="ground truth")
        self.bands = border_bands(self._truth, width_px=border_px, whole_cell=whole_cell)
        self._counts: ImageCounts | None = None

    def counts(self, prediction: npt.ArrayLike) -> ImageCounts:
        """Count a whole prediction (Y, X), from which `update` goes on; a value above 2, a slip, counts as nucleus.

        Raises
        ------
        LeukocyteError
            If the prediction and the truth differ in size.
        """
        now = _classes(prediction)
        check_same_shape(now.shape, self._truth.shape, names=("The prediction", "the ground truth"))
        self._counts = count_pixels(now, self._truth, self.bands)
        return self._counts

    def update(self, before: npt.ArrayLike, after: npt.ArrayLike, box: Box) -> ImageCounts:
        """Follow an edit.

        Parameters
        ----------
        before, after : (y, x) arrays of integers
            The pixels of the box, as they were when last counted and as they are now.
        box : tuple of slice
            Rows and columns of the plane, which hold everything that changed.

        Returns
        -------
        ImageCounts
            Those of the whole prediction, exactly as `counts` would give them.
        """
        if self._counts is None:
            raise ValueError("count a whole prediction before its edits")
        truth, bands = self._truth[box], self.bands.at(box)
        old, new = _classes(before), _classes(after)
        if old.shape != truth.shape or new.shape != truth.shape:
            raise ValueError(f"the box holds {truth.shape} pixels, not {old.shape} and {new.shape}")
        self._counts = self._counts + (count_pixels(new, truth, bands) - count_pixels(old, truth, bands))
        return self._counts


def _classes(values: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    return np.asarray(np.minimum(np.asarray(values), 2), np.uint8)
