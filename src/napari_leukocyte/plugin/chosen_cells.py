"""The cell that is looked at, and the cells that a key means. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_leukocyte.plugin.open_images import OpenImages

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_leukocyte.plugin.list_parts import Part

__all__ = ["ChosenCells"]

_AROUND = 3.0  # canvas / cell, where a cell is looked at closely


class ChosenCells(OpenImages):
    """Chooses cells of the image list; a cell is an image's place in the list, and its number there.

    Signals
    -------
    See `OpenImages`, and:

    selected(index, cell)
        Another cell is the chosen one; cell 0: none.

    Attributes
    ----------
    selection
        The chosen cell.
    marked
        Returns the cells whose rows are marked in a table on screen; whoever has one sets it.
    """

    selected = Signal(int, int)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.selection: tuple[int, int] | None = None
        self.marked: Callable[[], list[tuple[int, int]]] = list
        self._rested: tuple[float, ...] = ()  # where the pointer was when a cell was chosen

    def _close(self) -> list[Layer]:
        left = super()._close()
        self.selection = None
        return left

    def _drop(self, part: Part) -> None:
        self.selection = None
        super()._drop(part)

    def select(self, index: int, cell: int) -> None:
        """Choose a cell of an image of the list (0: none)."""
        chosen = (index, cell) if cell else None
        self._rested = tuple(self.viewer.cursor.position)
        if chosen != self.selection:
            self.selection = chosen
            self.selected.emit(index, cell)

    def go_to(self, index: int, cell: int, *, close: bool = False) -> None:
        """Choose a cell, show its image and bring the cell to the middle of the canvas; ``close``: large.

        Raises
        ------
        LeukocyteError
            When the image's file cannot be read any more.
        """
        if index != self._on_screen() or (self.own_image and self.image_layer is None):
            self.show(index)
        self.select(index, cell)
        state = self.states.get(index)
        measure = state.live.measure_of(cell) if state is not None else None
        if measure is not None:
            assert state is not None  # it has the measure
            sides = [side.stop - side.start for side in state.live.boxes[cell]]
            self.layers.centre_on(index, measure.y, measure.x, across=_AROUND * max(sides) if close else None)

    def cell_at(self, position: Sequence[float]) -> int:
        """Number of the cell of the shown image at a position of the canvas (world coordinates); 0 for none."""
        if self.state is None or self.classes_layer is None:
            return 0
        y, x = (round(at) for at in self.layers.to_pixels(position))
        cells = self.state.cells
        inside = 0 <= y < cells.shape[0] and 0 <= x < cells.shape[1]
        return int(cells[y, x]) if inside else 0

    def cell_pointed_at(self) -> int:
        """Number of the cell under the pointer; 0 for none, or where another was chosen since the pointer came to rest.

        What a key or the table brought into view is meant then, and not what lay under the pointer before: napari does
        not follow the pointer while the view moves under it.
        """
        position = tuple(self.viewer.cursor.position)
        cell = self.cell_at(position)
        other = self.selection is not None and self.selection != (self.index, cell) and self.selection[0] == self.index
        return 0 if other and position == self._rested else cell

    def meant(self, *, by_key: bool = True) -> list[tuple[int, int]]:
        """The cells that a key means, or a button, which is pressed far from the canvas.

        A key means the cell under the pointer, which is the chosen one then; without one, and for a button, it is the
        chosen cell of the shown image. Where its row is one of several that are marked, all of those are meant; it is
        the first. Empty: there is none.
        """
        if by_key and (cell := self.cell_pointed_at()):
            self.select(self.index, cell)
        marked = self.marked()
        here = [cell for cell in (self.selection, *marked) if cell is not None and cell[0] == self.index]
        if not here:
            return []
        return [here[0], *(cell for cell in marked if cell != here[0])] if here[0] in marked else here[:1]
