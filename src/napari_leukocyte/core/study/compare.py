"""Differences between groups, from one value a patient: cells of a patient are no independent observations."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from napari_leukocyte.core.cells.censored import Between, quantiles_between
from napari_leukocyte.core.study.kinds import ALL_WHITE, compared
from napari_leukocyte.core.study.placed import PlacedCell

__all__ = ["METHOD", "Comparison", "PatientValue", "compare", "holm", "patient_value", "patient_values", "values_of"]

METHOD = (
    "One value a patient, the median of log CNR over the patient's cells; Welch's t-test on these values, which asks "
    "for no equal spread and holds for few patients; p values by Holm over all comparisons of the study. Cells whose "
    "rim is not resolved count in the median as values below their limit; a patient whose median is no single number "
    "then, as with half of the cells censored, has no value and is in no comparison. With fewer "
    "than 5 patients in a group no interval is given, with fewer than 3 nothing is compared."
)

FEWEST, FEWEST_FOR_INTERVAL = 3, 5


@dataclass(frozen=True)
class PatientValue:
    """The median log CNR of the cells of one type of a patient.

    Attributes
    ----------
    cells
        How many of them have a CNR.
    log_cnr
        NaN where the censored cells leave it open.
    censored
        How many more are only known to have a CNR below a limit, and count as such.
    at_most
        The greatest that it can be.
    """

    kind: str
    group: str
    patient: str
    cells: int
    log_cnr: float
    censored: int = 0
    at_most: float = math.nan


@dataclass(frozen=True)
class Comparison:
    """Two groups in the cells of one type.

    Attributes
    ----------
    patients
        How many patients of the first and the second group have a value.
    ratio
        CNR of the second group over that of the first: of the geometric means of the patients' values.
    low, high
        Its 95 % interval, of this comparison alone; NaN with fewer than `FEWEST_FOR_INTERVAL` patients in a group.
    p, p_holm
        Of Welch's t-test, as it is and by Holm; NaN when nothing is compared.
    reason
        Why nothing is compared, or empty.
    """

    kind: str
    first: str
    second: str
    patients: tuple[int, int]
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    p_holm: float = math.nan
    reason: str = ""


def patient_value(cnrs: Sequence[float], limits: Sequence[float] = ()) -> Between:
    """Find the median of log CNR of cells, and of others whose CNR is only known to lie below a limit; all above 0."""
    bounds = [(-math.inf, math.log(limit)) for limit in limits]
    return quantiles_between([math.log(cnr) for cnr in cnrs], bounds, [0.5])[0]


def patient_values(parted: Mapping[tuple[str, str], Iterable[PlacedCell]]) -> list[PatientValue]:
    """Give each known patient one value for each type of `summary.strata` but all white cells, which mix types."""
    found: dict[tuple[str, str, str], tuple[list[float], list[float]]] = {}
    for (kind, group), cells in parted.items():
        for one in cells:
            cnr, limit = one.cell.measure.cnr, one.cell.measure.cnr_at_most
            if kind != ALL_WHITE and one.sample.patient and (cnr > 0 or limit > 0):
                known, below = found.setdefault((kind, group, one.sample.patient), ([], []))
                (known if cnr > 0 else below).append(cnr if cnr > 0 else limit)
    values = {key: patient_value(*own) for key, own in found.items()}
    return [
        PatientValue(*key, len(known), values[key].value, len(below), values[key].high)
        for key, (known, below) in found.items()
    ]


def values_of(patients: Iterable[PatientValue]) -> dict[str, dict[str, list[float]]]:
    """The values by type and group, of types that can be compared; patients without one are left out."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in patients:
        if compared(one.kind) and not math.isnan(one.log_cnr):
            found.setdefault(one.kind, {}).setdefault(one.group, []).append(one.log_cnr)
    return found


def compare(values: Mapping[str, Mapping[str, Sequence[float]]], groups: Sequence[str]) -> list[Comparison]:
    """Compare every two groups in every type, see `METHOD`.

    Parameters
    ----------
    values : mapping
        By type and group the patients' values, log CNR.
    groups : sequence of str
        All groups, in their order.

    Examples
    --------
    >>> few = {"blast": {"A": [0.0, 0.1, 0.2], "B": [0.7, 0.8, 0.9], "C": [0.1]}}
    >>> [(one.second, round(one.ratio, 2), one.reason) for one in compare(few, ["A", "B", "C"])[:2]]
    [('B', 2.01, ''), ('C', nan, 'fewer than 3 patients in C')]
    """
    found = [
        _welch(kind, first, second, own.get(first, ()), own.get(second, ()))
        for kind, own in values.items()
        for first, second in combinations(groups, 2)
    ]
    adjusted = holm([one.p for one in found])
    return [Comparison(**{**vars(one), "p_holm": p_holm}) for one, p_holm in zip(found, adjusted, strict=True)]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values by Holm's step-down method; NaN is no test and stays NaN.

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, math.nan, 0.03])]
    [0.03, 0.06, nan, 0.06]
    """
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted, highest = list(p_values), 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = highest
    return adjusted


def _welch(kind: str, first: str, second: str, a: Sequence[float], b: Sequence[float]) -> Comparison:
    from scipy import stats  # a third of a second, which no window should wait for when it opens

    one = Comparison(kind, first, second, (len(a), len(b)))
    few = [name for name, own in ((first, a), (second, b)) if len(own) < FEWEST]
    if few:
        return Comparison(**{**vars(one), "reason": f"fewer than {FEWEST} patients in {' and '.join(few)}"})
    ratio = math.exp(float(np.mean(b) - np.mean(a)))
    if max(np.std(a), np.std(b)) < 1e-12:
        return Comparison(**{**vars(one), "ratio": ratio, "reason": "all patients of a group have the same value"})
    test = stats.ttest_ind(b, a, equal_var=False)
    low = high = math.nan
    if min(len(a), len(b)) >= FEWEST_FOR_INTERVAL:
        interval = test.confidence_interval(0.95)
        low, high = math.exp(float(interval.low)), math.exp(float(interval.high))
    return Comparison(**{**vars(one), "ratio": ratio, "low": low, "high": high, "p": float(test.pvalue)})
