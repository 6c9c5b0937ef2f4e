"""Notes of a run over many images: one line for each kind, with the images that have it."""

import random

import pytest

from napari_leukocyte.plugin.segment.run_notes import lines_of_notes


def test_a_kind_of_note_is_said_once_with_its_range_and_its_images():
    notes = [
        ("a.png", "overexposed: 99 % of the glass is at the top value"),
        ("b.png", "pixel size doubtful: no red cell"),
        ("c.png", "overexposed: 100 % of the glass is at the top value"),
        ("d.png", "overexposed: 76.5 % of the glass is at the top value"),
        ("e.png", "overexposed: 88 % of the glass is at the top value"),
    ]
    assert lines_of_notes(notes) == [
        "overexposed: 76.5–100 % of the glass is at the top value (4 images: a.png, c.png, d.png, and 1 more)",
        "pixel size doubtful: no red cell (b.png)",
    ]


def test_numbers_in_the_names_of_images_are_none_of_the_note():
    assert lines_of_notes([("crop 7.png", "blurred"), ("crop 8.png", "blurred")]) == [
        "blurred (2 images: crop 7.png, crop 8.png)"
    ]


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_has_one_line_and_no_image_is_lost(seed):
    draw = random.Random(seed)
    kinds = ["dim: {} %", "blurred", "{} of {} cells out of focus", "left out: {}"]
    notes = []
    for number in range(draw.randrange(1, 40)):
        for kind in draw.sample(kinds, draw.randrange(0, 4)):
            notes.append((f"image {number}", kind.format(draw.randrange(100), draw.randrange(100))))
    lines = lines_of_notes(notes)
    beginnings = {kind.partition("{")[2].partition("}")[2] if "{" in kind else kind for kind in kinds}
    assert len(lines) <= len(beginnings)
    for kind in kinds:
        words = kind.split("{}")[-1].strip() or kind.split("{}")[0]
        named = {name for name, note in notes if words in note}
        of_kind = [line for line in lines if words in line]
        assert len(of_kind) == bool(named)
        assert all(f"({len(named)} images" in line or len(named) == 1 for line in of_kind)
