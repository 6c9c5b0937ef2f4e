"""The thesis's tables for other predictions: scores of each method, by difficulty class, and on the worst images."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.scoring.evaluation import ImageScore
from napari_leukocyte.core.scoring.metrics import Score
from napari_leukocyte.core.scoring.report.line_up import (
    Comparison,
    Mean,
    accuracy,
    cell_accuracy,
    mean_of,
    worst_union,
)
from napari_leukocyte.core.scoring.report.markup import Cell, Row, row_header, table
from napari_leukocyte.core.scoring.report.wording import mean_cells, percent
from napari_leukocyte.core.text import counted

__all__ = ["WORST", "cell_table", "class_table", "difficulty_table", "worst_table"]

WORST = (10, 30, 50)  # how many of the worst images the thesis compares

_NO_LOSS = "The loss that the thesis gives here, and in Table 5.4, cannot be computed from masks and is left out."
_PLATELETS = (
    "Class 7 cannot be compared with the thesis: it drew imaged platelets as nucleus, here they are background."
)


def cell_table(comparison: Comparison) -> str:
    """Write accuracy, IoU and IoU_b of the whole cell, and false and missed cells (thesis Table 5.1)."""
    columns = {
        "Accuracy": _means(comparison, cell_accuracy),
        **_overlap_columns(comparison, "cell"),
    }
    counts: list[Row] = [
        [str(sum(getattr(score, kind) for score in scores.values())) for kind in ("false_cells", "missed_cells")]
        for scores in comparison.methods.values()
    ]
    return _score_table(
        "Cell against background (thesis, Table 5.1)",
        "Means over images, %. Accuracy is the share of all pixels that are right, and is high wherever the background "
        "is large; IoU is the overlap of predicted and true cell; IoU_b leaves out the band along the cell's outline, "
        "so it forgives a line drawn a little further in or out; scored is the share of the true cell that IoU_b "
        "looks at. False and missed cells are counted over all images, before cells were chosen by the keep rule.",
        comparison,
        columns,
        ["False cells", "Missed cells"],
        counts,
        [_NO_LOSS],
    )


def class_table(comparison: Comparison, cls: str) -> str:
    """Write accuracy, IoU and IoU_b of nucleus or cytoplasm (thesis Table 5.4)."""
    columns = {"Accuracy": _means(comparison, accuracy), **_overlap_columns(comparison, cls)}
    false: list[Row] = [
        [str(sum(score.false_class(cls) for score in scores.values()))] for scores in comparison.methods.values()
    ]
    return _score_table(
        f"{cls.capitalize()} (thesis, Table 5.4)",
        "Means over images, %. Accuracy is over all three classes together; the other figures are of this class alone, "
        f"as above. False class counts the images whose truth has no {cls} but the prediction has.",
        comparison,
        columns,
        ["False class"],
        false,
    )


def difficulty_table(comparison: Comparison, cls: str) -> str:
    """Write the mean IoU_b of a class for each difficulty class (thesis Tables 5.2 and 5.5); "" where none is known."""
    images = Counter(score.difficulty for score in comparison.first_method)
    known = sorted(number for number in images if number is not None)
    if not known:
        return ""
    columns = [*known, *([None] if None in images else [])]
    head = [Cell("Method", scope="col")]
    for number in columns:
        name = "not known" if number is None else f"{number} {DIFFICULTIES.get(number, '')}"
        share = percent(images[number] / len(comparison.images))
        head.append(Cell(name, scope="col", detail=f"{counted(images[number], 'image')}, {share}\N{NO-BREAK SPACE}%"))
    means = [
        mean_cells(
            [
                mean_of(score.score(cls, "iou_b") for score in scores.values() if score.difficulty == number)
                for scores in comparison.methods.values()
            ]
        )
        for number in columns
    ]
    return table(
        f"{cls.capitalize()} by difficulty class (thesis, Table {'5.2' if cls == 'cell' else '5.5'})",
        "Mean IoU_b, %, over the images of each class; a higher class is harder to segment. A small 12 of 15 below a "
        "figure: only 12 of the 15 images have a score.",
        [head],
        [_rows(comparison, [[column[i] for column in means] for i in range(len(comparison.methods))])],
        notes=[_PLATELETS] if 7 in images else [],
    )


def worst_table(comparison: Comparison, sizes: Sequence[int] = WORST) -> str:
    """Write how the methods do on the images that are worst for any of them (thesis Table 5.3).

    "" for one method. The thesis's numbers of images are taken where there are more images than that, else a
    third of the images.
    """
    if len(comparison.methods) < 2 or not comparison.images:
        return ""
    total = len(comparison.images)
    rows: list[Row] = []
    for n in [n for n in sizes if n < total] or [max(1, total // 3)]:
        union = worst_union(comparison, n)
        means = [
            mean_of(scores[name].score("cell", "iou_b") for name in union) for scores in comparison.methods.values()
        ]
        rows.append([Cell(str(n), scope="row"), Cell(str(len(union))), *mean_cells(means)])
    return table(
        "The worst images of each method (thesis, Table 5.3)",
        "Images that all methods do well say little about which is better. Each method's N images with the lowest "
        "IoU_b of the cell are put together, and each method is scored on all of them: mean IoU_b of the cell, %.",
        [["Number of images, N", "Images together", *comparison.methods]],
        [rows],
    )


def _overlap_columns(comparison: Comparison, cls: str) -> dict[str, list[Mean]]:
    return {
        "IoU": _means(comparison, lambda score: score.score(cls, "iou")),
        "IoU_b": _means(comparison, lambda score: score.score(cls, "iou_b")),
        "Scored": _means(comparison, lambda score: score.score(cls, "scored")),
    }


def _means(comparison: Comparison, of: Callable[[ImageScore], Score]) -> list[Mean]:
    return [mean_of(of(score) for score in scores.values()) for scores in comparison.methods.values()]


def _score_table(
    title: str,
    reading: str,
    comparison: Comparison,
    columns: Mapping[str, Sequence[Mean]],
    count_names: Sequence[str],
    counts: Sequence[Row],
    notes: Sequence[str] = (),
) -> str:
    # what the truth decides is no contest
    cells = [
        mean_cells(means) if name != "Scored" else [cell for mean in means for cell in mean_cells([mean])]
        for name, means in columns.items()
    ]
    figures: list[Row] = [[*(column[i] for column in cells), *counts[i]] for i in range(len(comparison.methods))]
    return table(title, reading, [["Method", *columns, *count_names]], [_rows(comparison, figures)], notes=notes)


def _rows(comparison: Comparison, figures: Sequence[Row]) -> list[Row]:
    return [[row_header(method), *row] for method, row in zip(comparison.methods, figures, strict=True)]
