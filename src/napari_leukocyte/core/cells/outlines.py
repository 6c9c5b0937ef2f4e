"""Draw the outline of a mask convex, and measure how far it goes; quick enough to run while the user paints."""

import numpy as np
import numpy.typing as npt

__all__ = ["convex_hull", "extent"]


def convex_hull(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the pixels whose centre lies in the convex hull of the mask's pixel centres.

    Parameters
    ----------
    mask : (Y, X) bool array
        At least one pixel must be set.

    Examples
    --------
    >>> convex_hull(np.array([[1, 0, 0], [1, 0, 0], [1, 0, 1]], bool)).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    y = np.arange(rows[0], rows[-1] + 1)
    left, right = _envelope(y, rows, first), -_envelope(y, rows, -last)
    x = np.arange(mask.shape[1])
    hull = np.zeros_like(mask)
    # a hair of tolerance, so that a centre on the line counts
    hull[y] = (x >= left[:, np.newaxis] - 1e-9) & (x <= right[:, np.newaxis] + 1e-9)
    return hull


def extent(mask: npt.NDArray[np.bool_]) -> float:
    """Return the length (px) of a mask in its longest direction, 0 when it is empty.

    Parameters
    ----------
    mask : (Y, X) bool array

    Examples
    --------
    >>> extent(np.array([[1, 1, 0, 0, 1]], bool)), extent(np.zeros((2, 2), bool))
    (5.0, 0.0)
    """
    from scipy.spatial.distance import pdist  # slow to load

    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return 0.0
    # the two pixels furthest apart stand at the ends of their rows
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([rows, first], axis=1), np.stack([rows, last], axis=1)])
    return float(pdist(ends).max()) + 1


def _envelope(
    at: npt.NDArray[np.intp], rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Return, for each row of ``at``, the largest convex function below the points (rows, columns)."""
    corners: list[tuple[int, int]] = []
    for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
        while len(corners) > 1:
            (y0, x0), (y1, x1) = corners[-2:]
            if (x1 - x0) * (y - y0) < (x - x0) * (y1 - y0):
                break
            corners.pop()
        corners.append((y, x))
    ys, xs = zip(*corners, strict=True)
    return np.asarray(np.interp(at, ys, xs), dtype=np.float64)
