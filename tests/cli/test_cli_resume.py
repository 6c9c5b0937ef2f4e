"""``segment --resume``: what is done stays, what a hand changed is kept, and the end is as without a stop."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.results.record_file import read_record


@pytest.fixture
def folder(tmp_path, picture):
    """Nine files without a pixel size, which share an estimate, and one that is no image."""
    made = tmp_path / "in"
    made.mkdir()
    for i in range(9):
        Image.fromarray(picture(i, radius=12 + i % 3)).save(made / f"{i}.png")
    (made / "x.png").write_bytes(b"no picture")
    return made


@pytest.fixture
def segment(run, model):
    """Run the command on a folder; returns its result."""

    def call(folder, out, *options):
        return run("segment", folder, "--out", out, "--model", model, "--keep", "all", *options)

    return call


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name != "results.jsonl"}


def rows(out):
    with (out / "cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(out):
    return (out / "results.jsonl").read_bytes().splitlines(keepends=True)


def said(out):
    """What the record says, but for times."""
    record = read_record(out)
    return {
        stem: (one.image.label, one.input_sha256, one.settings, one.planes, dict(one.files), one.reason)
        for stem, one in record.images.items()
    }, record.sizes


@pytest.fixture
def done(folder, tmp_path, segment):
    """Results of all of them, not disturbed by anything."""
    out = tmp_path / "done"
    assert segment(folder, out).stderr.splitlines()[-1] == "1 of 10 images failed."
    return out


def cut(out, kept):
    """Leave what a kill leaves: a record of so many images and their files, half a line, and an old table."""
    own = [line for line in lines(out) if b'"kind": "table"' not in line]
    images = [line for line in own if b'"kind": "image"' in line]
    (out / "results.jsonl").write_bytes(b"".join([line for line in own if line not in images[kept:]]) + images[-1][:99])
    for line in images[kept:]:
        for name in json.loads(line)["files"]:
            (out / name).unlink()
    for name in ("cells.csv", "cells.json"):
        (out / name).unlink()


@pytest.mark.parametrize("kept", [0, 1, 5, 9])
def test_after_a_stop_the_end_is_as_without(folder, done, tmp_path, segment, kept):
    out = tmp_path / "out"
    shutil.copytree(done, out)
    cut(out, kept)
    result = segment(folder, out, "--resume")
    assert f"{9 - kept} images of 10 segmented" in result.stdout or kept in (8, 9)
    assert result.stderr.splitlines()[-1] == "1 of 10 images failed."  # it is tried again
    assert files(out) == files(done)
    assert said(out) == said(done)
    before = lines(out)
    result = segment(folder, out, "--resume")
    assert "Nothing of 10 images was segmented, 9 done before" in result.stdout
    assert [line for line in lines(out)[len(before) :] if b'"reason": ""' in line] == []
    assert files(out) == files(done)


def test_a_first_run_may_say_resume_too(folder, done, tmp_path, segment):
    out = tmp_path / "out"
    segment(folder, out, "--resume")
    assert files(out) == files(done)


def test_new_files_get_names_and_the_size_that_was_decided(folder, done, tmp_path, segment, picture):
    decided = {sizes.size for sizes in read_record(done).sizes.values()}
    assert len(decided) == 1
    Image.fromarray(picture(50, radius=19)).save(folder / "10.png")
    Image.fromarray(picture(51)).save(folder / "3.bmp")
    before = files(done)
    result = segment(folder, done, "--resume")
    assert "2 images of 12 segmented, 9 done before" in result.stdout
    record = read_record(done)
    assert {record.sizes[stem].size for stem in record.done} == decided
    assert set(record.done) == {*map(str, range(9)), "10", "3.bmp"}
    assert {name: content for name, content in files(done).items() if name in before and "cells." not in name} == {
        name: content for name, content in before.items() if "cells." not in name
    }
    assert list(dict.fromkeys(row["image"] for row in rows(done))) == [f"{i}.png" for i in range(9)] + [
        "3.bmp",
        "10.png",
    ]


def test_corrected_maps_are_kept_and_measured_as_they_are(folder, done, segment):
    with Image.open(done / "4_classes.png") as image:
        classes = np.array(image)
    ys, xs = np.nonzero(classes == 2)
    classes[ys[:5], xs[:5]] = 1
    Image.fromarray(classes).save(done / "4_classes.png")
    corrected = (done / "4_classes.png").read_bytes()
    before = [row for row in rows(done) if row["image"] != "4.png"]
    for _ in range(2):  # and so it stays
        result = segment(folder, done, "--resume")
        assert "4.png: corrected by hand" in result.stdout
        assert (done / "4_classes.png").read_bytes() == corrected
        (row,) = [row for row in rows(done) if row["image"] == "4.png"]
        assert int(row["nucleus_px"]) == len(ys) - 5
        assert "edited" in row["flags"].split(";")
        assert row["model"] == "tiny"
        assert [row for row in rows(done) if row["image"] != "4.png"] == before
    result = segment(folder, done)
    assert result.exit_code == 1
    assert "4_classes.png was corrected by hand (1 more like it), and is not replaced" in result.stderr
    assert "--overwrite" in result.stderr
    assert (done / "4_classes.png").read_bytes() == corrected
    segment(folder, done, "--overwrite")
    assert not read_record(done).images["4"].corrected
    assert [row for row in rows(done) if row["image"] != "4.png"] == before


def test_a_corrected_map_that_is_none_any_more_is_kept_and_said(folder, done, segment):
    (done / "4_classes.png").write_bytes(b"an expert's, torn")
    (done / "5_classes.png").unlink()
    (done / "5_cells.tif").write_bytes(b"labels of an expert")
    result = segment(folder, done, "--resume")
    assert "4.png: It was changed by hand and is kept, but cannot be measured" in result.stderr
    assert "5_classes.png is gone, and its cell labels were changed by hand" in result.stderr
    assert result.stderr.splitlines()[-1] == "3 of 10 images failed."
    assert (done / "4_classes.png").read_bytes() == b"an expert's, torn"
    assert (done / "5_cells.tif").read_bytes() == b"labels of an expert"


def test_what_changed_is_done_anew(folder, done, segment, picture):
    Image.fromarray(picture(99, radius=18)).save(folder / "2.png")
    (done / "6_cells.tif").unlink()
    before = files(done)
    result = segment(folder, done, "--resume")
    assert "2 images of 10 segmented, 7 done before" in result.stdout
    now = files(done)
    assert {name for name in now if now[name] != before.get(name)} == {
        "2_cells.tif",
        "2_classes.png",
        "6_cells.tif",
        "cells.csv",
    }


def test_other_choices_are_one_sentence(folder, done, segment):
    before = files(done)
    for options, words in (
        (("--pixel-size", 0.3), "--pixel-size 0.3 instead of none"),
        (("--mode", "binary"), "--mode binary instead of three-class"),
        (("--model", "active-contour"), "the model active-contour"),
    ):
        result = segment(folder, done, "--resume", *options)
        assert result.exit_code == 1
        assert words in result.stderr
        assert "9 images" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert files(done) == before
    result = segment(folder, done, "--resume", "--overwrite")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_a_damaged_line_costs_one_image_its_time(folder, done, tmp_path, segment):
    out = tmp_path / "out"
    shutil.copytree(done, out)
    damaged = [line if b'"stem": "3"' not in line or b'"image"' not in line else b"{torn\n" for line in lines(out)]
    (out / "results.jsonl").write_bytes(b"".join(damaged))
    result = segment(folder, out, "--resume")
    assert "is damaged and left out" in result.stderr
    assert "1 image of 10 segmented, 8 done before" in result.stdout
    assert files(out) == files(done)


def test_a_newer_record_is_never_replaced(folder, done, segment):
    header, *rest = lines(done)
    newer = header.replace(b'"version": 1', b'"version": 9') + b"".join(rest)
    (done / "results.jsonl").write_bytes(newer)
    for option in ([], ["--resume"]):
        result = segment(folder, done, *option)
        assert result.exit_code == 1
        assert "newer napari-leukocyte" in result.stderr
        assert (done / "results.jsonl").read_bytes() == newer
    result = segment(folder, done, "--overwrite")
    assert "the record that was there is results.unreadable-1.jsonl now" in result.stderr
    assert (done / "results.unreadable-1.jsonl").read_bytes() == newer


def test_a_mixed_table_is_said(folder, done, segment, picture):
    other = folder.parent / "other"
    other.mkdir()
    Image.fromarray(picture(7)).save(other / "z.png")
    result = segment(other, done, "--pixel-size", 0.3)
    assert "cells.csv also holds 9 images done in another way: now --pixel-size 0.3 instead of none" in result.stderr
    assert {row["image"] for row in rows(done)} == {"z.png", *(f"{i}.png" for i in range(9))}


def test_images_behind_urls_are_known_again(tmp_path, run, model, picture):
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    for i in range(2):
        Image.fromarray(picture(i)).save(tmp_path / f"{i}.png")
        system.pipe(f"/smears/{i}.png", (tmp_path / f"{i}.png").read_bytes())
    given = ("--out", tmp_path / "out", "--model", model, "--pixel-size", 0.5, "--keep", "all")
    first = run("segment", "memory://smears/*.png", *given)
    assert first.exit_code == 0, first.output
    images = read_record(tmp_path / "out").images
    assert [(one.image.path, one.image.relative) for one in images.values()] == [
        ("memory://smears/0.png", ""),
        ("memory://smears/1.png", ""),
    ]
    system.pipe("/smears/1.png", (tmp_path / "0.png").read_bytes())
    again = run("segment", "memory://smears", *given, "--resume")
    assert "1 image of 2 segmented, 1 done before" in again.stdout, again.output
    system.rm("/smears", recursive=True)
