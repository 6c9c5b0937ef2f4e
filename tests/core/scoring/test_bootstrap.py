import math

import numpy as np
import pytest

from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval


def test_brackets_the_mean_with_about_the_normal_width():
    values = np.random.default_rng(1).normal(10, 2, 400)
    low, high = bootstrap_interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 2 / np.sqrt(400), rel=0.15)
    assert bootstrap_interval(values) == (low, high)
    narrow = bootstrap_interval(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_nan_is_left_out():
    values = [0.2, math.nan, 0.4, 0.9, math.nan]
    assert bootstrap_interval(values, n=200) == bootstrap_interval([0.2, 0.4, 0.9], n=200)
    assert all(math.isnan(v) for v in bootstrap_interval([math.nan]))
    assert all(math.isnan(v) for v in bootstrap_interval([]))


def test_slides_widen_the_interval():
    rng = np.random.default_rng(2)
    slides = np.repeat(np.arange(8), 20)
    values = rng.normal(0, 1, 8)[slides] + rng.normal(0, 0.1, 160)
    images = bootstrap_interval(values, n=500)
    by_slide = bootstrap_interval(values, n=500, groups=slides.tolist())
    assert by_slide[1] - by_slide[0] > 2 * (images[1] - images[0])
    # one slide has nothing to vary against
    low, high = bootstrap_interval([0.1, 0.5, 0.9], groups=["a"] * 3, n=50)
    assert low == high == pytest.approx(0.5)


def test_other_statistic():
    assert bootstrap_interval([1, 1, 1, 1, 1, 1, 1, 1, 1, 50], statistic=np.median, n=300)[1] == 1


def test_misuse():
    with pytest.raises(ValueError, match="groups"):
        bootstrap_interval([1, 2], groups=["a"])
    with pytest.raises(ValueError, match="one-dimensional"):
        bootstrap_interval([[1, 2]])
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval([1, 2], level=1)
