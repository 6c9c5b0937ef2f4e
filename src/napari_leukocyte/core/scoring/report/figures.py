"""Plots on the page: a panel for each method, with captions, alternative texts and keys."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.scoring.evaluation import ImageScore
from napari_leukocyte.core.scoring.overview import pooled_cnr
from napari_leukocyte.core.scoring.report.line_up import Comparison
from napari_leukocyte.core.scoring.report.markup import caption, image
from napari_leukocyte.core.scoring.report.plots import BIN_EDGES, MARKERS, SIZE, histogram, scatter
from napari_leukocyte.core.scoring.report.wording import percent, reason_words
from napari_leukocyte.core.text import counted

__all__ = ["cnr_scatters", "histograms"]

_SVG = "image/svg+xml"


def histograms(comparison: Comparison, classes: Sequence[str]) -> str:
    """Draw the spread of IoU_b over images, for each method and class (thesis Figures 5.2 and 5.4).

    A method that has no score in any image gets the reason in place of a plot.
    """
    panels = {
        (method, cls): [score.score(cls, "iou_b") for score in scores.values()]
        for method, scores in comparison.methods.items()
        for cls in classes
    }
    values = {key: [s.value for s in scores if not math.isnan(s.value)] for key, scores in panels.items()}
    tallest = max((int(np.histogram(v, BIN_EDGES)[0].max()) for v in values.values()), default=0)
    drawn = []
    for (method, cls), scores in panels.items():
        here = values[method, cls]
        missing = Counter(reason_words(s.reason) for s in scores if math.isnan(s.value))
        without = "; ".join(f"{counted(n, 'image')} n/a: {reason}" for reason, n in missing.items())
        picture = ""
        if here:
            alt = f"Histogram of the IoU_b of {cls}, {method}: {_in_words(here)}."
            picture = image(histogram(here, tallest=tallest), _SVG, alt, **_size("histogram"))
        figures = f"mean {percent(float(np.mean(here)))} % of {counted(len(here), 'image')}" if here else ""
        text = "; ".join(part for part in (figures, without) if part)
        drawn.append(_panel(picture, f"{method}: {cls}", text))
    return _figure(
        f"IoU_b of {' and '.join(classes)} over the images (thesis, Figure {'5.2' if 'cell' in classes else '5.4'})",
        "Each bar counts the images whose IoU_b lies in that step of 5 %; the number stands above it, the triangle at "
        "the top is the mean. Good methods have all bars at the right; bars far to the left are images to look at.",
        drawn,
    )


def cnr_scatters(comparison: Comparison) -> str:
    """Draw the predicted CNR of every compared cell against its true one; "" where no method has any."""
    pairs = {method: _cnrs(list(scores.values())) for method, scores in comparison.methods.items()}
    every = [value for cells in pairs.values() for *both, _ in cells for value in both]
    if not every:
        return ""
    limits = min(every) / 1.25, max(every) * 1.25
    frequent = [name for name, _ in Counter(kind for _, _, kind in next(iter(pairs.values()))).most_common() if name]
    named = sorted(frequent[: len(MARKERS) - 1])
    drawn = []
    for method, scores in comparison.methods.items():
        errors = pooled_cnr(scores.values())
        coverage = (
            f"coverage {percent(errors.coverage)} % ({errors.n} of {errors.true_cnrs})" if errors.true_cnrs else ""
        )
        if errors.n:
            text = f"error {percent(errors.median_error)} %, bias {percent(errors.bias, sign=True)} %, {coverage}"
            alt = f"Predicted against true CNR of {counted(errors.n, 'cell')}, {method}: {text}."
            true, predicted = _by_marker(pairs[method], named)
            picture = image(scatter(true, predicted, limits=limits), _SVG, alt, **_size("scatter"))
        else:
            text, picture = f"no CNR to compare, {coverage}".rstrip(", "), ""
        drawn.append(_panel(picture, method, text))
    return _figure(
        "Predicted against true CNR",
        "Each mark is a cell. On the line both agree; above it the prediction is too high, below it too low; inside "
        "the grey band it is at most 10 % off. Cells without a CNR on one side are not in the plot: see the coverage.",
        drawn,
        _key(named, others=any(kind not in named for cells in pairs.values() for *_, kind in cells)),
    )


def _cnrs(scores: Sequence[ImageScore]) -> list[tuple[float, float, str]]:
    """True CNR, predicted CNR and cell type of the compared cells."""
    return [
        (pair.truth.cnr, pair.predicted.cnr, score.cell_type)
        for score in scores
        for pair in score.pairs
        if pair.compared and pair.truth is not None and pair.predicted is not None
    ]


def _by_marker(
    cells: Sequence[tuple[float, float, str]], named: Sequence[str]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """The true and the predicted CNRs, an array for each marker; without a known type all have the first one."""
    groups: list[list[tuple[float, float]]] = [[] for _ in MARKERS]
    for true, predicted, kind in cells:
        groups[named.index(kind) if kind in named else len(MARKERS) - 1 if named else 0].append((true, predicted))
    arrays = [np.array(group, float).reshape(-1, 2) for group in groups]
    return [array[:, 0] for array in arrays], [array[:, 1] for array in arrays]


def _key(named: Sequence[str], *, others: bool) -> str:
    if not named:
        return ""
    entries = list(zip(named, MARKERS, strict=False)) + ([("other or not known", MARKERS[-1])] if others else [])
    marks = (
        f'<li><span style="color:{colour}" aria-hidden="true">{sign}</span> {escape(name)}</li>'
        for name, (colour, _, sign) in entries
    )
    return f'<ul class="key">{"".join(marks)}</ul>'


def _in_words(values: Sequence[float]) -> str:
    """What a histogram shows: how many images lie where, and the lowest."""
    counts, edges = np.histogram(values, [0, 0.5, 0.9, 0.95, 1])
    steps = [
        f"{n} from {percent(low)} to {percent(high)} %"
        for n, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
        if n
    ]
    return f"{counted(len(values), 'image')}, {', '.join(reversed(steps))}; lowest {percent(min(values))} %"


def _size(kind: str) -> dict[str, int]:
    width, height = SIZE[kind]
    return {"width": width, "height": height}


def _panel(picture: str, title: str, text: str) -> str:
    return f'<div class="panel"><p><strong>{escape(title)}</strong><br>{escape(text)}</p>{picture}</div>'


def _figure(title: str, reading: str, panels: Sequence[str], key: str = "") -> str:
    return f'<figure class="plots">{caption(title, reading)}{key}<div class="panels">{"".join(panels)}</div></figure>\n'
