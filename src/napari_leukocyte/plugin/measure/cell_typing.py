"""What type cells are, said of several cells and images at once, and taken back. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.cell_types import CELL_TYPES, check_type
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:
    from napari_leukocyte.plugin.session import Session

__all__ = ["CellTyping"]


class CellTyping:
    """Gives types to cells; Ctrl+Z takes back what was said of the shown image, `take_back` the last of all."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._before: dict[tuple[int, int], str] = {}  # types of the cells that were typed last
        self._generation = session.generation

    def own_words(self) -> list[str]:
        """Types in use that are not of the usual names."""
        types = (cell_type for state in self.session.states.values() for cell_type in state.live.by_hand.types.values())
        return sorted(set(types) - set(CELL_TYPES))

    @property
    def can_take_back(self) -> bool:
        """Whether there is anything to take back."""
        return bool(self._before) and self._generation == self.session.generation

    def give(self, cells: Sequence[tuple[int, int]], words: str) -> str:
        """Say what type cells are ("": nobody knows), each by image index and number; returns what was done.

        Raises
        ------
        LeukocyteError
            When there are no cells, or the words are none for a type.
        """
        if not cells:
            raise LeukocyteError("There is no cell to give a type to: click one, or select rows.")
        cell_type = check_type(words)
        self._before = {(index, cell): self._type_of(index, cell) for index, cell in cells}
        self._generation = self.session.generation
        self._set(dict.fromkeys(cells, cell_type))
        which = f"Cell {cells[0][1]}" if len(cells) == 1 else counted(len(cells), "cell")
        return f"{which}: {cell_type}." if cell_type else f"{which}: no type."

    def take_back(self) -> str:
        """Give the cells that were typed last the types that they had; returns what was done."""
        if not self.can_take_back:
            return "There is no type to take back."
        before = {(i, cell): own for (i, cell), own in self._before.items() if self._is_there(i, cell)}
        self._before = {}
        self._set(before)
        return f"Taken back: the type of {counted(len(before), 'cell')}."

    def _set(self, types: dict[tuple[int, int], str]) -> None:
        for index in dict.fromkeys(index for index, _ in types):
            for words in dict.fromkeys(types.values()):
                own = [cell for (i, cell), cell_type in types.items() if (i, cell_type) == (index, words)]
                if own:
                    self.session.edit_labels_of(index, partial(live_repairs.set_type, numbers=own, cell_type=words))

    def _type_of(self, index: int, cell: int) -> str:
        return self.session.states[index].live.by_hand.types.get(cell, "")

    def _is_there(self, index: int, cell: int) -> bool:
        state = self.session.states.get(index)
        return state is not None and state.live.measure_of(cell) is not None
