"""Stains: those that are named, and those that are made up between them."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.stain import BLEND, STAINS, Stain, blend_stains, choose_stain

COMPONENTS = [field.name for field in fields(Stain) if field.name not in ("ghosts", "relief", "name")]


def colours(stain):
    return np.array([getattr(stain, name) for name in COMPONENTS])


def blends(n, names):
    return [blend_stains(np.random.default_rng(seed), names) for seed in range(n)]


def test_a_blend_lies_about_between_two_stains_and_each_is_another():
    names = ("giemsa", "rapid")
    made = np.array([colours(stain) for stain in blends(200, names)])
    assert len(np.unique(made[:, 1:].reshape(200, -1), axis=0)) == 200
    low, high = (f(colours(STAINS["giemsa"]), colours(STAINS["rapid"])) for f in (np.minimum, np.maximum))
    assert (made[:, 0] >= low[0]).all()
    assert (made[:, 0] <= high[0]).all()
    middle = np.median(made, axis=0)
    assert (middle > 0.75 * low).all()
    assert (middle < 1.35 * high).all()
    beyond = (made.min(axis=0)[1:] < low[1:]) & (made.max(axis=0)[1:] > high[1:])
    assert beyond.mean() > 0.8


def test_a_blend_knows_only_the_stains_that_are_named():
    assert not any(stain.ghosts for stain in blends(40, ("giemsa", "wright-giemsa")))
    assert {stain.ghosts for stain in blends(40, ("giemsa", "rapid"))} == {True, False}


def test_a_smear_is_drawn_in_a_stain_of_ones_own():
    stain = blend_stains(np.random.default_rng(5), list(STAINS))
    given = {"seed": 2, "size": (160, 160), "px_per_um": 4}
    one, again = (draw_difficulty(1, stain=stain, **given) for _ in range(2))
    assert one.stain == BLEND
    np.testing.assert_array_equal(one.image, again.image)
    other = draw_difficulty(1, stain="rapid", **given)
    np.testing.assert_array_equal(one.classes, other.classes)
    assert not np.array_equal(one.image, other.image)
    # a nucleus is darker than the glass in any stain
    assert one.image[one.classes == 2].mean() < one.image[one.classes == 0].mean() - 30


def test_a_stain_varies_from_slide_to_slide_around_itself():
    drawn = np.array([colours(choose_stain(np.random.default_rng(seed), STAINS["rapid"])) for seed in range(200)])
    assert (drawn.std(axis=0) > 0.002).all()
    np.testing.assert_allclose(np.median(drawn, axis=0)[1:], colours(STAINS["rapid"])[1:], rtol=0.1)


def test_an_unknown_stain_is_named():
    with pytest.raises(LeukocyteError, match=r"'gram'.*wright-giemsa"):
        choose_stain(np.random.default_rng(0), "gram")


def rings(stain):
    """Mean brightness of the upper and lower half of the outer micrometre of one round cell, and of all else."""
    smear = draw_difficulty(1, seed=11, size=(240, 240), px_per_um=8, stain=stain)
    cell = smear.classes > 0
    depth = distance_transform_edt(cell) / 8
    ring = cell & (depth < 0.8)
    y = np.arange(240)[:, None] - np.argwhere(cell).mean(axis=0)[0]
    image = smear.image.mean(axis=2)
    return image[ring & (y < -3)].mean(), image[ring & (y > 3)].mean(), image[~cell].mean()


def test_relief_darkens_the_outline_of_white_cells_on_its_own_side_only():
    flat = rings(STAINS["giemsa"])
    down = rings(replace(STAINS["giemsa"], relief=(0.3, 0.3, 0.0)))
    up = rings(replace(STAINS["giemsa"], relief=(0.3, -0.3, 0.0)))
    assert down[1] < flat[1] - 10
    assert up[0] < flat[0] - 10
    assert down[1] < down[0] - (flat[0] - flat[1]) - 10
    assert up[0] < up[1] - (flat[1] - flat[0]) - 10
    np.testing.assert_allclose([down[2], up[2]], flat[2], atol=1)


def test_named_stains_are_flat_and_about_half_of_the_blends_are_not():
    assert not any(any(stain.relief) for stain in STAINS.values())
    share = np.mean([any(stain.relief) for stain in blends(200, list(STAINS))])
    assert 0.4 < share < 0.6
