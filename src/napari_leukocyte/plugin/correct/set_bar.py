"""The training set that is corrected into, and who reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QPushButton, QWidget

from napari_leukocyte.plugin.correct.reader_line import ReaderLine
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.parts.docks import note, row, stack
from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari_leukocyte.core.training_set.training_set import TrainingSet
    from napari_leukocyte.plugin.correct.corrections import Corrections
    from napari_leukocyte.plugin.correct.disk import QtDisk

__all__ = ["SetBar"]


class SetBar(QWidget):  # type: ignore[misc]
    """Makes and opens training sets, each as its reader sees it.

    Parameters
    ----------
    leave
        Called with what to do once the image list may go.
    say
        Takes a sentence.
    """

    def __init__(
        self,
        corrections: Corrections,
        disk: QtDisk,
        *,
        leave: Callable[[Callable[[], None]], None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._corrections, self._disk, self._leave, self._say = corrections, disk, leave, say
        self._waiting: TrainingSet | None = None  # for a reader with a name
        self.set_name = note("No training set: corrections are kept in one.")
        self.reader = ReaderLine(corrections.session, say)
        self.reader.chosen.connect(self._on_reader)
        self.new_button = QPushButton("New …", clicked=self._choose_new)
        self.new_button.setToolTip("Make a training set in an empty folder")
        self.open_button = QPushButton("Open …", clicked=self._choose_open)
        self.open_button.setToolTip("Open a training set")
        self.images_button = QPushButton("Open its images")
        self.images_button.setToolTip("Work through the images of the training set")
        self.buttons = row(self.new_button, self.open_button, self.images_button)
        stack(self, self.set_name, self.buttons, self.reader)

    def show_set(self) -> None:
        """Say which set is in use; in a blind reading its name might tell something of its images."""
        training_set, blind = self._corrections.training_set, self._corrections.session.blind is not None
        self.buttons.setVisible(not blind)
        self.reader.hold(blind)
        self.images_button.setEnabled(training_set is not None)
        if blind:
            self.set_name.setText("Training set: not shown while you read blind.")
            self.set_name.setToolTip("")
        elif training_set is not None:
            self.set_name.setText(f"Training set: {training_set.folder.name}")
            self.set_name.setToolTip(str(training_set.folder))

    def _choose_new(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Empty folder for a new training set")
        if folder:
            self.new_set(Path(folder))

    def _choose_open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a training set")
        if folder:
            self.open_set(Path(folder))

    def new_set(self, folder: Path) -> None:
        """Make a training set and correct into it."""
        from napari_leukocyte.core.training_set.training_set import TrainingSet

        def make() -> TrainingSet:
            return TrainingSet.create(folder, pixel_size=get_settings().default_pixel_size)

        self._use(folder, make)

    def open_set(self, folder: Path) -> None:
        """Open a training set and correct into it."""
        from napari_leukocyte.core.training_set.training_set import TrainingSet

        self._use(folder, lambda: TrainingSet.open(folder))

    def _use(self, folder: Path, make: Callable[[], TrainingSet]) -> None:
        self._say(f"Opening {folder.name} …")
        self._disk.run(make, self._on_opened, self._say)

    def _on_opened(self, training_set: TrainingSet) -> None:
        if self._corrections.closed:
            return
        if not self.reader.settled:
            self.reader.ask()
        if self.reader.name:
            self._take(training_set)
        else:
            self._waiting = training_set
        self._say("\n".join(bullets("Left out:", training_set.problems)))

    def _take(self, training_set: TrainingSet, *, as_named: bool = False) -> None:
        from napari_leukocyte.core.training_set.reader import Reader

        self._corrections.use(training_set.as_reader(Reader(self.reader.name)), as_named=as_named)

    def _on_reader(self, _name: str, first: bool) -> None:
        waited = self._waiting is not None
        training_set, self._waiting = self._waiting or self._corrections.training_set, None
        if training_set is None:
            return
        if first:  # the same person goes on: what is on screen, or drafted in this window, is theirs
            self._take(training_set, as_named=not waited)
        else:
            self._leave(lambda: self._change(training_set))

    def _change(self, training_set: TrainingSet) -> None:
        """Another person looks: what somebody drew is not theirs; what a model found is nobody's."""
        session = self._corrections.session
        found = {i: one for i, one in session.states.items() if one.result.origin is None and not one.edited}
        session.reopen()  # which saves what was drawn, as theirs who drew it
        self._take(training_set)
        for index, state in found.items():
            state.forget_undo()
            state.gestures.clear()
            session.put(index, state)
