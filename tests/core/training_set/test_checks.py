import re

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.fixture
def whole(training_set, pixels, correction, draft):
    """A set with two images, three accepted masks and a draft; its id and folders."""
    ids = [training_set.add_image(pixels(i), name=f"{i}.png", group=f"slide {i}") for i in range(2)]
    for i, one in enumerate((*ids, ids[0])):
        training_set.accept(one, correction(i))
    training_set.drafts.save(ids[0], draft())
    training_set.hold_out([ids[1]])
    return training_set, ids[0], ids[1]


def repaint(path, change=None):
    with Image.open(path) as image:
        values = np.array(image)
        palette = image.getpalette()
    values = values[:-1] if change == "smaller" else values
    if change == "bad values":
        values[0, 0] = 9
    image = Image.fromarray(values)
    if palette:
        image.putpalette(palette)
    image.save(path)


def test_a_whole_set_has_no_problem(whole):
    assert check(whole[0].folder) == []


PROBLEMS = {
    "stray file": (lambda s, i: (s / "notes.txt").write_text("x"), r"notes\.txt does not belong", False),
    "stray image": (lambda s, i: (s / "images" / "x.jpg").write_bytes(b""), r"x\.jpg is no image of the set", False),
    "image without record": (
        lambda s, i: Image.new("RGB", (3, 3)).save(s / "images" / "x.png"),
        r"x\.png has no record",
        True,
    ),
    "stray mask": (lambda s, i: (s / "masks" / i / "new.png").write_bytes(b""), r"new\.png is no accepted mask", False),
    "stray draft": (lambda s, i: (s / "drafts" / i / "x.tif").write_bytes(b""), r"x\.tif is no draft", False),
    "file among masks": (lambda s, i: (s / "masks" / "x.png").write_bytes(b""), r"x\.png does not belong", False),
    "masks of no image": (lambda s, i: (s / "masks" / "x").mkdir(), "belong to no image of the set", False),
    "leftover": (
        lambda s, i: (s / "masks" / i / ".0003.0123abcd.tmp.png").write_bytes(b"half"),
        "left over from an interrupted write",
        True,
    ),
    "image missing": (lambda s, i: (s / "images" / f"{i}.png").unlink(), "is missing", False),
    "image damaged": (
        lambda s, i: (s / "images" / f"{i}.png").write_bytes((s / "images" / f"{i}.png").read_bytes()[:300]),
        "is damaged",
        False,
    ),
    "image replaced": (
        lambda s, i: Image.new("RGB", (40, 30)).save(s / "images" / f"{i}.png"),
        "is not the picture that was added",
        False,
    ),
    "image record damaged": (lambda s, i: (s / "images" / f"{i}.json").write_text("{"), "is damaged", False),
    "mask without record": (
        lambda s, i: (s / "masks" / i / "0002.json").unlink(),
        r"0002(_cells)?\.png has no record",
        True,
    ),
    "record without mask": (lambda s, i: (s / "masks" / i / "0002.png").unlink(), r"0002\.png is missing", False),
    "record without labels": (
        lambda s, i: (s / "masks" / i / "0001_cells.png").unlink(),
        r"0001_cells\.png is missing",
        False,
    ),
    "mask changed": (lambda s, i: repaint(s / "masks" / i / "0001.png"), "was changed after it was accepted", False),
    "labels changed": (
        lambda s, i: repaint(s / "masks" / i / "0001_cells.png"),
        "was changed after it was accepted",
        False,
    ),
    "draft damaged": (
        lambda s, i: (s / "drafts" / i / "working.tif").write_bytes(b"II*\0"),
        r"working\.tif is damaged",
        False,
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_problem_is_found_and_the_set_opens_all_the_same(whole, name):
    training_set, image, other = whole
    spoil, sentence, harmless = PROBLEMS[name]
    spoil(training_set.folder, image)
    problems = check(training_set.folder)
    assert problems
    for problem in problems:
        assert re.search(sentence, problem.what)
        assert problem.harmless is harmless
        assert len(problem.advice) > 20
    assert other in TrainingSet.open(training_set.folder).image_ids()


@pytest.mark.parametrize("change", ["smaller", "bad values"])
def test_a_mask_of_an_older_format_with_other_size_or_values_is_found(whole, change):
    """The hash finds every change; without one, what is in the mask does."""
    training_set, image, _ = whole
    record = training_set.folder / "masks" / image / "0001.json"
    path = training_set.folder / "masks" / image / "0001.png"
    sha256 = training_set.versions(image)[0].sha256
    repaint(path, change)
    record.write_text(record.read_text().replace(sha256, ""))
    (problem,) = check(training_set.folder)
    assert ("nothing is resized" if change == "smaller" else "the value 9") in problem.what
    assert f"{image} --version 1" in problem.advice


def test_a_picture_that_was_put_on_both_sides_by_hand_is_found(whole):
    training_set, image, other = whole
    pictures = [training_set.image(one).path for one in (image, other)]
    pictures[0].write_bytes(pictures[1].read_bytes())
    said = [problem.what for problem in check(training_set.folder)]
    assert any(f"{other} is held out, and {image} with the same picture trains" in what for what in said)


def test_litter_of_file_managers_is_no_problem(whole):
    training_set, image, _ = whole
    for folder in ("", "images", f"masks/{image}", "masks"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (training_set.folder / folder / name).write_bytes(b"x")
    assert check(training_set.folder) == []
    assert len(training_set.image_ids()) == 2


def test_a_held_out_image_that_is_gone_is_named(whole):
    training_set, _, other = whole
    for path in training_set.folder.glob(f"images/{other}.*"):
        path.unlink()
    said = [problem.what for problem in check(training_set.folder)]
    assert any(f"held-out image {other} is not in the set" in what for what in said)


def test_a_folder_that_is_none_is_told(tmp_path):
    (problem,) = check(tmp_path / "nowhere")
    assert "is no folder" in problem.what
    (problem,) = check(tmp_path)
    assert "training-set create" in problem.advice
