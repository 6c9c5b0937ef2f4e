"""The figures of a model before and after its fine-tuning, on the same images; light to import."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["BeforeAfter", "Change", "Comparison"]


@dataclass(frozen=True)
class Change:
    """One figure before and after, over the same images or cells.

    Attributes
    ----------
    before, after
        The figure; NaN where there is nothing to compare.
    difference
        After minus before.
    low, high
        95 % bootstrap interval of the difference, groups resampled; NaN with fewer than two groups.
    n
        Images (IoU, IoU_b, false cells) or cells (CNR) behind it.
    groups
        Independent groups (slides, patients, single images) behind it.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    n: int
    groups: int


@dataclass(frozen=True)
class Comparison:
    """All figures over one set of images.

    Attributes
    ----------
    images
        How many.
    iou, iou_b
        By class (``cell``, ``cytoplasm``, ``nucleus``), 0-1, means over images; a class that no mask knows is left out.
    cnr_error, cnr_bias
        Median errors as shares (0.05: 5 %), the bias with its sign, over the cells that have a CNR in the truth,
        before and after.
    cnr_off
        The bias without its sign: what got worse when it rises.
    coverage
        Share of the true cells with a CNR that got one: what withholding lowers.
    false_cells
        A mean over images, before the keep rule.
    """

    images: int
    iou: Mapping[str, Change]
    iou_b: Mapping[str, Change]
    cnr_error: Change
    cnr_bias: Change
    cnr_off: Change
    coverage: Change
    false_cells: Change


@dataclass(frozen=True)
class BeforeAfter:
    """The start model against the fine-tuned one.

    Attributes
    ----------
    basis
        ``held-out``: images that were locked away from every training. ``cross-validation``: each image was judged
        by a model trained, by the same recipe, without it and its group (locked images by the final model).
        ``none``: there is no image that the model had not seen.
    folds
        Of the cross-validation; 0 without.
    own
        The user's images whose masks a brush changed or drew or that were imported, and which the start was not trained
        on; None without any.
    unedited
        Those whose masks are a model's own output: they prove nothing and are shown apart. None without any.
    guard
        Synthetic smears, the same ones always: what was forgotten.
    seen
        The user's images, or images of their groups, that the start model was trained on: whatever the split, they
        prove nothing, so they are in none of the others. None without any.
    gestures
        The user's images whose masks the network's gestures made for the most part: a model of the same kind drew them,
        so they are shown apart and may warn, but prove nothing. None without any.
    """

    basis: Literal["held-out", "cross-validation", "none"]
    folds: int
    own: Comparison | None
    unedited: Comparison | None
    guard: Comparison
    seen: Comparison | None = None
    gestures: Comparison | None = None

    @property
    def proof(self) -> str:
        """How many of the images that were judged count, for instance ``2 of 12 unedited, 3 made by gestures``."""
        own, unedited, gestures = (0 if one is None else one.images for one in (self.own, self.unedited, self.gestures))
        made = f", {gestures} made by gestures" * bool(gestures)
        return f"{unedited} of {own + unedited + gestures} unedited{made}"
