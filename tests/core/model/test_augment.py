from dataclasses import replace

import pytest
import torch

from napari_leukocyte.core.model.augment import AugmentParameters, augment, thesis_augmentation

NOTHING = AugmentParameters(
    rotation=0,
    shift=0,
    shear=0,
    zoom=0,
    flip=False,
    gain=0,
    offset=0,
    mixing=0,
    shading=0,
    cytoplasm=0,
    nucleus=0,
    background=0,
    texture=0,
    grey=0,
    blur=0,
    noise=0,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def smooth(n=4, size=48):
    """Windows of smooth colour, so that interpolation leaves little behind."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    return torch.stack([y, x, (y + 2 * x) / 3]).expand(n, 3, size, size).contiguous()


@pytest.mark.parametrize(("size", "out"), [(48, 32), (32, 32), (47, 31)])
def test_no_change_gives_the_centre(size, out):
    torch.manual_seed(0)
    image, target = torch.rand(2, 3, size, size), torch.rand(2, 4, size, size)
    got = augment(image, target, out, NOTHING, seeded())
    at = slice((size - out) // 2, (size - out) // 2 + out)
    for before, after in zip((image, target), got, strict=True):
        torch.testing.assert_close(after, before[..., at, at], atol=1e-4, rtol=0)


@pytest.mark.parametrize("parameters", [AugmentParameters(), thesis_augmentation()])
def test_equal_seeds_give_equal_windows(parameters):
    image = torch.rand(4, 3, 24, 24, generator=seeded())
    first, again, other = (augment(image, image, 16, parameters, seeded(s)) for s in (5, 5, 6))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.allclose(first[1], other[1])


def test_image_and_target_move_together():
    geometry = replace(AugmentParameters(), gain=0, offset=0, mixing=0, shading=0, grey=0, blur=0, noise=0)
    both = torch.rand(6, 3, 48, 48, generator=seeded())
    image, target = augment(both, both, 32, geometry, seeded(1))
    assert torch.equal(image, target)
    assert not torch.allclose(image, both[..., 8:40, 8:40], atol=0.05)


def test_colour_leaves_the_target_alone():
    colour = replace(NOTHING, gain=0.3, offset=0.08, mixing=0.15, grey=0.3, blur=0.5, noise=0.5)
    both = torch.rand(6, 3, 24, 24, generator=seeded())
    image, target = augment(both, both, 16, colour, seeded(1))
    torch.testing.assert_close(target, both[..., 4:20, 4:20], atol=1e-4, rtol=0)
    assert all(float((i - t).abs().max()) > 0.02 for i, t in zip(image, target, strict=True))


def test_thesis_augmentation_changes_no_colour():
    image = torch.rand(1, 3, 1, 1, generator=seeded()).expand(8, 3, 48, 48).contiguous()
    got, _ = augment(image, image, 32, thesis_augmentation(), seeded(3))
    torch.testing.assert_close(got, image[..., :32, :32], atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_everything_stays_in_range_and_shares_still_sum_to_one(seed):
    strong = AugmentParameters(
        zoom=1.0,
        shear=0.5,
        shift=0.3,
        gain=0.8,
        offset=0.5,
        cytoplasm=0.5,
        nucleus=0.5,
        background=0.5,
        texture=0.5,
        grey=0.5,
        blur=0.5,
        noise=1.0,
    )
    image = torch.randint(2, (8, 3, 36, 36), generator=seeded(seed)).float()
    target = torch.softmax(5 * torch.randn(8, 4, 36, 36, generator=seeded(seed)), dim=1)
    got, share = augment(image, target, 24, strong, seeded(seed))
    for values, channels in ((got, 3), (share, 4)):
        assert values.shape == (8, channels, 24, 24)
        assert float(values.min()) >= 0
        assert float(values.max()) <= 1
    torch.testing.assert_close(share.sum(dim=1), torch.ones(8, 24, 24))


def test_each_window_differs():
    got, _ = augment(smooth(), smooth(), 32, AugmentParameters(blur=0, noise=0, grey=0), seeded(4))
    for i in range(3):
        assert float((got[i] - got[i + 1]).abs().mean()) > 0.01


@pytest.mark.parametrize(
    "name", ["rotation", "shift", "shear", "zoom", "flip", "gain", "offset", "mixing", "shading", "noise"]
)
def test_each_switch_does_something_alone(name):
    value = {"rotation": 90.0, "flip": True, "noise": 1.0}.get(name, 0.3)
    got, _ = augment(smooth(), smooth(), 32, replace(NOTHING, **{name: value}), seeded(2))
    assert float((got - smooth()[..., 8:40, 8:40]).abs().max()) > 0.02


def test_blur_and_grey():
    sharp = torch.rand(4, 3, 32, 32, generator=seeded())
    blurred, _ = augment(sharp, sharp, 32, replace(NOTHING, blur=1.0), seeded(1))
    assert float(blurred.std()) < 0.8 * float(sharp.std())
    assert float(blurred.mean()) == pytest.approx(float(sharp.mean()), abs=0.01)
    grey, _ = augment(sharp, sharp, 32, replace(NOTHING, grey=1.0), seeded(1))
    torch.testing.assert_close(grey, grey[:, :1].expand_as(grey))
    assert (grey[:, 0] >= sharp.amin(dim=1) - 1e-4).all()
    assert (grey[:, 0] <= sharp.amax(dim=1) + 1e-4).all()


def test_shading_changes_the_corners_and_not_the_middle():
    even = torch.full((8, 3, 33, 33), 0.5)
    shaded, _ = augment(even, even, 33, replace(NOTHING, shading=0.3), seeded(1))
    torch.testing.assert_close(shaded[:, :, 16, 16], even[:, :, 16, 16])
    corners = -torch.log(shaded[:, :, 0, 0] / 0.5)
    assert corners.abs().max() <= 0.3
    assert corners.abs().min() > 0
    torch.testing.assert_close(corners, -torch.log(shaded[:, :, -1, -1] / 0.5))


def cell_windows(n=16, *, nucleus=True):
    """Glass with a square cell: colours of its cytoplasm and nucleus, and the shares of the classes."""
    glass, cytoplasm, chromatin = (
        torch.tensor(c)[:, None, None] for c in ((0.9, 0.8, 0.7), (0.7, 0.5, 0.6), (0.3,) * 3)
    )
    target = torch.zeros(4, 32, 32)
    target[0] = 1
    for channel, at in ((1, slice(6, 26)), (2, slice(12, 20))):
        if channel == 1 or nucleus:
            target[:, at, at] = 0
            target[channel, at, at] = 1
    image = target[0] * glass + target[1] * cytoplasm + target[2] * chromatin
    return image.expand(n, 3, 32, 32).contiguous(), target.expand(n, 4, 32, 32).contiguous()


@pytest.mark.parametrize(
    ("name", "channel", "at", "lowest", "highest"),
    [("cytoplasm", 1, 8, 0.3 * 0.75, 1.7 * 1.25), ("nucleus", 2, 16, 0.6 * 0.7, 1.4 * 1.3)],
)
def test_only_one_class_takes_up_another_amount_of_stain(name, channel, at, lowest, highest):
    image, target = cell_windows()
    got, share = augment(image, target, 32, replace(NOTHING, **{name: 1.0}), seeded(1))
    torch.testing.assert_close(share, target, atol=1e-4, rtol=0)
    own = (target[:, channel : channel + 1] > 0.5).expand_as(image)
    torch.testing.assert_close(got[~own], image[~own], atol=1e-3, rtol=0)
    glass = image[0, :, 0, 0]
    before, after = (torch.log(glass / windows[:, :, at, at]) for windows in (image, got))
    factor = after / before
    assert lowest - 0.01 < float(factor.min()) < 0.75
    assert 1.2 < float(factor.max()) < highest + 0.01
    assert all(float(own.max() - own.min()) > 0.01 for own in factor)  # the channels apart


def test_masks_without_a_nucleus_and_windows_that_chance_leaves_out_keep_their_cytoplasm():
    image, target = cell_windows(nucleus=False)  # as a whole-cell mask has it
    got, _ = augment(image, target, 32, replace(NOTHING, cytoplasm=1.0), seeded(1))
    torch.testing.assert_close(got, image, atol=1e-3, rtol=0)
    image, target = cell_windows(n=64)
    got, _ = augment(image, target, 32, replace(NOTHING, cytoplasm=0.5), seeded(1))
    changed = (got - image).abs().amax(dim=(1, 2, 3)) > 0.01
    assert 16 < int(changed.sum()) < 48


def test_flip_mirrors_left_to_right_only():
    got, _ = augment(smooth(32), smooth(32), 32, replace(NOTHING, flip=True), seeded(1))
    centre = smooth(1)[0, :, 8:40, 8:40]
    plain = torch.isclose(got, centre, atol=1e-3).flatten(1).all(dim=1)
    mirrored = torch.isclose(got, centre.flip(-1), atol=1e-3).flatten(1).all(dim=1)
    assert bool((plain ^ mirrored).all())
    assert 6 <= int(mirrored.sum()) <= 26


def test_shift_and_zoom_are_in_the_units_promised():
    # the channel x runs over 48 px; a shift of s windows of 32 px moves it by 32 s px at most
    step = 1 / 47
    shifted, _ = augment(smooth(64), smooth(64), 32, replace(NOTHING, shift=0.1), seeded(1))
    moved = (shifted[:, 1, 16, 16] - smooth(1)[0, 1, 24, 24]) / step
    assert 2.5 < float(moved.abs().max()) <= 3.2 + 1e-3
    zoomed, _ = augment(smooth(64), smooth(64), 32, replace(NOTHING, zoom=0.5), seeded(1))
    magnification = step * 20 / (zoomed[:, 1, 16, 26] - zoomed[:, 1, 16, 6])
    assert 1 / 1.5 - 1e-3 <= float(magnification.min()) < 0.75
    assert 1.35 < float(magnification.max()) <= 1.5 + 1e-3


def strewn_windows(n=64):
    """As `cell_windows`, with a red square beside the cell; where white cells lie."""
    image, target = cell_windows(n)
    image[:, :, 28:31, 4:28] = torch.tensor((0.8, 0.5, 0.45))[:, None, None]
    return image, target, (target[:, :1] < 0.5).expand_as(image)


@pytest.mark.parametrize("name", ["background", "texture"])
def test_changes_of_the_background_leave_white_cells_and_masks_alone(name):
    image, target, cell = strewn_windows()
    got, share = augment(image, target, 32, replace(NOTHING, **{name: 1.0}), seeded(1))
    torch.testing.assert_close(share, target, atol=1e-4, rtol=0)
    torch.testing.assert_close(got[cell], image[cell], atol=1e-3, rtol=0)
    changed = ((got - image).abs() * ~cell).amax(dim=(1, 2, 3))
    assert (changed > 0.01).float().mean() > 0.9
    assert float(got.min()) >= 0
    assert float(got.max()) <= 1


@pytest.mark.parametrize("name", ["background", "texture"])
def test_chance_says_how_many_backgrounds_change_and_the_seed_which(name):
    image, target, _ = strewn_windows(200)

    def changed(probability, seed):
        got, _ = augment(image, target, 32, replace(NOTHING, **{name: probability}), seeded(seed))
        return got, (got - image).abs().amax(dim=(1, 2, 3)) > 1e-3

    assert not changed(0.0, 1)[1].any()
    assert changed(1.0, 1)[1].float().mean() > 0.95
    some, which = changed(0.4, 1)
    assert float(which.float().mean()) == pytest.approx(0.4, abs=0.1)
    assert torch.equal(some, changed(0.4, 1)[0])
    assert not torch.equal(which, changed(0.4, 2)[1])


def test_red_cells_are_restained_within_the_limits_and_glass_stays():
    image, target, _ = strewn_windows(200)
    got, _ = augment(image, target, 32, replace(NOTHING, background=1.0), seeded(1))
    torch.testing.assert_close(got[..., 1, 1], image[..., 1, 1], atol=1e-3, rtol=0)
    glass = image[0, :, 0, 0]
    before, after = (torch.log(glass / windows[:, :, 29, 16]) for windows in (image, got))
    factor = after / before
    assert 0.4 * 0.67 - 0.01 < float(factor.min()) < 0.45
    assert 2.3 < float(factor.max()) < 2.5 * 1.33 + 0.01
    assert float((factor.amax(dim=1) / factor.amin(dim=1)).median()) > 1.1  # the channels apart


def test_nothing_is_known_nothing_is_restained():
    image, target, _ = strewn_windows(16)
    target = torch.zeros_like(target)
    got, _ = augment(image, target, 32, replace(NOTHING, background=1.0, cytoplasm=1.0, texture=1.0), seeded(1))
    torch.testing.assert_close(got, image, atol=1e-3, rtol=0)


def test_texture_ripples_brightens_in_dots_and_differs_between_windows():
    image = torch.full((64, 3, 64, 64), 0.5)
    target = torch.zeros(64, 4, 64, 64)
    target[:, 0] = 1
    got, _ = augment(image, target, 64, replace(NOTHING, texture=1.0), seeded(1))
    density = -torch.log(got / 0.5)
    assert float(density.max()) > 0.1  # darker
    assert float(density.min()) < -0.5  # a bright dot
    ripple = density.mean(dim=1).flatten(1).std(dim=1)
    assert float(ripple.max()) > 3 * float(ripple.min())
    assert float(torch.corrcoef(density.mean(dim=1).flatten(1))[0, 1:].abs().median()) < 0.5


def test_extreme_colours_stay_finite_and_in_range():
    image = torch.randint(2, (8, 3, 32, 32), generator=seeded()).float()
    target = torch.zeros(8, 4, 32, 32)
    target[:, 0] = 1
    got, _ = augment(image, target, 32, replace(NOTHING, background=1.0, texture=1.0), seeded(1))
    assert bool(torch.isfinite(got).all())
    assert float(got.min()) >= 0
    assert float(got.max()) <= 1
