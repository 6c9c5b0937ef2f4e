"""A folder, or files, become the image list: images, or results that were written there, ready to go on with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.warm import until_warm, warm_up

if TYPE_CHECKING:
    from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
    from napari_leukocyte.core.slides.found import FoundOnSlide
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["FolderOpener"]

_LOOK_S = 0.1


@dataclass(frozen=True)
class _Listed:
    """What is to be the image list, and whether results of it follow."""

    sources: Sequence[ImageSource | BrokenImage]
    with_results: bool = False


@dataclass(frozen=True)
class _Found:
    """What was read of an image of the list, its cells measured; ``problem`` as in ``Reopened``."""

    index: int
    state: ImageState | None
    problem: str


class FolderOpener(QObject):  # type: ignore[misc]
    """Reads a folder beside napari; results come one after the other, and the first can be worked on at once.

    Parameters
    ----------
    show_slide
        Shows results of a slide, which are no list of images; returns what went wrong.

    Signals
    -------
    opened()
        The images are the list now.
    said(sentence)
        How far it is, how it ended, or why not.
    ended()
        Whatever happened, another folder can be opened.
    """

    opened = Signal()
    said = Signal(str)
    ended = Signal()

    def __init__(self, session: Session, show_slide: Callable[[FoundOnSlide], str]) -> None:
        super().__init__()
        self._session, self._show_slide = session, show_slide
        self._reader = Background("the reading of the images")
        self._what = ""  # is read, in words
        self._generation: int | None = None  # of the list that it became; None: of none yet
        self._with_results = False
        self._results = 0
        self._is_list = Event()  # whether the window has made what was read its list
        self._problems: list[str] = []
        self._changed: list[str] = []  # results that somebody changed since they were written

    @property
    def running(self) -> bool:
        """Whether a folder is being read."""
        return self._reader.running

    @property
    def why_nothing_else(self) -> str:
        """Why nothing else can be opened now, in a sentence; empty when it can."""
        return f"Wait for the reading of {self._what} to end." if self.running else ""

    @property
    def why_no_run(self) -> str:
        """Why no run can begin now, in a sentence; empty when one can."""
        if self._generation is None:  # what is read may take the place of what would be segmented
            return self.why_nothing_else
        if self.running and self._with_results and self._session.generation == self._generation:
            return f"Wait for the reading of {self._what} to end: not all of its results are there yet."
        return ""

    def open(self, *paths: Path) -> None:
        """Read a folder, or files and folders of images; edits at stake have been asked about."""
        self._generation, self._with_results = None, False
        self._results, self._problems, self._changed = 0, [], []
        self._what = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        self.said.emit(f"Reading {self._what} …")
        self._is_list = Event()
        read = partial(_read, paths, self._is_list)
        self._reader.start(read, event=self._on_event, done=self._on_done, failed=self._on_failed)

    def leave(self) -> None:
        """Read no further."""
        self._reader.leave()

    def _on_event(self, event: object) -> None:
        from napari_leukocyte.core.slides.found import FoundOnSlide

        match event:
            case _Listed():
                self._open_list(event)
            case FoundOnSlide():
                self._open_slide(event)
            case _Found():
                self._take(event)
            case None:  # it waits for napari
                pass

    def _open_slide(self, found: FoundOnSlide) -> None:
        cells = f"{counted(len(found.rows), 'cell')} of {found.image.image.label}."
        self._problems.append(self._show_slide(found) or cells)

    def _open_list(self, listed: _Listed) -> None:
        try:
            self._session.open_files(listed.sources)
            warm_up()  # not sooner: what napari begins with its first layer is not made for two threads
        except LeukocyteError as error:
            self._reader.cancel()
            self._problems.append(str(error))
            return
        finally:
            self._is_list.set()
        self._generation, self._with_results = self._session.generation, listed.with_results
        self._problems += [broken.reason for broken in self._session.broken]
        self.opened.emit()

    def _take(self, found: _Found) -> None:
        if self._session.generation != self._generation:  # another list was opened meanwhile
            self._reader.cancel()
            return
        if found.problem:
            (self._problems if found.state is None else self._changed).append(found.problem)
        if found.state is not None and found.index not in self._session.states:
            self._session.put(found.index, found.state)
            self._results += 1
            self.said.emit(f"Reading results: {self._results} of {len(self._session.images)} …")

    def _on_done(self, notes: Sequence[str] | None) -> None:
        if self._session.generation == self._generation:
            said = f"{counted(len(self._session.images), 'image')}"
            said += f", {self._results} with results." if notes is not None and self._results else "."
            lists = [*bullets("Not read:", self._problems), *bullets("Changed by hand:", self._changed)]
            self.said.emit("\n".join([said, *(notes or ()), *lists]))
        else:
            self.said.emit("\n".join(self._problems))
        self.ended.emit()

    def _on_failed(self, sentence: str) -> None:
        self.said.emit(sentence)
        self.ended.emit()


def _read(
    paths: Sequence[Path], is_list: Event
) -> Generator[_Listed | _Found | FoundOnSlide | None, None, tuple[str, ...]]:
    """The list, and then the results one by one; returns notes."""
    from napari_leukocyte.core.imaging.image_list import sources_from_files
    from napari_leukocyte.core.imaging.read import find_images, passed_over
    from napari_leukocyte.core.results.reopen import holds_results, saved_folder
    from napari_leukocyte.core.slides.found import holds_slide, read_found, slides_below
    from napari_leukocyte.plugin.image_state import ImageState  # loads scipy

    if len(paths) > 1 or not paths[0].is_dir():
        yield _Listed(list(sources_from_files(find_images(paths))))
        return ()
    if holds_slide(paths[0]):
        yield read_found(paths[0])
        return ()
    below = slides_below(paths[0])
    elsewhere = (f"Results of slides lie in folders of their own: {', '.join(below)}.",) if below else ()
    if not holds_results(paths[0]):
        try:
            found = find_images(paths[0])
        except LeukocyteError:  # a folder of results, all of slides
            if len(below) > 1:
                raise LeukocyteError(f"{paths[0]} holds results of slides ({', '.join(below)}): open one.") from None
            if not below:
                raise
            yield read_found(paths[0] / below[0])
            return ()
        yield _Listed(list(sources_from_files(found)))
        return (*(f"{words[:1].upper()}{words[1:]}." for _, words in passed_over(paths[0], found)), *elsewhere)
    saved = saved_folder(paths[0])
    yield _Listed(saved.sources, with_results=True)
    while not is_list.wait(_LOOK_S):
        yield None
    yield from until_warm()
    for read in saved.results():
        yield _Found(read.index, None if read.result is None else ImageState(read.result), read.problem)
    return (*saved.notes, *elsewhere)
