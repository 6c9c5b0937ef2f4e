"""Sets of an older and of a newer format."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import file_hash
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.layout import content_hash
from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.fixture
def old_set(tmp_path, pixels, maps):
    """A set of format 0 as its time wrote it: no groups, exclusions, splits, difficulty, whole cells, CNRs."""
    folder = tmp_path / "old"
    for part in ("images", "masks/a-1", "drafts", "models"):
        (folder / part).mkdir(parents=True)
    Image.fromarray(pixels()).save(folder / "images" / "a-1.png")
    classes, cells = maps()
    Image.fromarray(classes).save(folder / "masks" / "a-1" / "0001.png")
    Image.fromarray(cells.astype(np.uint16)).save(folder / "masks" / "a-1" / "0001_cells.png")
    contents = {
        "training-set.json": {
            "classes": ["background", "cytoplasm", "nucleus"],
            "pixel_size_um": 0.1,
            "held_out": ["a-1"],
        },
        "images/a-1.json": {
            "name": "a.png",
            "file": "a-1.png",
            "content": content_hash(pixels()),
            "shape": [30, 40],
            "pixel_size_um": None,
        },
        "masks/a-1/0001.json": {
            "when": "2026-01-02T03:04:05+01:00",
            "revoked": False,
            "parent": None,
            "model": "default",
            "model_sha256": "ab",
            "pixels_changed": 3,
            "pixel_size_um": 0.2,
            "remarks": {"3": ["edited"]},
            "sha256": file_hash(folder / "masks" / "a-1" / "0001.png"),
        },
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps({"format": 0, **content}))
    return folder


def test_an_older_set_is_read_and_nothing_written(old_set, files, maps):
    before = files(old_set)
    opened = TrainingSet.open(old_set)
    (item,) = opened.items()
    assert (item.name, item.version, item.pixel_size, item.edited, item.held_out) == ("a-1", 1, 0.2, True, True)
    assert not item.whole_cell
    np.testing.assert_array_equal(item.read().classes, maps()[0])
    np.testing.assert_array_equal(item.read().cells, maps()[1])
    version = opened.current("a-1")
    assert (version.by, version.facts.difficulty, version.facts.labels_edited, version.cnr_after) == (
        "",
        None,
        False,
        {},
    )
    assert opened.image("a-1").group == opened.image("a-1").excluded == ""
    assert check(old_set) == []
    assert files(old_set) == before


@pytest.mark.parametrize("write", ["accept", "revoke", "exclude", "add"])
def test_the_first_write_makes_it_a_set_of_this_format_and_loses_nothing(old_set, write, correction, pixels):
    opened = TrainingSet.open(old_set)
    before = opened.current("a-1")
    {
        "accept": lambda: opened.accept("a-1", correction(1)),
        "revoke": lambda: opened.revoke("a-1", 1),
        "exclude": lambda: opened.set_excluded("a-1", "blurred"),
        "add": lambda: opened.add_image(pixels(1), name="b.png"),
    }[write]()
    assert json.loads((old_set / "training-set.json").read_text())["format"] == 1
    again = TrainingSet.open(old_set)
    assert again.held_out == {"a-1"}
    assert again.pixel_size == 0.1
    (first, *_) = again.versions("a-1")
    assert first.when == before.when
    assert first.revoked is (write == "revoke")
    again.read_mask(first)
    assert check(old_set) == []


def test_a_newer_set_is_refused_in_words(training_set):
    manifest = training_set.folder / "training-set.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(LeukocyteError, match=r"of format 2, .* newer napari-leukocyte .* update the plugin"):
        TrainingSet.open(training_set.folder)
    (problem,) = check(training_set.folder)
    assert "update the plugin" in problem.what
    assert "delete" not in problem.advice


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is damaged"),
        ('{"format": 1', "is damaged"),
        ("[1]", "no JSON object"),
        ('{"format": "1"}', "states \"1\" as 'format'"),
        ('{"format": 1, "classes": ["cat"]}', "something else"),
        ('{"format": 1, "classes": ["background", "cytoplasm", "nucleus"], "pixel_size_um": -1}', "'pixel_size_um'"),
    ],
)
def test_a_damaged_manifest_is_told_and_can_be_made_anew(training_set, pixels, correction, content, sentence):
    image = training_set.add_image(pixels(), name="a.png")
    training_set.accept(image, correction())
    training_set.hold_out([image])
    manifest = training_set.folder / "training-set.json"
    manifest.write_text(content)
    with pytest.raises(LeukocyteError, match=sentence):
        TrainingSet.open(training_set.folder)
    (problem,) = check(training_set.folder)
    assert "training-set create" in problem.advice
    manifest.unlink()  # as the advice says
    (problem,) = check(training_set.folder)
    assert "training-set create" in problem.advice
    TrainingSet.create(training_set.folder, pixel_size=0.1)
    assert TrainingSet.open(training_set.folder).items(held_out=True)[0].name == image
    assert check(training_set.folder) == []


def test_a_set_that_an_earlier_version_wrote_is_read_whole(tmp_path, files):
    """Drawn pictures, masks and a draft, written by this format's first version."""
    folder = tmp_path / "set"
    shutil.copytree(Path(__file__).parent / "set_of_format_1", folder)
    before = files(folder)
    opened = TrainingSet.open(folder)
    assert opened.problems == ()
    one, two, three = opened.images()
    assert (opened.pixel_size, opened.held_out) == (0.25, {two.id})
    assert (one.name, one.pixel_size, two.pixel_size, two.group) == ("smear 1.png", 0.25, None, "slide 7")

    first, second = opened.versions(one.id)
    estimated = PixelSize(0.25, "estimated from 1 cell", estimated=True)
    made_by = {"model": "default", "model_sha256": "0123456789abcdef"}
    assert (first.facts, first.facts.edited, first.by) == (MaskFacts(**made_by, pixel_size=estimated), False, "Ada")
    assert second.facts == MaskFacts(
        **made_by,
        pixels_changed=40,
        labels_edited=True,
        pixel_size=PixelSize(0.25, "typed"),
        difficulty=4,
        parent=1,
        remarks={1: {Flag.EDITED, Flag.NOT_A_WBC_SMUDGE}},
    )
    assert (second.by, second.revoked, second.cnr_before, second.cnr_after) == ("Ada Ü.", False, {1: 0.5}, {1: None})
    classes, _ = opened.read_mask(first)
    changed, cells = opened.read_mask(second)
    assert np.count_nonzero(classes != changed) == 40
    assert set(np.unique(cells)) == {0, 1}

    (whole,) = opened.versions(two.id)
    assert (whole.facts, whole.revoked, whole.facts.edited, whole.by) == (MaskFacts(whole_cell=True), True, True, "Bo")

    draft = opened.drafts.read(three.id)
    assert (draft.saved, draft.note) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "")
    assert draft.facts == MaskFacts(
        model="default",
        model_sha256="fedcba9876543210",
        pixels_changed=7,
        labels_edited=True,
        pixel_size=PixelSize(0.2, "typed"),
        difficulty=2,
        remarks={1: {Flag.LOW_CONFIDENCE}},
    )

    (item,) = opened.items()
    assert (item.name, item.version, item.pixel_size, item.edited, item.held_out) == (one.id, 2, 0.25, True, False)
    assert check(folder) == []
    assert files(folder) == before
