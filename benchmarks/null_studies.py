"""How often a study finds a difference that is not there, and whether it finds one that is: studies of drawn numbers.

    python benchmarks/null_studies.py

Three groups, two types of cells, patients that differ, and 5 to 120 cells a patient. A false alarm is any comparison of
a study below 0.05 after Holm, in families of 1, 3 and 6 comparisons. Beside it stands what the same test makes of cells
taken as independent values. The planted study has 3 groups of 5 patients with 40 cells, of which the third has a
higher CNR.
"""

import argparse
import math
from collections.abc import Mapping, Sequence

import numpy as np

from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.study.compare import Comparison, compare, holm, patient_value

GROUPS = ("A", "B", "C")
CNRS = {"lymphocyte": 0.68, "segmented neutrophil": 1.94}  # docs/cnr.md
BETWEEN, WITHIN = 0.15, 0.35  # standard deviations of log CNR, of patients and of the cells of one
CELLS = (5, 120)
PLANTED, PLANTED_CELLS = 1.5, 40

Study = Mapping[str, Mapping[str, Sequence[np.ndarray]]]


def draw(
    rng: np.random.Generator, patients: int, *, ratio: float = 1.0, cells: int | None = None
) -> dict[str, dict[str, list[np.ndarray]]]:
    """CNRs of every patient by type and group; the last group's are ``ratio`` times higher."""
    study: dict[str, dict[str, list[np.ndarray]]] = {}
    for kind, middle in CNRS.items():
        for group in GROUPS:
            own = study.setdefault(kind, {}).setdefault(group, [])
            for _ in range(patients):
                number = cells or round(math.exp(rng.uniform(*np.log(CELLS))))
                at = math.log(middle * (ratio if group == GROUPS[-1] else 1.0)) + rng.normal(0, BETWEEN)
                own.append(np.exp(rng.normal(at, WITHIN, number)))
    return study


def by_patient(study: Study) -> list[Comparison]:
    """As the report compares them."""
    values = {
        kind: {group: [patient_value(cnrs.tolist()).value for cnrs in own] for group, own in groups.items()}
        for kind, groups in study.items()
    }
    return compare(values, GROUPS)


def by_cell(study: Study) -> list[Comparison]:
    """As it must not be done."""
    values = {
        kind: {group: np.log(np.concatenate(own)).tolist() for group, own in groups.items()}
        for kind, groups in study.items()
    }
    return compare(values, GROUPS)


def false_alarms(studies: int, patients: int) -> list[float]:
    """Shares of studies with a false alarm, of 1, 3 and 6 comparisons and by cell; coverage (NaN: no intervals)."""
    rng = np.random.default_rng(patients)
    alarms, covered = np.zeros(4), list[bool]()
    for _ in range(studies):
        study = draw(rng, patients)
        found = by_patient(study)
        p = [one.p for one in found]  # three of one type, then three of the other
        alarms += [min(holm(family)) < 0.05 for family in (p[:1], p[:3], p)] + [
            min(one.p_holm for one in by_cell(study)) < 0.05
        ]
        covered += [one.low < 1 < one.high for one in found if not math.isnan(one.low)]
    return [*(alarms / studies).tolist(), float(np.mean(covered)) if covered else math.nan]


def planted(studies: int) -> tuple[float, float, float]:
    """Share of comparisons with the planted difference that find it, their coverage, and false alarms besides."""
    rng = np.random.default_rng(0)
    hits, covered, alarms = list[bool](), list[bool](), 0
    for _ in range(studies):
        found = by_patient(draw(rng, 5, ratio=PLANTED, cells=PLANTED_CELLS))
        real = [one for one in found if one.second == GROUPS[-1]]
        hits += [one.p_holm < 0.05 for one in real]
        covered += [one.low < PLANTED < one.high for one in real]
        alarms += any(one.p_holm < 0.05 for one in found if one.second != GROUPS[-1])
    return float(np.mean(hits)), float(np.mean(covered)), alarms / studies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    arguments = parser.parse_args()
    print("| patients a group | 1 comparison | 3 groups | 3 groups, 2 types | that by cell | intervals that hold 1 |")
    print("|---|---|---|---|---|---|")
    for patients in (3, 5, 10):
        shares = " | ".join(map(share, false_alarms(arguments.studies, patients)))
        print(f"| {patients} | {shares} |", flush=True)
    found, coverage, alarms = planted(arguments.studies)
    print(
        f"Planted, {PLANTED} times: found in {share(found)} of its comparisons, in {share(coverage)} of the intervals; "
        f"false alarms besides in {share(alarms)} of the studies."
    )


if __name__ == "__main__":
    main()
