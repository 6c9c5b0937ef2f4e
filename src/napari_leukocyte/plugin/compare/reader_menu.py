"""The button that takes the masks of another reader as the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton

from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_leukocyte.core.training_set.training_set import TrainingSet
    from napari_leukocyte.plugin.session import Session

__all__ = ["ReaderButton"]


class ReaderButton(QPushButton):  # type: ignore[misc]
    """Lists the other readers of the training set in use.

    Parameters
    ----------
    say
        Takes a sentence where there is none.

    Signals
    -------
    chosen(name)
        A reader was chosen.
    """

    chosen = Signal(str)

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        super().__init__("Reader …")
        self.setToolTip("The masks of another reader of the training set that is open in the Correct dock")
        self._session, self._say = session, say
        self._worker = Background("the look for readers")
        self.readers = QMenu(self)
        self.clicked.connect(self._look)

    def _look(self) -> None:
        training_set = self._session.training_set
        if training_set is None:
            self._say("No training set is open: open one in the Correct dock first.")
        elif not self._worker.running:
            self._worker.start(lambda: _others(training_set), done=self._offer, failed=self._say)

    def _offer(self, names: list[str]) -> None:
        if not names:
            self._say("Nobody else has accepted a mask in this training set.")
            return
        self.readers.clear()
        for name in names:
            self.readers.addAction(name, lambda name=name: self.chosen.emit(name))
        self.readers.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def leave(self) -> None:
        """Look no further: the dock is about to go."""
        self._worker.leave()


def _others(training_set: TrainingSet) -> list[str]:
    from napari_leukocyte.core.training_set.reader import same_reader

    return [name for name in training_set.readers() if name and not same_reader(name, training_set.reader.name)]
