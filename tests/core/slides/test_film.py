"""What a patch of film is told to be: drawn smears as they are, blurred, and laid over each other."""

import numpy as np
import pytest
from drawn_slides import draw, slide_of
from scipy import ndimage
from slide_files import pyramid

from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.slides.film import PATCH_UM, Place, look_at_patches, places_of
from napari_leukocyte.core.slides.level import Level
from napari_leukocyte.core.slides.map_picture import PLACE_COLOURS, draw_map, place_colours
from napari_leukocyte.core.slides.overview import Overview, conversion_of, look_over
from napari_leukocyte.core.slides.slide import make_slide
from napari_leukocyte.core.synthetic.smear import draw_field

UM = 0.5
SIDE = round(4 * PATCH_UM / UM)  # four patches


@pytest.fixture(scope="module")
def fields():
    """Three fields, one of them crowded with red cells, as light over that of the glass."""
    images = [draw_field(seed=seed, size=(SIDE, SIDE), px_per_um=1 / UM, n_cells=2).image for seed in (1, 3, 9)]
    return [image / np.percentile(image, 97, axis=(0, 1)) for image in images]


def overview_of(light):
    picture = np.clip(240 * light, 0, 255).round().astype(np.uint8)
    slide = slide_of(picture, um=UM)
    *_, overview = look_over(slide, conversion_of(slide), pixel_size=UM)
    assert isinstance(overview, Overview)
    return overview


def test_a_drawn_field_is_a_single_layer_in_focus(fields):
    for light in fields:
        places = overview_of(light).places
        assert places.shape == (4, 4)
        assert np.isin(places, (Place.FEATHERED, Place.MONOLAYER)).mean() > 0.9


def test_blurred_it_is_out_of_focus(fields):
    for light in fields[:2]:
        places = overview_of(ndimage.gaussian_filter(light, (4 / UM, 4 / UM, 0))).places
        assert (places == Place.BLURRED).mean() > 0.7
        assert not np.isin(places, (Place.FEATHERED, Place.MONOLAYER)).all()


def test_blurred_beside_a_sharp_single_layer_it_is_not_thick(fields):
    crowded = max(fields, key=lambda light: float((light.mean(axis=-1) < 0.9).mean()))
    soft = ndimage.gaussian_filter(crowded, (4 / UM, 4 / UM, 0))
    places = overview_of(np.concatenate([soft, crowded], axis=1)).places
    assert (places[:, :3] == Place.BLURRED).mean() > 0.7
    assert not (places == Place.THICK).any()


def test_layers_on_each_other_beside_a_single_one_are_thick(fields):
    crowded = max(fields, key=lambda light: float((light.mean(axis=-1) < 0.9).mean()))
    thick = crowded * np.roll(crowded, (37, 81), axis=(0, 1)) * np.roll(crowded, (91, 23), axis=(0, 1))
    places = overview_of(np.concatenate([thick, crowded], axis=1)).places
    assert (places[:, :3] == Place.THICK).mean() > 0.8
    assert not (places[:, 5:] == Place.THICK).any()


def test_a_white_cell_alone_is_no_glass_wherever_it_lies():
    side = 64
    for shift in (0, 8, 16, 32):
        light = np.ones((2 * side, 2 * side), np.float32)
        y, x = np.mgrid[: 2 * side, : 2 * side]
        light[np.hypot(y - side - shift, x - side) < 5.5] = 0.5
        places = places_of(look_at_patches(light, side, um=1.0))
        assert places[min(1, (side + shift) // side), 1] != Place.GLASS


def test_dust_and_noise_on_glass_are_glass():
    light = 1 + np.random.default_rng(0).normal(0, 0.01, (256, 256)).astype(np.float32)
    light[100:103, 100:103] = 0.4
    assert (places_of(look_at_patches(light, 64, um=1.0)) == Place.GLASS).all()


def test_a_clump_of_white_cells_is_no_thick_film(fields):
    light = np.ones((5 * 64, 5 * 64), np.float32)
    y, x = np.mgrid[: 5 * 64, : 5 * 64]
    for row in range(10, 310, 16):
        for column in range(10, 310, 16):
            light[np.hypot(y - row, x - column) < 4] = 0.75
    light[128:192, 128:192] = 0.3  # one patch, full
    assert not (places_of(look_at_patches(light, 64, um=1.0)) == Place.THICK).any()


def test_dark_nuclei_are_not_cut_off_by_a_coarse_level_that_does_not_show_them():
    picture = draw((640, 640), [(200, 200, 20), (400, 420, 18)], red_cells=200)[..., 0].astype(np.uint16) * 16
    levels = [Level(one, "YX", name="a.tif") for one in pyramid(picture, 6)]
    conversion = conversion_of(make_slide("a.tif", levels, PixelSize(UM, "test")))
    assert conversion.low == 0
    assert conversion.high == pytest.approx(245 * 16, rel=0.02)
    assert conversion(picture)[200, 200, 0] == pytest.approx(20 / 245, abs=0.01)


def test_the_map_has_a_colour_and_a_line_for_each_place_and_a_dot_for_each_cell():
    places = np.repeat(np.arange(5, dtype=np.uint8)[None], 4, axis=0)
    overview = Overview(places, (100.0, 100.0), np.full((32, 40, 3), 220, np.uint8), (400, 500))
    plain, dotted = draw_map(overview), draw_map(overview, [(200.0, 250.0)])
    assert plain.size == dotted.size
    assert plain.size[0] >= 600
    dot = dotted.getpixel((plain.size[0] // 2, round(plain.size[0] * 0.4)))
    assert sum(dot) < sum(plain.getpixel((plain.size[0] // 2, round(plain.size[0] * 0.4))))
    seen = {colour for _, colour in plain.getcolors(10**6)}
    assert set(PLACE_COLOURS.values()) <= seen  # the key
    assert place_colours(places)[0, :, 3].tolist() == [0, 255, 255, 255, 255]
    assert overview.place_at(-5, 9999) == Place.BLURRED
    assert sum(overview.shares().values()) == pytest.approx(1)
    assert overview.wanted(whole_film=True).sum() > overview.wanted(whole_film=False).sum()
