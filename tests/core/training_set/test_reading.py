"""Blind readings: their order, what is left of them, and the error within a reader that they show."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.blind_set import blind_images
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.intra_observer import intra_observer
from napari_leukocyte.core.training_set.reader import Reader
from napari_leukocyte.core.training_set.reading import begin_reading, end_reading, left_to_read, order_of, readings
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet

ANNA = "Anna Berg"


@given(n=st.integers(1, 60), share=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_every_image_comes_once_and_a_share_of_them_again_later(n, share, seed):
    images = [f"im-{i}" for i in range(n)]
    items = order_of(images, share=share, seed=seed)
    assert items == order_of(images[::-1], share=share, seed=seed)
    assert sorted(item.image for item in items if not item.repeat) == sorted(images)
    again = [item.image for item in items if item.repeat]
    assert len(again) == len(set(again)) == (0 if share == 0 else min(n, max(1, round(share * n))))
    for image in again:
        first, second = (place for place, item in enumerate(items) if item.image == image)
        assert (items[first].repeat, items[second].repeat) == (False, True)
        if len(again) <= n - 5:  # there is room for all of them
            assert second - first > 5


def test_the_order_is_drawn():
    images = [f"im-{i:02}" for i in range(30)]
    orders = [[item.image for item in order_of(images, seed=seed)] for seed in range(3)]
    assert orders[0] != orders[1] != orders[2]
    assert images not in orders


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(LeukocyteError, match="share"):
        order_of(["a"], share=share, seed=0)


@pytest.fixture
def filled(training_set, pixels):
    for i in range(10):
        training_set.add_image(pixels(i), name=f"patient7_{i}.png", group="patient 7")
    return training_set


def disc(radius):
    y, x = np.mgrid[:30, :40]
    distance = np.hypot(y - 15, x - 20)
    classes = np.where(distance <= 6, 2, np.where(distance <= radius, 1, 0)).astype(np.uint8)
    return Correction(classes, (classes > 0).astype(np.int32))


def test_a_reading_is_gone_on_with_where_it_stopped(filled):
    begun = begin_reading(filled, ANNA, filled.image_ids(), seed=3)
    assert len(begun.items) == 11
    listed = blind_images(filled, begun)
    sources, sets = listed.sources, listed.sets
    assert [source.label for source in sources] == [f"Image {i}" for i in range(1, 12)]
    for source, own in zip(sources[:4], sets[:4], strict=True):
        own.accept(own.find_image(source.read(), name=source.label), disc(10))
    (found,) = readings(TrainingSet.open(filled.folder), "anna  berg")
    assert found == begun
    assert left_to_read(filled, found) == list(begun.items[4:])
    left = blind_images(filled, found)
    assert left.read_before == 4
    assert [source.label for source in left.sources] == [f"Image {i}" for i in range(5, 12)]
    assert not check(filled.folder)
    assert readings(filled, "Boris") == []


def test_the_images_tell_nothing_of_themselves(filled):
    listed = blind_images(filled, begin_reading(filled, ANNA, filled.image_ids(), seed=1))
    for source, own in zip(listed.sources, listed.sets, strict=True):
        assert source.path is None
        assert "patient" not in f"{source.name} {source.label} {source.pixel_size}"
        image = filled.image(own.find_image(source.read(), name=source.label))
        np.testing.assert_array_equal(source.read(), filled.read_image(image.id))


def test_a_reading_sees_nothing_of_before_nor_of_its_other_pass(filled, draft):
    one = filled.image_ids()[0]
    plain = filled.as_reader(Reader(ANNA))
    plain.accept(one, disc(8))
    plain.drafts.save(one, draft())
    filled.drafts.save(one, draft(2))
    begun = begin_reading(filled, ANNA, [one], share=1, seed=0)
    first, second = (filled.as_reader(begun.who(repeat=again)) for again in (False, True))
    assert (first.current(one), first.drafts.read(one), first.drafts.kept(one)) == (None, None, ([], []))
    made = first.accept(one, disc(10))
    assert (made.by, made.reading, made.repeat) == (ANNA, begun.name, False)
    assert second.current(one) is None
    again = second.accept(one, disc(11))
    assert (again.reading, again.repeat) == (begun.name, True)
    # a repeat is neither the reader's mask nor does it train
    assert plain.current(one).number == filled.current(one).number == made.number
    assert [item.version for item in filled.items()] == [made.number]
    assert left_to_read(filled, begun) == []


def test_the_error_within_a_reader_is_that_of_the_formula(filled):
    begun = begin_reading(filled, ANNA, filled.image_ids(), share=0.5, seed=0)
    radii = {image: 10 + 0.5 * place for place, image in enumerate(begun.images)}
    cnr = {}
    for item in begun.items:
        correction = disc(radii[item.image] + (0.5 if item.repeat else 0))
        filled.as_reader(begun.who(repeat=item.repeat)).accept(item.image, correction)
        cnr[item] = np.count_nonzero(correction.classes == 1) / np.count_nonzero(correction.classes == 2)
    found = intra_observer(filled, begun)
    differences = np.array([math.log(cnr[one] / cnr[replace(one, repeat=False)]) for one in begun.items if one.repeat])
    assert (found.images, found.cells, found.one_only, found.unmatched) == (5, 5, 0, 0)
    assert found.cv == pytest.approx(math.sqrt(math.exp((differences**2).mean() / 2) - 1))
    assert found.bias == pytest.approx(math.exp(differences.mean()))
    assert math.log(found.high / found.low) == pytest.approx(2 * 1.96 * differences.std(ddof=1))
    assert f"CV of the CNR {100 * found.cv:.1f} %" in found.text


def test_a_cell_that_is_drawn_only_once_is_counted_apart(filled):
    one = filled.image_ids()[0]
    begun = begin_reading(filled, ANNA, [one], share=1, seed=0)
    empty = Correction(np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.int32))
    for again, mask in ((False, disc(10)), (True, empty)):
        filled.as_reader(begun.who(repeat=again)).accept(one, mask)
    found = intra_observer(filled, begun)
    assert (found.images, found.cells, found.unmatched) == (1, 0, 1)
    assert math.isnan(found.cv)
    assert "drawn only once" in found.text


def test_a_reading_ends_and_another_begins_under_another_name(filled):
    first = begin_reading(filled, ANNA, filled.image_ids()[:2])
    ended = end_reading(filled, first)
    assert ended.ended is not None
    assert readings(filled) == [ended]
    second = begin_reading(filled, ANNA, filled.image_ids()[:2])
    assert second.name != first.name


def test_a_damaged_reading_is_passed_over_and_nothing_begins_on_no_image(filled):
    begun = begin_reading(filled, ANNA, filled.image_ids())
    (filled.folder / "readings" / f"{begun.name}.json").write_text('{"format": 1')
    assert readings(filled) == []
    assert begin_reading(filled, ANNA, filled.image_ids()).name != begun.name
    with pytest.raises(LeukocyteError, match="no image"):
        begin_reading(filled, ANNA, [])
    with pytest.raises(LeukocyteError, match="no image"):
        begin_reading(filled, ANNA, ["nowhere-0123456789"])
