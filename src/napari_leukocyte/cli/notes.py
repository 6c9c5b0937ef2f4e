"""What a user should know about a list of results, in few lines however long the list is."""

from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.safe_text import printable

__all__ = ["Remarks", "named"]

_SHOWN = 3  # names in front of "and n more"


def named(label: str, reason: str) -> str:
    """Why something failed, as it may be printed, with its name in front unless the sentence has it.

    >>> named("a.png", "It is damaged."), named("a.png", "a.png is damaged.")
    ('a.png: It is damaged.', 'a.png is damaged.')
    """
    said = printable(reason)
    return said if label in said else f"{label}: {said}"


class Remarks:
    """Collects notes and pixel sizes of images; equal ones share a line."""

    def __init__(self) -> None:
        self._notes: dict[str, list[str]] = {}
        self._estimates: dict[str, PixelSize] = {}

    def add(self, label: str, pixel_size: PixelSize, notes: tuple[str, ...]) -> None:
        """Take what is to be said about one image."""
        if pixel_size.estimated:
            self._estimates[label] = pixel_size
        size = f"pixel size {pixel_size}" + ("; so areas are in px only" if pixel_size.um is None else "")
        self.note(label, (*notes, *[size] * (not pixel_size.estimated)))

    def note(self, label: str, notes: tuple[str, ...]) -> None:
        """Take notes on one image alone."""
        for note in notes:
            self._notes.setdefault(note, []).append(label)

    def lines(self) -> list[str]:
        """One line for each thing, with the images that it is about.

        >>> remarks = Remarks()
        >>> remarks.add("a.png", PixelSize(0.09, "estimated from 1 cell", estimated=True), ("grayscale",))
        >>> remarks.add("b.png", PixelSize(0.11, "estimated from 2 cells", estimated=True), ("grayscale",))
        >>> print(*remarks.lines(), sep=chr(10))
        a.png, b.png: grayscale
        a.png, b.png: pixel size estimated, 0.09 to 0.11 µm/px; so areas are in px only
        """
        lines = [f"{_names(labels)}: {note}" for note, labels in self._notes.items()]
        if self._estimates:
            texts = {str(size) for size in self._estimates.values()}
            if len(texts) == 1:
                size = f"pixel size {texts.pop()}"
            else:
                values = sorted(size.um for size in self._estimates.values() if size.um is not None)
                size = f"pixel size estimated, {values[0]:.4g} to {values[-1]:.4g} µm/px"
            lines.append(f"{_names(list(self._estimates))}: {size}; so areas are in px only")
            if len(texts) > 1:
                lines += self._doubts()
        return lines

    def _doubts(self) -> list[str]:
        """What makes estimates doubtful, with the images that it is about."""
        doubts: dict[str, list[str]] = {}
        for label, size in self._estimates.items():
            if size.doubt:
                doubts.setdefault(size.doubt, []).append(label)
        return [f"{_names(labels)}: pixel size doubtful: {doubt}" for doubt, labels in doubts.items()]


def _names(labels: list[str]) -> str:
    rest = len(labels) - _SHOWN
    return ", ".join(labels[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
