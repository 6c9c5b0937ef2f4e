"""Images that belong together: of one slide or patient, or with the same pixels. They never straddle a split."""

from collections.abc import Collection, Sequence

import numpy as np

from napari_leukocyte.core.training_set.images import SetImage

__all__ = ["groups_of", "share_of", "together_with"]


def groups_of(images: Sequence[SetImage]) -> dict[str, str]:
    """Name the group of each image, by id: images that are linked, also through a third one, share it.

    The name is the slide or patient where one is known, else the hash of the pixels.

    Examples
    --------
    >>> from pathlib import Path
    >>> def image(name, content, group=""):
    ...     return SetImage(name, name, Path(name), content, None, group, "", (1, 1))
    >>> groups_of([image("a", "x", "slide 1"), image("b", "x"), image("c", "y", "slide 1"), image("d", "z")])
    {'a': 'slide 1', 'b': 'slide 1', 'c': 'slide 1', 'd': 'z'}
    """
    # a hash is never taken for the name of a slide
    keys = {one.id: [("", one.content), *[("slide", one.group)] * bool(one.group)] for one in images}
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def find(key: tuple[str, str]) -> tuple[str, str]:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    for linked in keys.values():
        # the larger leads, so that a slide names the group, whatever the order of the images
        high, low = sorted(map(find, (linked[0], linked[-1])), reverse=True)
        leader[low] = high
    return {one: find(linked[0])[1] for one, linked in keys.items()}


def together_with(ids: Collection[str], groups: dict[str, str]) -> frozenset[str]:
    """Return the images of the groups that some images are in; ids that the set does not have stay."""
    wanted = {groups[one] for one in ids if one in groups}
    return frozenset(one for one, group in groups.items() if group in wanted) | frozenset(ids)


def share_of(groups: dict[str, str], held_out: Collection[str], share: float, seed: int) -> frozenset[str]:
    """Draw whole groups until about a share of all images is held out, and leave at least one group to train.

    Parameters
    ----------
    groups : dict
        Group of each image by id.
    held_out : collection of str
        Those that are held out already; they count.
    share : float
        0 to 1.
    seed : int
        The same seed draws the same of the same images.

    Returns
    -------
    frozenset of str
        The further ids to hold out.
    """
    members: dict[str, list[str]] = {}
    for one, group in sorted(groups.items()):
        members.setdefault(group, []).append(one)
    free = [group for group, ids in members.items() if not set(ids) & set(held_out)]
    wanted = share * len(groups)
    count = sum(one in groups for one in held_out)
    drawn: list[str] = []
    left = len(free)
    for i in np.random.default_rng(seed).permutation(len(free)):
        ids = members[free[i]]
        if left > 1 and abs(count + len(ids) - wanted) < abs(count - wanted):
            drawn += ids
            count += len(ids)
            left -= 1
    return frozenset(drawn)
