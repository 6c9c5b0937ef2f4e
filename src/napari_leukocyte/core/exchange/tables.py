"""Tables of cells for other programs: CSV, TSV, XLSX and Parquet, each with a data dictionary; and read again."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from napari_leukocyte.core.cells.cells_csv import columns_of
from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.columns import ALL_COLUMNS, TABLE_COLUMNS, dictionary_rows
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.results.cell_table import CellTable
from napari_leukocyte.core.safe_text import for_table, from_table, printable

__all__ = ["TABLES", "Row", "TableFormat", "read_table", "write_table"]

TableFormat = Literal["csv", "tsv", "xlsx", "parquet"]
TABLES: tuple[TableFormat, ...] = get_args(TableFormat)

Value = str | int | float | None
Row = dict[str, Value]
"""A cell: a value for each column of the table, None where there is none."""

_MOST_ROWS = 1_048_575  # of an Excel sheet, below its headings
_WIDEST = 60  # characters of a column


def write_table(cell_maps: Iterable[CellMap], path: Path, kind: TableFormat) -> list[Path]:
    """Write the cells of all images as one table, its provenance and its data dictionary beside it.

    Parameters
    ----------
    cell_maps
        In the order of the table.
    path
        The table; ``<stem>.json`` has what made it, ``<stem>_columns.csv`` what its columns mean.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    LeukocyteError
        When a library is not installed, the table is too long for Excel, or a file cannot be written.
    """
    table = CellTable()
    for one in cell_maps:
        table.add(
            one.measures,
            image=one.image,
            plane=one.plane,
            planes=one.planes,
            provenance=one.segmentation().provenance,
            shapes=one.shapes,
        )
    columns = columns_of(table.rows)
    rows = [_row(row, columns) for row in table.rows]
    with atomic_path(path) as temporary:
        _WRITERS[kind](rows, columns, temporary)
    about, dictionary = path.with_suffix(".json"), path.with_name(f"{path.stem}_columns.csv")
    with atomic_path(about) as temporary:
        temporary.write_text(json.dumps(table.header, indent=1) + "\n", encoding="utf-8")
    with atomic_path(dictionary) as temporary:
        _write_text(dictionary_rows(columns), temporary, ",")
    return [path, about, dictionary]


def read_table(path: Path) -> list[Row]:
    """Read a table that `write_table` wrote, or ``cells.csv``, also after a spreadsheet saved it.

    Columns may be missing or stand in another order; others are left out. Of an Excel file the first sheet is read.

    Raises
    ------
    LeukocyteError
        When it cannot be read, or has no columns ``image`` and ``cell``.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in TABLES:
        raise LeukocyteError(f"{path} is no table: give a file that ends in {', '.join(f'.{one}' for one in TABLES)}.")
    try:
        head, *lines = _READERS[kind](path) or [[]]
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # what the libraries raise on damaged files
        raise LeukocyteError(f"{path} cannot be read as a table ({reason_in(error)}): export it again.") from error
    if not {"image", "cell"} <= set(head):
        raise LeukocyteError(f"{path} is no table of cells: it has no columns named image and cell.")
    places = {name: head.index(name) for name in TABLE_COLUMNS if name in head}
    return [
        {name: _value(name, line[place] if place < len(line) else None, path) for name, place in places.items()}
        for line in lines
        if any(value not in (None, "") for value in line)
    ]


def _row(row: Mapping[str, str], columns: Sequence[str]) -> Row:
    texts = {name: row.get(name, "") for name in columns}  # of some images the optional ones are not known
    return {
        name: printable(text) if ALL_COLUMNS[name].kind == "text" else _value(name, text, Path())
        for name, text in texts.items()
    }


def _value(name: str, raw: Any, path: Path) -> Value:
    """A field in the type of its column; None for an empty number."""
    kind = ALL_COLUMNS[name].kind
    if kind == "text":
        return "" if raw is None else from_table(str(raw))
    if raw is None or raw == "":
        return None
    try:
        number = float(raw)
        if math.isnan(number):
            return None
        return int(number) if kind == "whole" and number == int(number) else number
    except (TypeError, ValueError, OverflowError) as error:
        raise LeukocyteError(f"{path} has {str(raw)[:40]!r} under {name}, where a number belongs.") from error


def _field(value: Value) -> str:
    """A value as text, numbers with eight digits."""
    if value is None:
        return ""
    return for_table(value) if isinstance(value, str) else str(value) if isinstance(value, int) else f"{value:.8g}"


def _write_text(lines: Iterable[Sequence[str]], path: Path, delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(lines)


def _write_csv(rows: Sequence[Row], columns: Sequence[str], path: Path, *, delimiter: str = ",") -> None:
    _write_text([columns, *([_field(row[name]) for name in columns] for row in rows)], path, delimiter)


def _write_tsv(rows: Sequence[Row], columns: Sequence[str], path: Path) -> None:
    _write_csv(rows, columns, path, delimiter="\t")


def _write_xlsx(rows: Sequence[Row], columns: Sequence[str], path: Path) -> None:
    """Write texts as texts, never as formulas, and numbers as numbers, which Excel shows with the locale's comma."""
    openpyxl = library("openpyxl", wanted_for="An Excel file")
    if len(rows) > _MOST_ROWS:
        raise LeukocyteError(f"Excel holds {_MOST_ROWS} rows, and these are {len(rows)}: take csv or parquet.")
    book = openpyxl.Workbook(write_only=True)
    lines = [[_sheet_value(row[name]) for name in columns] for row in rows]
    for title, head, *body in (("cells", list(columns), *lines), ("columns", *dictionary_rows(columns))):
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        for number, column in enumerate(zip(head, *body[:200], strict=True), start=1):
            letter = openpyxl.utils.get_column_letter(number)
            sheet.column_dimensions[letter].width = min(max(len(str(text or "")) for text in column) + 2, _WIDEST)
        for line in (head, *body):
            sheet.append([_cell(openpyxl, sheet, value) for value in line])
    book.save(path)


def _sheet_value(value: Value) -> Value:
    """What a sheet can hold: no infinity but in words, and nothing for an empty text."""
    if isinstance(value, float) and math.isinf(value):
        return _field(value)
    return (for_table(value) or None) if isinstance(value, str) else value


def _cell(openpyxl: Any, sheet: Any, value: Value) -> Any:
    cell = openpyxl.cell.WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"  # whatever it begins with
    return cell


def _write_parquet(rows: Sequence[Row], columns: Sequence[str], path: Path) -> None:
    pyarrow = library("pyarrow", wanted_for="Parquet")
    parquet = library("pyarrow.parquet", wanted_for="Parquet")
    types = {"text": pyarrow.string(), "whole": pyarrow.int64(), "number": pyarrow.float64()}
    schema = pyarrow.schema(
        [
            pyarrow.field(name, types[column.kind], metadata={"unit": column.unit, "meaning": column.meaning})
            for name, column in ((name, ALL_COLUMNS[name]) for name in columns)
        ]
    )
    parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema=schema), path)


def _read_text(path: Path, delimiter: str) -> list[list[Any]]:
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    if delimiter not in first and ";" in first:
        delimiter = ";"  # what Excel saves where the comma is in the numbers
    lines = [list(line) for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    if delimiter != ";":
        return lines
    numbers = {place for place, name in enumerate(lines[0]) if name in ALL_COLUMNS and ALL_COLUMNS[name].kind != "text"}
    return [[one.replace(",", ".") if place in numbers else one for place, one in enumerate(line)] for line in lines]


def _read_csv(path: Path) -> list[list[Any]]:
    return _read_text(path, ",")


def _read_tsv(path: Path) -> list[list[Any]]:
    return _read_text(path, "\t")


def _read_xlsx(path: Path) -> list[list[Any]]:
    openpyxl = library("openpyxl", wanted_for="An Excel file")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        return [list(line) for line in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()


def _read_parquet(path: Path) -> list[list[Any]]:
    parquet = library("pyarrow.parquet", wanted_for="Parquet")
    table = parquet.read_table(path)
    columns = [table.column(name).to_pylist() for name in table.column_names]
    return [list(table.column_names), *(list(line) for line in zip(*columns, strict=True))]


_WRITERS: dict[TableFormat, Callable[[Sequence[Row], Sequence[str], Path], None]] = {
    "csv": _write_csv,
    "tsv": _write_tsv,
    "xlsx": _write_xlsx,
    "parquet": _write_parquet,
}
_READERS: dict[str, Callable[[Path], list[list[Any]]]] = {
    "csv": _read_csv,
    "tsv": _read_tsv,
    "xlsx": _read_xlsx,
    "parquet": _read_parquet,
}
