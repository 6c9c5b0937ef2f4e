"""The order of a table: that of Python's sorted, what is missing last, and stable."""

import math
import random

import pytest

from napari_leukocyte.core.sorting import sorted_order


def by_the_rule(values, *, down):
    """The same order, as Python finds it: stable both ways, what is missing behind everything else."""
    there = [i for i, value in enumerate(values) if value == value and value != ""]
    missing = [i for i, value in enumerate(values) if value != value or value == ""]
    ranks = {value: rank for rank, value in enumerate(sorted({values[i] for i in there}))}
    return sorted(there, key=lambda i: -ranks[values[i]] if down else ranks[values[i]]) + missing


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_numbers(seed, down):
    rng = random.Random(seed)
    pool = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300, *(rng.gauss(0, 10) for _ in range(rng.randrange(1, 40)))]
    values = [rng.choice(pool) for _ in range(rng.randrange(300))]
    assert sorted_order(values, down=down).tolist() == by_the_rule(values, down=down)


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_texts(seed, down):
    rng = random.Random(seed)
    pool = ["", "a", "B", "b", "ä", "touching", "touching; edited", "\U0001f600"]
    values = [rng.choice(pool) for _ in range(rng.randrange(200))]
    assert sorted_order(values, down=down).tolist() == by_the_rule(values, down=down)


def test_whole_numbers_of_any_size_that_a_label_has():
    assert sorted_order([2**31 - 1, 1, 2**31 - 2]).tolist() == [1, 2, 0]


def test_nothing_to_sort():
    assert sorted_order([]).tolist() == []
