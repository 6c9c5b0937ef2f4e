"""The figures of every image, the worst first."""

import math
from collections.abc import Iterator

from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import ImageScore, Measure
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.scoring.report.line_up import Comparison, accuracy, cell_accuracy
from napari_leukocyte.core.scoring.report.markup import Cell, Row, row_header, table
from napari_leukocyte.core.scoring.report.wording import score_cell, share_cell

__all__ = ["image_table"]

_MEASURES: dict[str, Measure] = {"IoU": "iou", "IoU_b": "iou_b", "Scored": "scored"}


def image_table(comparison: Comparison) -> str:
    """Write one row for each image and method."""
    classes = CLASS_NAMES if comparison.three_class else CLASS_NAMES[:1]
    many, cnr = len(comparison.methods) > 1, comparison.three_class
    head: list[Row] = [
        [
            Cell("Image", scope="col", rows=2),
            *([Cell("Method", scope="col", rows=2)] if many else []),
            Cell("Accuracy", scope="col", rows=2),
            *(Cell(name.capitalize(), scope="colgroup", columns=len(_MEASURES)) for name in classes),
            *([Cell("CNR", scope="colgroup", columns=2)] if cnr else []),
            Cell("False cells", scope="col", rows=2),
            Cell("Missed cells", scope="col", rows=2),
        ],
        [*(label for _ in classes for label in _MEASURES), *(["Bias", "Cells"] if cnr else [])],
    ]
    return table(
        "Every image, the worst first",
        "Sorted by the lowest IoU_b of any class and method; an image without any comes last. Shares are in %"
        + (
            ", as is the bias of its CNRs; cells are those compared, of those that have a CNR in the truth."
            if cnr
            else "."
        ),
        head,
        _groups(comparison, classes, many=many),
        kind="images long grouped" if many else "images long",
    )


def _groups(comparison: Comparison, classes: tuple[str, ...], *, many: bool) -> Iterator[list[Row]]:
    for name in comparison.images:
        rows: list[Row] = []
        for method, scores in comparison.methods.items():
            score = scores[name]
            first = [row_header(name, detail=_about(score), rows=len(comparison.methods))] if not rows else []
            rows.append(
                [
                    *first,
                    *([row_header(method)] if many else []),
                    score_cell(accuracy(score) if comparison.three_class else cell_accuracy(score)),
                    *(score_cell(score.score(cls, measure)) for cls in classes for measure in _MEASURES.values()),
                    *(_cnr(score.cnr) if comparison.three_class else ()),
                    str(score.false_cells),
                    str(score.missed_cells),
                ]
            )
        yield rows


def _about(score: ImageScore) -> str:
    difficulty = "" if score.difficulty is None else f"class {score.difficulty}"
    return ", ".join(part for part in (score.source, score.cell_type, difficulty) if part)


def _cnr(errors: CnrErrors) -> list[Cell]:
    missing = "no cell has a CNR on both sides" if errors.true_cnrs else "the truth has no CNR here"
    coverage = Cell(f"{errors.n} of {errors.true_cnrs}")
    return [share_cell(errors.bias if errors.n else math.nan, missing, sign=True), coverage]
