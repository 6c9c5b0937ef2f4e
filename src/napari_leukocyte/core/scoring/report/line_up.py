"""Scores of several methods on the same images: lined up, averaged and ranked."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from napari_leukocyte.core.scoring.evaluation import ImageScore, Measure
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, Score, mean_score

__all__ = ["Comparison", "Mean", "accuracy", "cell_accuracy", "line_up", "mean_of", "worst_union"]


@dataclass(frozen=True)
class Comparison:
    """The scores of one or more methods.

    Attributes
    ----------
    images : tuple of str
        The images that every method has, the worst first: by the lowest IoU_b of any class and method, then
        by the lowest IoU; what has no IoU_b comes last.
    methods : mapping of str to mapping of str to ImageScore
        For each method the scores of these images, in the same order.
    left_out : tuple of str
        Images that only some methods have; no figure counts them.
    """

    images: tuple[str, ...]
    methods: Mapping[str, Mapping[str, ImageScore]]
    left_out: tuple[str, ...]

    @property
    def first_method(self) -> tuple[ImageScore, ...]:
        """The scores of the first method: what they say of image and truth holds for all methods."""
        return tuple(next(iter(self.methods.values()), {}).values())

    @property
    def three_class(self) -> bool:
        """Whether cytoplasm and nucleus are scored anywhere."""
        return any("nucleus" in score.counts.classes for scores in self.methods.values() for score in scores.values())


@dataclass(frozen=True)
class Mean:
    """The mean of a score over images, and how many had one."""

    score: Score
    scored: int
    images: int


def line_up(methods: Mapping[str, Sequence[ImageScore]]) -> Comparison:
    """Put the scores of several methods beside each other.

    Parameters
    ----------
    methods : mapping of str to sequence of ImageScore
        Names of methods, and the scores of each.

    Raises
    ------
    ValueError
        If a method has two scores under one name.
    """
    by_name = {method: {score.name: score for score in scores} for method, scores in methods.items()}
    for method, scores in methods.items():
        if len(by_name[method]) < len(scores):
            raise ValueError(f"{method} has several images of one name")
    every = dict.fromkeys(name for scores in by_name.values() for name in scores)
    shared = [name for name in every if all(name in scores for scores in by_name.values())]
    ranks = {name: _rank([scores[name] for scores in by_name.values()]) for name in shared}
    images = tuple(sorted(shared, key=ranks.__getitem__))
    return Comparison(
        images,
        {method: {name: scores[name] for name in images} for method, scores in by_name.items()},
        tuple(name for name in every if name not in ranks),
    )


def accuracy(score: ImageScore) -> Score:
    """Return the share of pixels whose class is correct, of three; n/a where only the cell is scored."""
    if "nucleus" in score.counts.classes:
        return Score(score.counts.accuracy)
    return Score(math.nan, score.score("nucleus", "iou").reason)


def cell_accuracy(score: ImageScore) -> Score:
    """Return the share of pixels that are correct as cell or background, whatever else is scored."""
    cell = score.counts.classes["cell"]
    return Score(1 - (cell.union - cell.intersection) / score.counts.pixels)


def mean_of(scores: Iterable[Score]) -> Mean:
    """Return the mean over images, leaving out what is n/a; if nothing is left, with the reason they share.

    Examples
    --------
    >>> mean_of([Score(0.5), Score(math.nan, "n/a")])
    Mean(score=Score(value=0.5, reason=''), scored=1, images=2)
    >>> mean_of([Score(math.nan, "n/a (too thin to score)")]).score.reason
    'n/a (too thin to score)'
    """
    scores = list(scores)
    scored = sum(not math.isnan(score.value) for score in scores)
    if scored:
        return Mean(mean_score(scores), scored, len(scores))
    reasons = {score.reason for score in scores}
    reason = reasons.pop() if len(reasons) == 1 else "n/a (no image has a value)"
    return Mean(Score(math.nan, reason), 0, len(scores))


def worst_union(comparison: Comparison, n: int) -> tuple[str, ...]:
    """Return the images that are among the ``n`` worst of any method, by IoU_b of ``cell`` (thesis Table 5.3).

    Images without that score do not take part. Ties go by IoU, then by name.
    """
    chosen: set[str] = set()
    for scores in comparison.methods.values():
        ranked = sorted(
            (score.score("cell", "iou_b").value, score.score("cell", "iou").value, name)
            for name, score in scores.items()
            if not math.isnan(score.score("cell", "iou_b").value)
        )
        chosen.update(name for *_, name in ranked[:n])
    return tuple(name for name in comparison.images if name in chosen)


def _rank(scores: Sequence[ImageScore]) -> tuple[float, float, str]:
    return _lowest(scores, "iou_b"), _lowest(scores, "iou"), scores[0].name


def _lowest(scores: Sequence[ImageScore], measure: Measure) -> float:
    """The lowest of any class; infinite where there is none, which ranks last."""
    values = [score.score(name, measure).value for score in scores for name in CLASS_NAMES]
    return min((value for value in values if not math.isnan(value)), default=math.inf)
