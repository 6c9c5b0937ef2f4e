"""What made each pixel of a class map."""

import numpy as np
import pytest

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.live import LiveCells
from napari_leukocyte.core.cells.origin import (
    MAKERS,
    Origin,
    OriginMap,
    check_makers,
    maker_of_file,
    origin_in_words,
)
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize

SHAPE = (40, 50)


@pytest.fixture
def classes():
    """One cell of 20 x 20 px with a nucleus of 6 x 6."""
    classes = np.zeros(SHAPE, np.uint8)
    classes[10:30, 10:30] = 1
    classes[16:22, 16:22] = 2
    return classes


def live_on(classes, *given):
    origin = OriginMap(classes, *given)
    return LiveCells(classes, label_cells(classes), pixel_size=PixelSize(0.25, "typed"), origin=origin)


def test_counts_follow_brush_gesture_and_what_is_as_it_began(classes):
    live = live_on(classes)
    assert live.origin.count(live.classes) == Origin({"model": 400})
    now = classes.copy()
    for rows in (slice(0, 3), slice(3, 6)):  # one stroke, followed in two bits
        now[rows, 0:10] = 1
        live.follow(now)
    live.origin.end_stroke()
    now[10:14, 10:30] = 0
    live.follow(now, "gesture")
    live.origin.end_stroke()
    assert live.origin.count(live.classes) == Origin(
        {"brush": 60, "gesture": 80, "model": 320}, {"brush": 1, "gesture": 1}
    )
    now[0:3, 0:10] = 0  # the brush makes it as it was
    live.follow(now)
    assert live.origin.count(live.classes) == Origin(
        {"brush": 30, "gesture": 80, "model": 320}, {"brush": 2, "gesture": 1}
    )


def test_an_undo_gives_the_maker_before_back_and_a_redo_the_one_after(classes):
    live = live_on(classes)
    first, second = classes.copy(), classes.copy()
    first[0:6, 0:10] = 1
    second[0:6, 0:10] = 2
    live.follow(first)
    live.origin.end_stroke()
    live.follow(second, "gesture")
    live.origin.end_stroke()
    both = live.origin.count(live.classes)
    assert (both.pixels["brush"], both.pixels["gesture"]) == (0, 60)
    live.follow_undo(first, back=True)
    assert live.origin.count(live.classes) == Origin({"brush": 60, "model": 400}, {"brush": 1})
    live.follow_undo(second, back=False)
    assert live.origin.count(live.classes) == both
    live.follow_undo(first, back=True)
    live.follow_undo(classes, back=True)
    assert live.origin.count(live.classes) == Origin({"model": 400})


def test_what_was_imported_is_so_again_when_it_is_as_imported(classes):
    imported = np.where(classes > 0, MAKERS.index("import"), 0).astype(np.uint8)
    live = live_on(classes, imported, {"gesture": 3})
    now = classes.copy()
    now[10:12, 10:30] = 0
    live.follow(now, "gesture")
    live.origin.end_stroke()
    assert live.origin.count(now) == Origin({"import": 360, "gesture": 40}, {"gesture": 4})
    live.follow(classes)
    assert live.origin.count(classes) == Origin({"import": 400}, {"gesture": 4, "brush": 1})


@pytest.mark.parametrize(
    ("pixels", "by_gestures"),
    [
        ({"gesture": 10, "model": 5000}, True),
        ({"gesture": 10, "brush": 9}, True),
        ({"gesture": 10, "brush": 6, "import": 4}, False),
        ({"gesture": 10, "unknown": 10}, False),
        ({}, False),
    ],
)
def test_a_mask_is_the_gestures_where_they_made_more_than_hands(pixels, by_gestures):
    assert Origin(pixels).by_gestures is by_gestures


@pytest.mark.parametrize(
    "origin",
    [
        Origin(),
        Origin({"model": 5}),
        Origin({"gesture": 300, "brush": 20, "import": 7, "unknown": 1, "model": 2}, {"gesture": 1, "brush": 2}),
        Origin({}, {"brush": 1}),
    ],
)
def test_the_words_are_read_back(origin):
    read = origin_in_words(origin.text)
    assert read == (None if origin == Origin() else origin)


@pytest.mark.parametrize("text", ["", "nothing", "brush", "wand 20 px", "brush 20 px in 2 strokes; more"])
def test_other_words_are_none(text):
    assert origin_in_words(text) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (({"wand": 3}, {}), "made by 'wand'"),
        (({"brush": -1}, {}), "give a whole number from 0"),
        (({"brush": 1.5}, {}), "give a whole number from 0"),
        (({"brush": True}, {}), "give a whole number from 0"),
        (({}, {"model": 1}), "made by 'model'"),
    ],
)
def test_what_is_no_count_is_refused(given, words):
    with pytest.raises(LeukocyteError, match=words):
        Origin(*given)


@pytest.mark.parametrize(
    "makers", [np.zeros((3, 4), np.uint8), np.full(SHAPE, 9, np.uint8), np.full(SHAPE, -1), np.zeros(SHAPE)]
)
def test_what_is_no_map_of_makers_is_refused(makers):
    with pytest.raises(LeukocyteError, match="made each pixel"):
        check_makers(makers, SHAPE)


@pytest.mark.parametrize(
    ("given", "maker"),
    [
        ({"model": "", "edited": True, "made_with": ""}, "import"),
        ({"model": "", "edited": True, "made_with": "brush 9 px in 1 stroke"}, "import"),
        ({"model": "default", "edited": False, "made_with": ""}, "model"),
        ({"model": "default", "edited": True, "made_with": "drawn"}, "unknown"),
        ({"model": "default", "edited": True, "made_with": "gesture 9 px in 1 stroke, model 500 px"}, "gesture"),
        ({"model": "", "edited": True, "made_with": "gesture 9 px in 1 stroke, import 8 px"}, "gesture"),
    ],
)
def test_a_file_is_put_down_to_what_it_says(given, maker):
    assert maker_of_file(**given) == maker
