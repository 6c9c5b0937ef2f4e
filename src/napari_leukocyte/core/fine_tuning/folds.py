"""Which items train and which judge: whole groups on one side, held-out groups never in training."""

from collections.abc import Sequence

import numpy as np

from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["deal", "locked_apart"]


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
