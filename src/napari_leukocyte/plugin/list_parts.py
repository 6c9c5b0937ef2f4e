"""What the image list is put together from: open layers, each an image or a stack, and files. No Qt, no layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from napari_leukocyte.core.imaging.pixel_size import PixelSize

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["Part", "kept_of", "part_at", "part_of", "without"]

_T = TypeVar("_T")


@dataclass(eq=False)
class Part:
    """Images that follow one another in the list and come from one place.

    Attributes
    ----------
    layer
        The user's layer that holds them; None: files, which are shown one at a time in a layer of the session's own.
    first, count
        Where in the list the first of them is, and how many they are.
    data
        What the layer held when it was opened.
    size
        What the layer's scale said when it was looked at last.
    called
        The layer's name when it was looked at last.
    """

    layer: Image | None
    first: int
    count: int
    data: Any = None
    size: PixelSize = field(default_factory=lambda: PixelSize(None))
    called: str = ""

    @property
    def indices(self) -> range:
        """Their places in the list."""
        return range(self.first, self.first + self.count)

    @property
    def planes(self) -> int:
        """How many planes the layer's stack has, which share one class-map layer; 0: it is no stack."""
        return self.count if self.layer is not None and self.count > 1 else 0


def part_at(parts: Sequence[Part], index: int) -> Part | None:
    """The part with an image of the list; None when there is no such image."""
    return next((part for part in parts if index in part.indices), None)


def part_of(parts: Sequence[Part], layer: object) -> Part | None:
    """The part that a layer of the user's holds; None when it holds none."""
    return next((part for part in parts if part.layer is layer and layer is not None), None)


def without(parts: Sequence[Part], gone: Part) -> list[Part]:
    """The other parts, moved up in the list."""
    return [
        replace(part, first=part.first - gone.count) if part.first > gone.first else part
        for part in parts
        if part is not gone
    ]


def kept_of(by_index: Mapping[int, _T], gone: Part) -> dict[int, _T]:
    """What is known of the images of the other parts, by their new places.

    >>> kept_of({0: "a", 1: "b", 2: "c", 3: "d"}, Part(None, 1, 2))
    {0: 'a', 1: 'd'}
    """
    moved: Iterable[tuple[int, _T]] = (
        (index - gone.count if index >= gone.first else index, value)
        for index, value in by_index.items()
        if index not in gone.indices
    )
    return dict(moved)
