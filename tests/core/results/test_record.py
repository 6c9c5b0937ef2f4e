"""The file ``results.jsonl``: what was written is read, whatever a kill, a hand or another version did to it."""

import json
import os
import string
import tracemalloc
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_leukocyte.core.cells.cells_csv import columns_of
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.record import (
    CELL_FIELDS,
    RECORD,
    ImageRecord,
    ListedImage,
    PlaneRecord,
    ResultsRecord,
    SizesRecord,
)
from napari_leukocyte.core.results.record_file import RecordFile, UnreadableRecordError, read_record
from napari_leukocyte.core.results.record_json import image_line, list_line, parsed, sizes_line, table_line, take_line
from napari_leukocyte.core.results.settings import ResultSettings

texts = st.text(max_size=12) | st.sampled_from(["caf\udce9", "a\nb", '"', "μ \U0001f9a0"])
names = st.text(string.ascii_letters + "äµ .-_'", min_size=1, max_size=8).filter(lambda name: name.strip(". "))
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
sizes = st.builds(PixelSize, st.none() | st.floats(0.01, 2), texts, st.booleans(), shared=st.booleans(), doubt=texts)
cells = st.fixed_dictionaries(
    {"cell": st.integers(1, 99).map(str), "y": st.floats(0, 99).map(str)},
    optional={
        "flags": st.sampled_from(["edited", "touching;edited", "not_a_wbc_smudge"]),
        "cell_solidity": st.just("0.97"),
    },
)
planes = st.builds(
    PlaneRecord,
    reason=texts,
    provenance=st.dictionaries(texts, texts, max_size=3),
    pixel_size=sizes,
    binary=st.booleans(),
    notes=st.lists(texts, max_size=2).map(tuple),
    cells=st.lists(cells, max_size=3).map(tuple),
    pixels_changed=st.integers(0, 9),
    labels_edited=st.booleans(),
)
choices = st.builds(
    ResultSettings,
    model=texts,
    model_sha256=hashes,
    mode=texts,
    keep=texts,
    pixel_size=st.none() | st.floats(0.01, 2),
    default_pixel_size=st.none() | st.floats(0.01, 2),
    engine=texts,
    precision=texts,
)
listed = st.builds(ListedImage, names, texts, texts, texts, texts)
images = st.builds(
    ImageRecord,
    image=listed,
    input_sha256=hashes,
    settings=st.none() | choices,
    planes=st.lists(planes, max_size=3).map(tuple),
    files=st.dictionaries(names, hashes, max_size=2),
    corrected=st.booleans(),
    reason=texts,
    moment=texts,
)


def image(stem, **changes):
    plane = PlaneRecord(pixel_size=PixelSize(0.1, "typed"), cells=({"cell": "1", "flags": "edited"},))
    fields = {"image": ListedImage(stem, f"{stem}.png", f"{stem}.png", f"/{stem}.png"), "planes": (plane,), **changes}
    return ImageRecord(**fields)


def write(folder, *lines):
    file = RecordFile(folder)
    for line in lines:
        file.append(line)
    file.close()
    return folder / RECORD


@settings(max_examples=40)
@given(st.lists(images, max_size=4), st.lists(sizes, max_size=2).map(tuple), st.sampled_from([0, 1, 1000]))
def test_what_is_written_is_read(tmp_path_factory, entries, several, most_compressed):
    folder = tmp_path_factory.mktemp("results")
    decision = SizesRecord(None, several, "note")
    stems = [entry.image.stem for entry in entries]
    write(
        folder,
        list_line(entry.image for entry in entries),
        sizes_line([(decision, stems)]),
        *map(image_line, entries),
        table_line({"cells.csv": "0" * 64}),
    )
    with patch("napari_leukocyte.core.results.record._MOST_CELLS", most_compressed):
        record = read_record(folder)
    assert record.problems == []
    assert record.sizes == dict.fromkeys(stems, decision)
    last = {entry.image.stem: entry for entry in entries}
    assert list(record.images) == list(dict.fromkeys(stems))
    for stem, entry in record.images.items():
        assert (entry.planes, entry.files, entry.settings) == (
            last[stem].planes,
            last[stem].files,
            last[stem].settings,
        )
        assert (entry.reason, entry.corrected, entry.input_sha256) == (
            last[stem].reason,
            last[stem].corrected,
            last[stem].input_sha256,
        )
    assert record.written["cells.csv"] == {"0" * 64: False}
    table = record.table()
    assert list(record.rows()) == table.rows
    assert record.columns() == columns_of(table.rows)
    assert record.table(with_rows=False).header == table.header


def test_a_line_torn_at_any_byte_is_as_if_it_was_not_begun(tmp_path):
    whole = write(tmp_path, *(image_line(image(stem)) for stem in "ab")).read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({*range(0, len(whole), 11), *(end + i for end in ends for i in (-2, -1, 0)), 1}):
        (tmp_path / RECORD).write_bytes(whole[:cut])
        kept = max(0, sum(end <= cut for end in ends) - 1)
        record = read_record(tmp_path)
        assert list(record.images if record else ()) == ["a", "b"][:kept]
        write(tmp_path, image_line(image("c")))
        record = read_record(tmp_path)
        assert list(record.images) == [*["a", "b"][:kept], "c"]
        assert record.problems == []


@pytest.mark.parametrize(
    "damage",
    [
        b"\x00" * 50,
        b"{}",
        b"[1]",
        b'{"kind": "image"}',
        b"[" * 100_000,
        json.dumps(image_line(image(f"..{os.sep}out"))).encode(),
        json.dumps(image_line(image("a", files={"../a": "1"}))).encode(),
        json.dumps({**image_line(image("a")), "corrected": 1}).encode(),
        json.dumps(image_line(image("a", planes=(PlaneRecord(cells=({"cell": "x"},)),)))).encode(),
    ],
)
def test_a_damaged_line_costs_itself(tmp_path, damage):
    path = write(tmp_path, image_line(image("a")), image_line(image("b")), image_line(image("c")))
    lines = path.read_bytes().split(b"\n")
    lines[2] = damage
    path.write_bytes(b"\n".join(lines))
    record = read_record(tmp_path)
    assert list(record.images) == ["a", "c"]
    assert record.problems == [f"line 3 of {path} is damaged and left out"]
    write(tmp_path, image_line(image("d")))
    assert list(read_record(tmp_path).images) == ["a", "c", "d"]
    assert path.read_bytes().split(b"\n")[2] == damage  # what cannot be read is not deleted


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b'{"format": "napari-leukocyte results", "version": 2}', "newer napari-leukocyte"),
        (b'{"format": "something", "version": 1}', "no record of results"),
        (b"image,cell", "no record of results"),
        (b"\x00\x00", "no record of results"),
    ],
)
def test_what_cannot_be_gone_on_with_is_said_and_only_set_aside_when_asked(tmp_path, first, words):
    path = tmp_path / RECORD
    path.write_bytes(first + b"\nmore\n")
    for door in (read_record, RecordFile):
        with pytest.raises(UnreadableRecordError, match=words):
            door(tmp_path)
    assert path.read_bytes() == first + b"\nmore\n"
    (tmp_path / "results.unreadable-1.jsonl").write_text("older")
    file = RecordFile(tmp_path, anew=True)
    file.append(image_line(image("a")))
    file.close()
    assert file.set_aside == "results.unreadable-2.jsonl"
    assert (tmp_path / file.set_aside).read_bytes() == first + b"\nmore\n"
    assert list(read_record(tmp_path).images) == ["a"]


def test_a_record_that_is_no_file_is_said(tmp_path):
    (tmp_path / RECORD).mkdir()
    with pytest.raises(UnreadableRecordError, match="is no file"):
        RecordFile(tmp_path)


def test_one_program_writes_at_a_time_and_readers_are_free(tmp_path):
    first = RecordFile(tmp_path)
    first.append(image_line(image("a")))
    with pytest.raises(LeukocyteError, match="Another window or program"):
        RecordFile(tmp_path)
    assert list(read_record(tmp_path).images) == ["a"]
    first.close()
    RecordFile(tmp_path).close()
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]


def test_a_line_that_could_not_be_flushed_is_not_there(tmp_path, monkeypatch):
    file = RecordFile(tmp_path)
    file.append(image_line(image("a")))
    before = file.path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LeukocyteError, match="no space left"):
            file.append(image_line(image("b")))
    assert file.path.read_bytes() == before
    file.append(image_line(image("c")))
    file.close()
    assert list(read_record(tmp_path).images) == ["a", "c"]


def test_rows_and_flags_come_from_the_record_alone():
    one = image("a", planes=(PlaneRecord(provenance={"model": "m"}, cells=({"cell": "3", "flags": "edited"},)),))
    (row,) = one.rows(0)
    assert (row["image"], row["cell"], row["cnr"], row["model"]) == ("a.png", "3", "", "m")
    assert one.planes[0].flags == {3: frozenset({"edited"})}


def test_a_long_list_takes_little_memory():
    cell = {name: f"{name} 1.2345678" for name in CELL_FIELDS if name != "flags"}
    plane = PlaneRecord(provenance={f"key {i}": f"value {i}" for i in range(12)}, cells=({**cell, "cell": "1"},))
    lines = [json.dumps(image_line(image(f"{i}", planes=(plane,)))).encode() for i in range(300)]
    tracemalloc.start()
    record = ResultsRecord()
    for line in lines:
        take_line(record, parsed(line))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in record.rows():
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / 300 < 3000  # a line has as many bytes
    assert most - held < 100_000  # one image at a time
    assert len(record.table().rows) == 300


def test_a_file_is_found_where_it_lies_now(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "images" / "a.png").touch()
    one = ListedImage("a", "a.png", "a.png", "/gone/a.png", "../images/a.png")
    assert one.source(tmp_path / "out") == Path(tmp_path / "out" / "../images/a.png")
    assert ListedImage("a", "a", "a").source(tmp_path) is None
