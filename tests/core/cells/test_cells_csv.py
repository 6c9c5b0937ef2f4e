import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from napari_leukocyte.core.cells.calibrated import RANGE_COLUMNS, RANGE_FACTOR
from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS, cell_rows, write_cells_csv
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS


def two_cells():
    classes = np.zeros((20, 30), int)
    classes[3:10, 3:10] = 1
    classes[5:8, 5:8] = 2
    classes[12:18, 20:30] = 1
    cells = np.zeros_like(classes)
    cells[3:10, 3:10] = 1
    cells[12:18, 20:30] = 2
    return measure_cells(classes, cells)


def test_round_trip(tmp_path):
    path = tmp_path / "cells.csv"
    made_by = {"pixel_size_um": "0.1", "pixel_size_source": "typed", "model": "default", "precision": "float32"}
    rows = cell_rows(two_cells(), image='odd, "name".png', plane=3, provenance=made_by)
    write_cells_csv(path, rows, provenance={"plugin version": "1.0", "model": "two\nlines"})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == (
        "image,plane,cell,y,x,cnr,cnr_low,cnr_high,nc_ratio,nucleus_fraction,"
        "cytoplasm_px,nucleus_px,cytoplasm_um2,nucleus_um2,flags,"
        "pixel_size_um,pixel_size_source,pixel_size_scope,pixel_size_doubt,model,model_sha256,engine,precision,reader,"
        "made_with,folder,cell_px,cell_um2,type,cnr_range_low,cnr_range_high,cnr_at_most"
    )
    read = list(csv.DictReader(lines))
    assert read == rows
    assert read[0]["image"] == 'odd, "name".png'
    assert math.isclose(float(read[0]["cnr"]), 40 / 9, rel_tol=1e-7)
    assert (read[0]["cytoplasm_um2"], read[0]["flags"], read[0]["plane"]) == ("", "too_coarse", "3")
    assert {**read[1], **made_by} == read[1]
    assert (read[0]["cell_px"], read[0]["cell_um2"]) == ("49", "")
    assert (read[1]["cnr"], read[1]["flags"]) == ("", "cut_by_edge;no_nucleus")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cells.csv", "cells.json"]
    provenance = json.loads((tmp_path / "cells.json").read_text(encoding="utf-8"))
    assert provenance == {"plugin version": "1.0", "model": "two\nlines"}


def test_the_calibrated_range_stands_with_its_factor_and_without_edits():
    made_by = {RANGE_FACTOR: "1.25"}
    own, cut = cell_rows(two_cells(), image="a.png", provenance=made_by)
    low, high = (float(own[name]) for name in RANGE_COLUMNS)
    assert (low, high) == (pytest.approx(40 / 9 / 1.25), pytest.approx(40 / 9 * 1.25))
    assert [cut[name] for name in RANGE_COLUMNS] == ["", ""]  # withheld
    edited = [replace(one, flags=(*one.flags, Flag.EDITED)) for one in two_cells()]
    for measures, provenance in ((edited, made_by), (two_cells(), {}), (two_cells(), {RANGE_FACTOR: "0.9"})):
        rows = cell_rows(measures, image="a.png", provenance=provenance)
        assert all(row[name] == "" for row in rows for name in RANGE_COLUMNS)


def test_optional_columns_stand_after_all_others_when_a_row_has_them(tmp_path):
    shapes = {1: {"cell_solidity": 1.0, "cell_diameter_px": 7.9}}
    rows = cell_rows(two_cells(), image="a.png", folder="=smears", shapes=shapes)
    rows += cell_rows(two_cells(), image="b.png")
    write_cells_csv(tmp_path / "cells.csv", rows)
    head, *lines = csv.reader((tmp_path / "cells.csv").read_text().splitlines())
    assert tuple(head) == (*CELL_COLUMNS, *SHAPE_COLUMNS)
    read = [dict(zip(head, line, strict=True)) for line in lines]
    assert [row["cell_solidity"] for row in read] == ["1", "", "", ""]
    assert [row["folder"] for row in read] == ["'=smears"] * 2 + [""] * 2  # no spreadsheet takes it for a formula


def test_no_cells_still_name_the_columns(tmp_path):
    write_cells_csv(tmp_path / "cells.csv", [])
    assert (tmp_path / "cells.csv").read_text().strip() == ",".join(CELL_COLUMNS)
