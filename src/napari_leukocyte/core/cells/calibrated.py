"""The calibrated range of a CNR: how far the CNRs of a model lie from those of an expert's outlines."""

import math
from collections.abc import Mapping

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure

__all__ = ["RANGE_COLUMNS", "RANGE_FACTOR", "calibrated_range", "calibrated_text", "range_factor"]

RANGE_COLUMNS = ("cnr_range_low", "cnr_range_high")
RANGE_FACTOR = "cnr_range_factor"
"""What provenance calls the factor of the model, see ``core.model.cnr_range``."""
_WIDEST = 10.0


def range_factor(provenance: Mapping[str, str]) -> float:
    """Read the factor of the model that made a map; NaN where it states none, or none that can be.

    Examples
    --------
    >>> range_factor({"cnr_range_factor": "1.17"}), range_factor({}), range_factor({"cnr_range_factor": "0.2"})
    (1.17, nan, nan)
    """
    try:
        factor = float(provenance.get(RANGE_FACTOR, ""))
    except ValueError:
        return math.nan
    return factor if 1 <= factor <= _WIDEST else math.nan


def calibrated_range(measure: CellMeasure, factor: float) -> tuple[float, float]:
    """Return the CNR divided by the factor, and multiplied by it.

    Both are NaN without a CNR, without a factor, and for a cell that a hand has edited: the factor is about outlines
    as the model draws them.

    Examples
    --------
    >>> cell = CellMeasure(1, 9, 9, 0.44, 0.33, 0.57, 2.27, 0.69, 44, 100, 0.4, 1.0)
    >>> [round(end, 3) for end in calibrated_range(cell, 1.1)]
    [0.4, 0.484]
    """
    if Flag.EDITED in measure.flags or math.isnan(factor):
        return math.nan, math.nan
    return measure.cnr / factor, measure.cnr * factor


def calibrated_text(measure: CellMeasure, factor: float) -> str:
    """Write the calibrated range; "–" when there is none."""
    low, high = calibrated_range(measure, factor)
    return "–" if math.isnan(low) else f"{low:.2f}–{high:.2f}"
