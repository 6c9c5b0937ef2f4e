"""The columns of the cell table: what each shows of a cell, what it sorts by, and what it means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from napari_leukocyte.core.cells.calibrated import calibrated_text
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure, cnr_text
from napari_leukocyte.core.cells.summary import is_binary

__all__ = ["COLUMNS", "NO_NUMBER", "CellRow", "Column", "calibrated_words", "range_text", "why_no_cnr"]

NO_NUMBER = "–"
_BINARY = "No CNR: the map is binary, and a CNR needs three classes."


@dataclass(frozen=True)
class CellRow:
    """One cell of one image of the list.

    Attributes
    ----------
    image_index
        Position of the image in the list.
    image
        What the image is called in the table.
    measure
        The cell; its number is unique in its image.
    factor
        Of the calibrated range, see `calibrated_words`; NaN where the model has none.
    """

    image_index: int
    image: str
    measure: CellMeasure
    factor: float = math.nan


@dataclass(frozen=True)
class Column:
    """How a column shows a cell.

    Attributes
    ----------
    title, meaning
        The header and its tooltip.
    widest
        The widest text that is common, to set the width by.
    value
        What to sort by; NaN and the empty text go last.
    text, tooltip
        What to show of a row.
    number
        Whether to align to the right.
    in_um2
        Whether the column is empty until a pixel size is known.
    in_types
        Whether it is empty until a person has said what type a cell is.
    """

    title: str
    meaning: str
    widest: str
    value: Callable[[CellRow], float | str]
    text: Callable[[CellRow], str]
    tooltip: Callable[[CellRow], str] = lambda _: ""
    number: bool = True
    in_um2: bool = False
    in_types: bool = False


def range_text(measure: CellMeasure) -> str:
    """The range alone, as `cnr_text` writes it behind the CNR; "–" when there is none."""
    return cnr_text(measure).partition(" (")[2].removesuffix(")") or NO_NUMBER


def why_no_cnr(measure: CellMeasure) -> list[str]:
    """The sentences that say why a cell has no CNR; none if it has one."""
    reasons = [flag.words for flag in measure.flags if flag.withholds]
    return [*reasons, *[_BINARY] * is_binary(measure)]


def calibrated_words(measure: CellMeasure, factor: float) -> tuple[str, str]:
    """The calibrated range of a cell in a few words, and in sentences what it means."""
    if math.isnan(measure.cnr):
        return NO_NUMBER, ""
    if Flag.EDITED in measure.flags:
        return "edited by hand", "An edited cell has no calibrated range: that is about outlines that the model draws."
    if math.isnan(factor):
        return "not calibrated", (
            "Nobody knows how far the CNRs of this model lie from an expert's: train a model on masks of your own, "
            "with some held out."
        )
    return f"9 in 10: {calibrated_text(measure, factor)}", (
        "Calibrated range: an expert's CNR lay in it for nine cells in ten, in images that the model did not learn "
        "from. In a laboratory that it has never met it is more often outside."
    )


def _range_tooltip(row: CellRow) -> str:
    return _why(row) or "\n".join(calibrated_words(row.measure, row.factor))


def _figure(value: float, digits: int = 0) -> str:
    return NO_NUMBER if math.isnan(value) else f"{value:.{digits}f}"


def _nucleus_px(row: CellRow) -> float:
    return math.nan if is_binary(row.measure) else row.measure.nucleus_px


def _nucleus_um2(row: CellRow) -> float:
    return math.nan if is_binary(row.measure) else row.measure.nucleus_um2


def _why(row: CellRow) -> str:
    return "\n".join(why_no_cnr(row.measure))


def _whole_cell(row: CellRow) -> str:
    return "The area of the whole cell: the map is binary." if is_binary(row.measure) else ""


def _short(flag: Flag) -> str:
    """A few words for a narrow column."""
    words = flag.value.replace("_", " ").replace("nrbc", "nucleated red cell")
    return words.replace("not a wbc", "not a WBC:")


def _remarks(row: CellRow) -> str:
    return "; ".join(_short(flag) for flag in row.measure.flags)


COLUMNS = (
    Column(
        title="Image",
        meaning="The image of the list that the cell lies in. Sorts in the order of the list.",
        widest="smear_0012.png",
        value=lambda row: row.image_index,
        text=lambda row: row.image,
        tooltip=lambda row: row.image,
        number=False,
    ),
    Column(
        title="Cell",
        meaning="Number of the cell in its image",
        widest="888",
        value=lambda row: row.measure.cell,
        text=lambda row: str(row.measure.cell),
    ),
    Column(
        title="CNR",
        meaning="Cytoplasm area / nucleus area of the cell",
        widest="88.88",
        value=lambda row: row.measure.cnr,
        text=lambda row: cnr_text(row.measure, short=True),
        tooltip=_why,
    ),
    Column(
        title="Range",
        meaning="The CNR if the outlines are off by 1 px or 0.1 µm, whichever is more. Sorts by how wide it is.",
        widest="8.88–88.88",
        value=lambda row: row.measure.cnr_high - row.measure.cnr_low,
        text=lambda row: range_text(row.measure),
        tooltip=_range_tooltip,
    ),
    Column(
        title="N:C",
        meaning="Nucleus area / cytoplasm area of the cell, which is 1 / CNR",
        widest="88.88",
        value=lambda row: row.measure.nc_ratio,
        text=lambda row: _figure(row.measure.nc_ratio, 2),
        tooltip=_why,
    ),
    Column(
        title="Nucleus %",
        meaning="Share of the nucleus in the area of the whole cell, in per cent",
        widest="88",
        value=lambda row: row.measure.nucleus_fraction,
        text=lambda row: _figure(100 * row.measure.nucleus_fraction),
        tooltip=_why,
    ),
    Column(
        title="Cytoplasm px²",
        meaning="Area of the cytoplasm in pixels",
        widest="88888",
        value=lambda row: row.measure.cytoplasm_px,
        text=lambda row: str(row.measure.cytoplasm_px),
        tooltip=_whole_cell,
    ),
    Column(
        title="Nucleus px²",
        meaning="Area of the nucleus in pixels, all its lobes together",
        widest="88888",
        value=_nucleus_px,
        text=lambda row: _figure(_nucleus_px(row)),
    ),
    Column(
        title="Cytoplasm µm²",
        meaning="Area of the cytoplasm in square micrometres",
        widest="888.8",
        value=lambda row: row.measure.cytoplasm_um2,
        text=lambda row: _figure(row.measure.cytoplasm_um2, 1),
        tooltip=_whole_cell,
        in_um2=True,
    ),
    Column(
        title="Nucleus µm²",
        meaning="Area of the nucleus in square micrometres, all its lobes together",
        widest="888.8",
        value=_nucleus_um2,
        text=lambda row: _figure(_nucleus_um2(row), 1),
        in_um2=True,
    ),
    Column(
        title="Type",
        meaning="What a person says that the cell is (I); nothing guesses it",
        widest="segmented neutrophil",
        value=lambda row: row.measure.cell_type,
        text=lambda row: row.measure.cell_type,
        number=False,
        in_types=True,
    ),
    Column(
        title="Remarks",
        meaning="What is doubtful about the cell; rest the pointer on it for the sentences",
        widest="cut by edge; touching",
        value=_remarks,
        text=_remarks,
        tooltip=lambda row: "\n".join(flag.words for flag in row.measure.flags),
        number=False,
    ),
)
