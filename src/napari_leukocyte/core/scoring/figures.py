"""Figures as text, written one way everywhere."""

import math

__all__ = ["interval", "number", "share"]


def number(value: float, digits: int, *, signed: bool = False) -> str:
    """Write a number; what rounds to zero has no sign.

    Examples
    --------
    >>> number(0.25, 3), number(0.25, 3, signed=True), number(-0.0004, 3), number(0.0004, 3, signed=True)
    ('0.250', '+0.250', '0.000', '0.000')
    """
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text if text.strip("+-0.") else text.lstrip("+-")


def share(value: float, *, signed: bool = False) -> str:
    """Write a share in percent; NaN is "n/a".

    Examples
    --------
    >>> share(0.049), share(-0.0601, signed=True), share(-0.0001, signed=True), share(float("nan"))
    ('4.9 %', '-6.0 %', '0.0 %', 'n/a')
    """
    return "n/a" if math.isnan(value) else f"{number(100 * value, 1, signed=signed)} %"


def interval(low: float, high: float, digits: int, *, scale: float = 1) -> str:
    """Write the ends of an interval of a difference.

    Examples
    --------
    >>> interval(-0.0003, 0.02, 3), interval(-0.021, 0.02, 1, scale=100)
    ('0.000 to +0.020', '-2.1 to +2.0')
    """
    return " to ".join(number(scale * end, digits, signed=True) for end in (low, high))
