"""What the mouse and the keys do to cells on the canvas: choose, split, join, split off, fill, mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.canvas_grip import get_grip

if TYPE_CHECKING:
    from napari_leukocyte.core.cells.repair import Point
    from napari_leukocyte.plugin.parts.canvas_lines import CanvasLines
    from napari_leukocyte.plugin.session import Session

__all__ = ["MARKS", "STROKES", "CanvasTools"]

STROKES = {
    "split": "Split: draw a line between two cells.",
    "join": "Join: draw a line from one cell into the other.",
    "split_off": "Split off: draw a line that cuts the platelet off; the smaller piece becomes background.",
}
"""The repairs that take a stroke, and what the user is told to do."""

MARKS: dict[Flag, str] = {
    Flag.NOT_A_WBC_SMUDGE: "smudge",
    Flag.NOT_A_WBC_PLATELET: "platelet",
    Flag.NOT_A_WBC_NRBC: "nucleated red cell",
    Flag.NOT_A_WBC_ARTEFACT: "artefact",
}

_NONE_TO_MARK = "There is no cell to mark: point at one, or click one first."
_CLICK_PX = 4  # a press that moves less far is a click


class CanvasTools:
    """Knows napari's canvas, but no widget except the line that it draws.

    Signals
    -------
    armed(name)
        A key of `STROKES` waits for a stroke; "" when none does any more.
    said(sentence)
        What was done, or why it could not be.
    asked(question, act)
        Something may not be meant: ``act`` does it all the same.

    Parameters
    ----------
    session
        Whose cells they are.
    line
        Shows a stroke.
    selected
        Image index and number of each cell that is selected somewhere.
    """

    armed = Signal(str)
    said = Signal(str)
    asked = Signal(str, object)

    def __init__(self, session: Session, line: CanvasLines, selected: Callable[[], list[tuple[int, int]]]) -> None:
        self.session, self._line, self._selected = session, line, selected
        self.waiting = ""
        self._grip = get_grip(session)
        session.commanded.connect(self.run)
        session.shown_changed.connect(self.disarm)
        session.images_changed.connect(self.disarm)
        session.viewer.mouse_drag_callbacks.append(self._on_drag)

    def close(self) -> None:
        """Let go of the canvas."""
        self.disarm()
        self.session.commanded.disconnect(self.run)
        self.session.shown_changed.disconnect(self.disarm)
        self.session.images_changed.disconnect(self.disarm)
        callbacks = self.session.viewer.mouse_drag_callbacks
        if self._on_drag in callbacks:
            callbacks.remove(self._on_drag)

    # ---- commands -----------------------------------------------------------------------------------------

    def run(self, name: str) -> None:
        """Do what a key asks for, on the cells that it means (``Session.meant``)."""
        if name == "join" and not self.waiting and len(self.selected_here()) > 1:
            self.join(self.selected_here())
            self.armed.emit("")  # a button that was pressed for it comes up again
        elif name in STROKES:
            self.disarm() if self.waiting == name else self._arm(name)
        elif name == "fill":
            self._try(lambda: self._fill(self._numbers_here(self.session.meant())))
        elif name == "mark":
            self._try(self._mark_next)

    def fill_chosen(self) -> None:
        """Fill the cells that a button means."""
        self._try(lambda: self._fill(self._numbers_here(self.session.meant(by_key=False))))

    def mark_selected(self, flag: Flag | None) -> None:
        """Mark the selected cells, of all images, as not a WBC, or (None) as white cells after all."""
        self._try(lambda: self._mark(self._selected(), flag))

    def mark(self, cells: list[int], flag: Flag | None) -> None:
        """Mark cells of the shown image likewise."""
        self._try(lambda: self._mark([(self.session.index, cell) for cell in cells], flag))

    def join(self, cells: list[int], *, sure: bool = False) -> None:
        """Join cells of the shown image; the first keeps its number. Asks first where they do not touch."""
        self._try(lambda: self._join(cells, sure=sure))

    def selected_here(self) -> list[int]:
        """Numbers of the selected cells of the shown image."""
        return self._numbers_here(self._selected())

    def _numbers_here(self, cells: Sequence[tuple[int, int]]) -> list[int]:
        return [cell for index, cell in cells if index == self.session.index]

    def _fill(self, cells: list[int]) -> str:
        self.session.edit_map(lambda live: live_repairs.fill(live, cells), 1)
        what = "filled" if len(cells) == 1 else "holes and indents filled"
        return f"{_which(cells)}: {what} with cytoplasm."

    def _mark_next(self) -> str:
        cells = self.session.meant()
        if not cells:
            raise LeukocyteError(_NONE_TO_MARK)
        index, first = cells[0]
        order = [None, *MARKS]
        state = self.session.states.get(index)
        now = None if state is None else state.live.by_hand.marks.get(first)
        return self._mark(cells, order[(order.index(now) + 1) % len(order)])

    def _mark(self, cells: Sequence[tuple[int, int]], flag: Flag | None) -> str:
        if not cells:
            raise LeukocyteError(_NONE_TO_MARK)
        for index in dict.fromkeys(index for index, _ in cells):
            own = [cell for i, cell in cells if i == index]
            self.session.edit_labels_of(index, partial(live_repairs.mark, numbers=own, flag=flag))
        which = _which([cell for _, cell in cells])
        return f"{which}: a white cell after all." if flag is None else f"{which}: not a WBC ({MARKS[flag]})."

    def _join(self, cells: list[int], *, sure: bool = False) -> str:
        state = self.session.state
        if not sure and state is not None and live_repairs.apart(state.live, cells):
            self.asked.emit("These cells do not touch. Are they one cell?", lambda: self.join(cells, sure=True))
            return ""
        self.session.edit_labels(lambda live: live_repairs.join(live, cells))
        return f"Joined: cell {cells[0]}."

    def _try(self, job: Callable[[], str]) -> None:
        try:
            self.said.emit(job())
        except LeukocyteError as error:
            self.said.emit(str(error))

    # ---- strokes ------------------------------------------------------------------------------------------

    def _arm(self, name: str) -> None:
        try:
            self._grip.take(self._on_lost, pans=False)  # the drag is ours
        except LeukocyteError as error:
            self.said.emit(str(error))
            return
        self.waiting = name
        self.armed.emit(name)
        self.said.emit(STROKES[name])

    def disarm(self) -> None:
        """Stop waiting for a stroke."""
        if self.waiting:
            self._grip.drop()

    def _on_lost(self) -> None:
        self.waiting = ""
        self._line.clear()
        self.armed.emit("")
        self.said.emit("")

    def _on_drag(self, viewer: object, event: Any) -> Iterator[None]:  # noqa: ARG002  (napari passes the viewer)
        if event.button != 1 or self.session.state is None or self.session.classes_layer is None:
            return
        if self.waiting:
            yield from self._stroke(event)
            return
        painting = str(self.session.classes_layer.mode) in ("paint", "erase", "fill")
        position, start = event.position, event.pos
        if painting:  # the card shows the cell that is painted
            self._choose(position)
            return
        yield
        while event.type == "mouse_move":
            yield
        if max(abs(event.pos[0] - start[0]), abs(event.pos[1] - start[1])) < _CLICK_PX:
            self._choose(position, nothing=True)

    def _choose(self, position: Any, *, nothing: bool = False) -> None:
        cell = self.session.cell_at(position)
        if cell or nothing:
            self.session.select(self.session.index, cell)

    def _stroke(self, event: Any) -> Iterator[None]:
        name = self.waiting
        path: list[Point] = []
        while True:
            path.append(self.session.layers.to_pixels(event.position))
            self._line.add(*event.pos)
            if event.type == "mouse_release":
                break
            yield
            if self.waiting != name:  # put away during the stroke
                return
        self.disarm()
        self._try(lambda: self._repair(name, path))

    def _repair(self, name: str, path: list[Point]) -> str:
        session = self.session
        if name == "split":
            session.edit_labels(lambda live: live_repairs.split(live, path))
            return "Split."
        if name == "join":
            session.flush()
            return self._join(live_repairs.under(session.state.live, path) if session.state is not None else [])
        session.edit_map(lambda live: live_repairs.split_off(live, path), 0)
        return "Split off: the smaller piece is background."


def _which(cells: Sequence[int]) -> str:
    return f"Cell {cells[0]}" if len(cells) == 1 else counted(len(cells), "cell")
