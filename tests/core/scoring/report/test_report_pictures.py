import io

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.colours import DIFFERENCE_PALETTES, PAPER_COLOURS
from napari_leukocyte.core.scoring.report.pictures import (
    class_picture,
    colour_difference,
    in_band,
    photograph,
    thesis_difference,
)

TRUTH = np.array([[0, 0, 1, 1, 2, 2]], np.uint8)
PREDICTION = np.array([[0, 1, 0, 2, 2, 1]], np.uint8)
BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (128, 128, 128)


def pixels(picture):
    image = Image.open(io.BytesIO(picture.content))
    assert image.size == (picture.width, picture.height)
    return [tuple(pixel) for pixel in np.asarray(image.convert("RGB"))[0].tolist()]


def in_colour(code):
    return tuple(round(255 * part) for part in DIFFERENCE_PALETTES["colour-blind safe"][code][:3])


def test_thesis_difference():
    three = pixels(thesis_difference(PREDICTION, TRUTH, whole_cell=False))
    assert three == [BLACK, WHITE, WHITE, WHITE, BLACK, WHITE]
    cell = pixels(thesis_difference(PREDICTION, TRUTH, whole_cell=True))
    assert cell == [BLACK, WHITE, GREY, BLACK, BLACK, BLACK]


def test_kinds_of_error():
    band = np.array([[0, 0, 0, 0, 0, 1]], bool)
    drawn = pixels(colour_difference(PREDICTION, TRUTH, band, whole_cell=False))
    assert drawn[1:4] == [in_colour(1), in_colour(2), in_colour(3)]
    assert drawn[5] == in_colour(4)
    # what is correct shows a trace of the truth
    assert drawn[0] == WHITE
    assert drawn[4] != WHITE
    cell = pixels(colour_difference(PREDICTION, TRUTH, band, whole_cell=True))
    assert cell[5] == cell[4]


def test_class_map_with_band():
    band = np.array([[0, 1, 1, 0, 0, 1]], bool)
    background, cytoplasm, nucleus = (PAPER_COLOURS[value] for value in range(3))
    assert pixels(class_picture(TRUTH)) == [background] * 2 + [cytoplasm] * 2 + [nucleus] * 2
    assert pixels(class_picture(TRUTH, band)) == [
        *(background, in_band(background), in_band(cytoplasm), cytoplasm, nucleus, in_band(nucleus))
    ]


@pytest.mark.parametrize("shape", [(900, 2000), (2000, 900), (721, 3), (720, 720)])
def test_large_pictures_are_made_smaller_alike(shape):
    photo, classes = photograph(np.zeros((*shape, 3), np.uint8)), class_picture(np.zeros(shape, np.uint8))
    assert (photo.width, photo.height) == (classes.width, classes.height)
    assert max(photo.width, photo.height) <= 720


def lightness(colour):
    """CIE L* of an 8-bit colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.asarray(colour) / 255]
    return 116 * np.cbrt(np.dot(linear, [0.2126, 0.7152, 0.0722])) - 16


@pytest.mark.parametrize(
    "colours",
    [
        list(PAPER_COLOURS.values()),
        [in_band(colour) for colour in PAPER_COLOURS.values()],
        [WHITE, *(in_colour(code) for code in (1, 2, 3, 4))],
    ],
)
def test_colours_stay_apart_in_a_grey_print(colours):
    steps = np.diff(np.sort([lightness(colour) for colour in colours]))
    assert steps.min() > 8
