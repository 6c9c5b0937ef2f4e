"""The data dictionary: what every column of a table of cells means, its unit and its range."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS

__all__ = [
    "ALL_COLUMNS",
    "COLUMNS",
    "OPTIONAL_COLUMNS",
    "TABLE_COLUMNS",
    "Column",
    "dictionary_rows",
    "markdown",
    "optional_rows",
]

_HEAD = ("column", "meaning", "unit", "range")

Kind = Literal["text", "whole", "number"]

TABLE_COLUMNS = CELL_COLUMNS
"""The columns of a table, in their order."""


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    kind
        ``text``, ``whole`` numbers, or a ``number``; a number that is not there is an empty field.
    range
        In words.
    """

    kind: Kind
    meaning: str
    unit: str
    range: str


_LENGTH, _DENSITY = "above 0, or empty", "any, or empty"
_HASH = "64 hexadecimal digits, or empty"
COLUMNS = {
    "image": Column("text", "Name of the image; one that begins as a formula has an apostrophe in front", "", "any"),
    "plane": Column("whole", "Plane of a stack, counted from 0; 0 for a single image", "", "0 and more"),
    "cell": Column("whole", "Number of the cell in the cell labels of its plane", "", "1 and more"),
    "y": Column("number", "Row of the cell's centre, nucleus included, counted from the top", "px", "0 to height - 1"),
    "x": Column(
        "number", "Column of the cell's centre, nucleus included, counted from the left", "px", "0 to width - 1"
    ),
    "cnr": Column(
        "number", "Cytoplasm area / nucleus area; empty when it is withheld (see flags)", "", "above 0, or empty"
    ),
    "cnr_low": Column(
        "number", "CNR if the outlines are off by 1 px or 0.1 um, to the low side", "", "0 to cnr, or empty"
    ),
    "cnr_high": Column(
        "number", "The same to the high side; inf where so small a nucleus may be none", "", "cnr and more, or empty"
    ),
    "nc_ratio": Column(
        "number", "N:C as 1 / CNR: nucleus area / cytoplasm area; empty with cnr", "", "above 0, or empty"
    ),
    "nucleus_fraction": Column(
        "number",
        "N:C as cytology has it: nucleus area / area of the whole cell; empty with cnr",
        "",
        "above 0 to 1, or empty",
    ),
    "cytoplasm_px": Column(
        "whole", "Area of the cytoplasm; of the whole cell where nuclei are unknown (binary)", "px", "0 and more"
    ),
    "nucleus_px": Column("whole", "Area of the nucleus, all its lobes together", "px", "0 and more"),
    "cytoplasm_um2": Column(
        "number",
        "cytoplasm_px in square micrometres; empty without a measured pixel size",
        "um2",
        "0 and more, or empty",
    ),
    "nucleus_um2": Column("number", "nucleus_px in the same way", "um2", "0 and more, or empty"),
    "flags": Column("text", "What is doubtful about the cell, joined with ;", "", ", ".join(Flag)),
    "pixel_size_um": Column("number", "Side of a pixel", "um per px", "0.01 to 2, or empty"),
    "pixel_size_source": Column("text", "Where that number comes from, in words", "", "any"),
    "pixel_size_scope": Column(
        "text", "Whether it was found for this image or for a list", "", "own, shared, or empty"
    ),
    "pixel_size_doubt": Column("text", "What speaks against it, in words", "", "any, or empty"),
    "model": Column("text", "Model that segmented the image", "", "any, or empty"),
    "model_sha256": Column("text", "Hash of its weight file", "", _HASH),
    "engine": Column("text", "What computed the network", "", "any, or empty"),
    "precision": Column("text", "In which precision", "", "any, or empty"),
    "reader": Column("text", "Who corrected the map by hand, or drew it", "", "any, or empty"),
    "cnr_at_most": Column(
        "number",
        "Upper limit of the CNR of a cell whose rim is not resolved: a left-censored value",
        "",
        "above 0, or empty",
    ),
    "made_with": Column(
        "text", "Of a map that a hand changed: pixels by what made them, and strokes", "", "any, or empty"
    ),
    "folder": Column("text", "Folder of the image's file", "", "any, or empty"),
    "cell_px": Column("whole", "Area of the whole cell, cytoplasm_px + nucleus_px", "px", "0 and more"),
    "cell_um2": Column(
        "number", "The same in square micrometres; empty without a measured pixel size", "um2", "0 and more, or empty"
    ),
    "type": Column("text", "What kind of cell a person said that it is, in their own words", "", "any, or empty"),
    "cnr_range_low": Column(
        "number",
        "Calibrated range: an expert's CNR lay in it for nine cells in ten of those that the model was tested on; "
        "empty with cnr, for edited cells, and where the model is not calibrated",
        "",
        "above 0 to cnr, or empty",
    ),
    "cnr_range_high": Column("number", "The same, upper end", "", "cnr and more, or empty"),
}


OPTIONAL_COLUMNS = {
    name: meaning
    for part, of in (("cell", "the cell"), ("nucleus", "the nucleus, all its lobes together"))
    for name, meaning in {
        f"{part}_diameter_px": Column("number", f"Diameter of a disc of the area of {of}", "px", _LENGTH),
        f"{part}_diameter_um": Column("number", "The same; empty without a measured pixel size", "um", _LENGTH),
        f"{part}_feret_max_px": Column("number", f"Largest Feret diameter of {of}", "px", _LENGTH),
        f"{part}_feret_max_um": Column("number", "The same; empty without a measured pixel size", "um", _LENGTH),
        f"{part}_feret_min_px": Column("number", f"Smallest Feret diameter of {of}", "px", _LENGTH),
        f"{part}_feret_min_um": Column("number", "The same; empty without a measured pixel size", "um", _LENGTH),
        f"{part}_circularity": Column(
            "number", f"4 pi area / perimeter^2 of {of}: about 1 for a disc", "", "above 0, or empty"
        ),
        f"{part}_solidity": Column("number", f"Area / area of the convex hull of {of}", "", "above 0 to 1, or empty"),
        **{
            f"{part}_od_{channel}": Column(
                "number", f"Mean optical density of {of} in {channel}: -log10(light / light of the glass)", "", _DENSITY
            )
            for channel in ("red", "green", "blue")
        },
    }.items()
} | {
    "nucleus_eccentricity": Column(
        "number", "Eccentricity of the ellipse with the nucleus' second moments: 0 for a disc", "", "0 to 1, or empty"
    ),
    "cell_per_red_cell": Column(
        "number",
        "Diameter of the cell / median diameter of the red cells in the image; empty with fewer than five",
        "",
        "above 0, or empty",
    ),
}
"""What `--shape-columns` adds to tables; all but densities are empty of a cell that is cut or overlaps."""


ALL_COLUMNS = COLUMNS | OPTIONAL_COLUMNS
"""Every column that a table can have."""


def dictionary_rows(columns: Sequence[str] = TABLE_COLUMNS) -> list[list[str]]:
    """The dictionary of columns as rows of text, the first with the headings."""
    return [list(_HEAD), *([name, *_described(ALL_COLUMNS[name])] for name in columns)]


def _described(column: Column) -> tuple[str, str, str]:
    return column.meaning, column.unit, column.range


def optional_rows() -> list[list[str]]:
    """The dictionary of the optional columns, in the same way."""
    return dictionary_rows(SHAPE_COLUMNS)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A dictionary as the table in docs/exchange.md."""
    head, *rows = rows
    lines = [head, ["---"] * len(head), *([f"`{row[0]}`", *row[1:]] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
