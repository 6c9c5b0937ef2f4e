"""Out in every format and in again, on the command line: the results are those that went out."""

import csv
import json
import sys

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.exchange.formats import FORMATS, MASK_FORMATS
from napari_leukocyte.core.imaging.read import read_image

CLASSES = np.zeros((40, 48), np.uint8)
CLASSES[5:20, 4:22] = 1
CLASSES[9:15, 8:16] = 2
CLASSES[12, 12] = 1  # a hole in the nucleus
CLASSES[25:40, 30:44] = 1  # cut by the edge
CLASSES[28:33, 33:38] = CLASSES[35:38, 36:41] = 2


@pytest.fixture
def results(run, tmp_path):
    """A results folder as `import` writes it, of a class map, with a type from a table."""
    (tmp_path / "masks").mkdir()
    Image.fromarray(CLASSES).save(tmp_path / "masks" / "Müller 1.png")
    (tmp_path / "said.csv").write_text("image,cell,type,flags\nMüller 1.png,1,neutrophil,not_a_wbc_smudge\n")
    done = run("import", tmp_path / "masks", tmp_path / "said.csv", "--out", tmp_path / "results", "--pixel-size", 0.2)
    assert done.exit_code == 0, done.output
    assert "1 image, 2 cells" in done.output
    return tmp_path / "results"


def rows_of(folder):
    with (folder / "cells.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_masks_come_back_as_they_went(run, results, tmp_path, to):
    out = run("export", results, "--to", to, "--out", tmp_path / to)
    assert out.exit_code == 0, out.output
    assert (tmp_path / to / f"Müller 1{MASK_FORMATS[to].end}").exists()
    back = run("import", tmp_path / to, "--out", tmp_path / "back")
    assert back.exit_code == 0, back.output
    for name in ("Müller 1_classes.png", "Müller 1_cells.tif"):
        np.testing.assert_array_equal(read_image(results / name).array, read_image(tmp_path / "back" / name).array)
    assert rows_of(tmp_path / "back") == rows_of(results)
    assert rows_of(results)[0]["type"] == "neutrophil"


@pytest.mark.parametrize("to", [to for to in FORMATS if to not in MASK_FORMATS])
def test_a_table_has_its_provenance_and_its_dictionary_beside_it(run, results, tmp_path, to):
    out = run("export", results, "--to", to, "--out", tmp_path / to)
    assert out.exit_code == 0, out.output
    assert {path.name for path in (tmp_path / to).iterdir()} == {f"cells.{to}", "cells.json", "cells_columns.csv"}
    assert json.loads((tmp_path / to / "cells.json").read_text())["pixel_size_um"] == "0.2"


def test_what_cannot_be_read_is_said_and_the_rest_is_imported(run, results, tmp_path):
    (tmp_path / "foreign.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    done = run("import", results / "Müller 1_classes.png", tmp_path / "foreign.geojson", "--out", tmp_path / "new")
    assert done.exit_code == 1
    assert "does not say how large its image is" in done.output
    assert "1 image, 2 cells" in done.output


def test_what_is_imported_is_not_replaced(run, results):
    once = run("import", results / "Müller 1_classes.png", "--out", results)
    assert once.exit_code == 1
    assert "was corrected by hand" in once.output
    forced = run("import", results / "Müller 1_classes.png", "--out", results, "--overwrite")
    assert forced.exit_code == 1
    assert "is read, so it cannot be written as well" in forced.output


def test_a_library_that_is_missing_is_named_with_its_command(run, results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "roifile", None)
    done = run("export", results, "--to", "roi", "--out", tmp_path / "roi")
    assert done.exit_code == 1
    assert 'pip install "napari-leukocyte[exchange]"' in done.output


def test_no_results_and_no_masks_are_said(run, tmp_path):
    (tmp_path / "empty").mkdir()
    Image.fromarray(CLASSES).save(tmp_path / "a.png")
    assert "no results" in run("export", tmp_path, "--to", "roi", "--out", tmp_path / "out").output
    assert "holds no masks" in run("import", tmp_path / "empty", "--out", tmp_path / "out").output


def test_an_export_replaces_no_file_unasked(run, results, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Müller 1_nucleus_labels.tif").write_text("somebody's")
    refused = run("export", results, "--to", "tiff", "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert "is there already, and is not replaced" in refused.output
    assert (tmp_path / "out" / "Müller 1_nucleus_labels.tif").read_text() == "somebody's"
    assert run("export", results, "--to", "csv", "--out", results).exit_code == 1  # its own cells.csv
    assert run("export", results, "--to", "tiff", "--out", tmp_path / "out", "--overwrite").exit_code == 0
