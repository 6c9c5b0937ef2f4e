"""What was noted of the images of a run, said once for all that have it, with their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from napari_leukocyte.core.text import counted

__all__ = ["lines_of_notes"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NAMED = 3


def lines_of_notes(notes: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each kind of note, of (name of the image, note): what differs in numbers alone is one kind.

    Examples
    --------
    >>> lines_of_notes([("a", "dim: 7 %"), ("b", "blurred"), ("c", "dim: 12 %")])
    ['dim: 7–12 % (2 images: a, c)', 'blurred (b)']
    """
    kinds = [_NUMBER.sub("#", note) for _, note in notes]
    first = {kind: kinds.index(kind) for kind in kinds}
    order = sorted(range(len(notes)), key=lambda i: first[kinds[i]])
    return [_line([notes[i] for i in group]) for _, group in groupby(order, key=lambda i: kinds[i])]


def _line(notes: Sequence[tuple[str, str]]) -> str:
    names = list(dict.fromkeys(name for name, _ in notes))
    ranges = iter([_range(column) for column in zip(*(_NUMBER.findall(note) for _, note in notes), strict=True)])
    text = _NUMBER.sub(lambda _: next(ranges), notes[0][1])
    if len(names) == 1:
        return f"{text} ({names[0]})"
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return f"{text} ({counted(len(names), 'image')}: {', '.join([*names[:_NAMED], *more])})"


def _range(numbers: Sequence[str]) -> str:
    low, high = min(numbers, key=float), max(numbers, key=float)
    return low if low == high else f"{low}–{high}"
