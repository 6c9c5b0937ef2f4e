"""The table of cells as CSV: one row for each cell, with its provenance in a JSON file beside it."""

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from napari_leukocyte.core.cells.calibrated import RANGE_COLUMNS, calibrated_range, range_factor
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS, Shape
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.safe_text import for_table

__all__ = [
    "CELL_COLUMNS",
    "MADE_BY_COLUMNS",
    "MEASURE_COLUMNS",
    "OPTIONAL_COLUMNS",
    "SLIDE_COLUMNS",
    "WHOLE_COLUMNS",
    "cell_rows",
    "columns_of",
    "optional_columns",
    "write_cells_csv",
]

MEASURE_COLUMNS = (
    "image",
    "plane",
    "cell",
    "y",
    "x",
    "cnr",
    "cnr_low",
    "cnr_high",
    "nc_ratio",
    "nucleus_fraction",
    "cytoplasm_px",
    "nucleus_px",
    "cytoplasm_um2",
    "nucleus_um2",
    "flags",
)
MADE_BY_COLUMNS = (
    "pixel_size_um",
    "pixel_size_source",
    "pixel_size_scope",
    "pixel_size_doubt",
    "model",
    "model_sha256",
    "engine",
    "precision",
    "reader",
    "made_with",
)
WHOLE_COLUMNS = ("cell_px", "cell_um2")
CELL_COLUMNS = (*MEASURE_COLUMNS, *MADE_BY_COLUMNS, "folder", *WHOLE_COLUMNS, "type", *RANGE_COLUMNS, "cnr_at_most")
SLIDE_COLUMNS = ("y_um", "x_um", "place")
"""Of cells of a whole slide: where the cell lies, from the slide's corner on, and where on the film."""
OPTIONAL_COLUMNS = (SHAPE_COLUMNS, SLIDE_COLUMNS)
"""Behind all others, each group only where any row has any of it."""

_OWN_WORDS = ("image", "folder", "type", "reader")  # which may begin as a formula does


def columns_of(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Name the columns that a table of these rows has: optional ones only if any row has any of their group."""
    return (*CELL_COLUMNS, *optional_columns(rows))


def optional_columns(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Name the optional columns of whose group any of these rows has any."""
    there = {name for row in rows for name in row}
    return tuple(name for part in OPTIONAL_COLUMNS if not there.isdisjoint(part) for name in part)


def cell_rows(
    measures: Iterable[CellMeasure],
    *,
    image: str,
    plane: int = 0,
    provenance: Mapping[str, str] = MappingProxyType({}),
    folder: str = "",
    shapes: Mapping[int, Shape] | None = None,
) -> list[dict[str, str]]:
    """Write the measures of one plane as rows of text, a key for each of `CELL_COLUMNS`.

    A number that is not there (NaN) is an empty field; flags are joined with ";". What made the rows, and the pixel
    size (estimates, too, which give no areas), comes from the provenance of the plane, and so does the factor of the
    calibrated range; ``folder`` is that of the image's file. With ``shapes``, by cell, each row has the optional
    `core.cells.shape.SHAPE_COLUMNS`, too.

    Examples
    --------
    >>> nan = math.nan
    >>> row, = cell_rows([CellMeasure(1, 2.5, 3, nan, nan, nan, nan, nan, 0, 9, nan, nan)], image="a.png")
    >>> row["y"], row["cnr"], row["nucleus_px"]
    ('2.5', '', '9')
    """
    made_by = {name: provenance.get(name, "") for name in MADE_BY_COLUMNS}
    factor = range_factor(provenance)
    return [
        {
            "image": image,
            "plane": str(plane),
            "cell": str(measure.cell),
            **{name: _number(getattr(measure, name)) for name in MEASURE_COLUMNS[3:-1]},
            "flags": ";".join(measure.flags),
            **made_by,
            "folder": folder,
            **{name: _number(getattr(measure, name)) for name in WHOLE_COLUMNS},
            "type": measure.cell_type,
            **dict(zip(RANGE_COLUMNS, map(_number, calibrated_range(measure, factor)), strict=True)),
            "cnr_at_most": _number(measure.cnr_at_most),
            **({} if shapes is None else _shape_texts(shapes.get(measure.cell, {}))),
        }
        for measure in measures
    ]


def write_cells_csv(
    path: str | os.PathLike[str],
    rows: Iterable[Mapping[str, str]],
    *,
    columns: Sequence[str] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write rows of `cell_rows` as CSV (UTF-8), whole or not at all.

    Parameters
    ----------
    path : path
        An existing file is replaced.
    rows : iterable of mappings
        In the order of the table. A name of an image, a folder, a type or a reader that a spreadsheet would take for a
        formula gets an apostrophe in front, which `napari_leukocyte.core.safe_text.from_table` takes off.
    columns : sequence of str, optional
        `columns_of` the rows, for rows that come one at a time.
    provenance : mapping, optional
        Plugin version, model and its hash, parameters, pixel size and its source. Written beside the table
        under its name with ``.json``: lines of comment in the table itself would stop most programs that read
        CSV.

    Raises
    ------
    LeukocyteError
        If the file cannot be written.
    """
    if columns is None:
        rows = list(rows)
        columns = columns_of(rows)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **{name: for_table(row[name]) for name in _OWN_WORDS}} for row in rows)
    if provenance is not None:
        with atomic_path(Path(path).with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(dict(provenance), indent=1) + "\n", encoding="utf-8")


def _shape_texts(shape: Shape) -> dict[str, str]:
    return {name: _number(shape.get(name, math.nan)) for name in SHAPE_COLUMNS}


def _number(value: float) -> str:
    """Write a number with eight digits, NaN as nothing."""
    if math.isnan(value):
        return ""
    return str(value) if isinstance(value, int) else f"{value:.8g}"
