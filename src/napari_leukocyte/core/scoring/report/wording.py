"""How figures and their absence are put into words."""

import math
from collections.abc import Sequence

from napari_leukocyte.core.scoring.evaluation import CELL_ONLY
from napari_leukocyte.core.scoring.figures import number
from napari_leukocyte.core.scoring.metrics import EMPTY, TOO_THIN, Score
from napari_leukocyte.core.scoring.report.line_up import Mean
from napari_leukocyte.core.scoring.report.markup import Cell

__all__ = ["mean_cells", "percent", "reason_words", "score_cell", "share_cell"]

_REASONS = {
    EMPTY: "neither the truth nor the prediction has any of it",
    TOO_THIN: "too thin to score, all of its true pixels lie inside the border band",
    CELL_ONLY: "the truth or the prediction knows whole cells only",
}


def percent(share: float, *, sign: bool = False) -> str:
    """Write a share as per cent, without the sign; a figure that rounds to 0 has no minus.

    Examples
    --------
    >>> percent(0.9666), percent(-0.0891, sign=True), percent(-0.0001, sign=True)
    ('96.7', '−8.9', '0.0')
    """
    return number(100 * share, 1, signed=sign).replace("-", "−")


def reason_words(reason: str) -> str:
    """Say why there is no score.

    Examples
    --------
    >>> reason_words("n/a (no image has a value)")
    'no image has a value'
    """
    return _REASONS.get(reason) or reason.removeprefix("n/a").strip(" ()")


def score_cell(score: Score, *, best: bool = False, detail: str = "") -> Cell:
    """Return the table cell of a score: per cent, or "n/a" with its reason."""
    if math.isnan(score.value):
        return Cell("n/a", reason=reason_words(score.reason), detail=detail)
    return Cell(percent(score.value), best=best, detail=detail)


def share_cell(share: float, reason: str, *, sign: bool = False) -> Cell:
    """Return the table cell of a share that may be NaN, for the given reason."""
    return Cell("n/a", reason=reason) if math.isnan(share) else Cell(percent(share, sign=sign))


def mean_cells(means: Sequence[Mean]) -> list[Cell]:
    """Return a column: the means of several methods, the best in bold (all of the best, if there are more).

    A mean over fewer images than there are says over how many.
    """
    values = [round(mean.score.value, 3) for mean in means if mean.scored]
    best = max(values, default=math.nan) if len(means) > 1 else math.nan
    return [
        score_cell(
            mean.score,
            best=round(mean.score.value, 3) == best,
            detail=f"{mean.scored} of {mean.images}" if 0 < mean.scored < mean.images else "",
        )
        for mean in means
    ]
