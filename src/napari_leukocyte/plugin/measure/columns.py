"""The columns of the cell table: what each shows of a cell, what it sorts by, and what it means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from napari_leukocyte.core.cells.calibrated import calibrated_text
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure, cnr_text
from napari_leukocyte.core.cells.short_text import is_doubt, short_cnr
from napari_leukocyte.core.cells.summary import is_binary

__all__ = [
    "COLUMNS",
    "NO_NUMBER",
    "CellRow",
    "Column",
    "Sign",
    "calibrated_words",
    "place_of",
    "range_text",
    "sign_of",
    "why_no_cnr",
]

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
    made_otherwise
        In words, if its image was segmented with other choices than the last one; else empty.
    patient, group
        Whose cell it is, where a study knows; else empty.
    group_number
        The place of the group among all of the study, for its colour.
    """

    image_index: int
    image: str
    measure: CellMeasure
    factor: float = math.nan
    made_otherwise: str = ""
    patient: str = ""
    group: str = ""
    group_number: int = 0


class Sign(IntEnum):
    """What a row shows in front of its numbers."""

    NONE = 0
    REMARK = 1  # that changes nothing about the number: edited by hand, coarse pixels
    DOUBT = 2
    WITHHELD = 3


@dataclass(frozen=True)
class Column:
    """How a column shows a cell.

    Attributes
    ----------
    name
        What saved settings call it.
    title, formula, meaning
        The header, its second line, and its tooltip.
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
    in_images
        Whether it says nothing while there is only one image.
    in_groups
        Whether it is empty until a study knows patients or groups.
    """

    name: str
    title: str
    meaning: str
    widest: str
    value: Callable[[CellRow], float | str]
    text: Callable[[CellRow], str]
    tooltip: Callable[[CellRow], str] = lambda _: ""
    number: bool = True
    in_um2: bool = False
    in_types: bool = False
    in_images: bool = False
    in_groups: bool = False
    formula: str = ""

    @property
    def heading(self) -> str:
        """Title and formula in one line."""
        return f"{self.title} {self.formula}".strip()


def place_of(name: str) -> int:
    """Number of the column of a name."""
    return next(place for place, column in enumerate(COLUMNS) if column.name == name)


def sign_of(row: CellRow) -> Sign:
    """What the sign in front of a row says of its CNR."""
    return _sign(row.measure.flags, row.measure.cnr == row.measure.cnr, bool(row.made_otherwise))


@lru_cache(maxsize=1024)
def _sign(flags: tuple[Flag, ...], has_cnr: bool, otherwise: bool) -> Sign:
    """The same few come again and again, when tens of thousands of rows are sorted."""
    if any(flag.withholds for flag in flags):
        return Sign.WITHHELD
    if otherwise or (has_cnr and is_doubt(flags)):
        return Sign.DOUBT
    return Sign.REMARK if flags else Sign.NONE


def range_text(measure: CellMeasure) -> str:
    """The range alone, as `cnr_text` writes it behind the CNR, or the upper limit; "–" when there is none."""
    text = cnr_text(measure)
    return text if math.isnan(measure.cnr) else text.partition(" (")[2].removesuffix(")")


def why_no_cnr(measure: CellMeasure) -> list[str]:
    """The sentences that say why a cell has no CNR; none if it has one."""
    reasons = [flag.words for flag in measure.flags if flag.withholds]
    return [*reasons, *[_BINARY] * is_binary(measure)]


def calibrated_words(measure: CellMeasure, factor: float) -> tuple[str, str]:
    """The calibrated range of a cell in a few words, and in sentences what it means."""
    if math.isnan(measure.cnr):
        return NO_NUMBER, ""
    if Flag.EDITED in measure.flags:
        return "not calibrated", (
            "An edited cell has no calibrated range: that is about outlines that the model draws."
        )
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


@lru_cache(maxsize=1024)
def _in_short(flags: tuple[Flag, ...]) -> str:
    """Flags in a few words for a narrow column; the same few come again and again."""
    words = "; ".join(flag.value.replace("_", " ").replace("nrbc", "nucleated red cell") for flag in flags)
    return words.replace("not a wbc", "not a WBC:")


def _remarks(row: CellRow) -> str:
    short = _in_short(row.measure.flags)
    return "; ".join(filter(None, [short, "segmented with other choices"])) if row.made_otherwise else short


def _sentences(row: CellRow) -> str:
    return "\n".join([*(flag.words for flag in row.measure.flags), *filter(None, [row.made_otherwise])])


COLUMNS = (
    Column(
        name="sign",
        title="",
        meaning="A bar: no CNR. A triangle: look at the cell before you believe it. A dot: a remark. Rest the pointer "
        "on a sign for the words; the card has them, too.",
        widest="",
        value=lambda row: -sign_of(row) or math.nan,  # the gravest first
        text=lambda _: "",
        tooltip=_sentences,
        number=False,
    ),
    Column(
        name="image",
        title="Image",
        meaning="The image of the list that the cell lies in. Sorts in the order of the list.",
        widest="smear_0012.png",
        value=lambda row: row.image_index,
        text=lambda row: row.image,
        tooltip=lambda row: row.image,
        number=False,
        in_images=True,
    ),
    Column(
        name="cell",
        title="Cell",
        meaning="Number of the cell in its image",
        widest="888",
        value=lambda row: row.measure.cell,
        text=lambda row: str(row.measure.cell),
    ),
    Column(
        name="cnr",
        title="CNR",
        formula="cyt / nuc",
        meaning="CNR: cytoplasm area / nucleus area of the cell, or in a word why there is none",
        widest="overlap",
        value=lambda row: row.measure.cnr,
        text=lambda row: short_cnr(row.measure),
        tooltip=_why,
    ),
    Column(
        name="range",
        title="Range",
        formula="of the CNR",
        meaning="The CNR (cytoplasm / nucleus) if the outlines are off by 1 px or 0.1 µm, whichever is more. "
        "Sorts by how wide it is.",
        widest="8.88–88.88",
        value=lambda row: row.measure.cnr_high - row.measure.cnr_low,
        text=lambda row: range_text(row.measure),
        tooltip=_range_tooltip,
    ),
    Column(
        name="nucleus_fraction",
        title="N:C",
        formula="nuc / cell",
        meaning="N:C as cytology has it: nucleus area / area of the whole cell, at most 1. In files nucleus_fraction",
        widest="8.88",
        value=lambda row: row.measure.nucleus_fraction,
        text=lambda row: _figure(row.measure.nucleus_fraction, 2),
        tooltip=_why,
    ),
    Column(
        name="nc_ratio",
        title="N:C",
        formula="nuc / cyt",
        meaning="N:C as 1 / CNR: nucleus area / cytoplasm area. In files nc_ratio",
        widest="88.88",
        value=lambda row: row.measure.nc_ratio,
        text=lambda row: _figure(row.measure.nc_ratio, 2),
        tooltip=_why,
    ),
    Column(
        name="cytoplasm_px",
        title="Cytoplasm",
        formula="px²",
        meaning="Area of the cytoplasm in pixels",
        widest="88888",
        value=lambda row: row.measure.cytoplasm_px,
        text=lambda row: str(row.measure.cytoplasm_px),
        tooltip=_whole_cell,
    ),
    Column(
        name="nucleus_px",
        title="Nucleus",
        formula="px²",
        meaning="Area of the nucleus in pixels, all its lobes together",
        widest="88888",
        value=_nucleus_px,
        text=lambda row: _figure(_nucleus_px(row)),
    ),
    Column(
        name="cytoplasm_um2",
        title="Cytoplasm",
        formula="µm²",
        meaning="Area of the cytoplasm in square micrometres",
        widest="888.8",
        value=lambda row: row.measure.cytoplasm_um2,
        text=lambda row: _figure(row.measure.cytoplasm_um2, 1),
        tooltip=_whole_cell,
        in_um2=True,
    ),
    Column(
        name="nucleus_um2",
        title="Nucleus",
        formula="µm²",
        meaning="Area of the nucleus in square micrometres, all its lobes together",
        widest="888.8",
        value=_nucleus_um2,
        text=lambda row: _figure(_nucleus_um2(row), 1),
        in_um2=True,
    ),
    Column(
        name="type",
        title="Type",
        meaning="What a person says that the cell is (I); nothing guesses it",
        widest="segmented neutrophil",
        value=lambda row: row.measure.cell_type,
        text=lambda row: row.measure.cell_type,
        number=False,
        in_types=True,
    ),
    Column(
        name="group",
        title="Group",
        meaning="The group of its patient, as Study … has it",
        widest="treated group",
        value=lambda row: row.group,
        text=lambda row: row.group,
        number=False,
        in_groups=True,
    ),
    Column(
        name="patient",
        title="Patient",
        meaning="Whose cell it is, as Study … has it",
        widest="patient 12",
        value=lambda row: row.patient,
        text=lambda row: row.patient,
        number=False,
        in_groups=True,
    ),
    Column(
        name="remarks",
        title="Remarks",
        meaning="What is doubtful about the cell; rest the pointer on it for the sentences",
        widest="cut by edge; touching",
        value=_remarks,
        text=_remarks,
        tooltip=_sentences,
        number=False,
    ),
)
