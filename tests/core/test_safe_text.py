import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS, write_cells_csv
from napari_leukocyte.core.safe_text import for_table, from_table, printable, printable_lines
from napari_leukocyte.core.scoring.case_index import read_case_index


@given(st.text())
def test_what_is_printable_steers_nothing_and_is_text(text):
    shown = printable(text)
    assert printable(shown) == shown
    shown.encode()
    assert all(ord(one) >= 32 and not 127 <= ord(one) < 160 for one in shown)
    assert printable_lines(f"{text}\n{text}").count("\n") == 2 * text.count("\n") + 1


@given(st.text())
def test_a_name_in_a_table_is_no_formula_and_comes_back(text):
    safe = for_table(text)
    assert safe[:1] not in tuple("=+-@\t\r")
    assert from_table(safe) == printable(text)


@pytest.mark.parametrize("name", ["=cmd|'x'!A1.png", "+1.png", "-1.png", "@SUM(1).png", "'=1.png", "a=1.png"])
def test_names_in_the_table_of_cells(tmp_path, name):
    row = dict.fromkeys(CELL_COLUMNS, "1") | dict.fromkeys(("image", "folder", "type", "reader"), name)
    write_cells_csv(tmp_path / "cells.csv", [row])
    with (tmp_path / "cells.csv").open(encoding="utf-8", newline="") as file:
        (back,) = csv.DictReader(file)
    assert back["image"][0] not in "=+-@"
    assert back["type"] == back["reader"] == back["image"]
    assert from_table(back["image"]) == name
    assert list(back) == list(CELL_COLUMNS)
    assert {key for key in back if back[key] != "1"} == {"image", "folder", "type", "reader"}


def test_an_index_with_the_apostrophe_finds_its_image(tmp_path):
    (tmp_path / "index.csv").write_text("image,cell_type\n'=1.png,monocyte\n", encoding="utf-8")
    info, note = read_case_index(tmp_path / "index.csv").find("=1", tmp_path / "=1_classes.png")
    assert (info.cell_type, note) == ("monocyte", "")
