"""The layers of class map and cells: napari's Labels layer that also says when it was undone, and a locked one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from napari.layers import Labels
from psygnal import Signal

__all__ = ["KEYS", "ClassMap", "LockedLabels"]

_CYTOPLASM, _NUCLEUS = 1, 2

KEYS = {
    "C": "click_cell",
    "A": "grow",
    "S": "shrink",
    "Delete": "delete_cell",
    "Backspace": "delete_cell",
    "U": "next_doubtful",
    "Shift-U": "next_cell",
    "Y": "split",
    "J": "join",
    "Shift-Y": "split_off",
    "G": "fill",
    "R": "mark",
    "I": "type",
    "O": "outlines",
    "T": "truth",
    "H": "difference",
    "Q": "nucleus",
    "W": "cytoplasm",
    "Shift-D": "accept",
    "N": "next",
    "Shift-N": "previous",
    "K": "skip",
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

    @property
    def in_stroke(self) -> bool:
        """Whether an edit is being made of which there is more to come before it is one step of undo."""
        return bool(getattr(self, "_block_history", False))

    protects_nucleus = False
    """Whether the cytoplasm brush, fill and polygon leave nuclei as they are."""

    withholds = False
    """Whether the stroke that is drawn belongs to somebody else, and leaves nothing here."""

    def paint(self, coord: Sequence[float], new_label: int, refresh: bool = True) -> None:
        """Paint with the brush, see napari; with protection, nuclei stay as they are."""
        if self.withholds:
            return
        if not self._spares_nuclei(new_label):
            super().paint(coord, new_label, refresh)
            return
        reach = self.brush_size // 2 + 2
        near = tuple(
            slice(max(round(at) - reach, 0), max(round(at) + reach, 0)) if axis >= self.ndim - 2 else slice(None)
            for axis, at in enumerate(coord)
        )
        with self._sparing_nuclei(near):
            super().paint(coord, new_label, refresh=False)
        if refresh:
            self.refresh()

    def fill(self, coord: Sequence[float], new_label: int, refresh: bool = True) -> None:
        """Fill an area, see napari; with protection, nuclei stay as they are."""
        if not self._spares_nuclei(new_label):
            super().fill(coord, new_label, refresh)
            return
        with self._sparing_nuclei():
            super().fill(coord, new_label, refresh=False)
        if refresh:
            self.refresh()

    def paint_polygon(self, points: Any, new_label: int) -> None:
        """Paint a polygon, see napari; with protection, nuclei stay as they are."""
        if not self._spares_nuclei(new_label):
            super().paint_polygon(points, new_label)
            return
        with self._sparing_nuclei():
            super().paint_polygon(points, new_label)

    def _spares_nuclei(self, new_label: int) -> bool:
        return self.protects_nucleus and new_label == _CYTOPLASM

    @contextmanager
    def _sparing_nuclei(self, near: tuple[slice, ...] = ()) -> Iterator[None]:
        """Restore what an edit takes away from nuclei, within its undo step; ``near`` is all that it can reach."""
        # within a stroke the undo step is open already, and opening it again would end it
        step = nullcontext() if self.in_stroke else self.block_history()
        box = near or (slice(None),) * self.ndim
        nuclei = np.asarray(self.data[box]) == _NUCLEUS
        with step:
            yield
            lost = np.nonzero(nuclei & (np.asarray(self.data[box]) != _NUCLEUS))
            if lost[0].size:
                where = tuple(axis + (side.start or 0) for axis, side in zip(lost, box, strict=True))
                self.data_setitem(where, _NUCLEUS, refresh=False)

    def undo(self) -> None:
        """Undo the last edit."""
        self.stepping.emit()
        super().undo()
        self.stepped.emit(True)

    def redo(self) -> None:
        """Redo the edit that was undone last."""
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

    def _save_history(self, value: object) -> None:
        """Keep no undo steps: nobody takes them, and they hold all that was ever written, 100 whole images."""

    def undo(self) -> None:
        """Do nothing: the layer that it follows is undone."""

    def redo(self) -> None:
        """Do nothing: the layer that it follows is redone."""


for _layer in (ClassMap, LockedLabels):
    _layer.__name__ = "Labels"  # napari tells layer types by this name, for instance when it saves them


def _command(name: str) -> Callable[[ClassMap], None]:
    def press(layer: ClassMap) -> None:
        layer.commanded.emit(name)

    return press


for _key, _name in KEYS.items():
    ClassMap.bind_key(_key, _command(_name))
