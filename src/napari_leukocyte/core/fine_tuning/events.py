"""What a fine-tuning tells while it runs, beside the steps and epochs of ``core.model.events``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter

if TYPE_CHECKING:  # the header's types load torch
    from napari_leukocyte.core.model.weights import ModelInfo

__all__ = ["FineTuneFinished", "ImageScored", "StageStarted"]


@dataclass(frozen=True)
class StageStarted:
    """A part of the run begins.

    Attributes
    ----------
    kind
        ``final``: the model that is kept, trained on all images that may train. ``fold``: one part of the
        cross-validation. ``comparison``: images are scored before and after.
    text
        The stage in words, for instance ``cross-validation, fold 2 of 3``.
    steps
        Optimiser steps of this stage at most; 0 for the comparison.
    steps_before, steps_total
        Steps of the stages before it, and of the whole run: ``(steps_before + TrainStep.step) / steps_total`` is the
        progress. A stage that stops early leaves a jump; a stage found finished on resuming is not announced.
    """

    kind: Literal["final", "fold", "comparison"]
    text: str
    steps: int
    steps_before: int
    steps_total: int


@dataclass(frozen=True)
class ImageScored:
    """One more image was segmented for the comparison, ``done`` of ``total``."""

    done: int
    total: int


@dataclass(frozen=True)
class FineTuneFinished:
    """The last event: the model is on disk with its card, as a candidate."""

    path: Path
    info: "ModelInfo"
    before_after: BeforeAfter
