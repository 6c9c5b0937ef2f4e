import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.origin import MAKERS, Origin
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.draft import Draft, correction_of
from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.fixture
def image(training_set, pixels):
    return training_set.add_image(pixels(), name="a.png")


def assert_same(one: Draft, other: Draft) -> None:
    assert {**vars(one), "classes": 0, "cells": 0} == {**vars(other), "classes": 0, "cells": 0}
    np.testing.assert_array_equal(one.classes, other.classes)
    np.testing.assert_array_equal(one.cells, other.cells)


def test_a_draft_comes_back_whole_after_reopening(training_set, image, draft):
    given = draft(
        remarks={300: frozenset({Flag.NOT_A_WBC_PLATELET})},
        types={300: "smudge", 301: "Haarzelle"},
        saved=datetime(2026, 3, 4, 12, 4, 31, 250, UTC),
        parent=3,
        model="Färbung A",
        model_sha256="cd" * 32,
        pixels_changed=5,
        labels_edited=True,
        pixel_size=PixelSize(0.1, "estimated from 2 cells", estimated=True, shared=True, doubt="no red cell"),
        difficulty=8,
    )
    training_set.drafts.save(image, given)
    assert_same(TrainingSet.open(training_set.folder).drafts.read(image), given)
    accepted = training_set.accept(image, correction_of(given))
    assert accepted.facts == given.facts


def test_there_are_the_newest_and_the_one_before_in_one_file_each(training_set, image, draft):
    assert training_set.drafts.read(image) is None
    assert not training_set.drafts.has(image)
    for i in range(4):
        training_set.drafts.save(image, draft(i))
    folder = training_set.folder / "drafts" / image
    assert sorted(path.name for path in folder.iterdir()) == ["previous.tif", "working.tif"]
    for name, seed in (("working.tif", 3), ("previous.tif", 2)):
        np.testing.assert_array_equal(tifffile.imread(folder / name, key=0), draft(seed).classes)
        np.testing.assert_array_equal(tifffile.imread(folder / name, key=1), draft(seed).cells)
    training_set.drafts.discard(image)
    assert training_set.drafts.read(image) is None
    training_set.drafts.discard(image)


@pytest.mark.parametrize("damage", ["cut", "empty", "one byte", "gone"])
def test_a_damaged_working_copy_falls_back_and_says_so(training_set, image, draft, damage):
    older, newer = draft(0, saved=datetime(2026, 3, 4, 12, 4, 1, tzinfo=UTC)), draft(1)
    training_set.drafts.save(image, older)
    training_set.drafts.save(image, newer)
    working = training_set.folder / "drafts" / image / "working.tif"
    content = working.read_bytes()
    if damage == "gone":  # stopped between the two renames: the copy before is the newest one that was saved
        working.unlink()
    elif damage == "one byte":
        with tifffile.TiffFile(working) as tiff:
            place = tiff.pages[1].dataoffsets[0] + tiff.pages[1].databytecounts[0] // 2
        working.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
    else:
        working.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    found = training_set.drafts.read(image)
    assert_same(found, older if damage == "gone" else Draft(**{**vars(older), "note": found.note}))
    if damage == "gone":
        assert found.note == ""
    else:
        assert found.note.startswith("The newest draft cannot be read, so this is the one before it, of 12:04:01: ")
    (working.with_name("previous.tif")).write_bytes(b"no")
    if damage != "gone":
        with pytest.raises(LeukocyteError, match=r"working\.tif is damaged"):
            training_set.drafts.read(image)


def same(found, *given):
    return [(one.saved, one.classes.tobytes()) for one in found] == [
        (one.saved, one.classes.tobytes()) for one in given
    ]


def test_a_draft_that_is_not_continued_is_set_aside_and_one_that_is_comes_back(training_set, image, draft):
    first, second, third = (draft(i) for i in range(3))
    folder = training_set.folder / "drafts" / image
    training_set.drafts.save(image, draft(5))
    training_set.drafts.save(image, first)
    training_set.drafts.begin(image)
    assert training_set.drafts.read(image) is None
    assert training_set.drafts.has(image)
    assert [path.name for path in folder.iterdir()] == ["kept-0001.tif"]  # the state before it is not asked about
    training_set.drafts.save(image, second)
    training_set.drafts.begin(image, second)  # it is the one that is gone on with
    assert same([training_set.drafts.read(image)], second)
    training_set.drafts.begin(image)
    training_set.drafts.save(image, third)
    assert same(training_set.drafts.kept(image)[0], second, first)
    assert check(training_set.folder) == []
    training_set.drafts.begin(image, first)
    assert same([training_set.drafts.read(image)], first)
    assert same(training_set.drafts.kept(image)[0], third, second)
    assert training_set.drafts.drop_kept(image, third)
    assert not training_set.drafts.drop_kept(image, third)
    training_set.drafts.discard(image)
    assert same(training_set.drafts.kept(image)[0], second)


def test_the_copy_before_a_damaged_draft_is_set_aside_or_continued(training_set, image, draft):
    older = draft(0)
    for continued in (None, older):
        training_set.drafts.save(image, older)
        training_set.drafts.save(image, draft(1))
        (training_set.folder / "drafts" / image / "working.tif").write_bytes(b"no")
        training_set.drafts.begin(image, continued)
        if continued is None:
            assert same(training_set.drafts.kept(image)[0], older)
        else:
            assert same([training_set.drafts.read(image)], older)
            assert training_set.drafts.read(image).note == ""


def test_a_damaged_draft_that_was_set_aside_is_said(training_set, image, draft):
    training_set.drafts.save(image, draft(0))
    training_set.drafts.begin(image)
    training_set.drafts.save(image, draft(1))
    training_set.drafts.begin(image)
    (training_set.folder / "drafts" / image / "kept-0002.tif").write_bytes(b"no")
    drafts, (problem,) = training_set.drafts.kept(image)
    assert same(drafts, draft(0, saved=drafts[0].saved))
    assert "kept-0002.tif is damaged" in problem
    assert ["kept-0002.tif" in str(one) for one in check(training_set.folder)] == [True]


def dying(real, calls, step):
    def call(*args, **options):
        if next(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)

    return call


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is killed")
def test_setting_aside_that_is_killed_at_any_step_loses_no_draft(tmp_path, pixels, draft):
    first, second = draft(0), draft(1)
    for step in range(10):
        made = TrainingSet.create(tmp_path / f"set-{step}")
        image = made.add_image(pixels(), name="a.png")
        made.drafts.save(image, first)
        made.drafts.begin(image)
        made.drafts.save(image, draft(2))
        made.drafts.save(image, second)
        child = os.fork()
        if child == 0:
            calls = itertools.count()
            os.replace = dying(os.replace, calls, step)
            Path.unlink = dying(Path.unlink, calls, step)
            made.drafts.begin(image, first)
            os._exit(0)
        ended = os.waitpid(child, 0)[1] == 0
        there = [made.drafts.read(image), *made.drafts.kept(image)[0]]
        found = {one.classes.tobytes() for one in there if one is not None}
        assert found >= {first.classes.tobytes(), second.classes.tobytes()}, step
        if ended:
            break
    assert ended
    assert step >= 3


def test_a_draft_that_was_saved_later_is_not_discarded(training_set, image, draft):
    training_set.drafts.save(image, draft(0, saved=datetime(2026, 3, 4, 12, 0, 1, tzinfo=UTC)))
    training_set.drafts.discard(image, datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC))
    assert training_set.drafts.has(image)
    training_set.drafts.discard(image, datetime(2026, 3, 4, 12, 0, 1, tzinfo=UTC))
    assert not training_set.drafts.has(image)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_full_disk_leaves_the_draft_before(training_set, image, draft, monkeypatch, moment):
    training_set.drafts.save(image, draft(0))
    training_set.drafts.save(image, draft(1))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, moment, full)
        with pytest.raises(LeukocyteError, match="no space left"):
            training_set.drafts.save(image, draft(2))
    assert_same(training_set.drafts.read(image), draft(1, saved=training_set.drafts.read(image).saved))
    assert not any(path.name.startswith(".") for path in (training_set.folder / "drafts" / image).iterdir())
    training_set.drafts.save(image, draft(3))
    np.testing.assert_array_equal(training_set.drafts.read(image).classes, draft(3).classes)


def test_a_draft_that_does_not_fit_is_refused(training_set, image, draft, maps):
    classes, cells = maps(shape=(30, 41))
    with pytest.raises(LeukocyteError, match="nothing is resized"):
        training_set.drafts.save(image, draft(classes=classes, cells=cells))
    with pytest.raises(LeukocyteError, match="time zone"):
        training_set.drafts.save(image, draft(saved=datetime(2026, 1, 1)))
    assert not training_set.drafts.has(image)


def test_an_image_has_one_window(training_set, image, pixels):
    other = training_set.add_image(pixels(1), name="b.png")
    second = TrainingSet.open(training_set.folder)
    with training_set.drafts.claim(image) as claim:
        assert claim.image == image
        with pytest.raises(LeukocyteError, match="is being corrected in another window"):
            second.drafts.claim(image)
        second.drafts.claim(other).release()
    claim.release()  # once more does nothing
    second.drafts.claim(image).release()


_HOLDER = """
import sys
from napari_leukocyte.core.training_set.training_set import TrainingSet

training_set = TrainingSet.open(sys.argv[1])
claim = training_set.drafts.claim(training_set.image_ids()[0])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_program_that_dies_lets_go(training_set, image):
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, training_set.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LeukocyteError, match="another window"):
            training_set.drafts.claim(image)
        holder.kill()
    training_set.drafts.claim(image).release()


def test_a_draft_keeps_what_made_each_pixel(training_set, image, draft):
    given = draft(made_with=Origin({}, {"gesture": 4}))
    makers = np.where(given.classes > 0, MAKERS.index("gesture"), 0).astype(np.uint8)
    training_set.drafts.save(image, replace(given, makers=makers))
    back = TrainingSet.open(training_set.folder).drafts.read(image)
    np.testing.assert_array_equal(back.makers, makers)
    assert back.facts.made_with == Origin({"gesture": np.count_nonzero(makers)}, {"gesture": 4})
    accepted = training_set.accept(image, correction_of(back))
    assert accepted.facts.by_gestures
    training_set.drafts.save(image, given)
    assert training_set.drafts.read(image).makers is None
