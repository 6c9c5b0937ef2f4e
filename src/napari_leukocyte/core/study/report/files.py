"""A report as files: the page, and the tables behind it as CSV."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_leukocyte.core.cells.calibrated import RANGE_COLUMNS
from napari_leukocyte.core.cells.cells_csv import cell_rows
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder
from napari_leukocyte.core.outputs import REPORT, spare_foreign, spare_inputs
from napari_leukocyte.core.safe_text import for_table
from napari_leukocyte.core.study.coding import Codes
from napari_leukocyte.core.study.placed import PlacedCell
from napari_leukocyte.core.study.report.page import study_page
from napari_leukocyte.core.study.study import Study

__all__ = ["TABLES", "tables_of", "write_study"]

TABLES = ("cells", "summary", "withheld", "smudges", "patients", "comparisons", "readers")
"""The names of the tables; each is NAME.csv, written when there is anything in it."""

Rows = list[dict[str, str | float | int]]


def write_study(study: Study, folder: Path, *, title: str = "Study of cells", codes: Codes | None = None) -> list[Path]:
    """Write ``report.html`` and the tables behind it; with ``codes`` their key, too.

    Parameters
    ----------
    study : Study
        What is written.
    folder : Path
        Made when it is not there. Files of an earlier report are replaced.
    title : str
        The heading of the page.
    codes : Codes, optional
        Those that the study was made with.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    LeukocyteError
        When a file cannot be written, the key would lie in the folder, or what was read, or what is none of a
        report's files, would be replaced.
    """
    written = [folder / "report.html"]
    tables = {name: rows for name, rows in tables_of(study).items() if rows}
    written += [folder / f"{name}.csv" for name in tables]
    if codes is not None and folder.resolve() in codes.path.resolve().parents:
        raise LeukocyteError(f"The key {codes.path} would be given away with the report: put it outside of {folder}.")
    spare_inputs(written if codes is None else [*written, codes.path], study.sources)
    spare_foreign({written[0]: REPORT} | {folder / f"{name}.csv": _begin(rows) for name, rows in tables.items()})
    make_folder(folder)
    if codes is not None:
        codes.write()
    for name, rows in tables.items():
        _write(folder / f"{name}.csv", rows)
    with atomic_path(written[0]) as temporary:
        temporary.write_text(study_page(study, title=title), encoding="utf-8")
    return written


def tables_of(study: Study) -> dict[str, Rows]:
    """The tables of a study by name (`TABLES`), a list of rows each; empty where there is nothing to say."""
    return {
        "cells": [_cell_row(one) for one in study.cells],
        "summary": [
            {
                "type": row.kind,
                "group": row.group,
                "quantity": row.quantity.key,
                "patients": row.patients,
                "cells": row.cells,
                "median": row.median,
                "q1": row.q1,
                "q3": row.q3,
                "censored": row.censored,
                "median_low": row.quartiles[1].low,
                "median_high": row.quartiles[1].high,
            }
            for row in study.summary
        ],
        "withheld": [
            {
                "type": one.kind,
                "group": one.group,
                "cells": one.cells,
                "withheld": one.count,
                "share": one.share,
                "reason": "all" if key == "all" else "binary_map" if key is None else str(key),
                "number": number,
                "cnr_at_most": one.limit if key is Flag.RIM_NOT_RESOLVED else math.nan,
            }
            for one in study.withheld
            for key, number in [("all", one.count), *one.reasons.items()]
        ],
        "smudges": [
            {"group": one.group, "smudges": one.smudges, "lymphocytes": one.lymphocytes, "share": one.share}
            for one in study.smudges
        ],
        "patients": [
            {
                "type": one.kind,
                "group": one.group,
                "patient": one.patient,
                "cells": one.cells,
                "median_log_cnr": one.log_cnr,
                "median_cnr": math.exp(one.log_cnr),
                "censored": one.censored,
                "median_cnr_at_most": math.exp(one.at_most),
            }
            for one in study.patients
        ],
        "comparisons": [
            {
                "type": one.kind,
                "group": one.second,
                "reference": one.first,
                "patients": one.patients[1],
                "patients_reference": one.patients[0],
                "ratio": one.ratio,
                "low": one.low,
                "high": one.high,
                "p": one.p,
                "p_holm": one.p_holm,
                "reason": one.reason,
            }
            for one in study.comparisons
        ],
        "readers": [
            {
                "reader": one.second,
                "reference": one.first,
                "type": one.kind,
                "cells": one.cells,
                "by_one_only": one.one_only,
                "bias": one.bias,
                "bias_low": one.bias_interval[0],
                "bias_high": one.bias_interval[1],
                "limit_low": one.low,
                "limit_high": one.high,
                "icc": one.icc.value if one.icc else math.nan,
                "icc_low": one.icc.low if one.icc else math.nan,
                "icc_high": one.icc.high if one.icc else math.nan,
            }
            for one in study.agreements
        ],
    }


def _begin(rows: Rows) -> bytes:
    """What a table of an earlier report begins with."""
    return rb"\A" + ",".join(list(rows[0])[:2]).encode()


def _cell_row(one: PlacedCell) -> dict[str, str | float | int]:
    cell, sample = one.cell, one.sample
    (row,) = cell_rows([cell.measure], image=cell.image.label, plane=cell.plane, provenance=cell.made_by)
    own = {"patient": sample.patient, "slide": sample.slide, "group": sample.group, "counted_as": one.kind}
    return {
        "results": cell.image.results,
        **row,
        **dict(zip(RANGE_COLUMNS, cell.cnr_range, strict=True)),
        **cell.on_slide,
        **own,
        **{f"sheet: {name}": text for name, text in sample.facts.items()},
    }


def _write(path: Path, rows: Sequence[Mapping[str, str | float | int]]) -> None:
    header = list(dict.fromkeys(name for row in rows for name in row))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([for_table(name) for name in header])
        writer.writerows([_field(row.get(name, "")) for name in header] for row in rows)


def _field(value: str | float | int) -> str:
    if isinstance(value, str):
        return for_table(value)
    return "" if math.isnan(value) else f"{value:.8g}"
