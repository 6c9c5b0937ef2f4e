"""The page of a study: one HTML file that needs nothing but itself."""

import math
from collections.abc import Sequence
from html import escape

from napari_leukocyte import __version__
from napari_leukocyte.core.scoring.report.markup import NOT_FOR_DIAGNOSIS, caption, image, page
from napari_leukocyte.core.scoring.report.plots import MARKERS
from napari_leukocyte.core.study.kinds import ALL_WHITE
from napari_leukocyte.core.study.report import tables
from napari_leukocyte.core.study.report.plots import MOST_DOTS, SIZE, strip_plot
from napari_leukocyte.core.study.report.wording import group_name
from napari_leukocyte.core.study.study import Study
from napari_leukocyte.core.study.tables import images_of
from napari_leukocyte.core.text import counted

__all__ = ["study_page"]

_RATIO = (
    "CNR = cytoplasm area / nucleus area of a cell. “N:C” means two things: nucleus / cytoplasm (1 / CNR) and, in "
    "cytology, nucleus / cell; both are given, and comparisons are of CNR"
)


def study_page(study: Study, *, title: str) -> str:
    """Write the page."""
    body = [
        f"<header><h1>{escape(title)}</h1><p class='warning'>{NOT_FOR_DIAGNOSIS}</p>{_facts(study)}</header>",
        _section("What may mislead", _warnings(study)),
        _section("Summary", tables.summary_table(study) + _plots(study)),
    ]
    if study.comparisons:
        body.append(_section("Groups", tables.comparison_table(study)))
    body.append(_section("Withheld", tables.withheld_table(study)))
    if study.smudges:
        body.append(tables.smudge_table(study))
    if study.agreements:
        body.append(_section("Readers", tables.agreement_table(study)))
    body.append(f"<footer><p>{NOT_FOR_DIAGNOSIS}</p></footer>")
    return page(title, "\n".join(body))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>\n{content}</section>"


def _facts(study: Study) -> str:
    samples, cells = study.samples, [one.cell for one in study.cells]
    patients = {one.patient for one in study.cells if one.sample.patient}
    entries = [
        ("Results", ", ".join(filter(None, study.results)) or "the images that were open in napari"),
        ("Images", f"{len(images_of(cells))} with cells, {counted(len(cells), 'cell')}"),
        ("Patients", str(len(patients)) if patients else "not known"),
        ("Groups", _groups(study)),
        (
            "Left out",
            f"{tables.left_out(samples.left_out)}, which {samples.how} do not fit" if samples.left_out else "nothing",
        ),
        ("Without images", ", ".join(samples.unused) or "nothing"),
        ("Ratio", _RATIO),
        ("Types", "bands count as segmented neutrophils" if study.merge_bands else "bands are kept apart"),
        ("Models", _models(study)),
        ("Names", "replaced by study codes" if study.coded else "as in the results"),
        ("Made by", f"napari-leukocyte {__version__}"),
    ]
    if not samples.unused:
        entries = [entry for entry in entries if entry[0] != "Without images"]
    return f'<dl class="facts">{"".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in entries)}</dl>\n'


def _groups(study: Study) -> str:
    names = [group_name(group, len(study.groups)) for group in study.groups]
    return f"{', '.join(names)} ({study.samples.how})"


def _models(study: Study) -> str:
    made = dict.fromkeys(
        (
            one.cell.made_by.get("model", ""),
            one.cell.made_by.get("model_sha256", "")[:12],
            one.cell.made_by.get("engine", ""),
        )
        for one in study.cells
    )
    return "; ".join(", ".join(filter(None, one)) for one in made if any(one)) or "not stated"


def _warnings(study: Study) -> str:
    if not study.warnings:
        return "<p>Nothing was found, of what is looked for.</p>"
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in study.warnings)}</ul>"


def _plots(study: Study) -> str:
    panels = []
    of_cnr = {(row.kind, row.group): row.median for row in study.summary if row.quantity.key == "cnr"}
    for kind in dict.fromkeys(kind for kind, _ in study.parted):
        cells = [[one.cell.measure.cnr for one in study.parted[kind, group]] for group in study.groups]
        cells = [[cnr for cnr in own if cnr > 0] for own in cells]
        if kind != ALL_WHITE and any(cells):  # which mix types, and have no value of a patient
            medians = [_medians(study, kind, group) for group in study.groups]
            alt = f"Strip plot of the CNR of {kind} by group; the summary has the figures."
            lines = [of_cnr.get((kind, group), math.nan) for group in study.groups]
            picture = image(strip_plot(cells, medians, lines), "image/svg+xml", alt, width=SIZE[0], height=SIZE[1])
            panels.append(f'<div class="panel"><p><strong>{escape(kind)}</strong></p>{picture}</div>')
    if not panels:
        return "<p>No cell has a CNR, so there is no plot.</p>"
    reading = (
        "Each grey dot is a cell, each coloured mark the median of a patient, the line the median of the group's "
        "cells, those with an upper limit counted in, where it is one number. The scale is logarithmic. Of more than "
        f"{MOST_DOTS} cells in a group as many are drawn, evenly by size."
    )
    return (
        f'<figure class="plots">{caption("CNR by type and group", reading)}{_key(study.groups)}'
        f'<div class="panels">{"".join(panels)}</div></figure>\n'
    )


def _medians(study: Study, kind: str, group: str) -> list[float]:
    return [
        math.exp(one.log_cnr)
        for one in study.patients
        if (one.kind, one.group) == (kind, group) and not math.isnan(one.log_cnr)
    ]


def _key(groups: Sequence[str]) -> str:
    marks = []
    for i, group in enumerate(groups):
        colour, _, sign = MARKERS[i % len(MARKERS)]
        name = escape(group_name(group, len(groups)))
        marks.append(f'<li><span style="color:{colour}" aria-hidden="true">{sign}</span> {i + 1}: {name}</li>')
    return f'<ul class="key">{"".join(marks)}</ul>'
