"""Image, truth, prediction and differences side by side (thesis Figures 5.1, 5.3 and A.1 to A.3)."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from html import escape

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.measures import cnr_text
from napari_leukocyte.core.colours import DIFFERENCE_PALETTES, PAPER_COLOURS
from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.scoring.border import border_band
from napari_leukocyte.core.scoring.difference import Difference
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore, kept_maps
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.scoring.report.line_up import Comparison
from napari_leukocyte.core.scoring.report.markup import image, words
from napari_leukocyte.core.scoring.report.pictures import (
    RGB,
    Picture,
    class_picture,
    colour_difference,
    in_band,
    photograph,
    rgb,
    thesis_difference,
)
from napari_leukocyte.core.scoring.report.wording import percent

__all__ = ["gallery", "key", "typical"]

Cases = Callable[[str, str], Case]


def typical(comparison: Comparison) -> tuple[str, ...]:
    """Return the image in the middle of the ranking of each difficulty class, or of all where none is known."""
    classes: dict[int, list[str]] = defaultdict(list)
    for score in comparison.first_method:
        classes[score.difficulty or 0].append(score.name)
    known = {number: names for number, names in classes.items() if number}
    return tuple(names[len(names) // 2] for _, names in sorted((known or classes).items()))


def gallery(
    title: str,
    reading: str,
    comparison: Comparison,
    names: Iterable[str],
    cases: Cases,
    parameters: EvaluationParameters,
) -> str:
    """Draw some images, each with every method.

    Parameters
    ----------
    title, reading : str
        Above the pictures.
    names : iterable of str
        Images of the comparison.
    cases : callable
        Reads the maps again: from method and image to `Case`.
    """
    drawn = "".join(_case(comparison, name, cases, parameters) for name in names)
    return f'<h3>{words(title)}</h3><p class="lead">{words(reading)}</p>{drawn}\n' if drawn else ""


def key(comparison: Comparison) -> str:
    """Say what the colours mean."""
    scores = [score for each in comparison.methods.values() for score in each.values()]
    nuclei, cells = any(not score.whole_cell for score in scores), any(_whole_cell(score) for score in scores)
    names = ["background", "cytoplasm" + " or cell" * cells, "nucleus"] if nuclei else ["background", "cell"]
    classes = [(PAPER_COLOURS[value], name) for value, name in enumerate(names)]
    classes.append((in_band(PAPER_COLOURS[1]), "greyer: in the border band"))
    parts = [("Truth and prediction", classes)]
    if comparison.three_class:
        palette = DIFFERENCE_PALETTES["thesis, three-class"]
        entries = [(rgb(palette[Difference.CORRECT]), "correct"), (rgb(palette[Difference.WRONG_CLASS]), "wrong")]
        parts.append(("Difference, three classes", entries))
    if cells:
        palette = DIFFERENCE_PALETTES["thesis, binary"]
        parts.append(("Difference, cell", [(rgb(palette[code]), code.words) for code in Difference if code in palette]))
    palette = DIFFERENCE_PALETTES["colour-blind safe"]
    kinds = [code for code in Difference if code and (comparison.three_class or code != Difference.WRONG_CLASS)]
    parts.append(("Kinds of error", [(rgb(palette[code]), code.words) for code in kinds]))
    return "".join(
        f'<p class="key"><strong>{escape(name)}:</strong> {" ".join(_swatch(*entry) for entry in entries)}</p>'
        for name, entries in parts
    )


def _case(comparison: Comparison, name: str, cases: Cases, parameters: EvaluationParameters) -> str:
    rows: list[str] = []
    first: ImageScore | None = None
    for method, scores in comparison.methods.items():
        score, case = scores[name], cases(method, name)
        prediction, truth = kept_maps(case, parameters)
        whole = _whole_cell(score)
        band = border_band(truth, width_px=score.border_px, cell_only=whole)
        pictures = []
        if first is None:
            first = score
            pictures += _shared(case, truth, band)
        alt, wrong = f"{name}, {method}", percent(_wrong(prediction, truth, whole_cell=whole))
        pictures += [
            _picture(class_picture(prediction), f"Prediction: {alt}. {_shares(prediction)}", method),
            _picture(
                thesis_difference(prediction, truth, whole_cell=whole),
                f"Difference: {alt}. {wrong} % of the pixels are wrong.",
                f"Difference: {wrong} %",
            ),
            _picture(
                colour_difference(prediction, truth, band, whole_cell=whole),
                f"Difference by kind of error: {alt}.",
                "Kinds of error",
            ),
        ]
        rows.append(f'<div class="pictures">{"".join(pictures)}<p class="scores">{words(_scores(score))}</p></div>')
    assert first is not None  # a comparison with images has a method
    return f'<figure class="case"><figcaption>{_heading(first)}</figcaption>{"".join(rows)}</figure>'


def _shared(case: Case, truth: NDArray[np.uint8], band: NDArray[np.bool_]) -> list[str]:
    """What is the same for every method."""
    image_part = (
        '<div class="picture missing"><p>No image was given.</p></div>'
        if case.image is None
        else _picture(photograph(case.image), f"Image: {case.name}.", "Image")
    )
    alt = f"Ground truth with the border band: {case.name}. {_shares(truth)}"
    return [image_part, _picture(class_picture(truth, band), alt, "Truth with band")]


def _picture(picture: Picture, alt: str, title: str) -> str:
    drawn = image(picture.content, picture.media_type, alt, width=picture.width, height=picture.height)
    return f'<div class="picture">{drawn}<p>{escape(title)}</p></div>'


def _heading(score: ImageScore) -> str:
    about = [score.source, score.cell_type]
    if score.difficulty is not None:
        about.append(f"class {score.difficulty}, {DIFFICULTIES.get(score.difficulty, '')}")
    return " · ".join([f"<strong>{escape(score.name)}</strong>", *(escape(part) for part in about if part)])


def _scores(score: ImageScore) -> str:
    values = [
        f"{name} {percent(value)}" for name in CLASS_NAMES if not math.isnan(value := score.score(name, "iou_b").value)
    ]
    text = f"IoU_b, %: {', '.join(values) or 'n/a'}"
    compared = [pair for pair in score.pairs if pair.compared]
    if len(compared) == 1 and compared[0].predicted and compared[0].truth:  # of one cell; more have no room here
        text += f"; CNR {cnr_text(compared[0].predicted, short=True)}, true {cnr_text(compared[0].truth, short=True)}"
    return text


def _shares(classes: NDArray[np.uint8]) -> str:
    cell, nucleus = np.mean(classes > 0), np.mean(classes == 2)
    return f"Cell {percent(float(cell))} % of the image" + (
        f", nucleus {percent(float(nucleus))} %." if nucleus else "."
    )


def _wrong(prediction: NDArray[np.uint8], truth: NDArray[np.uint8], *, whole_cell: bool) -> float:
    wrong = (prediction > 0) != (truth > 0) if whole_cell else prediction != truth
    return float(np.mean(wrong))


def _whole_cell(score: ImageScore) -> bool:
    return score.whole_cell or score.binary


def _swatch(colour: RGB, words: str) -> str:
    return f'<span class="entry"><i style="background:rgb{colour}"></i>{escape(words)}</span>'
