"""The few pieces of HTML that reports are made of; whatever comes from outside is quoted here."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Literal

__all__ = ["NOT_FOR_DIAGNOSIS", "Cell", "Row", "caption", "data_uri", "image", "page", "row_header", "table", "words"]

NOT_FOR_DIAGNOSIS = "For research use only. Not for use in diagnostic procedures."

# A browser that reads this fetches nothing, whatever the page says.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Scope = Literal["col", "row", "colgroup", "rowgroup"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text : str
        Plain text; quoted when it is written.
    reason : str
        Why there is no figure: a small letter here, and the words in a note below the table.
    detail : str
        Set smaller, in a second line.
    best : bool
        In bold, as the thesis's tables have the best method.
    scope : {"col", "row", "colgroup", "rowgroup"}, optional
        Makes it a header, of what the scope says.
    rows, columns : int
        How many it spans.
    """

    text: str
    reason: str = ""
    detail: str = ""
    best: bool = False
    scope: Scope | None = None
    rows: int = 1
    columns: int = 1


Row = Sequence[Cell | str]


def row_header(text: str, *, detail: str = "", rows: int = 1) -> Cell:
    """Return the header of a row, or of several rows."""
    return Cell(text, detail=detail, scope="row" if rows == 1 else "rowgroup", rows=rows)


def table(
    title: str,
    reading: str,
    head: Sequence[Row],
    groups: Iterable[Sequence[Row]],
    *,
    notes: Sequence[str] = (),
    kind: str = "",
) -> str:
    """Write a table: title and how to read it above, reasons and notes below.

    The caption is that of a figure around the table, because a table's own is no wider than the table.

    Parameters
    ----------
    title, reading : str
        Together the caption; the title alone is the table's name for screen readers.
    head : sequence of rows
        Plain text becomes a column header.
    groups : iterable of sequences of rows
        Rows that stay together on paper. Plain text becomes an ordinary cell.
    notes : sequence of str
        Sentences below the table, after the reasons.
    kind : str
        A CSS class.
    """
    reasons: dict[str, str] = {}
    head_rows = "".join(_row([Cell(c, scope="col") if isinstance(c, str) else c for c in row], reasons) for row in head)
    bodies = "".join(
        f"<tbody>{''.join(_row([Cell(c) if isinstance(c, str) else c for c in row], reasons) for row in group)}</tbody>"
        for group in groups
    )
    below = [f"<p><sup>{mark}</sup> n/a: {words(reason)}</p>" for reason, mark in reasons.items()]
    below += [f"<p>{words(note)}</p>" for note in notes]
    return (
        f'<figure class="table {kind}">{caption(title, reading)}'
        f'<table aria-label="{escape(title)}"><thead>{head_rows}</thead>{bodies}</table>'
        f'<div class="notes">{"".join(below)}</div></figure>\n'
    )


def caption(title: str, reading: str) -> str:
    """Write the caption of a figure: its title, and how to read it."""
    return f"<figcaption><strong>{words(title)}</strong> {words(reading)}</figcaption>"


def words(text: str) -> str:
    """Quote a text, with the index of IoU_b set low.

    Examples
    --------
    >>> words("IoU_b < 1")
    'IoU<sub>b</sub> &lt; 1'
    """
    return escape(text).replace("IoU_b", "IoU<sub>b</sub>")


def image(content: bytes, media_type: str, alt: str, *, width: int, height: int) -> str:
    """Write a picture that lies in the page itself; ``width`` and ``height`` in px give it its place."""
    uri = data_uri(content, media_type)
    return f'<img src="{uri}" alt="{escape(alt)}" width="{width}" height="{height}">'


def data_uri(content: bytes, media_type: str) -> str:
    """Return a file as an address that holds all of it.

    Examples
    --------
    >>> data_uri(b"abc", "image/png")
    'data:image/png;base64,YWJj'
    """
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def page(title: str, body: str) -> str:
    """Write a whole page that needs nothing but itself; ``body`` is HTML."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    return _PAGE.format(policy=_POLICY, title=escape(title), style=style, body=body)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="napari-leukocyte">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _row(cells: Sequence[Cell], reasons: dict[str, str]) -> str:
    return f"<tr>{''.join(_cell(cell, reasons) for cell in cells)}</tr>"


def _cell(cell: Cell, reasons: dict[str, str]) -> str:
    text = words(cell.text)
    if cell.best:
        text = f"<strong>{text}</strong>"
    if cell.reason:
        text += f"<sup>{reasons.setdefault(cell.reason, _mark(len(reasons)))}</sup>"
    if cell.detail:
        text += f"<small>{words(cell.detail)}</small>"
    tag = "td" if cell.scope is None else "th"
    attributes = "" if cell.scope is None else f' scope="{cell.scope}"'
    if cell.rows > 1:
        attributes += f' rowspan="{cell.rows}"'
    if cell.columns > 1:
        attributes += f' colspan="{cell.columns}"'
    return f"<{tag}{attributes}>{text}</{tag}>"


def _mark(number: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..."""
    letter = chr(ord("a") + number % 26)
    return letter if number < 26 else _mark(number // 26 - 1) + letter
