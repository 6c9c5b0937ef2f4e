"""What a list of cells comes to, in figures and in words: how many, their median CNR, and why some have none."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_leukocyte.core.cells.cell_types import LYMPHOCYTES, OUTSIDE, SMUDGE
from napari_leukocyte.core.cells.censored import Between, quantiles_between
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.text import counted

__all__ = ["CellSummary", "is_binary", "reason_words", "summarise", "withheld_for"]

_REASONS = {
    # what the user has said of a cell comes before what the maps tell
    Flag.NOT_A_WBC_SMUDGE: ("smudge", "smudges"),
    Flag.NOT_A_WBC_PLATELET: ("platelet", "platelets"),
    Flag.NOT_A_WBC_NRBC: ("nucleated red cell", "nucleated red cells"),
    Flag.NOT_A_WBC_ARTEFACT: ("artefact", "artefacts"),
    Flag.CUT_BY_EDGE: ("cut by the edge",) * 2,
    Flag.NO_NUCLEUS: ("without nucleus",) * 2,
    Flag.RIM_NOT_RESOLVED: ("with a rim that is not resolved",) * 2,
    Flag.NO_CYTOPLASM: ("without cytoplasm, perhaps a smudge", "without cytoplasm, perhaps smudges"),
    Flag.OVERLAPPING: ("overlapping",) * 2,
}
_FEWEST_FOR_IQR = 4
_NOTHING = Between(math.nan, math.nan)


@dataclass(frozen=True)
class CellSummary:
    """Counts and the middle of the CNR over some cells, of one image or of many.

    Attributes
    ----------
    count : int
        All cells, with or without a CNR.
    with_cnr : int
        Those that have one and are no erythroblast, megakaryocyte or smudge by their type.
    median, q1, q3 : float
        Median and quartiles of their CNR, cell by cell, never pooled; NaN without any.
    withheld : mapping of Flag to int
        Cells without a CNR, each under one reason; what the user marked (smudge, platelet, nucleated red cell,
        artefact) comes before what the maps tell. Only reasons that occur.
    binary : int
        Cells without a CNR for no other reason than that their map is binary.
    in_clumps : int
        Cells that touch or overlap another one.
    by_type : mapping of str to tuple of int and Between
        How many cells of each type have a CNR or an upper limit of it, and the median of these; only of types that
        somebody gave.
    outside : int
        Erythroblasts, megakaryocytes and smudges, by their type, that have a CNR.
    limits : tuple of float
        Upper limits of the CNR of the white cells whose rim is not resolved, rising.
    median_with_limits : Between
        Where the median lies when these cells count, too, whatever their CNR is.
    smudges, lymphocytes : int
        Smudges, by mark or type, and lymphocytes of all kinds, by type: what the share of smudges is taken of.
    """

    count: int
    with_cnr: int
    median: float
    q1: float
    q3: float
    withheld: Mapping[Flag, int]
    binary: int
    in_clumps: int
    by_type: Mapping[str, tuple[int, Between]] = field(default_factory=dict)
    outside: int = 0
    limits: tuple[float, ...] = ()
    median_with_limits: Between = _NOTHING
    smudges: int = 0
    lymphocytes: int = 0

    @property
    def text(self) -> str:
        """The summary in one sentence-like line."""
        if not self.count:
            return "No cells."
        parts = (self._figures(), self._types(), self._without(), self._rims(), self._smudges(), self._clumps())
        return " · ".join(part for part in parts if part)

    def _figures(self) -> str:
        cells = counted(self.count, "cell")
        if not self.with_cnr:
            return cells
        iqr = f" (IQR {self.q1:.2f}–{self.q3:.2f})" if self.with_cnr >= _FEWEST_FOR_IQR else ""
        if self.count == 1:
            return f"1 cell: CNR {self.median:.2f}"
        return f"{cells}, CNR of {self.with_cnr}: median {self.median:.2f}{iqr}"

    def _types(self) -> str:
        if not self.by_type:
            return ""
        medians = ", ".join(f"{kind} {median.text()} ({number})" for kind, (number, median) in self.by_type.items())
        outside = f"; {self.outside} of them not among the white cells" if self.outside else ""
        return f"by type: {medians}{outside}"

    def _without(self) -> str:
        found = [(flag, self.withheld[flag]) for flag in _REASONS if flag in self.withheld]
        reasons = [f"{reason_words(flag, number)} ({self._percent(number)})" for flag, number in found]
        if self.binary == self.count:
            return "CNR needs three classes, the map is binary"
        if self.binary:
            reasons.append(f"{self.binary} in a binary map (CNR needs three classes)")
        return f"no CNR: {', '.join(reasons)}" if reasons else ""

    def _rims(self) -> str:
        if not self.limits:
            return ""
        top = math.ceil(100 * self.limits[-1]) / 100
        return f"with {len(self.limits)} of CNR ≤ {top:.2f} counted in: median {self.median_with_limits.text()}"

    def _smudges(self) -> str:
        if not (self.smudges and self.lymphocytes):
            return ""
        both = self.smudges + self.lymphocytes
        return f"smudges: {100 * self.smudges / both:.0f} % of {both} lymphocytes and smudges"

    def _percent(self, number: int) -> str:
        return f"{100 * number / self.count:.0f} %"

    def _clumps(self) -> str:
        return f"{self.in_clumps} in clumps" if self.in_clumps else ""


def summarise(measures: Iterable[CellMeasure]) -> CellSummary:
    """Count cells, find the middle of their CNR, and say why the others have none.

    Parameters
    ----------
    measures : iterable of CellMeasure
        Of one image or of many, three-class or binary.

    Examples
    --------
    >>> from dataclasses import replace
    >>> nan = math.nan
    >>> cell = CellMeasure(1, 9, 9, 0.44, 0.33, 0.57, 2.27, 0.69, 44, 100, 0.4, 1.0)
    >>> cut = replace(cell, cnr=nan, flags=(Flag.CUT_BY_EDGE, Flag.TOUCHING))
    >>> summary = summarise([cell, replace(cell, cnr=0.8), cut])
    >>> summary.median, dict(summary.withheld)
    (0.62, {<Flag.CUT_BY_EDGE: 'cut_by_edge'>: 1})
    >>> summary.text
    '3 cells, CNR of 2: median 0.62 · no CNR: 1 cut by the edge (33 %) · 1 in clumps'
    """
    measures = list(measures)
    measured = [measure for measure in measures if not math.isnan(measure.cnr)]
    values = [measure.cnr for measure in measured if measure.cell_type not in OUTSIDE]
    median = q1 = q3 = math.nan
    if values:
        q1, median, q3 = (float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
    white = [measure for measure in measures if measure.cell_type not in OUTSIDE]
    limits = sorted(measure.cnr_at_most for measure in white if not math.isnan(measure.cnr_at_most))
    kinds = [SMUDGE if Flag.NOT_A_WBC_SMUDGE in measure.flags else measure.cell_type for measure in measures]
    kinds_said = sorted({measure.cell_type for measure in measures} - {""})
    without = [measure for measure in measures if math.isnan(measure.cnr)]
    reasons = Counter(withheld_for(measure) for measure in without)
    return CellSummary(
        count=len(measures),
        with_cnr=len(values),
        median=median,
        q1=q1,
        q3=q3,
        binary=reasons.pop(None, 0),
        withheld={flag: n for flag, n in reasons.items() if flag is not None},
        by_type={kind: own for kind in kinds_said if (own := _of_type(measures, kind))[0]},
        outside=len(measured) - len(values),
        limits=tuple(limits),
        median_with_limits=_median(values, limits) if limits else _NOTHING,
        smudges=kinds.count(SMUDGE),
        lymphocytes=sum(kind in LYMPHOCYTES for kind in kinds),
        in_clumps=sum(not {Flag.TOUCHING, Flag.OVERLAPPING}.isdisjoint(measure.flags) for measure in measures),
    )


def _median(values: Sequence[float], limits: Sequence[float]) -> Between:
    """Find the median of values and of others that are only known to be at most ``limits``."""
    return quantiles_between(values, [(0.0, limit) for limit in limits], [0.5])[0]


def _of_type(measures: Iterable[CellMeasure], kind: str) -> tuple[int, Between]:
    own = [measure for measure in measures if measure.cell_type == kind]
    values = [measure.cnr for measure in own if not math.isnan(measure.cnr)]
    limits = [measure.cnr_at_most for measure in own if not math.isnan(measure.cnr_at_most)]
    return len(values) + len(limits), _median(values, limits)


def is_binary(measure: CellMeasure) -> bool:
    """Whether a cell comes from a binary map, where its ``cytoplasm_px`` is the area of the whole cell.

    In a three-class map a cell without a pixel of nucleus has `Flag.NO_NUCLEUS`.

    Examples
    --------
    >>> nan = math.nan
    >>> is_binary(CellMeasure(1, 9, 9, nan, nan, nan, nan, nan, 144, 0, nan, nan))
    True
    """
    return measure.nucleus_px == 0 and Flag.NO_NUCLEUS not in measure.flags


def withheld_for(measure: CellMeasure) -> Flag | None:
    """The one reason under which a cell without a CNR is counted; None: its map is binary."""
    return next((flag for flag in _REASONS if flag in measure.flags), None)


def reason_words(flag: Flag, number: int) -> str:
    """Write how many cells have no CNR for a reason.

    Examples
    --------
    >>> reason_words(Flag.NOT_A_WBC_SMUDGE, 2), reason_words(Flag.CUT_BY_EDGE, 1)
    ('2 smudges', '1 cut by the edge')
    """
    return counted(number, *_REASONS[flag])
