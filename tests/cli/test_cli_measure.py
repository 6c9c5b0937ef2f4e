import csv
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png, write_class_tiff
from napari_leukocyte.core.results.writer import ResultWriter
from napari_leukocyte.core.synthetic.smear import draw_field


def save(path, array, **options):
    Image.fromarray(np.asarray(array)).save(path, **options)
    return path


def read_table(path):
    header = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with path.open(encoding="utf-8", newline="") as file:
        return header, list(csv.DictReader(file))


def cell_map(shape=(60, 70), centre=(30, 34), radius=20, nucleus=11):
    y, x = np.indices(shape)
    distance = np.hypot(y - centre[0], x - centre[1])
    return (distance <= radius).astype(np.uint8) + (distance <= nucleus)


@pytest.fixture
def table(tmp_path, run):
    """Measure, and read the table: ``table(path, ..., ok=True)`` gives result, header and rows."""

    def measure(*arguments, ok=True):
        out = tmp_path / "out" / "cells.csv"
        result = run("measure", *arguments, "--out", out)
        assert result.exit_code == (0 if ok else 1), result.output
        return result, *read_table(out)

    return measure


# ---- what segment wrote ---------------------------------------------------------------------------------------


def put_marks(monkeypatch):
    """As a dock would: what segment found is written with marks on its cells."""
    add = ResultWriter.add

    def with_marks(self, source, result, *, measures=None, **options):
        if result is not None:
            cells = np.unique(result.cells)[1:].tolist()
            remarks = {cell: {[Flag.NOT_A_WBC_SMUDGE, Flag.LOW_CONFIDENCE, Flag.EDITED][cell % 3]} for cell in cells}
            if result.pixel_size.doubt:
                remarks = {cell: flags | {Flag.PIXEL_SIZE_DOUBTFUL} for cell, flags in remarks.items()}
            measures = measure_cells(
                result.classes,
                result.cells,
                pixel_size=result.pixel_size.for_areas,
                binary=result.binary,
                remarks=remarks,
            )
        add(self, source, result, measures=measures, **options)

    monkeypatch.setattr(ResultWriter, "add", with_marks)


@pytest.fixture
def smears(tmp_path, picture):
    """A folder with a field, two images of one stem, one without a pixel size, and a stack with a bad plane."""
    folder = tmp_path / "smears"
    folder.mkdir()
    field = draw_field(seed=4, size=(240, 330), px_per_um=3.7, n_cells=4)
    save(folder / "field.png", field.image, dpi=(25400 * 3.7, 25400 * 3.7))
    save(folder / "field.bmp", field.image[::-1])
    save(folder / "grey.png", picture()[..., 0])
    stack = np.stack([picture(1), np.full_like(picture(), 200), picture(2, radius=15)])
    tifffile.imwrite(folder / "s.tif", stack, photometric="rgb", resolution=(3e4, 3e4), resolutionunit="CENTIMETER")
    return folder


@pytest.mark.parametrize("options", [[], ["--pixel-size", "0.27"], ["--mode", "binary"]])
def test_segment_then_measure_gives_the_same_rows(tmp_path, run, table, model, smears, monkeypatch, options):
    put_marks(monkeypatch)
    results = tmp_path / "results"
    assert run("segment", smears, "--out", results, "--model", model, "--keep", "all", *options).exit_code == 1
    header, rows = read_table(results / "cells.csv")
    assert {flag for row in rows for flag in row["flags"].split(";")} >= {
        "not_a_wbc_smudge",
        "low_confidence",
        "edited",
    }
    small = set() if options == ["--pixel-size", "0.27"] else {"grey.png", "s.tif"}  # specks at that size
    assert {row["image"] for row in rows} == {"field.png", "field.bmp"} | small
    result, new_header, new_rows = table(results)
    assert {row.pop("folder") for row in rows} == {str(smears)}
    assert {row.pop("folder") for row in new_rows} == {""}  # a class map tells of its image no more than the name
    assert sorted(map(str, new_rows)) == sorted(map(str, rows))
    assert ("CNR needs three classes" in result.stdout) == (options == ["--mode", "binary"])
    for key in ("napari-leukocyte", "model", "model_sha256", "mode", "keep"):
        assert new_header[key] == header[key]
    # what a shell makes of results/* names the cell labels, too
    files = [path for path in results.iterdir() if path.suffix in (".png", ".tif")]
    again = [{key: text for key, text in row.items() if key != "folder"} for row in table(*files)[2]]
    assert sorted(map(str, again)) == sorted(map(str, rows))


def test_shape_columns_are_those_of_segment_as_far_as_maps_tell(tmp_path, run, table, model, picture):
    save(tmp_path / "a.png", picture())
    results = tmp_path / "results"
    run("segment", tmp_path / "a.png", "--out", results, "--model", model, "--pixel-size", 0.5, "--shape-columns")
    (before,) = read_table(results / "cells.csv")[1]
    assert not set(SHAPE_COLUMNS) & set(table(results)[2][0])
    (row,) = table(results, "--shape-columns")[2]
    of_image = {name for name in SHAPE_COLUMNS if "_od_" in name} | {"cell_per_red_cell"}
    assert before["cell_od_red"]
    for name in SHAPE_COLUMNS:
        assert row[name] == ("" if name in of_image else before[name]), name


def test_a_corrected_map_is_measured_as_it_is_now(tmp_path, run, table, model, picture):
    save(tmp_path / "a.png", picture())
    results = tmp_path / "results"
    run("segment", tmp_path / "a.png", "--out", results, "--model", model, "--pixel-size", 0.5)
    path = results / "a_classes.png"
    classes = np.array(Image.open(path))
    assert read_provenance(path)["image"] == "a.png"
    y, x = np.argwhere(classes == 1)[len(np.argwhere(classes == 1)) // 2]
    classes[y, x] = 2
    save(path, classes)  # another program, which keeps nothing of what the file said
    _, header, (row,) = table(path, "--pixel-size", 0.5)
    assert row["image"] == "a"
    assert int(row["nucleus_px"]) == np.count_nonzero(classes == 2)
    assert header["cell_labels"] == "from _cells.tif"
    assert "model" not in header


# ---- class maps from elsewhere --------------------------------------------------------------------------------


def test_every_reading_of_one_cell_gives_one_row(tmp_path, table):
    maps, classes = tmp_path / "maps", cell_map()
    maps.mkdir()
    save(maps / "index.png", classes)
    save(maps / "grey.png", np.array([0, 128, 255], np.uint8)[classes])
    save(maps / "thesis.png", np.array([[0, 0, 255], [0, 255, 0], [255, 0, 0]], np.uint8)[classes])
    write_class_png(maps / "palette_classes.png", classes, provenance={})
    tifffile.imwrite(maps / "sixteen.tif", classes.astype(np.uint16))
    write_class_tiff(maps / "stack.tif", np.stack([classes, classes]), provenance={})
    save(maps / "whole.png", (classes > 0).astype(np.uint8) * 255)
    tifffile.imwrite(maps / "whole_cells.tif", np.zeros((3, 3), np.uint8))
    (maps / "notes.txt").write_text("no image")
    result, header, rows = table(maps)
    assert result.stderr == ""
    assert tuple(rows[0]) == CELL_COLUMNS
    assert [(row["image"], row["plane"]) for row in rows] == [
        ("grey", "0"),
        ("index", "0"),
        ("palette", "0"),
        ("sixteen", "0"),
        ("stack", "0"),
        ("stack", "1"),
        ("thesis", "0"),
        ("whole", "0"),
    ]
    *three_class, whole = rows
    same = {tuple(row[name] for name in CELL_COLUMNS[2:]) for row in three_class}
    assert len(same) == 1
    assert float(rows[0]["cnr"]) == pytest.approx(np.count_nonzero(classes == 1) / np.count_nonzero(classes == 2))
    assert (whole["cnr"], whole["cytoplasm_px"], whole["nucleus_px"], whole["flags"]) == (
        "",
        str(np.count_nonzero(classes)),
        "0",
        "",
    )
    assert result.stdout.count(": CNR needs three classes") == 1
    assert "whole.png: CNR needs three classes" in result.stdout
    assert "7 class maps of 7 measured, 8 cells" in result.stdout
    assert header["cell_labels"] == "labelled anew"
    assert header["pixel_size_source"] == "unknown"
    assert {row["nucleus_um2"] for row in rows} == {""}


def test_pixel_size_typed_or_from_the_file_or_unknown(tmp_path, table):
    maps = tmp_path / "maps"
    maps.mkdir()
    write_class_png(maps / "png.png", cell_map(), provenance={}, pixel_size=0.25)
    write_class_tiff(maps / "tif.tif", cell_map(), provenance={}, pixel_size=0.5)
    save(maps / "plain.png", cell_map())
    nucleus = np.count_nonzero(cell_map() == 2)
    result, header, rows = table(maps)
    assert [row["nucleus_um2"] for row in rows] == ["", f"{nucleus / 16:.8g}", f"{nucleus / 4:.8g}"]
    assert header["pixel_size_um of tif"] == "0.5 (resolution tag)"
    assert "plain.png: pixel size unknown; so areas are in px only" in result.stdout
    _, header, rows = table(maps, "--pixel-size", 0.1)
    assert {row["nucleus_um2"] for row in rows} == {f"{nucleus / 100:.8g}"}
    assert (header["pixel_size_um"], header["pixel_size_source"]) == ("0.1", "typed")


def two_cells_as_one(folder, **provenance):
    """One round area that its labels part into cells 2 and 5."""
    classes = cell_map()
    classes[29:31, 25:28] = classes[29:31, 41:44] = 2
    cells = np.where(np.arange(70) < 34, 2, 5) * (classes > 0)
    save(folder / "a.png", classes)
    write_cells_tiff(folder / "a_cells.tif", cells, provenance=provenance)
    return classes, cells


def test_labels_and_marks_beside_a_map_are_used(tmp_path, table):
    _, cells = two_cells_as_one(tmp_path, not_a_wbc="2 platelet, 5 nrbc", low_confidence="5")
    _, header, rows = table(tmp_path / "a.png")
    assert [row["cell"] for row in rows] == ["2", "5"]
    assert int(rows[0]["cytoplasm_px"]) + int(rows[0]["nucleus_px"]) == np.count_nonzero(cells == 2)
    assert "not_a_wbc_platelet" in rows[0]["flags"].split(";")
    assert {"not_a_wbc_nrbc", "low_confidence"} <= set(rows[1]["flags"].split(";"))
    assert {row["cnr"] for row in rows} == {""}
    assert header["cell_labels"] == "from _cells.tif"


def one_pixel_less(cells):
    cells[tuple(np.argwhere(cells > 0)[0])] = 0
    return cells


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cells: cells[:-1], "has another size"),
        (lambda cells: np.stack([cells, cells]), "has not its number of planes"),
        (lambda cells: np.where(cells == 0, 9, cells), "does not cover the same pixels"),
        (one_pixel_less, "does not cover the same pixels"),
    ],
)
def test_labels_that_do_not_fit_are_said_and_the_cells_labelled_anew(tmp_path, table, change, words):
    _, cells = two_cells_as_one(tmp_path)
    write_cells_tiff(tmp_path / "a_cells.tif", change(cells), provenance={"not_a_wbc": "2 smudge"})
    result, header, rows = table(tmp_path / "a.png")
    assert [(row["cell"], row["flags"]) for row in rows] == [("1", "too_coarse")]
    (line,) = [line for line in result.stdout.splitlines() if words in line]
    assert line.strip().startswith("a.png: a_cells.tif")
    assert line.endswith("so the cells were labelled anew, and the marks in it are left out")
    assert header["cell_labels"] == "labelled anew"


@pytest.mark.parametrize("content", [b"", b"no image", "float"])
def test_labels_that_cannot_be_read_are_said_and_the_cells_labelled_anew(tmp_path, table, content):
    _, cells = two_cells_as_one(tmp_path)
    if content == "float":
        tifffile.imwrite(tmp_path / "a_cells.tif", cells + np.float32(0.5) * (cells > 0))
    else:
        (tmp_path / "a_cells.tif").write_bytes(content)
    result, _, rows = table(tmp_path / "a.png")
    assert len(rows) == 1
    assert "a_cells.tif" in result.stdout
    assert "so the cells were labelled anew" in result.stdout


def test_marks_that_cannot_be_understood_are_no_cnr_in_silence(tmp_path, run):
    two_cells_as_one(tmp_path, not_a_wbc="2 banana")
    result = run("measure", tmp_path / "a.png", "--out", tmp_path / "cells.csv")
    assert result.exit_code == 1
    assert "The remark '2 banana' under not_a_wbc cannot be understood" in result.stderr


def test_images_of_one_name_stay_apart(tmp_path, table):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_class_png(tmp_path / folder / "a_classes.png", cell_map(), provenance={"image": "a.png"})
    save(tmp_path / "x" / "b.png", cell_map())
    save(tmp_path / "x" / "b_classes.png", cell_map())
    _, _, rows = table(tmp_path / "x", tmp_path / "y")
    assert len({row["image"] for row in rows}) == len(rows) == 4


# ---- bad input ------------------------------------------------------------------------------------------------


def test_bad_files_are_reported_and_the_rest_runs(tmp_path, table):
    maps, classes = tmp_path / "maps", cell_map()
    maps.mkdir()
    save(maps / "good.png", classes)
    save(maps / "seven.png", np.where(classes == 2, 7, classes).astype(np.uint8))
    tifffile.imwrite(maps / "float.tif", classes / np.float32(2))
    rng = np.random.default_rng(0)
    save(maps / "photo.png", rng.integers(150, 255, (40, 50, 3), np.uint8))
    (maps / "empty.png").write_bytes(b"")
    (maps / "text.png").write_text("no image")
    (maps / "named.txt").write_text("no image")
    tifffile.imwrite(maps / "axes.tif", np.zeros((2, 3, 20, 30), np.uint8), imagej=True, metadata={"axes": "TZYX"})
    write_cells_tiff(maps / "lone_cells.tif", classes, provenance={})
    result, _, rows = table(maps, maps / "named.txt", maps / "gone.png", maps / "lone_cells.tif", ok=False)
    assert [row["image"] for row in rows] == ["good"]
    assert "1 class map of 10 measured, 1 cell" in result.stdout
    heading, *reasons, share = result.stderr.splitlines()
    assert (heading, share) == ("Not measured:", "9 of 10 class maps failed.")
    for name, words in (
        ("seven.png", "holds the values 0, 1, 7: use 0/1/2"),
        ("float.tif", "values that are not whole numbers"),
        ("photo.png", "is in colour, but not in the mask colours"),
        ("empty.png", "is empty (0 bytes)"),
        ("text.png", "is not an image"),
        ("named.txt", "is not an image"),
        ("axes.tif", "has the axes TZYX"),
        ("gone.png", "does not exist"),
        ("lone_cells.tif", "holds cell labels, by its name"),
    ):
        (reason,) = [line for line in reasons if name in line]
        assert words in reason
    assert len(reasons) == 9


def test_a_file_that_no_decoder_opens_costs_only_itself(tmp_path, table):
    maps, classes = tmp_path / "maps", cell_map()
    maps.mkdir()
    save(maps / "good.png", classes)
    palette = Image.fromarray(classes)
    palette.putpalette([0, 0, 0, 120, 120, 0, 200, 0, 200] + [9] * (768 - 9))
    palette.save(maps / "palette.tif", compression="tiff_lzw")
    save(maps / "cut.tif", classes, compression="tiff_lzw")
    (maps / "cut.tif").write_bytes((maps / "cut.tif").read_bytes()[:60])
    data = bytearray((maps / "good.png").read_bytes())
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (maps / "large.png").write_bytes(data)
    result, _, rows = table(maps, ok=False)
    assert [row["image"] for row in rows] == ["good", "palette"]
    heading, cut, large, _ = result.stderr.splitlines()
    assert heading == "Not measured:"
    assert "cut.tif" in cut
    assert "copy it again" in cut
    assert "large.png has too many pixels" in large


def test_nothing_but_bad_files_leaves_an_older_table(tmp_path, run):
    (tmp_path / "a.png").write_bytes(b"")
    old = ",".join(CELL_COLUMNS)
    (tmp_path / "cells.csv").write_text(old)
    result = run("measure", tmp_path / "a.png", "--out", tmp_path / "cells.csv")
    assert result.exit_code == 1
    assert "Nothing of 1 class map was measured." in result.stdout
    assert (tmp_path / "cells.csv").read_text() == old


@pytest.mark.parametrize("planes", [None, 3])
def test_a_map_without_a_cell_is_said_and_no_failure(tmp_path, table, planes):
    empty = np.zeros((40, 50) if planes is None else (planes, 40, 50), np.uint8)
    write_class_tiff(tmp_path / "a.tif", empty, provenance={})
    result, header, rows = table(tmp_path / "a.tif")
    assert rows == []
    assert "no cell in it" in result.stdout
    assert "CNR needs" not in result.stdout
    assert "1 class map of 1 measured, 0 cells" in result.stdout
    assert header["class_map"].startswith("whole cell")


@pytest.mark.parametrize("value", [0, 1, 2])
def test_a_map_of_one_pixel(tmp_path, table, value):
    _, _, rows = table(save(tmp_path / "a.png", np.array([[value]], np.uint8)))
    assert [row["cnr"] for row in rows] == [""] * (value > 0)
    assert all("cut_by_edge" in row["flags"] for row in rows)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pixel-size", "0"], "A pixel size of 0 um is not plausible"),
        (["--pixel-size", "-1"], "not plausible"),
        (["--pixel-size", "nan"], "not plausible"),
        (["--out", "FOLDER/cells.txt"], "ends in .csv"),
        (["--out", "FOLDER/folder.csv"], "folder.csv cannot be the table"),
        (["--out", "FOLDER/a.png/cells.csv"], "a.png cannot be made (a file of that name is there)"),
    ],
)
def test_wrong_choices_are_one_sentence(tmp_path, run, options, words):
    save(tmp_path / "a.png", cell_map())
    (tmp_path / "folder.csv").mkdir()
    options = [option.replace("FOLDER", str(tmp_path)) for option in options]
    result = run("measure", tmp_path / "a.png", "--out", tmp_path / "cells.csv", *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "folder.csv"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has a folder that not even root can write to")
def test_an_unwritable_folder_is_told_before_the_work(tmp_path, run):
    result = run("measure", save(tmp_path / "a.png", cell_map()), "--out", "/proc/cells.csv")
    assert result.exit_code == 1
    assert "The folder /proc cannot be written to" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_input(tmp_path, run):
    (tmp_path / "empty").mkdir()
    for given in (tmp_path / "empty", tmp_path / "*.png"):
        result = run("measure", given, "--out", tmp_path / "cells.csv")
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
    assert run("measure", tmp_path / "a.png").exit_code == 2
    assert run("measure", "--out", tmp_path / "cells.csv").exit_code == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ctrl+C may hit while a file opens
def test_ctrl_c_keeps_what_is_done(tmp_path, run, monkeypatch):
    maps = tmp_path / "maps"
    maps.mkdir()
    for i in range(9):
        save(maps / f"{i}.png", cell_map())
    measured = []

    def measure_and_press(*arguments, **options):
        measured.append(arguments)
        if len(measured) == 4:
            os.kill(os.getpid(), 2)
        return measure_cells(*arguments, **options)

    monkeypatch.setattr("napari_leukocyte.core.results.class_maps.measure_cells", measure_and_press)
    result = run("measure", maps, "--out", tmp_path / "cells.csv")
    assert result.exit_code == 130
    assert result.stderr == "Stopped.\n"
    assert [row["image"] for row in read_table(tmp_path / "cells.csv")[1]] == ["0", "1", "2"]


def test_log(tmp_path, run):
    save(tmp_path / "a.png", cell_map())
    run("measure", tmp_path / "a.png", "--out", tmp_path / "cells.csv", "--log", tmp_path / "log.txt")
    assert "a.png: {'napari-leukocyte'" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_exchanged_classes_are_refused_until_the_option_decides(tmp_path, run):
    save(tmp_path / "m.png", np.array([0, 2, 1], np.uint8)[cell_map()])
    refused = run("measure", tmp_path / "m.png", "--out", tmp_path / "t.csv")
    assert refused.exit_code == 1
    assert "--read-masks-as swapped" in refused.stderr
    assert not (tmp_path / "t.csv").exists()
    done = run("measure", tmp_path / "m.png", "--out", tmp_path / "t.csv", "--read-masks-as", "swapped")
    assert done.exit_code == 0
    assert "swapped as told" in done.stdout
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert int(row["nucleus_px"]) == np.count_nonzero(cell_map() == 2)
