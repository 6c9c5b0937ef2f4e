"""The tables of a study's report, as HTML."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.summary import reason_words
from napari_leukocyte.core.scoring.report.markup import Cell, Row, row_header, table
from napari_leukocyte.core.study import compare, readers, withheld
from napari_leukocyte.core.study.report.wording import figure, group_name, p_value, quartiles, ratio
from napari_leukocyte.core.study.study import Study
from napari_leukocyte.core.study.summary import CENSORED
from napari_leukocyte.core.text import counted

__all__ = ["agreement_table", "comparison_table", "smudge_table", "summary_table", "withheld_table"]


def summary_table(study: Study) -> str:
    """Median and quartiles of every quantity, by type and group."""
    quantities = list(dict.fromkeys(row.quantity for row in study.summary))
    head: list[Row] = [["Type", "Group", "Patients", "Cells", *[_titled(q.title, q.unit) for q in quantities]]]
    groups = []
    for kind, of_kind in groupby(study.summary, key=lambda row: row.kind):
        by_group = [list(rows) for _, rows in groupby(of_kind, key=lambda row: row.group)]
        body: list[Row] = []
        for i, rows in enumerate(by_group):
            cells = study.parted[kind, rows[0].group]
            patients = len({one.patient for one in cells if one.sample.patient})
            body.append(
                [
                    *[row_header(kind, rows=len(by_group))][: i == 0],
                    Cell(group_name(rows[0].group, len(study.groups)), scope="row"),
                    str(patients) if patients else "–",
                    Cell(
                        f"{rows[0].cells} of {len(cells)}",
                        detail=f"{rows[0].censored} more with an upper limit" if rows[0].censored else "",
                    ),
                    *[Cell(median, detail=quartiles(q1, q3)) for q1, median, q3 in (row.texts() for row in rows)],
                ]
            )
        groups.append(body)
    return table(
        "CNR, N:C and areas by type and group",
        "Median and, below it, the quartiles, cell by cell. Cells: those that have a CNR, of all of the type.",
        head,
        groups,
        notes=[
            *(f"{q.title}: {q.formula}." for q in quantities),
            *([CENSORED] if any(row.censored for row in study.summary) else []),
        ],
        kind="grouped",
    )


def comparison_table(study: Study) -> str:
    """Differences between groups, in every type."""
    head: list[Row] = [["Type", "Groups", "Patients", "Ratio of CNR", "95 % interval", "p", "p by Holm"]]
    groups = []
    for kind, own in groupby(study.comparisons, key=lambda one: one.kind):
        rows = list(own)
        body: list[Row] = []
        for i, one in enumerate(rows):
            body.append(
                [
                    *[row_header(kind, rows=len(rows))][: i == 0],
                    Cell(f"{one.second} to {one.first}", scope="row"),
                    f"{one.patients[1]}, {one.patients[0]}",
                    Cell(ratio(one.ratio), reason=one.reason),
                    f"{ratio(one.low)} to {ratio(one.high)}" if one.low == one.low else "–",
                    p_value(one.p),
                    p_value(one.p_holm),
                ]
            )
        groups.append(body)
    return table(
        "Differences between groups",
        "CNR of one group over that of the other. The interval is of each comparison alone; the last column is what "
        "counts, as it is adjusted for all comparisons of this page.",
        head,
        groups,
        notes=[
            compare.METHOD,
            "N:C, nucleus to cytoplasm, is 1 / CNR: its ratios are these turned round, with the same p values.",
        ],
        kind="grouped",
    )


def withheld_table(study: Study) -> str:
    """Cells without a CNR and why."""
    reasons = [flag for flag in Flag if any(flag in one.reasons for one in study.withheld)]
    binary = any(None in one.reasons for one in study.withheld)
    titles = [reason_words(flag, 0).partition(" ")[2].capitalize() for flag in reasons]
    head: list[Row] = [["Type", "Group", "Cells", "Without CNR", *titles, *["Binary map"] * binary]]
    groups = []
    for kind, own in groupby(study.withheld, key=lambda one: one.kind):
        rows = list(own)
        body: list[Row] = []
        for i, one in enumerate(rows):
            counts = [_number(one, flag) for flag in [*reasons, *[None] * binary]]
            body.append(
                [
                    *[row_header(kind, rows=len(rows))][: i == 0],
                    Cell(group_name(one.group, len(study.groups)), scope="row"),
                    str(one.cells),
                    f"{one.count} ({100 * one.share:.0f} %)" if one.cells else "–",
                    *counts,
                ]
            )
        groups.append(body)
    return table(
        "Cells without a CNR",
        "Each cell stands under one reason. Where the share differs between groups, so do the cells that are left.",
        head,
        groups,
        notes=[f"Warned is by: {withheld.METHOD}"],
        kind="grouped",
    )


def _number(one: withheld.Withheld, reason: Flag | None) -> str:
    number = one.reasons.get(reason, 0)
    limited = number and reason is Flag.RIM_NOT_RESOLVED
    return f"{number} (CNR ≤ {math.ceil(100 * one.limit) / 100:.2f})" if limited else str(number)


def smudge_table(study: Study) -> str:
    """Smudges beside lymphocytes."""
    rows: list[Row] = [
        [
            Cell(group_name(one.group, len(study.groups)), scope="row"),
            str(one.smudges),
            str(one.lymphocytes),
            f"{100 * one.share:.1f} %",
        ]
        for one in study.smudges
    ]
    return table(
        "Smudges",
        "As a share of lymphocytes (of all kinds) and smudges, which stand in for lymphocytes that broke on the slide.",
        [["Group", "Smudges", "Lymphocytes", "Share of smudges"]],
        [rows],
    )


def agreement_table(study: Study) -> str:
    """How readers agree."""
    head: list[Row] = [
        ["Readers", "Type", "Cells", "By one only", "Bias, ratio", "Limits of agreement, ratio", "ICC(2,1)"]
    ]
    groups: list[Sequence[Row]] = []
    for pair, own in groupby(study.agreements, key=lambda one: (one.first, one.second)):
        rows = list(own)
        groups.append(
            [
                [
                    *[row_header(f"{pair[1]} to {pair[0]}", rows=len(rows))][: i == 0],
                    Cell(one.kind, scope="row"),
                    str(one.cells),
                    str(one.one_only),
                    Cell(
                        ratio(one.bias),
                        reason="" if one.icc else "fewer than 3 cells that both have measured",
                        detail=f"{ratio(one.bias_interval[0])} to {ratio(one.bias_interval[1])}" if one.icc else "",
                    ),
                    f"{ratio(one.low)} to {ratio(one.high)}" if one.icc else "–",
                    Cell(
                        figure(one.icc.value) if one.icc else "–",
                        detail=f"{figure(one.icc.low)} to {figure(one.icc.high)}" if one.icc else "",
                    ),
                ]
                for i, one in enumerate(rows)
            ]
        )
    return table(
        "Agreement of readers",
        "CNR of one reader over that of the other, cell by cell; 95 % intervals below. They take cells as independent.",
        head,
        groups,
        notes=[readers.METHOD],
        kind="grouped",
    )


def left_out(names: Iterable[str], most: int = 10) -> str:
    """Name what is left out; coded studies count only."""
    every = list(names)
    shown = [name for name in every if name][:most]
    rest = f" and {len(every) - len(shown)} more" if shown and len(every) > len(shown) else ""
    return counted(len(every), "image") + (f": {', '.join(shown)}{rest}" if shown else "")


def _titled(title: str, unit: str) -> str:
    return f"{title}, {unit}" if unit else title
