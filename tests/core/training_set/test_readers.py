"""Readers of one set never see or overwrite each other; what trains is of all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.study.readers import agreement
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.reader import NOBODY, Reader, check_reader, same_reader
from napari_leukocyte.core.training_set.reader_cells import cells_by_reader, reader_agreement, readers_of_sets
from napari_leukocyte.core.training_set.training_set import TrainingSet

ANNA, BORIS = Reader("Anna Berg"), Reader("Boris")


@pytest.fixture
def image(training_set, pixels):
    return training_set.add_image(pixels(), name="a.png")


@pytest.fixture
def sets(training_set):
    return training_set.as_reader(ANNA), training_set.as_reader(BORIS)


def test_masks_and_drafts_of_another_reader_are_not_there(sets, image, correction, draft, training_set):
    anna, boris = sets
    anna.drafts.save(image, draft(1, by="Anna Berg"))
    anna.accept(image, correction(1))
    assert (boris.versions(image), boris.current(image), boris.drafts.read(image)) == ([], None, None)
    assert (boris.drafts.kept(image), boris.drafts.has(image)) == (([], []), False)
    boris.drafts.save(image, draft(2, by="Boris"))
    second = boris.accept(image, correction(2))
    assert (second.number, second.by) == (2, "Boris")  # nothing of Anna's was overwritten
    np.testing.assert_array_equal(anna.read_mask(anna.current(image))[0], correction(1).classes)
    np.testing.assert_array_equal(anna.drafts.read(image).classes, draft(1).classes)
    boris.drafts.discard(image)
    assert anna.drafts.read(image).by == "Anna Berg"
    assert training_set.readers() == ["Anna Berg", "Boris"]
    assert not check(training_set.folder)


def test_both_may_draft_one_image_at_once_but_one_of_them_only_in_one_window(sets, image):
    anna, boris = sets
    with anna.drafts.claim(image), boris.drafts.claim(image), pytest.raises(LeukocyteError, match="another window"):
        TrainingSet.open(anna.folder).as_reader(Reader("anna  berg")).drafts.claim(image)


def test_a_reader_takes_back_own_masks_only(sets, image, correction, training_set):
    anna, boris = sets
    version = anna.accept(image, correction())
    with pytest.raises(LeukocyteError, match="another reader's"):
        boris.revoke(image, version.number)
    assert training_set.current(image).number == version.number
    anna.revoke(image, version.number)
    assert training_set.current(image) is None


def test_the_newest_mask_trains_whoever_read_it(sets, image, correction):
    anna, boris = sets
    for i, own in enumerate((boris, anna)):
        own.accept(image, correction(i))
    assert [item.version for item in anna.items()] == [item.version for item in boris.items()] == [2]


def test_what_has_no_name_is_offered_to_whoever_answers_first(sets, image, draft, training_set):
    training_set.drafts.save(image, draft(1))
    training_set.drafts.save(image, draft(2))
    anna, boris = sets
    (offered,), _ = anna.drafts.kept(image)  # and not the copy before it
    np.testing.assert_array_equal(offered.classes, draft(2).classes)
    anna.drafts.begin(image, offered)
    np.testing.assert_array_equal(anna.drafts.read(image).classes, draft(2).classes)
    assert boris.drafts.kept(image) == ([], [])
    assert not boris.drafts.has(image)
    assert training_set.drafts.has(image)  # where nobody in particular looks: Anna's
    assert not check(training_set.folder)


def test_a_mask_without_a_name_is_seen_by_all(sets, image, correction, training_set, monkeypatch):
    monkeypatch.setattr("napari_leukocyte.core.training_set.records.user_name", lambda: "")
    training_set.accept(image, correction())
    assert [own.current(image).number for own in sets] == [1, 1]


@given(st.text(min_size=1, max_size=70))
def test_a_name_is_a_folder_on_every_system_and_the_same_for_one_person(name):
    try:
        plain = check_reader(name)
    except LeukocyteError:
        return
    assert check_reader(plain) == plain
    folder = Reader(plain).folder
    assert folder.isascii()
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert Reader(f"  {plain} ").folder == folder
    assert same_reader(plain, f" {plain}")


def test_names_that_differ_have_folders_that_differ_and_a_reading_its_own():
    names = [
        Reader("李"),
        Reader("王"),
        Reader("a b"),
        Reader("a_b"),
        Reader("a b", "r-001"),
        Reader("a b", "r-001", True),
    ]
    assert len({one.folder for one in names}) == len(names)
    assert NOBODY.folder == ""


@pytest.mark.parametrize("name", ["", "   ", "a" * 61, "a\nb\x1b"])
def test_a_name_that_cannot_be_one_is_refused_in_words(name):
    with pytest.raises(LeukocyteError):
        check_reader(name)


def test_readers_of_a_set_are_compared_as_those_of_results(training_set, sets, pixels, correction):
    for i in range(3):
        image = training_set.add_image(pixels(i), name=f"{i}.png")
        for factor, own in enumerate(sets):
            own.accept(image, correction(i + factor))
    (found,) = reader_agreement(training_set)
    assert (found.first, found.second, found.cells) == ("Anna Berg", "Boris", 6)
    assert found.bias > 1  # Boris's first cells are taller
    plain, readers = readers_of_sets([training_set.folder, training_set.folder / "images"])
    assert plain == [training_set.folder / "images"]
    assert agreement(readers) == [found]
    assert list(cells_by_reader(training_set)) == ["Anna Berg", "Boris"]


def test_one_reader_is_too_few(training_set, sets, image, correction):
    sets[0].accept(image, correction())
    with pytest.raises(LeukocyteError, match="two readers"):
        reader_agreement(training_set)
