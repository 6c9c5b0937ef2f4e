"""What got worse beyond chance, in sentences; what cannot be told is said as well."""

import math
from dataclasses import dataclass
from typing import Literal

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter, Change, Comparison
from napari_leukocyte.core.scoring.figures import interval, number, share
from napari_leukocyte.core.text import counted

__all__ = ["FEWEST_GROUPS", "Finding", "findings", "gate"]

# With n groups that all got worse, chance alone does as much in 2 of 2**n cases (two-sided sign test): 6 are the
# fewest for which that is below 1 in 20. A bootstrap interval of fewer is too narrow to be believed.
FEWEST_GROUPS = 6
_FORGOTTEN = 0.01  # on exact synthetic masks almost any change is beyond chance; below one point it does not matter


@dataclass(frozen=True)
class Finding:
    """One sentence on what got ``worse`` or was ``forgotten``, has ``too few`` images, does not count, or is ``fine``.

    What does not count, for the start model was trained on it, is ``seen``; what may warn but is no proof, for a
    network's gestures drew it, is ``gestures``.
    """

    kind: Literal["worse", "too few", "forgotten", "gestures", "seen", "fine"]
    text: str


def gate(before_after: BeforeAfter) -> list[str]:
    """Return the sentences that a user should read before accepting a model, at least one."""
    return [finding.text for finding in findings(before_after)]


def findings(before_after: BeforeAfter) -> list[Finding]:
    """Judge a comparison.

    Worse means that the 95 % interval of the paired difference lies wholly on the bad side: IoU_b lower; CNR
    error, or its bias whichever way, larger; coverage lower. Fewer than 6 independent groups are too few to judge.
    Masks made by gestures count for no group; beside 6 groups of others, what got worse on them warns too.
    """
    found = [*_own(before_after), *_guard(before_after.guard)]
    if not found:
        own = before_after.own
        assert own is not None  # without any there is a finding
        found.append(Finding("fine", f"On {counted(own.images, 'image')} nothing got worse beyond its 95 % interval."))
    gestures = before_after.gestures
    if gestures is not None and _groups(before_after.own) >= FEWEST_GROUPS:
        text = f"Beside them, {counted(gestures.images, 'mask')} made by gestures: they may warn, but prove nothing."
        found.append(Finding("gestures", text))
    if before_after.own is not None and before_after.seen is not None:
        why = "the start model was trained on them, or on their slides"
        found.append(Finding("seen", f"Not counted: {counted(before_after.seen.images, 'image')}, for {why}."))
    return found


def _groups(comparison: Comparison | None) -> int:
    """Independent groups of the class that has most of them."""
    return 0 if comparison is None else max((change.groups for change in comparison.iou_b.values()), default=0)


def _own(before_after: BeforeAfter) -> list[Finding]:
    own, gestures = before_after.own, before_after.gestures
    advice = ""
    if gestures is not None:
        advice = f" The {counted(gestures.images, 'mask')} made by the network's gestures cannot prove a model of the "
        advice += f"same kind: draw with the brush, or import, masks of at least {FEWEST_GROUPS} slides or patients."
    if own is None:
        return [Finding("too few", f"Too few to judge: {_why_none(before_after)}.{advice}")]
    groups = _groups(own)
    if groups < FEWEST_GROUPS:
        text = f"Too few to judge: {counted(own.images, 'image')} from {counted(groups, 'independent group')}, where "
        text += f"{FEWEST_GROUPS} are the fewest that can show a change beyond chance.{advice}"
        return [Finding("too few", text)]
    found = _worse(own)
    if gestures is not None:
        found += [
            Finding(one.kind, f"On masks made by gestures: {one.text[0].lower()}{one.text[1:]}")
            for one in _worse(gestures)
            if one.kind == "worse"
        ]
    return found


def _why_none(before_after: BeforeAfter) -> str:
    """Why no image of the user's counts."""
    unedited, gestures = before_after.unedited, before_after.gestures
    why = "no image is there that the model had not seen"
    if unedited is not None:
        why = "no mask of the images was changed by hand, and a model's own output proves nothing"
    if gestures is not None:
        why = "no mask of the images was drawn with the brush or imported"
    if before_after.seen is not None:
        images = counted(before_after.seen.images, "image")
        others = unedited is not None or gestures is not None
        which = f"the other {images}" if others else f"all {images} there are"
        why += f"; the start model was trained on {which}, or on their slides"
    return why


def _worse(own: Comparison) -> list[Finding]:
    """What got worse on images, and of which figures there are too few."""
    found = []
    for name, change in own.iou_b.items():
        if change.groups < FEWEST_GROUPS:
            found.append(_too_few(f"the {name}", change, "image"))
        elif change.high < 0:
            found.append(Finding("worse", f"The IoU_b of {name} got worse: {_figures(change)}."))
    if own.cnr_error.n == 0:
        return found  # whole-cell masks, or a network without a nucleus: there is no CNR to judge
    if own.cnr_error.groups < FEWEST_GROUPS:
        found.append(_too_few("the CNR", own.cnr_error, "cell"))
        return found
    if own.cnr_error.low > 0:
        found.append(Finding("worse", f"The CNR error got worse: {_percent(own.cnr_error)}."))
    if own.cnr_off.low > 0:
        text = f"The bias of the CNR got worse: {share(own.cnr_bias.before, signed=True)} before, "
        text += f"{share(own.cnr_bias.after, signed=True)} after"
        found.append(Finding("worse", f"{text} ({_interval(own.cnr_off, 100, ' points further from 0')})."))
    if own.coverage.high < 0:
        found.append(Finding("worse", f"Fewer cells get a CNR: {_percent(own.coverage)}."))
    return found


def _guard(guard: Comparison) -> list[Finding]:
    return [
        Finding("forgotten", f"On synthetic smears the IoU_b of {name} fell: {_figures(change)}.")
        for name, change in guard.iou_b.items()
        if change.high < 0 and change.difference < -_FORGOTTEN
    ]


def _too_few(what: str, change: Change, unit: str) -> Finding:
    number = f"{counted(change.n, unit)} from {counted(change.groups, 'independent group')}"
    return Finding("too few", f"Too few to judge {what}: {number}, where {FEWEST_GROUPS} are the fewest.")


def _figures(change: Change) -> str:
    return f"{number(change.before, 3)} before, {number(change.after, 3)} after ({_interval(change, 1, '')})"


def _percent(change: Change) -> str:
    return f"{share(change.before)} before, {share(change.after)} after ({_interval(change, 100, ' points')})"


def _interval(change: Change, scale: float, unit: str) -> str:
    if math.isnan(change.low):
        return "no interval"
    ends = interval(change.low, change.high, 3 if scale == 1 else 1, scale=scale)
    return f"95 % interval of the difference {ends}{unit}"
