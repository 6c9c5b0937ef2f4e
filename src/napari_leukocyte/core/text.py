"""Numbers with their nouns, and rows of text as columns."""

from collections.abc import Sequence

__all__ = ["columns", "counted"]


def counted(number: int, one: str, more: str = "") -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "image"), counted(3, "image"), counted(0, "half", "halves")
    ('1 image', '3 images', '0 halves')
    """
    return f"{number} {one if number == 1 else more or one + 's'}"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of text as lines whose columns have one width each.

    Examples
    --------
    >>> columns([["a", "cell"], ["bc", "1"]])
    ['a   cell', 'bc  1']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
