"""What holds of every gesture, whatever the network says."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.session import GestureSession, load_gesture_model
from napari_leukocyte.core.interactive.stroke import KINDS, Stroke, class_under, covered
from napari_leukocyte.core.synthetic.smear import draw_field

RUNS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=2, size=(260, 330), px_per_um=5, n_cells=6)


@st.composite
def strokes(draw, shape=(260, 330)):
    y, x = draw(st.floats(0, shape[0] - 1)), draw(st.floats(0, shape[1] - 1))
    more = draw(st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), max_size=3))
    return Stroke(draw(st.sampled_from(KINDS)), [(y, x), *((y + b, x + a) for a, b in more)], draw(st.floats(0, 8)))


def discs(stroke, shape):
    return covered(stroke.line, stroke.radius, shape)


@RUNS
@given(stroke=strokes(), shown=st.integers(0, 2**6 - 1))
def test_only_the_cell_that_is_touched_changes(field, wild, stroke, shown):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    keep = np.array([False, *((shown >> i) & 1 for i in range(int(field.cells.max())))])
    cells = np.where(keep[field.cells], field.cells, 0).astype(np.int32)
    classes = np.where(cells > 0, field.classes, 0).astype(np.uint8)
    before = classes.copy(), cells.copy()
    change = session.follow(classes, cells, stroke)
    assert np.array_equal(classes, before[0])
    assert np.array_equal(cells, before[1])
    new, labels = classes.copy(), cells.copy()
    new[change.box], labels[change.box] = change.classes, change.cells
    covers = discs(stroke, new.shape)
    # labels and classes agree, values are those that there are
    assert np.array_equal(labels > 0, new > 0)
    assert set(np.unique(new)) <= {0, 1, 2}
    # no pixel goes from one cell to another; what is new goes to one cell
    assert ((labels == cells) | (labels == 0) | (cells == 0)).all()
    assert len(np.unique(labels[(cells == 0) & (labels > 0)])) <= 1
    # beneath the discs there is what was said
    if stroke.kind == "cell":
        assert (new[covers] > 0).all()
    else:
        assert (new[covers] == class_under(stroke.kind, binary=False)).all()
    # cells that were not touched are as they were, to the last pixel
    changed = set(np.unique(cells[(new != classes) & ~covers])) - {0}
    assert len(changed - set(np.unique(cells[covers]))) <= 1
    if stroke.kind == "background":
        assert changed <= set(np.unique(cells[covers]))
        assert (new[cells == 0] == 0).all()
    far = np.ones(new.shape, bool)
    far[change.box] = False
    assert np.array_equal(new[far], classes[far])


@RUNS
@given(stroke=strokes().filter(lambda stroke: stroke.kind in ("nucleus", "cytoplasm")))
def test_a_gesture_takes_away_nothing_of_what_it_says(field, wild, stroke):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    change = session.follow(field.classes, field.cells, stroke)
    said = class_under(stroke.kind, binary=False)
    assert (change.classes[field.classes[change.box] == said] == said).all()
    assert (change.classes[field.classes[change.box] > 0] > 0).all()


@RUNS
@given(given_strokes=st.lists(strokes(), min_size=1, max_size=3))
def test_the_same_gestures_give_the_same_map(field, wild, given_strokes):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    first = session.refine(field.classes, given_strokes, cells=field.cells)
    again = GestureSession(field.image, pixel_size=0.2, model=wild)
    second = again.refine(field.classes.copy(), list(given_strokes), cells=field.cells.copy())
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


@RUNS
@given(given_strokes=st.lists(strokes(), min_size=1, max_size=4))
def test_several_gestures_change_no_more_cells_than_they_are(field, wild, given_strokes):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    new, labels = session.refine(field.classes, given_strokes, cells=field.cells)
    freed = field.cells == 0
    for i, stroke in enumerate(given_strokes):
        if stroke.kind == "background":  # takes cells as they are by then: a gesture before it may have made one larger
            by_then = session.refine(field.classes, given_strokes[:i], cells=field.cells)[1] if i else field.cells
            freed |= np.isin(field.cells, np.unique(by_then[discs(stroke, new.shape)]))
    assert ((labels == field.cells) | (labels == 0) | (field.cells == 0) | freed).all()
    given_numbers = set(np.unique(field.cells).tolist())
    made = sorted(set(np.unique(labels).tolist()) - given_numbers)
    assert len(made) <= len(given_strokes)
    assert all(number > max(given_numbers) for number in made)
    under = np.any([discs(stroke, new.shape) for stroke in given_strokes], axis=0)
    changed = set(np.unique(field.cells[(new != field.classes) & ~under]).tolist()) - {0}
    assert len(changed - set(np.unique(field.cells[under]).tolist())) <= len(given_strokes)
    for number in given_numbers - changed - set(np.unique(field.cells[under]).tolist()) - {0}:
        own = field.cells == number
        assert np.array_equal(new[own], field.classes[own])
        assert (labels[own] == number).all()


@RUNS
@given(stroke=strokes())
def test_a_window_of_a_large_image_is_all_that_is_looked_at(field, wild, stroke):
    """What lies far away neither costs nor matters."""
    tall = np.concatenate([field.image, np.zeros((700, *field.image.shape[1:]), np.uint8)])
    classes = np.concatenate([field.classes, np.ones((700, field.classes.shape[1]), np.uint8)])
    other = classes.copy()
    other[900:] = 2
    session = GestureSession(tall, pixel_size=0.2, model=wild)
    one, two = (session.follow(c, None, stroke) for c in (classes, other))
    assert one.box == two.box
    assert one.box[0].stop - one.box[0].start <= 60 / 0.2 + 1
    assert np.array_equal(one.classes, two.classes)


def test_without_labels_the_cells_are_found(field, wild):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    stroke = Stroke("nucleus", np.argwhere(field.cells == 1).mean(axis=0))
    cells = label_cells(field.classes, pixel_size=0.2)
    assert np.array_equal(
        session.refine(field.classes, [stroke])[0], session.refine(field.classes, [stroke], cells=cells)[0]
    )


def test_earlier_gestures_that_the_map_follows_are_not_followed_again(field, wild):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    empty = np.zeros_like(field.classes)
    a, b = (Stroke("cell", np.argwhere(field.cells == n).mean(axis=0)) for n in (1, 2))
    after_a, cells_a = session.refine(empty, [a])
    by_hand = after_a.copy()
    by_hand[:3, :3] = 0
    together = session.refine(empty, [a, b])
    one_by_one = session.refine(after_a, [a, b], cells=cells_a)
    assert np.array_equal(together[0], one_by_one[0])
    assert np.array_equal(together[1], one_by_one[1])


def test_an_earlier_disc_keeps_its_class(field, wild):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    at = np.argwhere(field.cells == 1).mean(axis=0)
    first, second = Stroke("cytoplasm", at, 3), Stroke("cell", at + 6, 2)
    classes, cells = session.refine(field.classes, [first], cells=field.cells)
    change = session.follow(classes, cells, second, [first])
    classes[change.box] = change.classes
    assert (classes[discs(first, classes.shape)] == 1).all()


def test_a_binary_map_stays_binary(field, wild):
    session = GestureSession(field.image, pixel_size=0.2, model=wild, binary=True)
    for kind in KINDS:
        stroke = Stroke(kind, np.argwhere(field.cells == 1).mean(axis=0))
        assert session.refine(field.classes > 0, [stroke])[0].max() <= 1
    with pytest.raises(LeukocyteError, match="value 2"):
        session.refine(field.classes, [stroke])


def test_without_a_pixel_size_a_tenth_of_a_micrometre_is_taken_and_said(field, wild):
    session = GestureSession(field.image, model=wild)
    assert session.um == 0.1
    assert any("assumed" in note and "0.1" in note for note in session.notes)
    assert not any("assumed" in note for note in GestureSession(field.image, model=wild, pixel_size=0.2).notes)


@pytest.mark.parametrize("shape", [(2, 2), (3, 200), (9, 9)])
def test_small_images(wild, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    session = GestureSession(image, pixel_size=0.2, model=wild)
    new, _ = session.refine(np.zeros(shape, np.uint8), [Stroke("nucleus", (0, 0), 0)])
    assert new[0, 0] == 2


def test_errors_in_words(field, wild, wild_file, model):
    session = GestureSession(field.image, pixel_size=0.2, model=wild)
    with pytest.raises(LeukocyteError, match="same size"):
        session.refine(field.classes[:-1], [Stroke("cell", (3, 3))])
    with pytest.raises(LeukocyteError, match="same size"):
        session.follow(field.classes, field.cells[1:], Stroke("cell", (3, 3)))
    with pytest.raises(LeukocyteError, match="do not cover the same pixels"):
        session.refine(field.classes, [Stroke("cell", (3, 3))], cells=np.zeros_like(field.cells))
    for outside in ((-4, 3), (260, 3), (3, 330)):
        with pytest.raises(LeukocyteError, match="outside the image"):
            session.refine(field.classes, [Stroke("cell", outside)])
    with pytest.raises(LeukocyteError, match="more than any cell"):
        session.refine(field.classes, [Stroke("cell", [(3, 3), (3, 300)])])
    with pytest.raises(LeukocyteError, match="not plausible"):
        GestureSession(field.image, pixel_size=20, model=wild)
    with pytest.raises(LeukocyteError, match="follows no gestures"):
        load_gesture_model(model)
    from napari_leukocyte.core.segmentation.predictor import Predictor

    with pytest.raises(LeukocyteError, match="segments nothing by itself"):
        Predictor(wild_file)
