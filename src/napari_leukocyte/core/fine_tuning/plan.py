"""What a fine-tuning will do: which images train, which judge, and in which stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.folds import deal, locked_apart
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["FEWEST_FOR_HELD_OUT", "FOLDS", "Plan", "make_plan"]

FEWEST_FOR_HELD_OUT = 20  # accepted images; of fewer, those held out are too few to judge by alone
FOLDS = 3  # each costs as much time as the final training


@dataclass(frozen=True)
class Plan:
    """Who trains and who judges.

    Attributes
    ----------
    training
        Items that the final model is trained on (some of them may choose its epoch instead).
    locked
        Items that never train; the final model is judged by them.
    folds
        Parts of ``training``: a model trained on the other parts is judged by each. Empty: no cross-validation.
    """

    training: tuple[TrainingItem, ...]
    locked: tuple[TrainingItem, ...]
    folds: tuple[tuple[TrainingItem, ...], ...]

    @property
    def basis(self) -> Literal["held-out", "cross-validation", "none"]:
        """As in `BeforeAfter`."""
        if self.folds:
            return "cross-validation"
        return "held-out" if self.locked else "none"

    @property
    def judges(self) -> tuple[TrainingItem, ...]:
        """The items that the comparison rests on."""
        return (*self.locked, *(item for fold in self.folds for item in fold))

    def without(self, fold: int) -> list[TrainingItem]:
        """The items that train the model of a fold, counted from 0; none shares a group with those that judge it."""
        rest = [item for i, part in enumerate(self.folds) if i != fold for item in part]
        judging = {item.group for item in (*self.folds[fold], *self.locked)}
        assert not any(item.held_out or item.group in judging for item in rest)
        return rest


def make_plan(items: Sequence[TrainingItem], *, seed: int) -> Plan:
    """Plan a run.

    Held-out images judge the final model. Where they are none, or fewer than 20 images were accepted in all, the
    training images judge too, by cross-validation over groups.

    Raises
    ------
    LeukocyteError
        Without an image that may train.
    """
    # whatever order they come in, the run is the same
    training, locked = locked_apart(sorted(items, key=lambda item: (item.name, item.version)))
    if not training:
        raise LeukocyteError(
            "There is no accepted image that may train: accept a mask of an image that is neither held out "
            "nor of a held-out slide or patient."
        )
    folds: list[list[TrainingItem]] = []
    if not locked or len(items) < FEWEST_FOR_HELD_OUT:
        folds = deal(training, FOLDS, seed=seed)
    if len(folds) == 1:  # one group: nothing is left to train on
        folds = []
    return Plan(tuple(training), tuple(locked), tuple(map(tuple, folds)))
