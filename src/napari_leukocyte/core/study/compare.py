"""Differences between groups, from one value a patient: cells of a patient are no independent observations."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from napari_leukocyte.core.study.kinds import ALL_WHITE, compared
from napari_leukocyte.core.study.placed import PlacedCell

__all__ = ["METHOD", "Comparison", "PatientValue", "compare", "holm", "patient_value", "patient_values", "values_of"]

METHOD = (
    "One value a patient, the median of log CNR over the patient's cells; Welch's t-test on these values, which asks "
    "for no equal spread and holds for few patients; p values by Holm over all comparisons of the study. With fewer "
    "than 5 patients in a group no interval is given, with fewer than 3 nothing is compared."
)

FEWEST, FEWEST_FOR_INTERVAL = 3, 5


@dataclass(frozen=True)
class PatientValue:
    """The median log CNR of the cells of one type of a patient; ``cells`` is how many of them have a CNR."""

    kind: str
    group: str
    patient: str
    cells: int
    log_cnr: float


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


def patient_value(cnrs: Sequence[float]) -> float:
    """Return the median of log CNR; ``cnrs`` are above 0, and at least one."""
    return float(np.median(np.log(cnrs)))


def patient_values(parted: Mapping[tuple[str, str], Iterable[PlacedCell]]) -> list[PatientValue]:
    """Give each known patient one value for each type of `summary.strata` but all white cells, which mix types."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for (kind, group), cells in parted.items():
        for one in cells:
            if kind != ALL_WHITE and one.sample.patient and one.cell.measure.cnr > 0:
                found.setdefault((kind, group, one.sample.patient), []).append(one.cell.measure.cnr)
    return [PatientValue(*key, len(cnrs), patient_value(cnrs)) for key, cnrs in found.items()]


def values_of(patients: Iterable[PatientValue]) -> dict[str, dict[str, list[float]]]:
    """The values by type and group, of types that can be compared."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in patients:
        if compared(one.kind):
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
