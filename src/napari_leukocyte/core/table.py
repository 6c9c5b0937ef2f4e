"""Tables that people write: CSV as programs and spreadsheets of any country save it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import read_text
from napari_leukocyte.core.safe_text import from_table

__all__ = ["Row", "Table", "read_table"]

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")  # Python itself takes 1_0 and inf
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes
    ----------
    where
        The file and the line, for sentences.
    fields
        Texts by the name of their column, without spaces around them; empty where the line ends before.
    decimal_comma
        Whether the table is separated by something else than commas, so that one may stand in a number.
    """

    where: str
    fields: Mapping[str, str]
    decimal_comma: bool

    def text(self, column: str) -> str:
        """What stands in a column; empty where there is none."""
        return self.fields.get(column, "")

    def number(self, column: str) -> float | None:
        """The number in a column; None where nothing stands there.

        Raises
        ------
        LeukocyteError
            When it is no number.
        """
        text = self.text(column)
        if not text:
            return None
        plain = text.replace(",", ".") if self.decimal_comma else text
        if not _NUMBER.fullmatch(plain):
            raise LeukocyteError(f"{self.where} states '{text}' as {column}: give a number, or nothing.")
        return float(plain)


@dataclass(frozen=True)
class Table:
    """Names of columns in lower case, and the lines that are not empty."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """Read a table in UTF-8, separated by commas, semicolons or tabs, with the names of its columns in the first line.

    Raises
    ------
    UnreadableError
        When the system does not let it be read.
    LeukocyteError
        When it is not there, no table, or a line has more fields than there are columns.
    """
    text = read_text(path)
    if "\0" in text:
        raise LeukocyteError(f"{path} is no table (it holds NUL characters): save it as CSV in UTF-8.")
    first = text.partition("\n")[0]
    try:
        separator = max(_SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        columns = tuple(name.strip().lower() for name in next(lines, []))
        rows = [
            (lines.line_num, [from_table(field.strip()) for field in line])
            for line in lines
            if any(field.strip() for field in line)
        ]
    except csv.Error as error:
        raise LeukocyteError(f"{path} is no table ({error}): save it as CSV in UTF-8.") from error
    for name, times in Counter(filter(None, columns)).items():
        if times > 1:
            raise LeukocyteError(f"{path} has the column {name} {times} times: keep one of them.")
    for number, line in rows:
        if any(line[len(columns) :]):
            raise LeukocyteError(
                f"{path}, line {number}, has more fields than there are columns: put texts with a separator between "
                "quotation marks, and write decimals with a point."
            )
    return Table(
        columns,
        tuple(
            Row(f"{path}, line {number},", dict(zip(columns, line, strict=False)), separator != ",")
            for number, line in rows
        ),
    )
