"""Progress bars, on standard error and only in a terminal."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.safe_text import printable
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeStep
from napari_leukocyte.core.segmentation.windowed import WindowDone

__all__ = ["SegmentBars", "progress", "segment_bars"]


def progress(*columns: TextColumn) -> Progress:
    """Bar with what is done, further columns and the time that is left."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


class SegmentBars:
    """One bar over the files of a list, one over the windows of the image in work."""

    def __init__(self, bars: Progress, files: int) -> None:
        self._bars = bars
        self._files = bars.add_task("images", total=files)
        self._windows = bars.add_task("windows", total=None, visible=False)

    def looking(self, event: SizeStep) -> None:
        """Show how far the list is looked at for its pixel size."""
        self._bars.update(self._files, description="pixel size")
        self._bars.update(self._windows, completed=event.done, total=event.windows, visible=event.windows > 1)

    def begin(self, source: ImageSource | BrokenImage) -> None:
        """Show which image is in work."""
        self._bars.update(self._files, description=printable(source.name))
        self._bars.reset(self._windows, total=None, visible=False)

    def window(self, event: WindowDone) -> None:
        """Show a finished window of the image in work."""
        self._bars.update(self._windows, completed=event.done, total=event.windows, visible=event.windows > 1)

    def end(self, source: ImageSource | BrokenImage) -> None:
        """Count an image; a plane is a part of its file."""
        self._bars.advance(self._files, 1 if isinstance(source, BrokenImage) else 1 / source.planes)


@contextlib.contextmanager
def segment_bars(files: int) -> Iterator[SegmentBars]:
    """Show the bars for a list of files while the block runs."""
    with progress() as bars:
        yield SegmentBars(bars, files)
