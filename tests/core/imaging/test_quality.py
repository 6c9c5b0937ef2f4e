"""Uneven light, clipped glass and cells out of focus, on smears drawn by hand."""

import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.imaging import quality
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.quality import blurred_cells, edge_width, glass_notes, look_at_glass

PIXEL_SIZE = 0.1
CELL, OTHER = (150, 150), (60, 220)


def disc(centre, radius, shape=(300, 300)):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def smear(*, glass=230.0, red_cells=((50, 60), (240, 60), (250, 240)), shape=(300, 300)):
    """Light (Y, X), class map and labels: two white cells, and red ones that the map knows nothing of."""
    light = np.full(shape, float(glass))
    for centre in red_cells:
        light[disc(centre, 35, shape)] *= 0.75
    classes, cells = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for number, centre in enumerate((CELL, OTHER), start=1):
        for value, radius, dark in ((1, 50, 0.85), (2, 35, 0.4)):
            place = disc(centre, radius, shape)
            classes[place], cells[place], light[place] = value, number, glass * dark
    return light, classes, cells


def picture(light, seed=0):
    """RGB uint8 with the lens's blur (0.15 um) and a camera's noise."""
    noise = np.random.default_rng(seed).normal(0, 2, (*light.shape, 3))
    sharp = ndimage.gaussian_filter(light, 0.15 / PIXEL_SIZE)
    return np.clip(np.round(sharp[..., None] + noise), 0, 255).astype(np.uint8)


def corners_darker(light, loss):
    y, x = (np.linspace(-1, 1, n) for n in light.shape)
    return light * (1 - loss * (y[:, None] ** 2 + x**2) / 2)


def glass(image, classes):
    return look_at_glass(image, find_conversion(image), classes)


@pytest.mark.parametrize("loss", [0.0, 0.15, 0.4])
def test_the_fall_of_the_light_is_measured(loss):
    light, classes, _ = smear()
    found = glass(picture(corners_darker(light, loss)), classes)
    assert found.uneven == pytest.approx(0.82 * loss, abs=0.04)  # the utmost corners are left out
    assert found.clipped == 0


def test_only_light_that_is_very_uneven_is_noted():
    light, classes, _ = smear()
    for loss, noted in ((0.1, 0), (0.4, 1)):
        image = picture(corners_darker(light, loss))
        notes = glass_notes(image, find_conversion(image), classes)
        assert [note.startswith("uneven light") for note in notes] == [True] * noted


@pytest.mark.parametrize(("level", "noted"), [(230, 0), (300, 1)])
def test_clipped_glass_is_noted(level, noted):
    light, classes, _ = smear(glass=level)
    image = picture(light)
    found = glass(image, classes)
    assert found.clipped == pytest.approx(noted, abs=0.01)
    assert len([note for note in glass_notes(image, find_conversion(image), classes) if "overexposed" in note]) == noted


def test_glass_clipped_by_a_camera_of_12_bit_is_noted():
    light, classes, _ = smear(glass=300)
    image = np.minimum(picture(light / 300 * 200).astype(np.uint16) * 20, 3800)
    assert glass(image, classes).clipped > 0.9
    assert glass(picture(light / 300 * 200).astype(np.uint16) * 20, classes).clipped < 0.1


def test_a_field_full_of_cells_has_no_glass_to_judge():
    light, classes, _ = smear()
    image = picture(light)
    assert np.isnan(glass(image, np.ones_like(classes))).all()
    assert glass_notes(image, find_conversion(image), np.ones_like(classes)) == []
    one_corner = np.ones_like(classes)
    one_corner[:60, :60] = 0
    assert np.isnan(glass(image, one_corner).uneven)


def test_a_large_field_is_looked_at_in_steps():
    light, classes, _ = smear()
    light, classes = corners_darker(light, 0.4), np.kron(classes, np.ones((6, 6), np.uint8))
    asked = []
    image = np.kron(picture(light), np.ones((6, 6, 1), np.uint8))
    conversion = find_conversion(image)
    found = look_at_glass(image, lambda window: asked.append(window.shape) or conversion(window), classes)
    assert found.uneven == pytest.approx(0.82 * 0.4, abs=0.04)
    assert [np.prod(shape[:2]) <= 100_000 for shape in asked] == [True]


def width(image, nucleus, pixel_size=PIXEL_SIZE):
    return edge_width(image, find_conversion(image), nucleus, (0, 0), pixel_size=pixel_size)


def test_the_width_of_an_edge_grows_with_its_blur_and_not_with_contrast_or_light():
    light, classes, cells = smear()
    nucleus = (classes == 2) & (cells == 1)
    widths = [width(picture(ndimage.gaussian_filter(light, um / PIXEL_SIZE)), nucleus) for um in (0, 0.2, 0.4, 0.6)]
    assert np.all(np.diff(widths) > 0.15)
    assert width(picture(light * 0.6), nucleus) == pytest.approx(widths[0], rel=0.1)
    assert width(picture(230 - (230 - light) * 0.6), nucleus) == pytest.approx(widths[0], rel=0.1)
    assert np.isnan(width(picture(light), np.zeros_like(nucleus)))


def whole_window_width(image, nucleus, pixel_size):
    """By the definition, everything found in the whole window."""
    light = find_conversion(image)(image).sum(axis=2, dtype=np.float32) / np.float32(3)
    fine, reach = max(0.5, 0.1 / pixel_size), 2 * round(1 / pixel_size) + 1
    slope = ndimage.gaussian_gradient_magnitude(light, fine) / pixel_size
    smooth = ndimage.gaussian_filter(light, fine)
    contrast = ndimage.maximum_filter(smooth, reach) - ndimage.minimum_filter(smooth, reach)
    apart = ndimage.distance_transform_edt(nucleus) + ndimage.distance_transform_edt(~nucleus)
    near = apart - 1 <= max(1, 0.4 / pixel_size)
    near &= contrast >= 0.5 * contrast[near].max()
    return float(np.percentile(contrast[near] / np.maximum(slope[near], 1e-6), 10))


@pytest.mark.parametrize("pixel_size", [0.05, 1 / 10.2, 0.1, 0.17, 0.25, 0.5])
@pytest.mark.parametrize("centre", [(75, 80), (6, 70), (149, 159)])
def test_what_lies_far_from_the_nucleus_changes_nothing(pixel_size, centre):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (150, 160, 3), np.uint8)
    nucleus = disc(centre, 17, image.shape[:2]) & (rng.random(image.shape[:2]) < 0.97)
    assert width(image, nucleus, pixel_size) == whole_window_width(image, nucleus, pixel_size)


def test_a_window_full_of_nucleus_has_no_edge():
    light, *_ = smear()
    assert np.isnan(width(picture(light), np.ones(light.shape, bool)))


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_the_rounds_that_are_left_out_would_change_nothing(loss, monkeypatch):
    light, classes, _ = smear()
    image = picture(corners_darker(light, loss))
    fits, real = [], quality._surface
    monkeypatch.setattr(quality, "_surface", lambda *given: fits.append(1) or real(*given))
    found = glass(image, classes)
    assert len(fits) < 5
    monkeypatch.setattr(quality.np, "array_equal", lambda *_: False)
    assert glass(image, classes) == found
    assert len(fits) > 5


def test_cells_out_of_focus_are_found_one_by_one():
    light, classes, cells = smear()
    blurred = ndimage.gaussian_filter(light, 0.55 / PIXEL_SIZE)
    light[cells == 2], sharp = blurred[cells == 2], light.copy()

    def found(light, classes=classes):
        image = picture(light)
        return blurred_cells(image, find_conversion(image), classes, cells, pixel_size=PIXEL_SIZE)

    assert found(sharp) == set()
    assert found(light) == {2}
    assert found(blurred) == {1, 2}
    assert found(blurred, np.minimum(classes, 1)) == set()  # no nucleus


@pytest.mark.parametrize("seen", [1.0, 0.3], ids=["all over", "a corner"])
def test_the_surface_of_the_light_is_that_of_least_squares(seen):
    random = np.random.default_rng(0)
    y, x = np.linspace(-1, 1, 50), np.linspace(-1, 1, 40)
    terms = np.stack(np.broadcast_arrays(1.0, y[:, None], x, y[:, None] ** 2, y[:, None] * x, x**2), axis=-1)
    light = (terms @ [-0.2, 0.1, 0.05, -0.3, 0.02, -0.1] + random.normal(0, 0.02, (50, 40))).astype(np.float32)
    glass = np.zeros((50, 40), bool)
    glass[: int(50 * seen), : int(40 * seen)] = random.random((int(50 * seen), int(40 * seen))) < 0.8
    expected = terms @ np.linalg.lstsq(terms[glass], light[glass], rcond=None)[0]
    np.testing.assert_allclose(quality._surface(light, glass, y, x), expected, atol=1e-7)
