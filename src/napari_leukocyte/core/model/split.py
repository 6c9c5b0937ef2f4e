"""Train, validation and test parts: whole groups on one side, strata in proportion, by a recorded seed."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.schema import read_object

__all__ = ["PARTS", "read_split", "split_by_group"]

PARTS = ("train", "validation", "test")


def split_by_group(
    names: Sequence[str],
    groups: Sequence[Hashable],
    strata: Sequence[Hashable],
    *,
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: int = 0,
) -> dict[str, list[str]]:
    """Divide images into train, validation and test (thesis section 3.1: 70/15/15).

    Images of one group (a slide, near-duplicates) stay together. Groups are dealt in random order, within
    each stratum (the most frequent one among the group's images), to the part that lacks most images there.

    >>> split_by_group(["a", "b", "c", "d"], [1, 1, 2, 3], ["x"] * 4, shares=(0.5, 0.25, 0.25))
    {'train': ['a', 'b'], 'validation': ['d'], 'test': ['c']}
    """
    members: dict[Hashable, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    by_stratum: dict[Hashable, list[list[int]]] = defaultdict(list)
    for indices in members.values():
        labels = [strata[i] for i in indices]
        by_stratum[max(labels, key=labels.count)].append(indices)
    rng = np.random.default_rng(seed)
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for stratum_groups in by_stratum.values():
        total = sum(map(len, stratum_groups))
        lacking = {part: share * total for part, share in zip(PARTS, shares, strict=True)}
        order = rng.permutation(len(stratum_groups))
        # Large groups first: dealt late they would overfill whichever part they reach.
        for i in sorted(order, key=lambda i: -len(stratum_groups[i])):
            part = max(lacking, key=lambda p: lacking[p])
            parts[part] += stratum_groups[i]
            lacking[part] -= len(stratum_groups[i])
    return {part: [names[i] for i in sorted(index)] for part, index in parts.items()}


def read_split(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Read recorded lists of names; a name that the data lack or that stands in two parts is an error.

    Raises
    ------
    LeukocyteError
        When the file cannot be read as lists of names or does not fit ``names``.
    """
    fields = read_object(path, mend="give a split, an object with the lists train, validation and test")
    split = {part: list(fields.texts(part)) for part in PARTS}
    listed = [name for part in split.values() for name in part]
    unknown = set(listed) - set(names)
    if unknown:
        raise LeukocyteError(f"{path} lists {len(unknown)} images that the data lack, {min(unknown)} first.")
    if len(set(listed)) < len(listed):
        raise LeukocyteError(f"{path} lists an image more than once.")
    return split
