"""The scores of an evaluation as lines of text."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, ImageScore, Measure
from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, Score, iou, iou_b, scored_share
from napari_leukocyte.core.scoring.overview import mean_over_images, pooled_cnr, pooled_counts
from napari_leukocyte.core.text import columns, counted

__all__ = ["score_table"]

_MEASURES: dict[str, Measure] = {"IoU": "iou", "IoU_b": "iou_b", "scored share": "scored"}
_RATIOS = {"iou": iou, "iou_b": iou_b, "scored": scored_share}
_LISTED = 20  # images; of more, the JSON file and the report have the single ones


def score_table(scores: Mapping[str, Sequence[ImageScore]], parameters: EvaluationParameters) -> str:
    """Write means over images, figures over all pixels and cells, and of few images each one.

    Parameters
    ----------
    scores : mapping of str to sequence of ImageScore
        For each method those of the same images, at least one.
    parameters : EvaluationParameters
        What they were made with.
    """
    first = next(iter(scores.values()))
    lines = [f"{counted(len(first), 'image')} scored. {_border(first)} {_rules(parameters)}"]
    for method, own in scores.items():
        if len(scores) > 1:
            lines += ["", method]
        lines += _means(own)
        if len(own) <= _LISTED:
            lines += ["", *_each(own)]
    return "\n".join(lines)


def _border(scores: Sequence[ImageScore]) -> str:
    """The width of the band in px and um, however many there are."""
    widths = sorted({(score.border_px, score.pixel_size or math.nan) for score in scores})
    if len(widths) > 3:
        return f"Border band {widths[0][0]:.3g} to {widths[-1][0]:.3g} px in all, as the pixel sizes differ."
    texts = [
        f"{px:.3g} px" + (" (pixel size unknown)" if math.isnan(um) else f" = {px * um:.3g} µm") for px, um in widths
    ]
    return f"Border band {' or '.join(texts)} in all."


def _rules(parameters: EvaluationParameters) -> str:
    texts = [f"Cells kept: {parameters.keep}."]
    if parameters.score_at is not None:
        texts.append(f"Pixels scored at {parameters.score_at} px.")
    if parameters.empty_scores_zero:
        texts.append("The thesis's rule: nothing to score is 0.")
    return " ".join(texts)


def _means(scores: Sequence[ImageScore]) -> list[str]:
    rows = [["mean over images", *CLASS_NAMES]]
    for label, measure in _MEASURES.items():
        rows.append([label, *(_with_number(scores, cls, measure) for cls in CLASS_NAMES)])
    pooled = pooled_counts(scores)
    rows.append(["all pixels together", "", "", ""])
    for label, measure in _MEASURES.items():
        counted = (pooled.classes.get(cls) for cls in CLASS_NAMES)
        rows.append([label, *("–" if one is None else _short(_RATIOS[measure](one)) for one in counted)])
    rows.append(["false class, images", *(str(sum(score.false_class(cls) for score in scores)) for cls in CLASS_NAMES)])
    number = len(scores)
    accuracy = math.fsum(score.counts.accuracy for score in scores) / number
    return [
        *columns(rows),
        *_reasons(scores),
        f"Accuracy {accuracy:.4f} (all pixels together {pooled.accuracy:.4f}).",
        *_cnr_lines(scores),
        f"Before the keep rule: {sum(s.false_cells for s in scores) / number:.2f} false and "
        f"{sum(s.missed_cells for s in scores) / number:.2f} missed cells an image.",
    ]


def _with_number(scores: Sequence[ImageScore], cls: str, measure: Measure) -> str:
    """A mean, and over how many images where these are not all."""
    there = sum(not math.isnan(score.score(cls, measure).value) for score in scores)
    mean = mean_over_images(scores, cls, measure)
    return _short(mean) if there in (0, len(scores)) else f"{mean} ({there})"


def _short(score: Score) -> str:
    return "n/a" if math.isnan(score.value) else str(score)


def _reasons(scores: Sequence[ImageScore]) -> list[str]:
    """Why classes have no IoU_b."""
    lines = []
    for cls in CLASS_NAMES:
        values = [score.score(cls, "iou_b") for score in scores]
        reasons = Counter(value.reason for value in values if math.isnan(value.value))
        lines += [f"{cls} {reason}: {counted(number, 'image')}" for reason, number in sorted(reasons.items())]
    return lines


def _cnr_lines(scores: Sequence[ImageScore]) -> list[str]:
    """CNR errors over all cells, then by source and cell type where there are several."""
    known = [score for score in scores if not score.whole_cell]
    if not known:
        return ["CNR: the truth knows only whole cells."]
    lines = [f"CNR: {_cnr_text(pooled_cnr(known))}"]
    groups: dict[str, list[ImageScore]] = {}
    for score in known:
        groups.setdefault(" ".join(filter(None, (score.source, score.cell_type))), []).append(score)
    if len(groups) > 1:
        lines += [f"  {name or 'not known'}: {_cnr_text(pooled_cnr(groups[name]))}" for name in sorted(groups)]
    return lines


def _cnr_text(errors: CnrErrors) -> str:
    parts = []
    if errors.n:
        parts.append(f"median error {share(errors.median_error)}, bias {share(errors.bias, signed=True)}")
    parts.append(f"coverage {share(errors.coverage)} ({errors.n} of {counted(errors.true_cnrs, 'true CNR')})")
    parts.append(f"{errors.given_without_truth} given where the truth has none")
    return "; ".join(parts)


def _each(scores: Sequence[ImageScore]) -> list[str]:
    rows = [["image", "accuracy", *(f"{cls} IoU_b" for cls in CLASS_NAMES), "CNR error", "bias", "false cells"]]
    for score in scores:
        cnr = [share(score.cnr.median_error), share(score.cnr.bias, signed=True)]
        rows.append(
            [
                score.name,
                f"{score.counts.accuracy:.4f}",
                *(_short(score.score(cls, "iou_b")) for cls in CLASS_NAMES),
                *cnr,
                str(score.false_cells),
            ]
        )
    return columns(rows)
