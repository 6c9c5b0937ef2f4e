"""Paired figures before and after, with bootstrap intervals of their difference."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.fine_tuning.before_after import Change, Comparison
from napari_leukocyte.core.fine_tuning.scoring import Judged
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.evaluation import CELL_ONLY, ImageScore, Measure
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES

__all__ = ["compare"]

Statistic = Callable[[NDArray[np.float64]], float]
Pair = tuple[float, float]

_RESAMPLES = 1000


def compare(judged: Sequence[Judged]) -> Comparison | None:
    """Compare one set of images; None without any.

    Only pairs count: an image or a cell that has the figure on both sides. One exception keeps a new mistake from
    dropping out unseen: an image on which a class is n/a with one model only (rightly absent, or too thin to
    score) has the IoU 1 there, for nothing of that class is wrong.
    """
    if not judged:
        return None
    cells = [(one.item.group, pair) for one in judged for pair in _cell_pairs(one)]
    cnrs = [(group, pair) for group, pair in cells if not any(math.isnan(value) for value in pair)]
    given = [(group, (float(not math.isnan(b)), float(not math.isnan(a)))) for group, (b, a) in cells]
    false = [(one.item.group, (float(one.before.false_cells), float(one.after.false_cells))) for one in judged]
    return Comparison(
        images=len(judged),
        iou=_classes(judged, "iou"),
        iou_b=_classes(judged, "iou_b"),
        cnr_error=_change(cnrs, lambda logs: math.expm1(float(np.median(np.abs(logs))))),
        cnr_bias=_change(cnrs, lambda logs: math.expm1(float(np.median(logs)))),
        cnr_off=_change(cnrs, lambda logs: math.expm1(abs(float(np.median(logs))))),
        coverage=_change(given, _mean),
        false_cells=_change(false, _mean),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())


def _classes(judged: Sequence[Judged], measure: Measure) -> dict[str, Change]:
    found = {}
    for name in CLASS_NAMES:
        pairs = []
        for one in judged:
            before, after = (side.score(name, measure) for side in (one.before, one.after))
            if CELL_ONLY in (before.reason, after.reason) or (math.isnan(before.value) and math.isnan(after.value)):
                continue
            values = (1.0 if math.isnan(score.value) else score.value for score in (before, after))
            pairs.append((one.item.group, (next(values), next(values))))
        if pairs:
            found[name] = _change(pairs, _mean)
    return found


def _cell_pairs(one: Judged) -> list[Pair]:
    """For each true cell that has a CNR, log(predicted / true) before and after; NaN where it got none."""
    before, after = _log_ratios(one.before), _log_ratios(one.after)
    return [(before[cell], after[cell]) for cell in before.keys() & after.keys()]


def _log_ratios(score: ImageScore) -> dict[int, float]:
    return {
        pair.truth.cell: pair.log_ratio
        for pair in score.pairs
        if pair.truth is not None and not math.isnan(pair.truth.cnr)
    }


def _change(pairs: Sequence[tuple[str, Pair]], statistic: Statistic) -> Change:
    if not pairs:
        return Change(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0)
    values = np.array([pair for _, pair in pairs])
    groups = [group for group, _ in pairs]
    count = len(set(groups))

    def difference(index: NDArray[np.float64]) -> float:
        drawn = values[index.astype(int)]
        return statistic(drawn[:, 1]) - statistic(drawn[:, 0])

    before, after = statistic(values[:, 0]), statistic(values[:, 1])
    low = high = math.nan
    if count > 1:  # one group alone says nothing about the spread
        low, high = bootstrap_interval(np.arange(len(values)), statistic=difference, groups=groups, n=_RESAMPLES)
    return Change(before, after, after - before, low, high, len(values), count)
