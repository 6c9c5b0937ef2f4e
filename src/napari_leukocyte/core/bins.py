"""Bins for a histogram."""

import numpy as np
import numpy.typing as npt

__all__ = ["histogram_bins"]

_FEWEST, _MOST = 5, 30


def histogram_bins(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the edges of equal bins, as wide as Freedman and Diaconis (1981) say, but 5 to 30 of them.

    Parameters
    ----------
    values : (n,) array
        Finite numbers, at least one.

    Returns
    -------
    (bins + 1,) array
        Increasing, from the least value to the greatest; around it if there is only one value.

    Examples
    --------
    >>> histogram_bins([0.5, 1.0, 1.5, 2.0, 3.0])
    array([0.5, 1. , 1.5, 2. , 2.5, 3. ])
    """
    values = np.asarray(values, float)
    q1, q3 = np.quantile(values, (0.25, 0.75))
    width = 2 * (q3 - q1) / len(values) ** (1 / 3)
    wanted = np.ptp(values) / width if width > 0 else 0
    return np.histogram_bin_edges(values, int(np.clip(np.ceil(wanted), _FEWEST, _MOST)))
