"""The eight difficulty classes: each holds what it promises, at any seed."""

from functools import cache

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.stain import STAINS

SIZE, PX_PER_UM = (190, 200), 4.5
SEEDS = range(5)


@cache
def draw(difficulty, seed, **options):
    return draw_difficulty(difficulty, seed=seed, **{"size": SIZE, "px_per_um": PX_PER_UM, **options})


def cut_cells(smear):
    frame = (smear.cells[0], smear.cells[-1], smear.cells[:, 0], smear.cells[:, -1])
    return set(np.unique(np.concatenate(frame))) - {0}


def cells_in_contact(smear):
    """Every cell that has a pixel of another beside one of its own."""
    found = set()
    for number in range(1, smear.cells.max() + 1):
        around = smear.cells[ndi.binary_dilation(smear.cells == number, np.ones((3, 3)))]
        if set(np.unique(around)) - {0, number}:
            found.add(number)
    return found


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_maps_agree(difficulty, seed):
    smear = draw(difficulty, seed)
    assert smear.image.shape == (*SIZE, 3)
    assert smear.image.dtype == np.uint8
    assert smear.difficulty == difficulty
    assert smear.stain in STAINS
    np.testing.assert_array_equal(smear.cells > 0, smear.classes > 0)
    np.testing.assert_array_equal(np.unique(smear.cells[smear.cells > 0]), np.arange(1, smear.cells.max() + 1))
    assert len(smear.cell_types) == len(smear.cnrs()) == smear.cells.max()


@pytest.mark.parametrize("seed", SEEDS)
class TestPromises:
    @pytest.mark.parametrize("difficulty", [1, 4, 5])
    def test_one_whole_cell_with_nucleus_and_cytoplasm(self, difficulty, seed):
        smear = draw(difficulty, seed)
        (ratio,) = smear.cnrs()
        assert ratio > 0
        assert not cut_cells(smear)
        y, x = ndi.center_of_mass(smear.cells > 0)
        assert np.hypot(y - SIZE[0] / 2, x - SIZE[1] / 2) / PX_PER_UM < 5

    def test_several_whole_cells_apart(self, seed):
        smear = draw(2, seed)
        assert smear.cells.max() >= 2
        assert not cut_cells(smear)
        gaps = [
            ndi.distance_transform_edt(smear.cells != n)[(smear.cells > 0) & (smear.cells != n)].min()
            for n in range(1, smear.cells.max() + 1)
        ]
        assert min(gaps) / PX_PER_UM > 1.5

    def test_half_cells_beside_a_whole_one(self, seed):
        smear = draw(3, seed)
        cut = cut_cells(smear)
        assert cut
        assert smear.cells.max() > len(cut)
        assert not cells_in_contact(smear)
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(smear.cnrs())) + 1, sorted(cut))

    def test_platelets_darken_the_glass_at_the_cell_but_belong_to_no_cell(self, seed):
        # the class map of the same cell without them is not changed by them
        smear = draw(5, seed, stain="wright-giemsa")
        dark = smear.image[..., 1] < 0.72 * np.percentile(smear.image[..., 1], 95)
        beside = ndi.binary_dilation(smear.cells > 0, iterations=5) & ~ndi.binary_dilation(smear.cells > 0)
        assert np.count_nonzero(dark & beside) / PX_PER_UM**2 > 0.3

    def test_smudge_is_nucleus_only(self, seed):
        smear = draw(6, seed)
        assert smear.cell_types == ("smudge",)
        assert set(np.unique(smear.classes)) == {0, 2}
        assert np.isnan(smear.cnrs()).all()
        assert 40 < np.count_nonzero(smear.classes) / PX_PER_UM**2 < 260

    def test_platelets_without_a_white_cell(self, seed):
        smear = draw(7, seed)
        assert not smear.classes.any()
        assert smear.cnrs() == ()

    def test_cells_in_contact(self, seed):
        smear = draw(8, seed)
        assert 2 <= smear.cells.max() <= 6
        assert cells_in_contact(smear) == set(range(1, smear.cells.max() + 1))


def test_difficult_cells_differ_in_what_makes_them_difficult():
    smears = [draw(4, seed) for seed in range(24)]
    ratios = [smear.cnrs()[0] for smear in smears]
    assert min(ratios) < 0.3  # a thin rim
    solid = [solidity(smear.cells > 0) for smear in smears]
    assert min(solid) < 0.88  # a pseudopod or thread
    assert len({smear.cell_types[0] for smear in smears}) >= 4
    assert any(smear.cell_types == ("blast",) for smear in smears)


def solidity(mask):
    from skimage.morphology import convex_hull_image

    return np.count_nonzero(mask) / np.count_nonzero(convex_hull_image(mask))


def test_clusters_have_two_to_six_cells():
    counts = {draw(8, seed).cells.max() for seed in range(20)}
    assert {2, 3, 4} <= counts <= {2, 3, 4, 5, 6}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_same_seed_same_bytes_other_seed_or_class_another_smear(difficulty):
    first, again, other = draw(difficulty, 3), draw.__wrapped__(difficulty, 3), draw(difficulty, 4)
    for name in ("image", "classes", "cells"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.image != other.image).any()
    assert (first.image != draw(difficulty % 8 + 1, 3).image).any()


@pytest.mark.parametrize("difficulty", [1, 4, 6, 8])
def test_areas_scale_with_the_resolution(difficulty):
    coarse, fine = draw(difficulty, 2), draw(difficulty, 2, size=tuple(2 * s for s in SIZE), px_per_um=2 * PX_PER_UM)
    assert coarse.cell_types == fine.cell_types
    for number in range(1, coarse.cells.max() + 1):
        ratio = np.count_nonzero(fine.cells == number) / np.count_nonzero(coarse.cells == number)
        assert ratio == pytest.approx(4, rel=0.03)
    assert np.mean(fine.classes[::2, ::2] == coarse.classes) > 0.98


def test_a_small_frame_still_holds_touching_cells():
    smear = draw(8, 0, size=(110, 110), px_per_um=5.9)
    assert len(cells_in_contact(smear)) >= 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: draw(0, 0), "1 to 8"),
        (lambda: draw(9, 0), "1 to 8"),
        (lambda: draw(1, -1), "seed"),
        (lambda: draw(1, 0, size=(0, 10)), "size"),
        (lambda: draw(1, 0, px_per_um=0), "resolution"),
        (lambda: draw(1, 0, stain="gram"), "stain"),
        (lambda: draw(2, 0, size=(60, 60)), "no room"),
    ],
)
def test_bad_input_is_one_sentence(call, says):
    with pytest.raises(LeukocyteError, match=says) as caught:
        call()
    assert str(caught.value).endswith(".")
