"""Nothing that cannot be read is replaced or deleted, whatever is done next; it is moved aside or left."""

import contextlib
import json
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_leukocyte.core.errors import LeukocyteError, NewerFormatError, UnreadableError
from napari_leukocyte.core.training_set import moments
from napari_leukocyte.core.training_set.draft import decode_draft
from napari_leukocyte.core.training_set.json_files import read_json
from napari_leukocyte.core.training_set.training_set import TrainingSet

TROUBLES = ("no rights", "damaged", "newer")


@pytest.fixture
def folder():
    """A folder that others may enter, unlike pytest's own: root reads everything, so a test becomes somebody else."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    if os.geteuid() != os.getuid():
        os.seteuid(os.getuid())
    for one in path.rglob("*"):
        one.chmod(0o777)
    shutil.rmtree(path)


@pytest.fixture
def whole(folder, pixels, correction, draft):
    """A set with two images, two accepted masks and two drafts of the first, one of which was set aside."""
    made = TrainingSet.create(folder / "set", pixel_size=0.1)
    image = made.add_image(pixels(), name="a.png", group="slide")
    made.add_image(pixels(1), name="b.png", group="slide")
    made.hold_out([image])
    for seed in range(2):
        made.accept(image, correction(seed))
    made.drafts.save(image, draft(4))
    made.drafts.begin(image)
    for seed in (2, 3):
        made.drafts.save(image, draft(seed))
    return made, image


def newer(path):
    """Make a file look as if a newer version had written it, in a way that this one cannot know."""
    if path.suffix == ".json":
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 9, "revoked": "perhaps"}))
    else:
        with tifffile.TiffFile(path) as tiff:
            about = json.loads(tiff.pages[0].description)
        tifffile.imwrite(
            path, np.zeros((3, 3), np.uint8), description=json.dumps({**about, "format": 9}), metadata=None
        )


def trouble(made, path, kind):
    """Bring trouble over a file of a set, and return its bytes."""
    if kind == "damaged":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "newer":
        newer(path)
    content = path.read_bytes()
    if kind == "no rights":
        for one in (made.folder, *made.folder.rglob("*")):
            one.chmod(0o777)
        path.chmod(0)
        if os.geteuid() == 0:
            os.seteuid(65534)
    return content


FILES = {
    "draft": lambda made, image: made._layout.draft(image),
    "previous draft": lambda made, image: made._layout.previous_draft(image),
    "draft set aside": lambda made, image: made._layout.kept_drafts(image)[0],
    "mask": lambda made, image: made._layout.mask(image, 2),
    "cells": lambda made, image: made._layout.cells(image, 2),
    "mask record": lambda made, image: made._layout.mask_record(image, 2),
    "image": lambda made, image: made.image(image).path,
    "image record": lambda made, image: made._layout.image_record(image),
    "manifest": lambda made, image: made._layout.manifest,
}
NO_FORMAT = ("mask", "cells", "image")


def actions(made, image, pixels, correction, draft):
    """Whatever a window or a command does to a set, each as a function."""
    later = datetime.now(UTC) + timedelta(hours=1)
    return [
        lambda: made.drafts.begin(image),
        lambda: made.drafts.save(image, draft(5)),
        lambda: made.drafts.save(image, draft(6)),
        lambda: made.drafts.begin(image, made.drafts.read(image)),
        lambda: made.drafts.save(image, draft(7)),
        lambda: made.drafts.discard(image, later),
        lambda: made.drafts.discard(image),
        lambda: made.drafts.drop_kept(image, draft(4)),
        lambda: made.accept(image, correction(5)),
        lambda: made.revoke(image, 2),
        lambda: made.restore(image, 2),
        lambda: made.set_excluded(image, "blurred"),
        lambda: made.add_image(pixels(), name="a.png", pixel_size=0.2, group="other"),
        lambda: made.add_image(pixels(2), name="c.png", group="slide"),
        lambda: made.hold_out(made.image_ids()),
        lambda: TrainingSet.create(made.folder),
        lambda: TrainingSet.open(made.folder),
    ]


def somewhere(folder, content):
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size == len(content):
            path.chmod(0o777)
            if path.read_bytes() == content:
                return True
    return False


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX access rights")
@pytest.mark.parametrize("kind", TROUBLES)
@pytest.mark.parametrize("what", FILES)
@pytest.mark.parametrize("again", [False, True], ids=["the same window", "a new window"])
def test_what_cannot_be_read_is_there_after_whatever_is_done(whole, pixels, correction, draft, what, kind, again):
    made, image = whole
    if kind == "newer" and what in NO_FORMAT:
        pytest.skip("a picture has no format of ours")
    content = trouble(made, FILES[what](made, image), kind)
    if again:
        try:
            made = TrainingSet.open(made.folder)
        except LeukocyteError:
            assert what == "manifest"
    for action in actions(made, image, pixels, correction, draft):
        with contextlib.suppress(LeukocyteError):
            action()
    if os.geteuid() != os.getuid():
        os.seteuid(os.getuid())
    assert somewhere(made.folder, content)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX access rights")
@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("no rights", UnreadableError, r"cannot be read \(permission denied\)"),
        ("damaged", LeukocyteError, "is damaged"),
        ("newer", NewerFormatError, r"written by a newer .*: update the plugin"),
    ],
)
@pytest.mark.parametrize("what", FILES)
def test_trouble_damage_and_a_newer_format_have_three_sentences(whole, what, kind, error, words):
    made, image = whole
    if kind == "newer" and what in NO_FORMAT:
        pytest.skip("a picture has no format of ours")
    path, version, shape = FILES[what](made, image), made.versions(image)[1], made.image(image).shape
    reads = {
        "mask": lambda: made.read_mask(version),
        "cells": lambda: made.read_mask(version),
        "image": lambda: made.read_image(image),
    }
    trouble(made, path, kind)
    with pytest.raises(error, match=words if kind != "damaged" or what not in NO_FORMAT else "damaged|changed") as told:
        reads.get(what, lambda: read_json(path) if path.suffix == ".json" else decode_draft(path, shape))()
    assert str(path) in str(told.value)
    assert isinstance(told.value, UnreadableError) == (kind == "no rights")
    assert isinstance(told.value, NewerFormatError) == (kind == "newer")


def test_a_draft_that_can_be_read_again_is_asked_about_again(whole, draft):
    made, image = whole
    path = made._layout.draft(image)
    before = decode_draft(path, made.image(image).shape)
    trouble(made, path, "no rights")
    made.drafts.save(image, draft(6))
    os.seteuid(os.getuid())
    for one in path.parent.iterdir():
        one.chmod(0o777)
    assert any(np.array_equal(one.classes, before.classes) for one in made.drafts.kept(image)[0])
    assert np.array_equal(made.drafts.read(image).classes, draft(6).classes)


def test_one_bad_record_costs_itself(whole, pixels):
    made, image = whole
    record = made._layout.image_record(image)
    for content in (b"{" * 100_000, b'{"a":' * 100_000, b"\0", b"\xff", b"[]", b""):
        record.write_bytes(content)
        again = TrainingSet.open(made.folder)
        assert image not in again.image_ids()
        assert len(again.image_ids()) == 1
        assert any(str(record) in problem for problem in again.problems)
        assert image in again.held_out


class Clock(datetime):
    """A clock that a test sets."""

    at = datetime(2026, 5, 1, 12, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.at


def test_a_clock_that_is_set_back_orders_nothing_anew(whole, draft, monkeypatch):
    made, image = whole
    monkeypatch.setattr(moments, "datetime", Clock)
    accepted = made.drafts.moment(image)
    monkeypatch.setattr(Clock, "at", Clock.at - timedelta(hours=1))
    made.drafts.save(image, draft(6, saved=made.drafts.moment(image)))  # painted after the acceptance
    made.drafts.discard(image, accepted)
    assert np.array_equal(made.drafts.read(image).classes, draft(6).classes)
    made.drafts.discard(image, made.drafts.moment(image))
    assert made.drafts.read(image) is None


def test_a_draft_of_a_clock_that_was_ahead_is_older_than_the_next_one(whole, draft, monkeypatch):
    made, image = whole
    ahead = datetime.now(UTC) + timedelta(days=300)
    made.drafts.save(image, draft(6, saved=ahead))
    again = TrainingSet.open(made.folder)
    assert again.drafts.read(image).saved == ahead
    assert again.drafts.moment(image) > ahead
    assert again.drafts.moment("another") < ahead
