"""What a fine-tuning will do: which images train, which judge, and in which stages.

Whole groups are on one side, and held-out groups never train. Images that the start model was trained on prove nothing
about it, before or after, by whatever split.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = [
    "FEWEST_FOR_HELD_OUT",
    "FOLDS",
    "SEEN_BEFORE",
    "Plan",
    "deal",
    "describe_known",
    "known_images",
    "known_judges",
    "known_versions",
    "locked_apart",
    "make_plan",
]

FEWEST_FOR_HELD_OUT = 20  # accepted images; of fewer, those held out are too few to judge by alone
FOLDS = 3  # each costs as much time as the final training
SEEN_BEFORE = "seen_before"  # key of the header: mask versions that trained the models it started from


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


def locked_apart(items: Sequence[TrainingItem]) -> tuple[list[TrainingItem], list[TrainingItem]]:
    """Return the items that may train, and those that never do: held out, or of one group with such an item."""
    locked = {item.group for item in items if item.held_out}
    return [item for item in items if item.group not in locked], [item for item in items if item.group in locked]


def deal(items: Sequence[TrainingItem], parts: int, *, seed: int) -> list[list[TrainingItem]]:
    """Deal whole groups into parts of about as many items, at random; fewer parts when there are fewer groups."""
    groups: dict[str, list[TrainingItem]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    drawn = [list(groups.values())[i] for i in np.random.default_rng(seed).permutation(len(groups))]
    dealt: list[list[TrainingItem]] = [[] for _ in range(min(parts, len(groups)))]
    for group in sorted(drawn, key=len, reverse=True):  # large ones first: dealt late they overfill a part
        min(dealt, key=len).extend(group)
    return dealt


def known_versions(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Mask versions that trained a model or chose its epoch, and those of the models that it started from.

    Parameters
    ----------
    training
        ``ModelInfo.training``; shipped models name no mask.

    Raises
    ------
    LeukocyteError
        When the header is damaged.
    """
    try:
        data = training.get("data") or {}
        found = [dict(one) for key in ("masks", SEEN_BEFORE) for one in data.get(key) or ()]
        if all(isinstance(one["name"], str) for one in found):
            return found
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise LeukocyteError("The header of the start model does not say which masks trained it: choose another start.")


def known_images(training: Mapping[str, Any]) -> frozenset[str]:
    """Names of the images of `known_versions`."""
    return frozenset(one["name"] for one in known_versions(training))


def known_judges(plan: Plan, names: Collection[str]) -> tuple[TrainingItem, ...]:
    """The judging images of a plan that are known, themselves or by another one of their group."""
    groups = {item.group for item in (*plan.training, *plan.locked) if item.name in names}
    return tuple(item for item in plan.judges if item.group in groups)


def describe_known(start: str, plan: Plan, names: Collection[str]) -> str:
    """Warn, before a run, of judging images that the start knows; empty when it knows none."""
    known, judges = len(known_judges(plan, names)), len(plan.judges)
    if not known:
        return ""
    number = f"all of the {judges}" if known == judges else f"{known} of the {judges}"
    left = "so nothing is left to judge by" if known == judges else "so they are shown apart and do not count"
    return (
        f"{start} was trained on {number} images that are to judge, or on others of their slides: neither before nor "
        f"after are they unseen, {left}. Start from a shipped model to judge on all of them."
    )
