"""Before and after as rows of text, for the terminal, the dock and the card."""

import math

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter, Change, Comparison
from napari_leukocyte.core.scoring.figures import interval, number, share
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.text import counted

__all__ = ["before_after_rows", "describe_basis"]

HEAD = ["", "before", "after", "difference (95 % interval)", "judged on"]


def before_after_rows(before_after: BeforeAfter) -> list[list[str]]:
    """Return the head and a row for each figure: of the user's images by what made the masks, and of smears."""
    rows = [HEAD]
    for title, comparison in (
        ("your images", before_after.own),
        ("masks made by gestures (may warn, no proof)", before_after.gestures),
        ("unedited masks (no proof)", before_after.unedited),
        ("known to the start (no proof)", before_after.seen),
        ("synthetic smears (guard)", before_after.guard),
    ):
        if comparison is not None:
            rows += [[title, "", "", "", counted(comparison.images, "image")]]
            rows += _figures(comparison)
    return rows


def describe_basis(before_after: BeforeAfter) -> str:
    """Say in a sentence what the figures rest on."""
    text = {
        "held-out": "Judged on held-out images, which no training and no early stopping saw",
        "cross-validation": f"Judged by cross-validation in {before_after.folds} parts: each image by a model that was "
        "trained in the same way without it and its group",
        "none": "There is no image that the model had not seen, so only the synthetic smears were compared",
    }[before_after.basis]
    if before_after.basis == "none":
        return f"{text}."
    if any(one is not None for one in (before_after.own, before_after.unedited, before_after.gestures)):
        text += f"; {before_after.proof}"
    if before_after.seen is not None:
        n = before_after.seen.images
        images, slides, do = ("image", "its slide", "does") if n == 1 else ("images", "their slides", "do")
        text += f"; {n} {images} that the start model was trained on, or on {slides}, {do} not count"
    return f"{text}."


def _figures(comparison: Comparison) -> list[list[str]]:
    rows = []
    for name in CLASS_NAMES:
        for label, changes in (("IoU", comparison.iou), ("IoU_b", comparison.iou_b)):
            if name in changes:
                rows.append(_row(f"{name} {label}", changes[name], "image"))
    rows.append(_row("false cells an image", comparison.false_cells, "image", digits=2))
    if comparison.coverage.n:
        for label, change in (
            ("CNR error", comparison.cnr_error),
            ("CNR bias", comparison.cnr_bias),
            ("CNR coverage", comparison.coverage),
        ):
            rows.append(_row(label, change, "cell", percent=True, signed=label == "CNR bias"))
    return rows


def _row(
    label: str, change: Change, unit: str, *, digits: int = 3, percent: bool = False, signed: bool = False
) -> list[str]:
    if change.n == 0:
        return [label, "n/a", "n/a", "n/a", f"0 {unit}s"]

    def text(value: float, signed: bool) -> str:
        return share(value, signed=signed) if percent else number(value, digits, signed=signed)

    difference = text(change.difference, True)
    if not math.isnan(change.low):
        ends = interval(change.low, change.high, 1 if percent else digits, scale=100 if percent else 1)
        difference += f" ({ends})"
    judged_on = counted(change.n, unit)
    if change.groups != change.n:
        judged_on += f", {counted(change.groups, 'group')}"
    return [label, text(change.before, signed), text(change.after, signed), difference, judged_on]
