"""What the report says first: what was compared, and how."""

from collections.abc import Mapping
from html import escape

from napari_leukocyte import __version__
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters
from napari_leukocyte.core.scoring.report.line_up import Comparison
from napari_leukocyte.core.text import counted

__all__ = ["facts"]

_KEEP = {
    "all": "all cells",
    "whole": "whole cells, none cut by the image edge",
    "centre": "the cell nearest to the image centre",
}


def facts(comparison: Comparison, parameters: EvaluationParameters, made_by: Mapping[str, str]) -> str:
    """Write the conditions of the comparison as a list.

    Parameters
    ----------
    made_by : mapping of str to str
        What made the predictions of a method (folder, model and its hash, ...), where it is known.
    """
    entries = [
        ("Compared", _methods(comparison, made_by)),
        ("Images", escape(_images(comparison))),
        ("Border band", escape(_band(comparison))),
        ("Pixel size", escape(_pixel_size(comparison, parameters))),
        ("Cells kept", escape(_kept(parameters))),
        ("Scored at", escape(_scored_at(parameters))),
        ("Nothing to score", "0, the thesis's rule" if parameters.empty_scores_zero else "n/a, left out of means"),
        ("Made by", f"napari-leukocyte {escape(__version__)}"),
    ]
    return f'<dl class="facts">{"".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in entries)}</dl>\n'


def _methods(comparison: Comparison, made_by: Mapping[str, str]) -> str:
    names = [
        f"<strong>{escape(name)}</strong>" + (f" ({escape(made_by[name])})" if made_by.get(name) else "")
        for name in comparison.methods
    ]
    return "<br>".join([*names, "with the ground truth"] if names else ["nothing"])


def _images(comparison: Comparison) -> str:
    text = f"{len(comparison.images)}"
    whole = sum(score.whole_cell for score in comparison.first_method)
    if whole:
        text += f"; the truth of {whole} knows whole cells only"
    for method, scores in comparison.methods.items():
        if binary := sum(score.binary for score in scores.values()):
            text += f"; {counted(binary, 'prediction')} of {method} binary"
    if comparison.left_out:
        names = ", ".join(comparison.left_out[:10]) + (", ..." if len(comparison.left_out) > 10 else "")
        text += f". Left out, because not every method has them: {len(comparison.left_out)} ({names})"
    return text


def _band(comparison: Comparison) -> str:
    scores = comparison.first_method
    widths = {round(score.border_px, 2) for score in scores}
    um = {round(score.border_px * score.pixel_size, 3) for score in scores if score.pixel_size is not None}
    if not scores:
        return "none was drawn"
    text = f"{_range(widths)} px wide"
    if um:
        text += f" = {_range(um)} um"
    if any(score.pixel_size is None for score in scores):
        text += " (in um not known where the pixel size is not)"
    return f"{text}; half of it on each side of a border between classes of the truth"


def _pixel_size(comparison: Comparison, parameters: EvaluationParameters) -> str:
    sizes = {round(score.pixel_size, 4) for score in comparison.first_method if score.pixel_size is not None}
    unknown = sum(score.pixel_size is None for score in comparison.first_method)
    if not sizes:
        return "not known"
    text = f"{_range(sizes)} um per px, " + (
        "given for all images" if parameters.pixel_size else "as known for each image"
    )
    return text + (f"; not known for {counted(unknown, 'image')}" if unknown else "")


def _kept(parameters: EvaluationParameters) -> str:
    text = _KEEP[parameters.keep]
    return text if parameters.keep == "all" else f"{text}; in prediction and truth, after false cells were counted"


def _scored_at(parameters: EvaluationParameters) -> str:
    if parameters.score_at is None:
        return "the resolution of the images"
    return (
        f"{parameters.score_at} px along the longer side, both maps scaled; CNR and pictures at the images' resolution"
    )


def _range(values: set[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
