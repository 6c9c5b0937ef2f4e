"""Where the class map that a person begins to correct comes from, when it is not fresh from a model."""

from dataclasses import dataclass

__all__ = ["MaskOrigin"]


@dataclass(frozen=True)
class MaskOrigin:
    """An accepted version or a draft that was read back.

    Attributes
    ----------
    parent
        Number of the accepted version that it is or began with; None when there was none.
    pixels_changed
        How many pixels hands changed before, summed over versions.
    labels_edited
        Whether cells were split, joined or marked by hand before.
    draft
        Whether it is a draft: it holds edits that no accepted version has.
    """

    parent: int | None = None
    pixels_changed: int = 0
    labels_edited: bool = False
    draft: bool = False
