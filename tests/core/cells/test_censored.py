"""Quantiles of censored values: the plain ones without any, and never wrong whatever the values are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.cells.censored import Between, quantiles_between

QUARTILES = (0.25, 0.5, 0.75)
cnrs = st.floats(0.01, 5)
limits = st.lists(st.floats(0.01, 2), max_size=8)


@given(st.lists(cnrs, min_size=1, max_size=12))
def test_without_censored_values_quantiles_are_the_plain_ones(values):
    found = quantiles_between(values, [])
    assert [one.value for one in found] == np.quantile(values, QUARTILES).tolist()
    assert all(one.low == one.high for one in found)


@given(st.lists(cnrs, max_size=9), limits, st.data())
def test_wherever_censored_values_lie_the_quantiles_are_within_the_bounds(values, limits, data):
    if not values and not limits:
        return
    true = [data.draw(st.floats(0, limit)) for limit in limits]
    for between, plain in zip(
        quantiles_between(values, [(0, limit) for limit in limits]),
        np.quantile([*values, *true], QUARTILES),
        strict=True,
    ):
        assert between.low - 1e-12 <= plain <= between.high + 1e-12
        if not math.isnan(between.value):
            assert plain == pytest.approx(between.value)


@given(st.lists(cnrs, min_size=1, max_size=9), st.lists(st.just(0.005), max_size=12))
def test_the_median_is_one_number_as_long_as_fewer_than_half_are_censored_below_it(values, limits):
    (median,) = quantiles_between(values, [(0, limit) for limit in limits], [0.5])
    assert math.isnan(median.value) == (len(limits) >= len(values))
    if len(limits) > len(values):
        assert median.low == 0
        assert median.high == 0.005


@given(st.lists(cnrs, max_size=9), limits)
def test_the_median_of_the_ratio_turned_round_is_turned_round(values, limits):
    if (len(values) + len(limits)) % 2 == 0:
        return  # the mean of two is no mean of the ratios turned round
    (one,) = quantiles_between(values, [(0, limit) for limit in limits], [0.5])
    (other,) = quantiles_between([1 / value for value in values], [(1 / limit, math.inf) for limit in limits], [0.5])
    assert other.low == pytest.approx(1 / one.high)
    assert other.high == (math.inf if one.low == 0 else pytest.approx(1 / one.low))


def test_of_nothing_there_is_nothing_and_infinite_bounds_are_no_nan():
    assert math.isnan(quantiles_between([], [])[1].value)
    assert Between(math.nan, math.nan).text() == "–"
    assert quantiles_between([1.0], [(2.0, math.inf)], [0.5]) == (Between(1.5, math.inf),)
    assert quantiles_between([1.0, 2.0], [(-math.inf, 0.0)], [0.25, 0.5]) == (
        Between(-math.inf, 0.5),
        Between(1.0, 1.0),
    )
    assert Between(0.87, 1).text(most=1) == "≥ 0.87"
