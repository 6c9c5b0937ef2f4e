"""Rulers of several images together: robust to single wrong ones, and never an average of two objectives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.segmentation.rulers import Ruler, Rulers, pooled, sizes_apart


def red(um, cells=10):
    return Rulers(red=Ruler(um, cells, "red cell"))


def white(um, cells=1):
    return Rulers(white=Ruler(um, cells, "cell"))


def test_one_wrong_image_does_not_move_the_others():
    size = pooled([red(0.095), red(0.1), red(0.098), red(0.3, 3)], working=0.2, shared=True)
    assert size.um == pytest.approx(0.0977, rel=0.01)
    assert size.source == "estimated from 30 red cells in 3 images"
    assert (size.estimated, size.shared, size.doubt) == (True, True, "")


@pytest.mark.parametrize(
    ("images", "doubt"),
    [
        ([], "no cell was found"),
        ([Rulers()], "no cell was found"),
        ([white(0.1), white(0.11), white(0.1)], "no red cell"),
        ([red(0.1, 4)], "only 4 red cells"),
        ([red(0.1, 1), white(0.1)], "only 1 red cell"),
        ([red(0.3)], "outside 0.05 to 0.25 µm/px"),
        ([red(0.04)], "outside 0.05 to 0.25 µm/px"),
        ([red(0.1), red(0.1), red(0.2, 5)], "the images disagree"),
        ([Rulers(Ruler(0.1, 9, "red cell"), Ruler(0.2, 2, "cell"))], "red and white cells disagree"),
        ([Rulers(Ruler(0.1, 9, "red cell"), Ruler(0.12, 2, "cell"))], ""),
    ],
)
def test_what_makes_an_estimate_doubtful(images, doubt):
    assert pooled(images, working=0.2).doubt == doubt


def test_without_a_ruler_the_working_resolution_is_assumed():
    size = pooled([Rulers()], working=0.2)
    assert size.um == 0.2
    assert size.for_areas is None
    assert str(size) == "0.2 µm/px (assumed, doubtful: no cell was found)"


def test_of_rulers_at_odds_the_surer_counts():
    image = Rulers(Ruler(0.1, 9, "red cell"), Ruler(0.3, 1, "cell"))
    assert image.at_odds
    assert pooled([image], working=0.2).um == pytest.approx(0.1)


@given(
    sizes=st.lists(st.floats(0.06, 0.2), min_size=1, max_size=8),
    factor=st.floats(0.9, 1.1),
)
def test_an_estimate_follows_the_scale_of_its_images(sizes, factor):
    first = pooled([red(um) for um in sizes], working=0.2)
    second = pooled([red(um * factor) for um in sizes], working=0.2)
    assert min(sizes) * 0.999 <= first.um <= max(sizes) * 1.001
    assert second.um == pytest.approx(first.um * factor, rel=1e-6)


@pytest.mark.parametrize("factor", [1.5, 1.6, 2.0, 2.5])
@pytest.mark.parametrize("many", [1, 2, 4])
def test_two_objectives_are_told_apart(factor, many):
    rng = np.random.default_rng(0)
    images = [red(0.1 * np.exp(rng.normal(0, 0.06)) * (factor if i < many else 1)) for i in range(8)]
    assert sorted(map(sorted, sizes_apart(images))) == [list(range(many)), list(range(many, 8))]


def test_three_objectives_are_told_apart():
    images = [red(um) for um in (0.05, 0.1, 0.2, 0.051, 0.102, 0.21)]
    assert sizes_apart(images) == [[0, 3], [1, 4], [2, 5]]


@given(st.lists(st.floats(-0.14, 0.14), min_size=1, max_size=8))
def test_the_spread_between_images_of_one_objective_is_none(logs):
    assert sizes_apart([red(0.1 * np.exp(x)) for x in logs]) == []


def test_few_red_cells_and_white_ones_have_no_say_in_it():
    assert sizes_apart([red(0.1), red(0.1), white(0.2), red(0.2, 4)]) == []
    assert sizes_apart([]) == []
