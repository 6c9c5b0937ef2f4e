import numpy as np
import pytest

from napari_leukocyte.core.model.drawn import DRAWN, STAIN_KEPT_OUT, drawn_samples
from napari_leukocyte.core.synthetic import difficulty
from napari_leukocyte.core.synthetic.stain import STAINS, blend_stains


def test_drawn_samples_have_exact_masks_at_the_working_resolution():
    samples = drawn_samples(3, seed=0, pixel_size=1 / 6, soft=True)
    assert [sample.image.shape for sample in samples] == [(288, 288, 3)] * 3
    assert all(sample.source == DRAWN and not sample.whole_cell for sample in samples)
    assert all((sample.target[c] > 128).any() for sample in samples for c in (1, 2))
    assert ((samples[0].target > 20) & (samples[0].target < 235)).any()  # soft outlines
    hard = drawn_samples(1, seed=0, pixel_size=1 / 6, soft=False)[0]
    assert set(np.unique(hard.target)) == {0, 255}


def test_a_sample_depends_on_seed_and_number_alone():
    few, more, other = (drawn_samples(n, seed=s, pixel_size=0.5, soft=True) for n, s in ((1, 3), (2, 3), (1, 4)))
    np.testing.assert_array_equal(few[0].image, more[0].image)
    assert not np.array_equal(few[0].image, other[0].image)


@pytest.mark.parametrize("more", [(), ("rapid",)])
def test_stains_kept_out_are_never_drawn_and_all_classes_are(monkeypatch, more):
    kept_out = (STAIN_KEPT_OUT, *more)
    drawn = []
    real = difficulty.draw_difficulty

    def watched(kind, **given):
        drawn.append((kind, given["stain"]))
        return real(1, seed=given["seed"], size=(160, 160), px_per_um=4)

    monkeypatch.setattr("napari_leukocyte.core.model.drawn.draw_difficulty", watched)
    drawn_samples(40, seed=0, pixel_size=0.5, soft=False, **({"stains_kept_out": kept_out} if more else {}))
    assert {kind for kind, _ in drawn} == set(range(1, 9))
    stains = {stain for _, stain in drawn}
    assert stains == set(STAINS) - set(kept_out)


def test_blended_stains_have_the_share_asked_for_and_change_no_other_sample():
    def drawn(blended):
        return drawn_samples(6, seed=0, pixel_size=0.5, soft=False, blended=blended)

    usual, some, all_of_them = (drawn(share) for share in (0.0, 0.5, 1.0))
    same = [np.array_equal(a.image, b.image) for a, b in zip(usual, some, strict=True)]
    assert 1 <= sum(same) <= 5
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(usual, all_of_them, strict=True))
    for a, b in zip(usual, all_of_them, strict=True):
        np.testing.assert_array_equal(a.target, b.target)


def test_a_blend_is_made_of_the_stains_that_may_be_drawn(monkeypatch):
    asked = []

    def watched(rng, names):
        asked.append(set(names))
        return blend_stains(rng, names)

    monkeypatch.setattr("napari_leukocyte.core.model.drawn.blend_stains", watched)
    drawn_samples(2, seed=0, pixel_size=0.5, soft=False, blended=1.0, stains_kept_out=(STAIN_KEPT_OUT, "rapid"))
    assert asked == [set(STAINS) - {STAIN_KEPT_OUT, "rapid"}] * 2


def test_none_are_drawn_when_none_are_asked_for():
    assert drawn_samples(0, seed=0, pixel_size=0.2, soft=True) == []


def test_the_stain_kept_out_is_one_that_can_be_drawn():
    smear = difficulty.draw_difficulty(1, seed=0, size=(160, 160), px_per_um=4, stain=STAIN_KEPT_OUT)
    assert smear.stain == STAIN_KEPT_OUT
