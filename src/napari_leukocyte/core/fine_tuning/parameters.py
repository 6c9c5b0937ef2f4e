"""What the user chooses for a fine-tuning; light to import, so that forms open at once."""

import math
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["FineTuneParameters"]


@dataclass(frozen=True, kw_only=True)
class FineTuneParameters:
    """One fine-tuning.

    Attributes
    ----------
    out
        Weight file to be written (.safetensors). Until the run is complete, its checkpoint and a folder with the
        cross-validation's weights lie beside it; the same call goes on from there.
    start
        Name of a shipped model, or a weight file with three classes or two.
    name
        The model's name in lists; the file's stem when empty.
    epochs
        At most so many; each of 10 steps of 8 windows, however many images there are.
    patience
        Epochs without a better validation score after which the training stops; 0: never before ``epochs``.
    learning_rate
        Of the first step; it falls to zero over ``epochs``.
    device
        ``auto``, ``cuda``, ``mps`` or ``cpu``.
    seed
        For folds, windows and their changes.

    Raises
    ------
    LeukocyteError
        For a number that is out of range.
    """

    out: Path
    start: str = "default"
    name: str = ""
    epochs: int = 8
    patience: int = 4
    learning_rate: float = 5e-4
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise LeukocyteError(f"A training of {self.epochs} epochs is impossible: give 1 or more.")
        if self.patience < 0:
            raise LeukocyteError(f"A patience of {self.patience} epochs is impossible: give 0 (off) or more.")
        if not (math.isfinite(self.learning_rate) and 0 < self.learning_rate <= 0.1):
            raise LeukocyteError(
                f"A learning rate of {self.learning_rate:g} is not usable: give more than 0, up to 0.1."
            )
