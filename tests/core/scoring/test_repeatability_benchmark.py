"""The pictures that the benchmark of repeatability makes, and its arithmetic."""

import math

import numpy as np
import pytest

from napari_leukocyte.core.scoring.figures import share
from repeatability import AGAIN, AS_IT_IS, line, pictures, pooled, variation


def test_every_picture_is_the_same_cell_a_little_otherwise():
    image = np.full((60, 80, 3), 230, np.uint8)
    image[16:36, 30:50] = (120, 60, 140)
    made = list(pictures(image, 0.1))
    assert made[0][0] == AS_IT_IS
    assert {kind for kind, _ in made[1:]} == set(AGAIN)
    np.testing.assert_array_equal(made[0][1], image)
    for _, other in made[1:]:
        assert other.dtype == np.uint8
        assert sorted(other.shape) == sorted(image.shape)
        assert other.shape != image.shape or (other != image).any()
        dark = np.count_nonzero(other[..., 1] < 145)
        assert dark == pytest.approx(400, rel=0.1)


def test_variation_is_standard_deviation_over_mean_of_what_there_is():
    assert variation([1.0, 1.0, math.nan]) == 0
    assert variation([0.9, 1.1]) == pytest.approx(math.sqrt(0.02))
    assert variation(np.array([0.9, 1.1]) * 7) == pytest.approx(math.sqrt(0.02))
    assert math.isnan(variation([1.0, math.nan]))
    assert pooled([0.03, 0.04, math.nan]) == pytest.approx(math.sqrt(0.00125))
    assert math.isnan(pooled([math.nan]))


def test_a_line_counts_cells_that_lose_their_cnr():
    steady = {AS_IT_IS: [2.0], **{kind: [2.0] for kind in AGAIN}}
    moving = {**steady, "turned": [2.0, 2.2], "JPEG": [math.nan]}
    label, cells, *figures, worst, lost = line("lymphocyte", [steady, moving])
    assert (label, cells, lost) == ("lymphocyte", "2", "1")
    by_kind = dict(zip(AGAIN, figures, strict=False))
    assert by_kind["shifted"] == by_kind["JPEG"] == "0.0 %"
    assert by_kind["turned"] == share(pooled([0, variation([2.0, 2.0, 2.2])]))
    assert worst == share(variation([2.0] * (len(AGAIN)) + [2.2]))
