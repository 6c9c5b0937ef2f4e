"""Tables hold names as names and numbers as numbers, in every format, and say what their columns mean."""

import csv
import dataclasses
import math
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.columns import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    TABLE_COLUMNS,
    dictionary_rows,
    markdown,
    optional_rows,
)
from napari_leukocyte.core.exchange.tables import TABLES, read_table, write_table

NAMES = ["Müller 血液 'a'.png", "=HYPERLINK(1).png", "-2+3\x1b.png", "a;b,c\td.png"]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def cell_maps(random_cells):
    """Images with all sorts of names, and a cell whose range is open."""
    return [random_cells(seed, image=name) for seed, name in enumerate(NAMES)]


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_comes_back_as_it_was(kind, cell_maps, tmp_path):
    write_table(cell_maps, tmp_path / f"cells.{kind}", kind)
    rows = read_table(tmp_path / f"cells.{kind}")
    measures = [(one, measure) for one in cell_maps for measure in one.measures]
    assert len(rows) == len(measures) > 10
    for row, (one, measure) in zip(rows, measures, strict=True):
        assert row["image"] == one.image.replace("\x1b", "\\x1b").replace("\t", "\\t")
        assert row["type"] == one.types.get(measure.cell, "")
        assert (row["plane"], row["cell"], row["nucleus_px"]) == (0, measure.cell, measure.nucleus_px)
        assert row["flags"] == ";".join(measure.flags)
        for name in ("y", "x", "cnr", "cnr_low", "cnr_high", "cytoplasm_um2"):
            value = getattr(measure, name)
            assert row[name] is None if math.isnan(value) else row[name] == pytest.approx(value, rel=1e-7)


def test_excel_gets_numbers_as_numbers_texts_as_texts_and_no_formula(cell_maps, tmp_path):
    write_table(cell_maps, tmp_path / "cells.xlsx", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "cells.xlsx")
    assert book.sheetnames == ["cells", "columns"]
    head, *lines = book["cells"].iter_rows()
    assert tuple(cell.value for cell in head) == TABLE_COLUMNS
    for line in lines:
        for name, cell in zip(TABLE_COLUMNS, line, strict=True):
            if cell.value is not None:
                is_text = COLUMNS[name].kind == "text" or cell.value == "inf"
                assert cell.data_type == ("s" if is_text else "n"), (name, cell.value)
                assert not str(cell.value).startswith(("=", "+", "@")), cell.value
    assert [row[0].value for row in book["columns"].iter_rows(min_row=2)] == list(TABLE_COLUMNS)


@pytest.mark.parametrize("kind", TABLES)
def test_shapes_are_columns_with_their_meaning_where_any_image_has_them(kind, cell_maps, tmp_path):
    known = [cell_maps[0].with_shapes(), *cell_maps[1:]]
    table, _, dictionary = write_table(known, tmp_path / f"cells.{kind}", kind)
    with dictionary.open(encoding="utf-8") as file:
        assert [line[0] for line in csv.reader(file)][1:] == [*TABLE_COLUMNS, *SHAPE_COLUMNS]
    found = {"csv": pd.read_csv, "xlsx": pd.read_excel, "parquet": pd.read_parquet}.get(kind, pd.read_table)(table)
    assert list(found.columns) == [*TABLE_COLUMNS, *SHAPE_COLUMNS]
    number = len(cell_maps[0].measures)
    for (_, line), measure in zip(found[:number].iterrows(), cell_maps[0].measures, strict=True):
        shape = known[0].shapes[measure.cell]
        for name in SHAPE_COLUMNS:
            assert pd.isna(line[name]) if name not in shape else line[name] == pytest.approx(shape[name], rel=1e-7)
    assert found[number:][list(SHAPE_COLUMNS)].isna().all(axis=None)
    assert len(read_table(table)) == len(found)


def test_pandas_reads_every_table_alike(cell_maps, tmp_path):
    for kind in TABLES:
        write_table(cell_maps, tmp_path / f"cells.{kind}", kind)
    tables = [
        pd.read_csv(tmp_path / "cells.csv"),
        pd.read_csv(tmp_path / "cells.tsv", sep="\t"),
        pd.read_excel(tmp_path / "cells.xlsx").astype({"cnr_high": float}),
        pd.read_parquet(tmp_path / "cells.parquet"),
    ]
    for table in tables[1:]:
        for name in ("cell", "cnr", "cnr_high", "nucleus_um2", "pixel_size_um"):
            pd.testing.assert_series_equal(table[name], tables[0][name])
    assert tables[3]["cell"].dtype.kind == "i"


def test_what_excel_saves_with_comma_decimals_is_read(cell_maps, tmp_path):
    write_table(cell_maps[:1], tmp_path / "cells.csv", "csv")
    before = read_table(tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    numbers = [place for place, name in enumerate(lines[0]) if COLUMNS[name].kind != "text"]
    for line in lines[1:]:
        for place in numbers:
            line[place] = line[place].replace(".", ",")
    with (tmp_path / "german.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(lines)
    assert read_table(tmp_path / "german.csv") == before


def test_a_sheet_that_is_too_long_and_a_table_of_something_else_are_refused(cell_maps, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_leukocyte.core.exchange.tables._MOST_ROWS", 2)
    with pytest.raises(LeukocyteError, match="take csv or parquet"):
        write_table(cell_maps, tmp_path / "cells.xlsx", "xlsx")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(LeukocyteError, match="no columns named image and cell"):
        read_table(tmp_path / "other.csv")
    (tmp_path / "words.csv").write_text("image,cell\na.png,first\n")
    with pytest.raises(LeukocyteError, match="'first' under cell, where a number belongs"):
        read_table(tmp_path / "words.csv")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 not whole")
    with pytest.raises(LeukocyteError, match="cannot be read as a table"):
        read_table(tmp_path / "broken.xlsx")


def test_the_dictionary_has_every_column_and_is_the_one_in_the_docs():
    assert set(TABLE_COLUMNS) == set(COLUMNS) == set(CELL_COLUMNS)
    assert set(OPTIONAL_COLUMNS) == set(SHAPE_COLUMNS)
    assert all(dataclasses.astuple(column)[1] for column in (*COLUMNS.values(), *OPTIONAL_COLUMNS.values()))
    page = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
    assert markdown(dictionary_rows()) in page
    assert markdown(optional_rows()) in page
