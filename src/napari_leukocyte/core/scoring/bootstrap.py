"""How sure a mean over images is: percentile bootstrap over images, or over slides."""

from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["bootstrap_interval"]


def bootstrap_interval(
    values: npt.ArrayLike,
    *,
    statistic: Callable[[npt.NDArray[np.float64]], float] = np.mean,
    n: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    groups: Sequence[Hashable] | None = None,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic.

    Parameters
    ----------
    values : (N,) array of float
        One for each image; NaN (n/a) is left out.
    statistic : callable
        From a one-dimensional array to a number.
    n : int
        How often to resample.
    seed : int
        The same seed gives the same interval.
    level : float
        Share of the resampled statistics inside the interval, between 0 and 1.
    groups : sequence, optional
        The slide or patient of each value. Whole groups are resampled then, because images of one slide
        are not independent.

    Returns
    -------
    (low, high) : tuple of float
        NaN without a value.

    Examples
    --------
    >>> bootstrap_interval([0.9, 0.9, float("nan"), 0.9])
    (0.9, 0.9)
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1:
        raise ValueError(f"values must be one-dimensional, not of shape {data.shape}")
    if groups is not None and len(groups) != data.size:
        raise ValueError(f"there are {data.size} values, but {len(groups)} groups")
    if not 0 < level < 1 or n < 1:
        raise ValueError("level must lie between 0 and 1, and n must be at least 1")
    there = ~np.isnan(data)
    if not there.any():
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    if groups is None:
        values = data[there]
        resampled: Iterable[npt.NDArray[np.float64]] = values[rng.integers(values.size, size=(n, values.size))]
    else:
        by_group: dict[Hashable, list[float]] = {}
        for group, value, present in zip(groups, data.tolist(), there.tolist(), strict=True):
            if present:
                by_group.setdefault(group, []).append(value)
        members = [np.array(group) for group in by_group.values()]
        chosen = rng.integers(len(members), size=(n, len(members)))
        resampled = (np.concatenate([members[i] for i in one]) for one in chosen)
    drawn = [float(statistic(one)) for one in resampled]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
