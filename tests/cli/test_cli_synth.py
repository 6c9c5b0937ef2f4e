import csv
import inspect
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.cli.synth import synth
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.model.dataset import load_sample, read_index
from napari_leukocyte.core.synthetic.collection import INDEX_COLUMNS, CollectionParameters
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.stain import STAINS

SMALL = ("--size", "170", "180", "--px-per-um", "4")
ZHENG_COLUMNS = ("source", "image", "mask", "width", "height", "px_per_um", "cell_type", "slide")


def rows_of(folder):
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def drawn(tmp_path, run):
    """Draw into a folder: ``drawn("a", "--n", 3, ...)`` gives the folder."""

    def draw(name, *options):
        result = run("synth", "--out", tmp_path / name, *options)
        assert result.exit_code == 0, result.output
        return tmp_path / name

    return draw


def test_all_eight_classes_in_turn_with_an_index_that_training_reads(drawn):
    out = drawn("smears", "--n", 9, "--seed", 5, *SMALL)
    rows = rows_of(out)
    assert tuple(rows[0])[:8] == ZHENG_COLUMNS
    assert tuple(rows[0]) == INDEX_COLUMNS
    assert [row["difficulty"] for row in rows] == [*"12345678", "1"]
    assert len({row["seed"] for row in rows}) == 9
    for row, entry in zip(rows, read_index(out), strict=True):
        assert entry.pixel_size == 1 / 4
        classes = read_mask(entry.mask).classes
        with Image.open(out / row["cells"]) as image:
            cells = np.asarray(image).astype(np.int32)
        assert (row["height"], row["width"]) == ("170", "180") == tuple(map(str, classes.shape))
        np.testing.assert_array_equal(cells > 0, classes > 0)
        assert int(row["n_cells"]) == cells.max()
        # the row alone draws the image again
        again = draw_difficulty(int(row["difficulty"]), seed=int(row["seed"]), size=(170, 180), px_per_um=4)
        with Image.open(entry.image) as image:
            np.testing.assert_array_equal(np.asarray(image), again.image)
        np.testing.assert_array_equal(classes, again.classes)
        assert row["stain"] in STAINS
        assert load_sample(entry, pixel_size=0.2, soft=True).target.shape[0] == 4


def test_the_ratio_is_that_of_the_one_whole_cell(drawn):
    out = drawn("smears", "--n", 8, *SMALL)
    for row in rows_of(out):
        if row["difficulty"] in "145":
            with Image.open(out / row["cells"]) as image:
                (cell,) = measure_cells(read_mask(out / row["mask"]).classes, np.asarray(image).astype(np.int32))
            assert float(row["cnr"]) == pytest.approx(cell.cytoplasm_px / cell.nucleus_px, abs=1e-4)
            assert row["cell_type"]
        else:
            assert row["cnr"] == ""
            assert row["cell_type"] == ("smudge" if row["difficulty"] == "6" else "")


def test_masks_are_palette_pngs_in_the_mask_colours(drawn):
    out = drawn("smears", "--n", 1, "--difficulty", 4, *SMALL)
    with Image.open(out / "masks" / "00000.png") as mask:
        assert mask.mode == "P"
        assert mask.getpalette()[:9] == [0, 0, 255, 0, 255, 0, 255, 0, 0]
    about = read_provenance(out / "masks" / "00000.png")
    assert about["difficulty"] == "4"
    assert about["seed"] == rows_of(out)[0]["seed"]


def test_same_seed_same_bytes_and_more_images_begin_with_the_same(drawn):
    two, again, three = (drawn(name, "--n", n, "--seed", 8, *SMALL) for name, n in (("a", 2), ("b", 2), ("c", 3)))
    assert bytes_of(two) == bytes_of(again)
    for name, content in bytes_of(two).items():
        if name != "index.csv":
            assert (three / name).read_bytes() == content
    other = drawn("d", "--n", 1, "--seed", 9, *SMALL)
    assert (other / "images/00000.png").read_bytes() != (two / "images/00000.png").read_bytes()


@pytest.mark.parametrize("stain", STAINS)
def test_one_class_and_stain(drawn, stain):
    rows = rows_of(drawn("smears", "--n", 2, "--difficulty", 7, "--stain", stain, *SMALL))
    assert {(row["difficulty"], row["stain"]) for row in rows} == {("7", stain)}


@pytest.mark.parametrize(
    ("options", "words", "status"),
    [
        (["--n", 1, "--difficulty", 9], "difficulty", 2),
        (["--n", 0], "--n", 2),
        (["--n", 1, "--px-per-um", "0.2"], "px-per-um", 2),
        (["--n", 1, "--stain", "gram"], "stain", 2),
        (["--n", 1, "--size", "0", "20"], "image size", 1),
        (["--n", 1, "--difficulty", 2, "--size", "60", "60"], "no room for difficulty class 2", 1),
    ],
)
def test_bad_options_are_said_in_words(run, tmp_path, options, words, status):
    result = run("synth", "--out", tmp_path / "new", *options)
    assert result.exit_code == status
    assert words in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "new" / "index.csv").exists()


def test_an_earlier_collection_is_not_written_over(drawn, run):
    out = drawn("smears", "--n", 1, "--difficulty", 6, *SMALL)
    before = bytes_of(out)
    result = run("synth", "--out", out, "--n", 1, *SMALL)
    assert result.exit_code == 1
    assert "index.csv already" in result.output
    assert bytes_of(out) == before


@pytest.mark.parametrize("folder", ["images", "masks", "cells"])
def test_files_of_the_user_are_not_written_over(tmp_path, run, folder):
    own = tmp_path / folder / "00000.png"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    result = run("synth", "--out", tmp_path, "--n", 1, *SMALL)
    assert result.exit_code == 1
    assert "holds files already" in result.output
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]
    assert own.read_bytes() == b"mine"


def test_a_file_is_no_folder(run, tmp_path):
    file = tmp_path / "file"
    file.write_text("text")
    result = run("synth", "--out", file, "--n", 1)
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1


def test_command_and_parameters_agree():
    options = {name: option.default for name, option in inspect.signature(synth).parameters.items()}
    required = inspect.Parameter.empty
    restated = {field.name: field.default for field in fields(CollectionParameters)}
    assert options.keys() == restated.keys()
    for name, default in options.items():
        assert default is required if name in ("out", "n") else default == restated[name]
    stains = inspect.signature(synth, eval_str=True).parameters["stain"].annotation
    assert all(repr(stain) in str(stains) for stain in STAINS)
