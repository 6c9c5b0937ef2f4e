"""Medians and quartiles of values some of which are only known to lie between two bounds: censored values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Between", "quantiles_between"]


@dataclass(frozen=True)
class Between:
    """The least and the greatest that a figure can be; NaN of no values at all."""

    low: float
    high: float

    @property
    def value(self) -> float:
        """The figure where it is one number, wherever the censored values lie within their bounds; else NaN."""
        return self.low if self.low == self.high else math.nan

    def text(self, digits: int = 2, *, least: float = 0.0, most: float = math.inf) -> str:
        """Write it: one number, "≤ high" from the ``least`` that there can be, "≥ low" up to the ``most``, or both.

        Bounds are rounded outwards.

        Examples
        --------
        >>> [one.text() for one in (Between(0.5, 0.5), Between(0, 0.151), Between(4, math.inf), Between(0.301, 0.4))]
        ['0.50', '≤ 0.16', '≥ 4.00', '0.30 to 0.40']
        """
        if math.isnan(self.low):
            return "–"
        if self.low == self.high:
            return f"{self.low:.{digits}f}"
        low = "" if self.low <= least else f"{math.floor(10**digits * self.low) / 10**digits:.{digits}f}"
        high = "" if self.high >= most else f"{math.ceil(10**digits * self.high) / 10**digits:.{digits}f}"
        if low and high:
            return low if low == high else f"{low} to {high}"
        return f"≤ {high}" if high else f"≥ {low}" if low else "–"


def quantiles_between(
    values: Sequence[float], bounds: Sequence[tuple[float, float]], q: Sequence[float] = (0.25, 0.5, 0.75)
) -> tuple[Between, ...]:
    """Find quantiles of values and of censored ones.

    Parameters
    ----------
    values : sequence of float
        What is known.
    bounds : sequence of pairs of float
        Of each censored value the least and the greatest that it can be; a bound may be infinite.
    q : sequence of float
        0-1.

    Returns
    -------
    tuple of Between
        A quantile rises with each of its values, so that it lies between those of all lower and of all upper bounds.

    Examples
    --------
    >>> quantiles_between([0.5, 0.7, 0.9], [(0, 0.15)] * 2, [0.5])
    (Between(low=0.5, high=0.5),)
    """
    if not len(values) + len(bounds):
        return tuple(Between(math.nan, math.nan) for _ in q)
    lows, highs = ([*values, *(pair[side] for pair in bounds)] for side in (0, 1))
    return tuple(Between(low, high) for low, high in zip(_quantiles(lows, q), _quantiles(highs, q), strict=True))


def _quantiles(values: Sequence[float], q: Sequence[float]) -> list[float]:
    """Linear quantiles as numpy's; beside an infinite value numpy's are NaN."""
    if all(map(math.isfinite, values)):
        return [float(one) for one in np.quantile(values, q)]
    rising = np.sort(values)
    found = []
    for share in q:
        place = share * (len(values) - 1)
        lower, upper = float(rising[math.floor(place)]), float(rising[math.ceil(place)])
        infinite = next((one for one in (lower, upper) if math.isinf(one)), None)
        found.append(float(np.quantile([lower, upper], place % 1)) if infinite is None else infinite)
    return found
