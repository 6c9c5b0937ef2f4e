"""In which order the images of a list are corrected, and which one is next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from napari_leukocyte.core.imaging.read import natural_key

__all__ = ["Order", "QueueItem", "in_order", "next_in_queue"]

Order = Literal["name", "uncertainty", "flags"]


@dataclass(frozen=True)
class QueueItem:
    """What the order of an image rests on.

    Attributes
    ----------
    uncertainty
        0-1; NaN where no model has just segmented it.
    flags
        How many of its cells carry a remark that asks for a look.
    done
        Accepted, skipped or excluded: passed over on the way to the next one.
    """

    name: str
    uncertainty: float = math.nan
    flags: int = 0
    done: bool = False


def in_order(items: Sequence[QueueItem], order: Order) -> list[int]:
    """Return the positions of all items: by name, or the most uncertain or most flagged first.

    Numbers within names count as numbers; what is equal, or not known, follows by name.

    Examples
    --------
    >>> in_order([QueueItem("10.png"), QueueItem("9.png", 0.2)], "name")
    [1, 0]
    >>> in_order([QueueItem("2.png"), QueueItem("1²2.png")], "name")
    [1, 0]
    >>> in_order([QueueItem("a"), QueueItem("b", 0.1), QueueItem("c", 0.4)], "uncertainty")
    [2, 1, 0]
    """

    def urgency(item: QueueItem) -> float:
        if order == "uncertainty":
            return -1.0 if math.isnan(item.uncertainty) else item.uncertainty
        return float(item.flags) if order == "flags" else 0.0

    return sorted(range(len(items)), key=lambda i: (-urgency(items[i]), _key(items[i].name)))


@lru_cache(maxsize=100_000)
def _key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """The key of a name, which is asked for again with each image that is looked up."""
    return natural_key(Path(name))


def next_in_queue(items: Sequence[QueueItem], order: Order, current: int) -> int | None:
    """Return the next position after ``current`` that is not done, from the end on at the beginning; None if all are.

    Examples
    --------
    >>> next_in_queue([QueueItem("a"), QueueItem("b", done=True), QueueItem("c")], "name", 0)
    2
    >>> next_in_queue([QueueItem("a", done=True)], "name", 0) is None
    True
    """
    positions = in_order(items, order)
    at = positions.index(current)
    waiting = [i for i in positions[at + 1 :] + positions[:at] if not items[i].done]
    return waiting[0] if waiting else None
