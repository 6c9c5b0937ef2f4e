"""The layers of class map and cells: napari's Labels layer that also says when it was undone, and a locked one."""

from __future__ import annotations

from collections.abc import Callable

from napari.layers import Labels
from psygnal import Signal

__all__ = ["KEYS", "ClassMap", "LockedLabels"]

KEYS = {
    "Y": "split",
    "J": "join",
    "Shift-Y": "split_off",
    "G": "fill",
    "R": "mark",
    "O": "outlines",
    "T": "truth",
    "H": "difference",
}
"""Keys of the class-map layer, none of them napari's own, and the commands that they stand for."""


class ClassMap(Labels):  # type: ignore[misc]
    """A Labels layer for class maps.

    Signals
    -------
    stepping()
        Undo or redo is about to change the data; napari itself announces neither.
    stepped(back)
        It has: undone (True) or redone.
    commanded(name)
        One of the plugin's keys was pressed.
    """

    stepping = Signal()
    stepped = Signal(bool)
    commanded = Signal(str)

    def undo(self) -> None:
        """Take the last edit back."""
        self.stepping.emit()
        super().undo()
        self.stepped.emit(True)

    def redo(self) -> None:
        """Make the last edit again that was taken back."""
        self.stepping.emit()
        super().redo()
        self.stepped.emit(False)

    def forget_undo(self) -> None:
        """Forget what could be undone, as napari does for a layer that is locked."""
        mode = self.mode  # type: ignore[has-type]
        self.editable = False
        self.editable = True
        self.mode = mode


class LockedLabels(Labels):  # type: ignore[misc]
    """A Labels layer that follows another, and is neither painted nor undone on its own."""

    def undo(self) -> None:
        """Nothing: what it follows is undone."""

    def redo(self) -> None:
        """Nothing: what it follows is made again."""


for _layer in (ClassMap, LockedLabels):
    _layer.__name__ = "Labels"  # by which napari tells the types of layers, when they are saved for instance


def _command(name: str) -> Callable[[ClassMap], None]:
    def press(layer: ClassMap) -> None:
        layer.commanded.emit(name)

    return press


for _key, _name in KEYS.items():
    ClassMap.bind_key(_key, _command(_name))
