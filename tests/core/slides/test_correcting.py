"""Corrections of a region go back into the results of a slide: that window, all levels, those rows, all or nothing."""

import csv
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import zarr

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.in_place import InTheWayError, hash_of
from napari_leukocyte.core.results.record import PlaneRecord
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.slides import journal, pyramid
from napari_leukocyte.core.slides.correcting import Correction, write_correction
from napari_leukocyte.core.slides.film import Place
from napari_leukocyte.core.slides.folder import RESULTS, SlideFolder, slide_in
from napari_leukocyte.core.slides.found import read_found
from napari_leukocyte.core.slides.table import slide_rows

UM, SHAPE = 0.5, (300, 260)
SETTINGS = ResultSettings(model="m", model_sha256="1f", mode="three-class", keep="all", engine="torch", precision="32")
ABOUT = {"size": list(SHAPE)}
GROUPS = ("", "labels/cells/", "labels/nuclei/")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks and levels as small as the slides here."""
    monkeypatch.setattr(pyramid, "CHUNK", 64)
    monkeypatch.setattr(pyramid, "_SMALLEST", 80)


def discs(rng, count=30):
    """A class map with cells, some of which touch each other or the edge."""
    classes = np.zeros(SHAPE, np.uint8)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for _ in range(count):
        at, radius = rng.uniform((0, 0), SHAPE), rng.uniform(8, 13)
        away = np.hypot(y - at[0], x - at[1])
        classes[(away < radius) & (classes == 0)] = 1
        classes[away < 0.6 * radius] = 2
    return classes


def results(folder, classes):
    """What a run leaves in its folder, without the network."""
    cells = label_cells(classes, pixel_size=UM)
    classes = np.where(cells > 0, classes, 0).astype(np.uint8)
    size = PixelSize(UM, "test")
    facts = {"model": "m", "mode": "three-class", **size.facts}
    with SlideFolder(folder, "drawn", ABOUT, SETTINGS, resume=False, overwrite=False) as place:
        made = pyramid.ResultPyramid.create(place.work / RESULTS, SHAPE, name="drawn", pixel_size=size)
        made.classes[:], made.labels[:] = classes, cells
        list(made.finish(np.arange(cells.max() + 1, dtype=np.int32), facts, binary=False))
        measures = measure_cells(classes, cells, pixel_size=UM)
        rows = slide_rows(measures, lambda *_: Place.MONOLAYER, um=UM, provenance=facts)
        place.put(PlaneRecord(provenance=facts, pixel_size=size, cells=rows))
        place.finish({"slide": "drawn", "windows": [1, 1], "places": ["22", "22"]})
    return read_found(folder)


def maps(folder):
    root = zarr.open_group(str(folder / RESULTS), mode="r")
    return [[root[f"{group}{level}"][:] for level in range(3)] for group in GROUPS]


def table(folder):
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        return {int(row["cell"]): row for row in csv.DictReader(file)}


def opened(found, box):
    known = found.segmentation(box)
    return Correction(box, (known.classes, known.cells), (known.classes.copy(), known.cells.copy()), known.remarks)


def scribble(correction, rng):
    """Edits of all kinds: cells moved, grown, taken away, drawn anew, split by a line; also at the border."""
    classes, cells = (one.copy() for one in correction.maps)
    numbers = np.unique(cells[cells > 0])
    for number in rng.permutation(numbers)[:3]:
        kind = rng.integers(4)
        own = cells == number
        if kind == 0:
            classes[own], cells[own] = 0, 0
        elif kind == 1:
            grown = np.roll(own, rng.integers(-3, 4, 2), (0, 1)) & (cells == 0)
            classes[grown], cells[grown] = 1, number
        elif kind == 2:
            classes[own] = 2
        else:
            half = own & (np.arange(len(cells)) > np.nonzero(own)[0].mean())[:, None]
            cells[half] = 5_000 + number
    y, x = np.mgrid[: cells.shape[0], : cells.shape[1]]
    at = rng.uniform((0, 0), cells.shape)
    new = (np.hypot(y - at[0], x - at[1]) < 7) & (cells == 0)
    classes[new], cells[new] = 1, 3  # a number that another cell of the slide has
    if 3 in numbers:
        cells[new] = 7_000
    remarks = {int(n): correction.remarks.get(int(n), frozenset()) | {Flag.EDITED} for n in np.unique(cells[cells > 0])}
    return replace(
        correction, maps=(classes, cells), remarks=remarks, made_by={"made_with": "brush 9 px", "reader": "A"}
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_correction_changes_its_window_at_all_levels_and_the_rows_of_its_cells(tmp_path, seed):
    rng = np.random.default_rng(seed)
    found = results(tmp_path / "out", discs(rng))
    before, rows_before = maps(tmp_path / "out"), table(tmp_path / "out")
    top, left = (int(rng.integers(0, n - 110)) if rng.random() < 0.7 else 0 for n in SHAPE)
    box = slice(top, top + 110), slice(left, left + 110)
    correction = scribble(opened(found, box), rng)
    done = write_correction(found, correction)
    after, rows = maps(tmp_path / "out"), table(tmp_path / "out")
    outside = np.ones(SHAPE, bool)
    outside[box] = False
    for was, now in zip(before, after, strict=True):
        assert np.array_equal(was[0][outside], now[0][outside])
        for level in (1, 2):
            assert np.array_equal(now[level], now[0][:: 2**level, :: 2**level])
    classes, cells, nuclei = (one[0] for one in after)
    assert np.array_equal(classes > 0, cells > 0)
    assert np.array_equal(nuclei, np.where(classes == 2, cells, 0))
    # every number is one cell of the table, measured as it would be in one piece
    numbers = set(np.unique(cells[cells > 0]).tolist())
    assert numbers == rows.keys()
    kept = {number: [flag for flag in row["flags"].split(";") if flag == "edited"] for number, row in rows.items()}
    for one in measure_cells(classes, cells, pixel_size=UM, remarks={n: map(Flag, flags) for n, flags in kept.items()}):
        row = rows[one.cell]
        assert (float(row["y"]), float(row["x"])) == pytest.approx((one.y, one.x))
        assert (int(row["cytoplasm_px"]), int(row["nucleus_px"])) == (one.cytoplasm_px, one.nucleus_px)
        assert row["flags"] == ";".join(one.flags)
        assert row["cnr_low"] == ("" if one.cnr_low != one.cnr_low else f"{one.cnr_low:.8g}")
        assert float(row["y_um"]) == pytest.approx(one.y * UM)
    # what the window cuts, or may cut, is as it was
    rims = [(box[0].start > 0, cells[box][0]), (box[0].stop < SHAPE[0], cells[box][-1])]
    rims += [(box[1].start > 0, cells[box][:, 0]), (box[1].stop < SHAPE[1], cells[box][:, -1])]
    for number in {n for inner, line in rims if inner for n in np.unique(line[line > 0]).tolist()}:
        assert np.array_equal(before[1][0] == number, cells == number)
    same = [n for n in rows if n in rows_before and n not in done.cells]
    assert all(rows[n]["made_with"] == rows_before[n]["made_with"] == "" for n in same)
    for number in done.cells:
        assert rows[number]["made_with"] == "brush 9 px"
        assert rows[number]["reader"] == "A"
        assert "edited" in rows[number]["flags"]
    assert set(done.gone) == rows_before.keys() - rows.keys()
    assert set(done.numbers.values()) == rows.keys() - rows_before.keys()
    assert not (tmp_path / "out" / ".correcting").exists()
    assert read_record(tmp_path / "out").problems == []
    # writing the same again changes nothing
    mine = correction.maps[1].copy()
    for old, new in done.numbers.items():
        mine[correction.maps[1] == old] = new
    again = write_correction(done.found, replace(correction, seen=done.maps, maps=done.maps))
    assert again.gone == ()
    assert hash_of(tmp_path / "out" / RESULTS) == read_found(tmp_path / "out").image.files[RESULTS]


@pytest.fixture
def folder(tmp_path):
    results(tmp_path / "out", discs(np.random.default_rng(2)))
    return tmp_path / "out"


def inner_cell(found, box):
    """A cell that lies in a box, away from its border."""
    cells = found.segmentation(box).cells
    rim = np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]])
    return next(int(n) for n in np.unique(cells[cells > 0]) if n not in rim)


BOX = slice(60, 240), slice(40, 220)


def without(correction, number):
    classes, cells = (one.copy() for one in correction.maps)
    classes[cells == number], cells[cells == number] = 0, 0
    return replace(correction, maps=(classes, cells))


def test_a_mark_and_a_type_need_no_stroke(folder):
    found = read_found(folder)
    number = inner_cell(found, BOX)
    correction = opened(found, BOX)
    marked = {**correction.remarks, number: frozenset({Flag.NOT_A_WBC_SMUDGE})}
    done = write_correction(found, replace(correction, remarks=marked, types={number: "blast"}))
    assert done.cells == (number,)
    row = table(folder)[number]
    assert (row["type"], row["cnr"]) == ("blast", "")
    assert "not_a_wbc_smudge" in row["flags"]
    assert "edited" not in row["flags"]
    assert done.found.segmentation(BOX).marks == {number: Flag.NOT_A_WBC_SMUDGE}
    back = write_correction(done.found, replace(opened(done.found, BOX), remarks={}))
    assert back.cells == (number,)
    assert "not_a_wbc" not in table(folder)[number]["flags"]


def test_regions_that_overlap_are_written_one_after_the_other_and_never_over_each_other(folder):
    found = read_found(folder)
    other = slice(80, 260), slice(50, 230)
    shared = slice(80, 240), slice(50, 220)
    first, second = opened(found, BOX), opened(found, other)
    one = inner_cell(found, shared)
    two = next(
        n for n in np.unique(second.maps[1])[::-1].tolist() if n != one and inner_cell(found, other) and n not in
        np.concatenate([second.maps[1][0], second.maps[1][-1], second.maps[1][:, 0], second.maps[1][:, -1]])
    )  # fmt: skip
    write_correction(found, without(first, one))
    write_correction(found, without(second, two))  # it was opened before, and is of another cell
    assert not {one, two} & table(folder).keys()
    with pytest.raises(LeukocyteError, match="corrected elsewhere"):
        write_correction(found, without(second, one))


@pytest.mark.parametrize("call", range(6))
def test_a_kill_at_any_moment_leaves_all_or_nothing(folder, monkeypatch, call):
    """os.replace and the line of the record are what takes effect: the program ends before one of them."""
    found = read_found(folder)
    before = maps(folder), table(folder)
    correction = without(opened(found, BOX), inner_cell(found, BOX))
    calls = iter(range(1000))
    replaced = os.replace

    class KilledError(BaseException):
        pass

    def replace_or_die(source, place):
        staged = ".correcting" in str(place) and not str(place).endswith("commit.json")  # zarr's own
        if not staged and next(calls) >= call:
            raise KilledError
        replaced(source, place)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace_or_die)
        with pytest.raises(KilledError):
            write_correction(found, correction)
    (folder / ".results.lock").unlink(missing_ok=True)
    now = read_found(folder)
    if call == 0:
        assert np.array_equal(maps(folder)[0][0], before[0][0][0])
        assert now.rows == found.rows
    else:
        gone = set(before[1]) - {int(row["cell"]) for row in now.rows}
        assert len(gone) == 1
        cells = maps(folder)[1]
        assert not np.isin(cells[0], list(gone)).any()
        assert np.array_equal(cells[2], cells[0][::4, ::4])
    assert hash_of(folder / RESULTS) == now.image.files[RESULTS]
    assert not (folder / ".correcting" / "commit.json").exists()


def test_what_cannot_be_written_changes_nothing(folder, monkeypatch):
    found = read_found(folder)
    before = maps(folder), table(folder), (folder / "results.jsonl").read_bytes()
    correction = without(opened(found, BOX), inner_cell(found, BOX))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for where, name in ((journal.os, "fsync"), (pyramid.Path, "mkdir")):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, full)
            with pytest.raises(LeukocyteError, match="no space left"):
                write_correction(found, correction)
    assert [one.tolist() for one in maps(folder)[1]] == [one.tolist() for one in before[0][1]]
    assert (table(folder), (folder / "results.jsonl").read_bytes()) == before[1:]
    write_correction(found, correction)
    assert len(table(folder)) == len(before[1]) - 1


def test_corrected_results_are_gone_on_with_and_never_replaced_unasked(folder):
    found = read_found(folder)
    write_correction(found, without(opened(found, BOX), inner_cell(found, BOX)))
    with SlideFolder(folder, "drawn", ABOUT, SETTINGS, resume=True, overwrite=False) as place:
        assert len(place.done.planes[0].cells) == len(found.rows) - 1
    with pytest.raises(InTheWayError, match=r"cells\.ome\.zarr was corrected by hand"):
        SlideFolder(folder, "drawn", ABOUT, SETTINGS, resume=False, overwrite=False)
    with SlideFolder(folder, "drawn", ABOUT, SETTINGS, resume=False, overwrite=True) as place:
        assert place.done is None


def test_a_table_that_a_hand_changed_is_not_replaced_and_nothing_else_is(folder):
    found = read_found(folder)
    before = maps(folder)
    (folder / "cells.csv").write_text("mine")
    with pytest.raises(InTheWayError, match=r"cells\.csv was changed"):
        write_correction(found, without(opened(found, BOX), inner_cell(found, BOX)))
    assert (folder / "cells.csv").read_text() == "mine"
    assert np.array_equal(maps(folder)[1][0], before[1][0])


def test_the_record_says_what_made_each_cell(folder):
    image = slide_in(read_record(folder))
    assert image.settings == SETTINGS
    assert image.planes[0].pixel_size == PixelSize(UM, "test")
    assert json.loads((folder / "slide.json").read_text())["windows"] == [1, 1]
    rows = image.rows(0)
    assert {row["place"] for row in rows} == {"monolayer"}
    assert rows[0]["model"] == "m"
