"""What a training run tells while it runs; light to import, so that widgets can know these types."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["TrainEpoch", "TrainStep"]


@dataclass(frozen=True)
class TrainStep:
    """After each optimiser step: ``step`` of ``steps``, and the loss of its batch."""

    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class TrainEpoch:
    """After each validation.

    Attributes
    ----------
    train_loss
        Mean over the steps since the last validation.
    validation_loss, score
        Of whole images at the working resolution; the score is the mean IoU that decides which weights are kept.
    saved
        Whether these are the best weights so far, now on disk.
    iou_b
        Mean IoU_b (0-1) of ``cell``, ``cytoplasm`` and ``nucleus`` over the validation images, at the working
        resolution; None for a class that cannot be scored there.
    """

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float
    score: float
    saved: bool
    iou_b: Mapping[str, float | None] = field(default_factory=dict)
