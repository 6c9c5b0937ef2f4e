"""How a study counts the types of cells: what is merged, what stands outside of the white cells, what is none."""

from napari_leukocyte.core.cells.cell_types import CELL_TYPES, LYMPHOCYTES, OUTSIDE, SMUDGE, UNSURE
from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.measures import CellMeasure

__all__ = ["ALL_WHITE", "LYMPHOCYTES", "NOT_TYPED", "SMUDGE", "compared", "in_order", "is_white", "kind_of"]

ALL_WHITE, NOT_TYPED = "all white cells", "not typed"

_MERGED = {"band neutrophil": "segmented neutrophil"}
_MARKED = {Flag.NOT_A_WBC_SMUDGE: SMUDGE, Flag.NOT_A_WBC_NRBC: "erythroblast"}


def kind_of(measure: CellMeasure, *, merge_bands: bool = True) -> str:
    """Return under which type a cell is counted; "" for what was marked as no cell at all.

    A band counts as a segmented neutrophil, as the ICSH has it, unless the two are to be kept apart. A cell that was
    marked as a smudge or a nucleated red cell needs no type besides.

    Examples
    --------
    >>> nan = float("nan")
    >>> cell = CellMeasure(1, 9, 9, 0.44, 0.33, 0.57, 2.27, 0.69, 44, 100, nan, nan, (), "band neutrophil")
    >>> kind_of(cell), kind_of(cell, merge_bands=False)
    ('segmented neutrophil', 'band neutrophil')
    """
    if measure.cell_type:
        return _MERGED.get(measure.cell_type, measure.cell_type) if merge_bands else measure.cell_type
    marked = next((flag for flag in measure.flags if flag in NOT_A_WBC), None)
    return NOT_TYPED if marked is None else _MARKED.get(marked, "")


def is_white(kind: str) -> bool:
    """Whether a type counts among the white cells: what nobody typed does, smudges and erythroblasts do not."""
    return kind != "" and kind not in OUTSIDE


def compared(kind: str) -> bool:
    """Whether groups are compared in cells of a type: "unsure" is none, and a smudge has no ratio."""
    return kind not in ("", SMUDGE, UNSURE)


def in_order(kind: str) -> tuple[int, str]:
    """Sort key: all white cells, then the order of the ICSH, then own words, and last what has no type."""
    if kind in CELL_TYPES:
        return 1 + CELL_TYPES.index(kind), ""
    return (0 if kind == ALL_WHITE else 101 if kind == NOT_TYPED else 100), kind
