"""Figures before and after, made up."""

import math

import pytest

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter, Change, Comparison


def change(before, after, n=8, *, spread=0.01):
    difference = after - before
    return Change(before, after, difference, difference - spread, difference + spread, n, n)


NOT_THERE = Change(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0)


@pytest.fixture
def comparison():
    def make(n=8, *, nucleus=(0.9, 0.95), cnr=True):
        figures = {"cell": change(0.9, 0.94, n), "nucleus": change(*nucleus, n)}
        errors = [change(0.08, 0.05, n), change(-0.06, -0.02, n), change(0.06, 0.02, n)] if cnr else [NOT_THERE] * 3
        coverage = change(1, 1, n, spread=0) if cnr else NOT_THERE
        return Comparison(n, figures, figures, *errors, coverage, change(0.5, 0.25, n))

    return make


@pytest.fixture
def before_after(comparison):
    def make(**changes):
        given = {"basis": "cross-validation", "folds": 3, "own": comparison(), "unedited": comparison(2)}
        return BeforeAfter(**{**given, "guard": comparison(24), **changes})

    return make
