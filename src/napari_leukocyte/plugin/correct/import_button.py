"""The button that brings masks of other programs in as class maps of the image list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.parts.read_as import ReadAsChoice

if TYPE_CHECKING:
    from napari_leukocyte.plugin.correct.disk import QtDisk
    from napari_leukocyte.plugin.correct.masks_in import MasksIn
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["ImportButton"]


class ImportButton(QPushButton):  # type: ignore[misc]
    """Asks for files, reads them beside the window, and shows each as the map of the image that has its name.

    Parameters
    ----------
    say
        Takes the sentence on what came of it.

    Attributes
    ----------
    read_as
        The question how doubtful ones are to be read; for the dock to place.
    """

    def __init__(self, session: Session, disk: QtDisk, say: Callable[[str], None]) -> None:
        super().__init__("Import masks …")
        self.setToolTip("Masks from QuPath, ImageJ, Cellpose and others, by the names of the images")
        self._session, self._disk, self._say = session, disk, say
        self.clicked.connect(lambda: self._choose())
        self.read_as = ReadAsChoice()
        self.read_as.chosen.connect(self._read_again)
        self._doubtful: list[Path] = []

    def _choose(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Masks of images of the list")
        if paths:
            self.read([Path(path) for path in paths])

    def read(self, paths: Sequence[Path]) -> None:
        """Read files as the class maps of their images; edited maps stay."""
        self.read_as.forget()
        self._doubtful = []
        self._read(paths)

    def _read_again(self) -> None:
        """Read those that were doubtful, as the user says now."""
        self._read(self._doubtful)

    def _read(self, paths: Sequence[Path]) -> None:
        from napari_leukocyte.plugin.correct.masks_in import read_for_list

        images, generation, read_as = list(self._session.images), self._session.generation, self.read_as.read_as
        self._say("Reading masks …")
        self._disk.run(
            lambda: read_for_list(images, paths, read_as), lambda found: self._show(found, generation), self._say
        )

    def _show(self, found: MasksIn, generation: int) -> None:
        if not isalive(self) or generation != self._session.generation:  # the dock has gone, or another list is open
            return
        edited = [index for index, state in found.states.items() if not self._put(index, state)]
        left = [f"{self._session.images[index].label}: its map has edits, which stay." for index in edited]
        taken = counted(len(found.states) - len(edited), "mask")
        if found.doubtful:
            self._doubtful = list(found.doubtful)
            self.read_as.offer(word for others in found.doubtful.values() for word in others)
        self._say("\n".join((f"{taken} imported.", *bullets("Not imported:", [*found.problems, *left]))))

    def _put(self, index: int, state: ImageState) -> bool:
        return not self._session.edited_images([index]) and self._session.put(index, state)
