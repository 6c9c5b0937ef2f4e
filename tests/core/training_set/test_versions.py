import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.origin import MAKERS, Origin, origin_in_words
from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set import json_files
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.fixture
def image(training_set, pixels):
    return training_set.add_image(pixels(), name="a.png")


def test_everything_that_was_accepted_comes_back(training_set, image, correction):
    given = correction(
        remarks={3: frozenset({Flag.NOT_A_WBC_SMUDGE, Flag.EDITED}), 300: frozenset()},
        model="default",
        model_sha256="ab" * 32,
        pixels_changed=17,
        pixel_size=0.098,
        pixel_size_source="typed",
        difficulty=4,
        cnr_before={3: 1.5, 300: None},
        cnr_after={3: float("nan"), 300: 0.25},
        parent=2,
        by="Ada Ü.",
        labels_edited=True,
    )
    accepted = training_set.accept(image, given)
    version = TrainingSet.open(training_set.folder).current(image)
    assert version == accepted
    for name in ("model", "model_sha256", "pixels_changed", "pixel_size", "difficulty"):
        assert getattr(version.facts, name) == getattr(given.facts, name)
    facts = version.facts
    assert (facts.parent, version.by, facts.labels_edited, facts.whole_cell) == (2, "Ada Ü.", True, False)
    assert version.facts.remarks == {3: {Flag.NOT_A_WBC_SMUDGE, Flag.EDITED}}
    assert version.cnr_before == {3: 1.5, 300: None}
    assert version.cnr_after == {3: None, 300: 0.25}
    classes, cells = training_set.read_mask(version)
    np.testing.assert_array_equal(classes, given.classes)
    np.testing.assert_array_equal(cells, given.cells)
    assert (classes.dtype, cells.dtype) == (np.uint8, np.int32)


@pytest.mark.parametrize(("source", "resolution"), [("assumed: no cell was found", None), ("layer scale", 0.1)])
def test_an_estimated_pixel_size_is_kept_but_not_as_the_resolution_of_the_files(
    training_set, image, correction, source, resolution
):
    version = training_set.accept(image, correction(pixel_size=0.1, pixel_size_source=source))
    assert (version.facts.pixel_size.um, version.facts.pixel_size.source) == (0.1, source)
    for path in (version.path, version.cells_path):
        size = read_image(path).pixel_size
        assert size is None if resolution is None else size == pytest.approx(resolution, rel=1e-4)
        stated = read_provenance(path)
        assert (stated["pixel_size_um"], stated["pixel_size_source"]) == ("0.1", source)


def test_any_viewer_shows_the_mask_in_its_colours(training_set, image, correction):
    version = training_set.accept(image, correction())
    with Image.open(version.path) as stored, Image.open(version.cells_path) as cells:
        assert stored.mode == "P"
        assert stored.convert("RGB").getpixel((5, 5)) == MASK_COLOURS[2]
        assert cells.mode == "I;16"
    assert version.path.name == "0001.png"
    assert version.cells_path.name == "0001_cells.png"


@pytest.mark.parametrize(
    ("fields", "edited"),
    [
        ({"model": "default"}, False),
        ({"model": "default", "pixels_changed": 1}, True),
        ({"model": "default", "labels_edited": True}, True),
        ({"model": ""}, True),
    ],
)
def test_an_output_accepted_as_it_is_is_unedited(training_set, image, correction, fields, edited):
    assert training_set.accept(image, correction(**fields)).facts.edited is edited


def test_versions_are_added_never_replaced(training_set, image, correction, files):
    training_set.accept(image, correction(0))
    before = files(training_set.folder)
    second = training_set.accept(image, correction(1))
    after = files(training_set.folder)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 3
    assert [version.number for version in training_set.versions(image)] == [1, 2]
    assert training_set.current(image) == second


def test_revoking_can_be_undone_and_changes_no_mask(training_set, image, correction, files):
    first, second = (training_set.accept(image, correction(i)) for i in range(2))
    before = files(training_set.folder)
    assert training_set.revoke(image, 2).revoked
    assert training_set.current(image) == first
    training_set.revoke(image, 1)
    assert training_set.current(image) is None
    assert [version.revoked for version in training_set.versions(image)] == [True, True]
    for number in (1, 2):
        training_set.restore(image, number)
    assert training_set.current(image) == second
    assert files(training_set.folder) == before
    with pytest.raises(LeukocyteError, match="no accepted mask number 3"):
        training_set.revoke(image, 3)
    third = training_set.accept(image, correction(2))
    assert third.number == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"classes": np.full((30, 40), 3, np.uint8)}, "the value 3"),
        ({"classes": np.zeros((5, 5), np.uint8)}, "nothing is resized unasked"),
        ({"cells": np.zeros((30, 40), np.int32)}, "do not cover the same pixels"),
        ({"cells": np.ones((30, 41), np.int32)}, "must have the same size"),
        ({"whole_cell": True}, "0 background, 1 cell"),
        ({"difficulty": 9}, "difficulty class is 1 to 8"),
        ({"pixel_size": 0.0}, "pixel size of 0.0"),
        ({"pixels_changed": -1}, "below 0"),
    ],
)
def test_what_is_no_mask_of_the_image_is_refused_and_leaves_nothing(
    training_set, image, correction, files, change, sentence
):
    before = files(training_set.folder)
    with pytest.raises(LeukocyteError, match=sentence):
        training_set.accept(image, correction(**change))
    assert files(training_set.folder) == before


def test_a_full_disk_leaves_nothing_and_costs_no_number(training_set, image, correction, full_disk, files):
    before = files(training_set.folder)
    full_disk()
    with pytest.raises(LeukocyteError, match="no space left on the device"):
        training_set.accept(image, correction())
    assert files(training_set.folder) == before
    full_disk(False)
    assert training_set.accept(image, correction()).number == 1


def test_a_disk_that_fills_up_before_the_record_leaves_nothing(training_set, image, correction, monkeypatch, files):
    before = files(training_set.folder)

    def full(path, content):
        with atomic_path(path):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_leukocyte.core.training_set.versions.write_json", full)
    with pytest.raises(LeukocyteError, match="no space left"):
        training_set.accept(image, correction())
    assert files(training_set.folder) == before


def test_a_read_only_set_can_be_read_and_says_so_when_it_is_written(
    training_set, image, correction, draft, read_only, pixels
):
    training_set.accept(image, correction())
    training_set.drafts.save(image, draft())
    opened = TrainingSet.open(read_only(training_set.folder))
    assert opened.problems == ()
    assert opened.items()[0].read().image.shape == (30, 40, 3)
    assert opened.drafts.read(image) is not None
    assert check(opened.folder) == []
    for write in (
        lambda: opened.accept(image, correction(1)),
        lambda: opened.drafts.save(image, draft(1)),
        lambda: opened.drafts.discard(image),
        lambda: opened.revoke(image, 1),
        lambda: opened.hold_out([image]),
        lambda: opened.set_excluded(image, "x"),
        lambda: opened.add_image(pixels(1), name="b.png"),
    ):
        with pytest.raises(LeukocyteError, match=r"(?i)permission denied|read-only"):
            write()
    assert opened.current(image).number == 1


@pytest.mark.parametrize("written", [(), ("0001.png",), ("0001.png", "0001_cells.png")])
def test_an_interrupted_accept_is_passed_over_and_its_number_not_used(training_set, image, correction, written):
    version = training_set.accept(image, correction())
    folder = version.path.parent
    kept = {name: (folder / name).read_bytes() for name in written}
    for path in folder.iterdir():
        path.unlink()
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    opened = TrainingSet.open(training_set.folder)
    assert opened.versions(image) == []
    assert opened.items() == []
    assert opened.accept(image, correction(1)).number == (2 if written else 1)
    problems = check(training_set.folder)
    assert len(problems) == len(written)
    for problem in problems:
        assert problem.harmless
        assert "accepting it was interrupted" in problem.what


_ACCEPTER = """
import sys
import numpy as np
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet

training_set = TrainingSet.open(sys.argv[1])
(image,) = training_set.image_ids()
print("ready", flush=True)
sys.stdin.readline()
for i in range(20):
    classes = np.full((30, 40), 1, np.uint8)
    classes.flat[int(sys.argv[2]) * 20 + i] = 2
    version = training_set.accept(image, Correction(classes, np.ones((30, 40), np.int32)))
    training_set.revoke(image, version.number)
    print(version.number, int(classes.argmax()), flush=True)
"""


def test_two_programs_at_once_get_numbers_of_their_own(training_set, image):
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", _ACCEPTER, training_set.folder, str(i)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    for program in programs:  # both go
        program.stdin.write("\n")
        program.stdin.flush()
    said = [line.split() for program in programs for line in program.communicate()[0].splitlines()]
    assert [program.returncode for program in programs] == [0, 0]
    placed = {int(number): int(pixel) for number, pixel in said}
    assert sorted(placed) == list(range(1, 41))
    for version in training_set.versions(image):
        assert version.revoked
        assert training_set.read_mask(version)[0].argmax() == placed[version.number]
    assert check(training_set.folder) == []


def test_a_number_that_another_window_just_took_is_passed_by(training_set, image, correction, monkeypatch):
    real = type(training_set._layout).version_files
    monkeypatch.setattr(type(training_set._layout), "version_files", lambda *_: iter(()))  # as if it looked too early
    numbers = [training_set.accept(image, correction(i)).number for i in range(3)]
    assert numbers == [1, 2, 3]
    monkeypatch.setattr(type(training_set._layout), "version_files", real)
    assert len(training_set.versions(image)) == 3


def test_a_damaged_record_is_passed_over_in_words(training_set, image, correction):
    first, second = (training_set.accept(image, correction(i)) for i in range(2))
    record = second.path.with_suffix(".json")
    whole = json.loads(record.read_text())
    for content, sentence in (
        (record.read_bytes()[:-40], "is damaged"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"[]", "no JSON object"),
        (b'{"format": 1, "a": ' + b"[" * 100_000, "is damaged"),
        (json.dumps({**whole, "by": "a\0b"}).encode(), "as 'by'"),
        (json.dumps({**whole, "pixels_changed": 10**30}).encode(), "as 'pixels_changed'"),
        (json.dumps({**whole, "cnr_after": {"9" * 5000: 1}}).encode(), "as 'cnr_after'"),
        (json.dumps({**whole, "when": "0001-01-01T00:00:00+14:00"}).encode(), "as 'when'"),
        (json.dumps({**whole, "format": json_files.FORMAT + 1}).encode(), "newer napari-leukocyte"),
        (json.dumps({**whole, "difficulty": 12}).encode(), "states 12 as 'difficulty'"),
        (json.dumps({**whole, "remarks": {"3": ["smudgy"]}}).encode(), "'remarks'"),
        (json.dumps({key: one for key, one in whole.items() if key != "whole_cell"}).encode(), "'whole_cell'"),
    ):
        record.write_bytes(content)
        opened = TrainingSet.open(training_set.folder)
        assert opened.current(image) == first
        (problem,) = opened.problems
        assert sentence in problem
        assert str(record) in problem


def test_a_binary_mask_is_kept_as_one(training_set, image, maps):
    classes, cells = maps()
    version = training_set.accept(image, Correction((classes > 0).astype(np.uint8), cells, MaskFacts(whole_cell=True)))
    assert training_set.items()[0].whole_cell
    np.testing.assert_array_equal(training_set.read_mask(version)[0], classes > 0)


def made_by(classes):
    """Brush made the first row, a gesture the rest."""
    makers = np.where(classes > 0, MAKERS.index("gesture"), 0).astype(np.uint8)
    makers[0] = MAKERS.index("brush")
    return makers


def test_what_made_each_pixel_comes_back_counted(training_set, image, correction):
    given = correction(made_with=Origin({}, {"brush": 2, "gesture": 1}))
    given = replace(given, makers=made_by(given.classes))
    gesture = np.count_nonzero(given.classes[1:])
    counted = Origin({"brush": given.classes.shape[1], "gesture": gesture}, {"brush": 2, "gesture": 1})
    version = training_set.accept(image, given)
    (again,) = TrainingSet.open(training_set.folder).versions(image)
    assert version == again
    assert (again.facts.made_with, again.facts.by_gestures) == (counted, True)
    np.testing.assert_array_equal(training_set.read_makers(again), given.makers)
    assert origin_in_words(read_provenance(again.path)["made_with"]) == counted
    (item,) = training_set.items()
    assert (item.edited, item.by_gestures, item.is_proof) == (True, True, False)
    assert check(training_set.folder) == []


def test_a_version_that_does_not_say_what_made_it_is_a_hands(training_set, image, correction):
    version = training_set.accept(image, correction())
    assert (version.facts.made_with, version.facts.by_gestures) == (None, False)
    assert training_set.read_makers(version) is None
    assert not version.makers_path.exists()


def test_a_map_of_makers_that_does_not_fit_is_refused_and_leaves_nothing(training_set, image, correction, files):
    before = files(training_set.folder)
    with pytest.raises(LeukocyteError, match="made each pixel"):
        training_set.accept(image, replace(correction(), makers=np.zeros((3, 3), np.uint8)))
    assert files(training_set.folder) == before


def test_a_lost_or_changed_map_of_makers_is_found(training_set, image, correction):
    given = correction()
    version = training_set.accept(image, replace(given, makers=made_by(given.classes)))
    version.makers_path.write_bytes(version.path.read_bytes())
    (problem,) = check(training_set.folder)
    assert "was changed after it was accepted" in problem.what
    version.makers_path.unlink()
    (problem,) = check(training_set.folder)
    assert "is missing" in problem.what


@pytest.mark.parametrize("wrong", [{"brush": 1}, {**Origin().pixels, "brush": -1}, {**Origin().pixels, "wand": 1}, 3])
def test_counts_that_are_none_are_said(training_set, image, correction, wrong):
    given = correction()
    training_set.accept(image, replace(given, makers=made_by(given.classes)))
    record = training_set.folder / "masks" / image / "0001.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"pixels_by": wrong}))
    (problem,) = check(training_set.folder)
    assert "'pixels_by'" in problem.what
