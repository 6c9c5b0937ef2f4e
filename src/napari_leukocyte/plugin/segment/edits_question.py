"""What is asked before images with edits are segmented anew."""

__all__ = ["edits_question"]


def edits_question(count: int, *, shown: bool, aside: bool) -> str:
    """The question before images with edits are segmented anew.

    ``shown``: one of them is on screen; ``aside``: its map can stay as a layer of its own.
    """
    if count == 1:
        which = "The class map on screen holds" if shown else "A class map that is not on screen holds"
        kept = "it becomes a layer of its own beside the new one" if aside else "it stays as it is"
        replaced = "it comes back with Ctrl+Z" if shown else "the edits are gone"
    else:
        which = f"{count} class maps hold"
        others = "the one on screen becomes a layer of its own beside the new one, and the others stay"
        kept = f"{others if aside else 'they stay'} as they are"
        replaced = "only the one on screen comes back with Ctrl+Z" if shown else "the edits are gone"
    return f"{which} your edits. Kept, {kept}. Replaced, {replaced}."
