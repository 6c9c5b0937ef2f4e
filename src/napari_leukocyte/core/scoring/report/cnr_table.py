"""How far the CNRs are off, with what was withheld and missed: all cells, by source and by cell type."""

import math
from collections.abc import Iterator, Sequence

from napari_leukocyte.core.scoring.evaluation import ImageScore
from napari_leukocyte.core.scoring.overview import pooled_cnr
from napari_leukocyte.core.scoring.report.line_up import Comparison
from napari_leukocyte.core.scoring.report.markup import Row, row_header, table
from napari_leukocyte.core.scoring.report.wording import share_cell

__all__ = ["cnr_table"]

_NO_TRUTH = "the truth has no CNR here"
_NONE_COMPARED = "no cell has a CNR on both sides"


def cnr_table(comparison: Comparison) -> str:
    """Write error, bias and coverage of each method, for all cells and for each known source and cell type."""
    many = len(comparison.methods) > 1
    groups: list[list[Row]] = []
    for label, names in _groups(comparison.first_method):
        rows: list[Row] = []
        for method, scores in comparison.methods.items():
            first = [row_header(label, rows=len(comparison.methods))] if not rows else []
            rows.append([*first, *([row_header(method)] if many else []), *_figures([scores[name] for name in names])])
        groups.append(rows)
    return table(
        "Cytoplasm-to-nucleus ratio (CNR)",
        "Over the cells matched to a true cell; %, except for counts. Error is how far a CNR is off in the middle "
        "(median); bias is the same with its sign, so that −8 means 8 % too low. Coverage is the share of true CNRs "
        "that were compared: a method that withholds doubtful cells, or misses them, loses coverage. In range is the "
        "share of the true CNRs that lie within the range given with the predicted one. Without truth counts the CNRs "
        "given where the truth has none.",
        [
            [
                *(["Cells", "Method"] if many else ["Cells"]),
                *("True CNRs", "Compared", "Coverage", "Error", "Bias", "In range"),
                *("Withheld", "Missed", "Without truth"),
            ]
        ],
        groups,
        kind="long grouped" if many else "long",
    )


def _groups(scores: Sequence[ImageScore]) -> Iterator[tuple[str, list[str]]]:
    """Yield all images, then those of each known source and cell type that are not all of them."""
    yield "all cells", [score.name for score in scores]
    for kind in ("source", "cell_type"):
        for value in sorted({getattr(score, kind) for score in scores} - {""}):
            names = [score.name for score in scores if getattr(score, kind) == value]
            if len(names) < len(scores):
                yield value, names


def _figures(scores: Sequence[ImageScore]) -> Row:
    errors = pooled_cnr(scores)
    missing = _NONE_COMPARED if errors.true_cnrs else _NO_TRUTH
    inside = sum(pair.truth_in_range for score in scores for pair in score.pairs if pair.compared)
    return [
        str(errors.true_cnrs),
        str(errors.n),
        share_cell(errors.coverage, _NO_TRUTH),
        share_cell(errors.median_error, missing),
        share_cell(errors.bias, missing, sign=True),
        share_cell(inside / errors.n if errors.n else math.nan, missing),
        str(errors.withheld),
        str(errors.missed),
        str(errors.given_without_truth),
    ]
