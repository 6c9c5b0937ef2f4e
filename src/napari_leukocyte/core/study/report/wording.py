"""How a study's figures and groups are written."""

import math

__all__ = ["figure", "group_name", "interval", "p_value", "quartiles", "ratio"]


def group_name(group: str, groups: int) -> str:
    """What a group is called; without a name it is all images, or those that have none."""
    return group or ("all images" if groups == 1 else "no group")


def figure(value: float, *, unit: str = "") -> str:
    """Write a measure: areas with one digit behind the point, ratios with two; NaN as a dash."""
    return "–" if math.isnan(value) else f"{value:.{1 if unit else 2}f}"


def interval(low: float, high: float, *, unit: str = "") -> str:
    """Write two ends; NaN as nothing."""
    return "" if math.isnan(low) else f"{figure(low, unit=unit)}–{figure(high, unit=unit)}"


def quartiles(first: str, third: str) -> str:
    """Write the first and the third quartile; nothing where there are none.

    Examples
    --------
    >>> quartiles("0.41", "0.60"), quartiles("≤ 0.16", "0.60"), quartiles("–", "–")
    ('0.41–0.60', '≤ 0.16 to 0.60', '')
    """
    if "–" in (first, third):
        return ""
    plain = all(one.replace(".", "").isdigit() for one in (first, third))
    return f"{first}–{third}" if plain else first if first == third else f"{first} to {third}"


def ratio(value: float) -> str:
    """Write a ratio of two CNRs with three digits."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def p_value(value: float) -> str:
    """Write a p value.

    Examples
    --------
    >>> p_value(0.03456), p_value(0.00001), p_value(math.nan)
    ('0.035', '< 0.001', '–')
    """
    return "–" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
