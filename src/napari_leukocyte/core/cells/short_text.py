"""What is said of a cell where there is room for one word: on its badge, in a narrow column."""

import math
from collections.abc import Collection, Mapping

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure, cnr_text
from napari_leukocyte.core.cells.order import doubts_among
from napari_leukocyte.core.cells.summary import withheld_for

__all__ = ["WITHHELD", "is_doubt", "is_doubtful", "short_cnr"]

WITHHELD: Mapping[Flag, str] = {
    Flag.CUT_BY_EDGE: "cut",
    Flag.RIM_NOT_RESOLVED: "rim",
    Flag.NO_CYTOPLASM: "frayed",
    Flag.NO_NUCLEUS: "no nuc.",
    Flag.OVERLAPPING: "overlap",
    Flag.NOT_A_WBC_SMUDGE: "smudge",
    Flag.NOT_A_WBC_PLATELET: "PLT",
    Flag.NOT_A_WBC_NRBC: "NRBC",
    Flag.NOT_A_WBC_ARTEFACT: "artef.",
}
"""A word for each flag that withholds a CNR."""


def short_cnr(measure: CellMeasure) -> str:
    """Write a CNR alone, or in a word why there is none; "–" in a binary map.

    Examples
    --------
    >>> from dataclasses import replace
    >>> cell = CellMeasure(1, 9, 9, 0.44, 0.33, 0.57, 2.27, 0.69, 44, 100, 0.4, 1.0)
    >>> short_cnr(cell), short_cnr(replace(cell, cnr=math.nan, flags=(Flag.CUT_BY_EDGE,)))
    ('0.44', 'cut')
    """
    reason = withheld_for(measure) if math.isnan(measure.cnr) else None
    return cnr_text(measure, short=True) if reason is None else WITHHELD[reason]


def is_doubtful(measure: CellMeasure) -> bool:
    """Whether a cell has a CNR, and a look at the cell should come before it is believed."""
    return not math.isnan(measure.cnr) and is_doubt(measure.flags)


def is_doubt(flags: Collection[Flag]) -> bool:
    """Whether flags make a CNR doubtful; a doubtful pixel size does not, for the CNR needs none.

    >>> is_doubt({Flag.TOUCHING, Flag.EDITED}), is_doubt({Flag.EDITED, Flag.PIXEL_SIZE_DOUBTFUL})
    (True, False)
    """
    return bool(doubts_among(flags) - {Flag.PIXEL_SIZE_DOUBTFUL})
