"""What keys and buttons do to one cell: go to it, take it away, move its outline.

Ten seconds of work: the next doubtful cell comes to the middle, its nucleus is a little too large; two notches of the
wheel over the nucleus, and on to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_leukocyte.core.cells.measures import cnr_text
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:
    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.core.interactive.grow import Growth, Part
    from napari_leukocyte.core.interactive.session import GestureSession
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["CellKeys", "in_words"]

_STEPS = {"grow": 1, "shrink": -1}


@dataclass(frozen=True)
class _Went:
    """Image and cell gone to last, and the order then, of all cells or of doubtful ones."""

    index: int
    cell: int
    order: list[int]
    doubtful: bool


class CellKeys:
    """Commands about the cell under the cursor, or else the chosen one; with it may go others (``Session.meant``).

    Parameters
    ----------
    session
        Returns the session.
    ask
        `Hand.ask`.
    say
        Called with a sentence.
    """

    def __init__(self, session: Callable[[], Session], ask: Callable[..., None], say: Callable[[str], None]) -> None:
        self._session, self._ask, self._say = session, ask, say
        self._growth: Growth | None = None
        self._state: ImageState | None = None  # whose map that is
        self._waiting = 0  # steps asked for while the network looks at the cell
        self._turned = 0.0  # of the wheel, less than a notch
        self._held: tuple[tuple[float, ...], int, Part] | None = None  # what the wheel took hold of, and where
        self._went: _Went | None = None
        self._ended: tuple[bool, tuple[int, int] | None] | None = None  # of what the end was told, and what was chosen

    def run(self, name: str) -> None:
        """Do what a key or a button asks for."""
        if name in _STEPS:
            self._try(lambda: self.move(*self._aimed_at(), _STEPS[name]))
        elif name == "delete_cell":
            self._try(lambda: self._delete(self._session().meant()))
        elif name in ("next_cell", "next_doubtful"):
            self._try(lambda: self._go_on(doubtful=name == "next_doubtful"))

    def on_wheel(self, viewer: object, event: Any) -> None:  # noqa: ARG002  (napari passes the viewer)
        """Shift and the wheel move the outline of what lies under the pointer."""
        if tuple(event.modifiers) != ("Shift",) or self._session().state is None:
            return
        event.handled = True
        self._turned += event.delta[1] or event.delta[0]  # some systems turn the wheel sideways under Shift
        notches = int(self._turned)
        self._turned -= notches
        if notches:
            self._try(lambda: self._turn(tuple(event.pos), 1 if notches > 0 else -1, abs(notches)))

    def move_chosen(self, part: Part, by: int) -> None:
        """Move an outline of the chosen cell."""
        self._try(lambda: self.move(self._chosen(), part, by))

    # ---- which cell -------------------------------------------------------------------------------------

    def _chosen(self) -> int:
        session = self._session()
        if session.selection is None or session.selection[0] != session.index:
            raise LeukocyteError("No cell is chosen to grow or shrink: point at one, or click one first.")
        return session.selection[1]

    def _aimed_at(self) -> tuple[int, Part]:
        """The cell under the cursor, and whether the cursor is on its nucleus; else the chosen one."""
        session = self._session()
        cell = session.cell_pointed_at()
        if not cell:
            return self._chosen(), "cell"
        assert session.state is not None  # it has a cell
        y, x = (round(at) for at in session.layers.to_pixels(session.viewer.cursor.position))
        session.select(session.index, cell)
        return cell, "nucleus" if session.state.classes[y, x] == 2 else "cell"

    def _turn(self, pos: tuple[float, ...], by: int, notches: int) -> None:
        if self._held is None or self._held[0] != pos:  # the outline may pass under a pointer that rests
            self._held = (pos, *self._aimed_at())
        for _ in range(notches):
            self.move(self._held[1], self._held[2], by)

    # ---- going on, deleting -----------------------------------------------------------------------------

    def _go_on(self, *, doubtful: bool) -> None:
        """Go to the next cell; after the last one of an image to the first of the next image that has any.

        At the end of the list it says so, and once more begins at its first image.
        """
        from napari_leukocyte.core.cells.order import after

        session = self._session()
        session.flush()
        order = self._order(session.index, doubtful=doubtful)
        begins_again, self._ended = self._ended == (doubtful, session.selection), None
        if not begins_again and (rest := after(order, *self._now(doubtful=doubtful))):
            self._go_to(session.index, rest[0], order, doubtful=doubtful)
            return
        unread = ""
        for index in range(0 if begins_again else session.index + 1, len(session.images)):
            order = self._order(index, doubtful=doubtful)
            if order:
                try:
                    self._go_to(index, order[0], order, doubtful=doubtful, first=unread)
                except LeukocyteError as error:  # one file that is gone must not bar the way to those after it
                    unread += f"{error} "
                else:
                    return
        self._ended = doubtful, session.selection
        self._say(unread + self._end(doubtful=doubtful))

    def _now(self, *, doubtful: bool) -> tuple[int | None, list[int]]:
        """The cell after which it goes on, and the order in which it was gone to."""
        session, went = self._session(), self._went
        here = session.selection is not None and session.selection[0] == session.index
        chosen = session.selection[1] if session.selection is not None and here else None
        if went is None or (went.index, went.doubtful) != (session.index, doubtful):
            return chosen, []
        return (went.cell if chosen is None else chosen), went.order  # none is chosen where it was deleted

    def _order(self, index: int, *, doubtful: bool) -> list[int]:
        """Cells of an image in the order in which they are looked at."""
        from napari_leukocyte.core.cells.order import doubtful_first

        state = self._session().states.get(index)
        measures = [] if state is None else state.measures
        return doubtful_first(measures) if doubtful else [one.cell for one in measures]

    def _go_to(self, index: int, cell: int, order: list[int], *, doubtful: bool, first: str = "") -> None:
        session = self._session()
        image = f"{session.images[index].name}: " if index != session.index else ""
        session.go_to(index, cell, close=True)
        self._went = _Went(index, cell, order, doubtful)
        measure = session.states[index].live.measure_of(cell)
        flags = () if measure is None else measure.flags
        place = f"{first}{image}Cell {cell}, {order.index(cell) + 1} of {len(order)}{' doubtful' if doubtful else ''}."
        self._say(" ".join([place, *(flag.words for flag in flags)]))

    def _end(self, *, doubtful: bool) -> str:
        """That there is none after the last, or none at all."""
        session = self._session()
        what = "doubtful cell" if doubtful else "cell"
        if not any(self._order(index, doubtful=doubtful) for index in session.states):
            if not any(state.measures for state in session.states.values()):
                return "There are no cells yet."
            return "No cell is doubtful."
        if len(session.images) == 1:
            return f"That was the last {what} of this image; once more begins at the first."
        missing = sum(index not in session.states for index in range(len(session.images)))
        rest = f" {missing} {'has' if missing == 1 else 'have'} no class map yet." if missing else ""
        return f"That was the last {what} of {len(session.images)} images; once more begins at the first.{rest}"

    def delete_chosen(self) -> None:
        """Take the cells away that a button means."""
        self._try(lambda: self._delete(self._session().meant(by_key=False)))

    def _delete(self, cells: Sequence[tuple[int, int]]) -> None:
        from napari_leukocyte.core.cells import live_repairs

        session = self._session()
        here = [cell for index, cell in cells if index == session.index]
        session.edit_map(lambda live: live_repairs.delete(live, here), 0)
        session.select(session.index, 0)
        which, them = (f"Cell {here[0]} is", "it") if len(here) == 1 else (f"{len(here)} cells are", "them")
        left = len(cells) - len(here)
        others = f" {counted(left, 'selected cell')} of other images: show them to delete them." if left else ""
        self._say(f"{which} deleted; Ctrl+Z brings {them} back.{others}")

    # ---- outlines ---------------------------------------------------------------------------------------

    def move(self, cell: int, part: Part, by: int) -> None:
        """Move the outline of a cell, or of its nucleus, half a pixel out (1) or in (-1).

        The first step waits for the network; those after it are at once, and the same way back is the same map.
        """
        session, state = self._session(), self._session().state
        if state is None or cell not in state.live.boxes:
            raise LeukocyteError("There is no such cell any more.")
        if part == "nucleus" and state.result.binary:
            part = "cell"
        growth = self._growth
        known = growth is not None and self._state is state and (growth.cell, growth.part) == (cell, part)
        if known and growth is not None and growth.where(state.classes, state.cells) is not None:
            self._step(by)
            return
        self._waiting += by
        if self._waiting != by:  # it is being asked already
            return
        live, extent, revision = state.live, state.live.boxes[cell], state.live.revision

        def work(looker: GestureSession) -> Growth:
            from napari_leukocyte.core.interactive.grow import begin_growth  # loads scikit-image

            return begin_growth(looker, live.classes, live.cells, cell, part, extent)

        def begin(found: Growth) -> None:
            steps, self._waiting = self._waiting, 0
            if session.state is not state or live.revision != revision:
                self._say("The map changed before the outline was moved: do it again.")
                return
            self._growth, self._state = found, state
            for _ in range(abs(steps)):
                self._try(lambda: self._step(1 if steps > 0 else -1))

        def fail(sentence: str) -> None:
            self._waiting = 0
            self._say(sentence)

        self._ask(work, done=begin, failed=fail)

    def _step(self, by: int) -> None:
        session, state, growth = self._session(), self._state, self._growth
        assert state is not None  # `move` has seen to it
        assert growth is not None
        found = growth.step(state.classes, state.cells, by)
        if found is None:
            raise LeukocyteError("The outline cannot be moved any further this way.")
        session.take_over(growth.box, *found)
        session.select(session.index, growth.cell)
        measure = state.live.measure_of(growth.cell)
        if measure is not None:
            self._say(in_words(measure))

    def forget(self) -> None:
        """Forget the outline that was moved."""
        self._growth = self._state = self._held = self._went = self._ended = None
        self._waiting = 0

    def _try(self, job: Callable[[], None]) -> None:
        try:
            job()
        except LeukocyteError as error:
            self._say(str(error))


def in_words(measure: CellMeasure) -> str:
    """What a cell measures, or why it has no CNR."""
    if measure.withheld:
        why = " ".join(flag.words for flag in measure.flags if flag.withholds)
        return f"Cell {measure.cell} stands, without a CNR: {why}"
    return f"Cell {measure.cell}: CNR {cnr_text(measure)}."
