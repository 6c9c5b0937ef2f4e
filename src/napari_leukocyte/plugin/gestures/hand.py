"""Click a cell: the tool that turns clicks and short strokes on the canvas into cells.

Ten seconds of work: a cell was missed. Take the tool up, rest on the cell until its outline looks right, click; the
cell stands there with its CNR, and the next one waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import QTimer

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.stroke import Kind, Stroke
from napari_leukocyte.plugin.canvas.result_layers import Pointer
from napari_leukocyte.plugin.canvas_grip import get_grip
from napari_leukocyte.plugin.gestures.cell_keys import CellKeys, in_words
from napari_leukocyte.plugin.gestures.engine import Engine, Looked
from napari_leukocyte.plugin.parts.canvas_lines import CanvasLines
from napari_leukocyte.plugin.settings import get_settings
from napari_leukocyte.plugin.warm import warm_up_with_a_layer

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_leukocyte.core.interactive.answer import Answer
    from napari_leukocyte.core.interactive.session import GestureSession
    from napari_leukocyte.plugin.session import Session

__all__ = ["CLICK_CELL", "Hand", "get_hand"]

CLICK_CELL = "click_cell"
_HINT = "Click a white cell. Shift and click what is none, or Shift and draw over what is too much."
_LOADING = "Loading the network that follows clicks …"
_NONE_THERE = "Nothing like a white cell is found there: paint it with the brush."
_BLIND = "In a blind reading cells are drawn by hand: a network would show what it takes for their outlines."
_KINDS: dict[tuple[str, int], Kind] = {
    ("paint", 2): "nucleus",
    ("paint", 1): "cytoplasm",
    ("paint", 0): "background",
    ("erase", 0): "background",
}
"""What napari's brush says, by its mode and class."""
_CLICK_PX = 4  # a press that moves less far is a click
_REST_MS = 40  # then the pointer rests


class Hand:
    """Gestures on the canvas of a session, shared by the docks that offer them.

    Signals
    -------
    held(on)
        The tool was taken up, or put away.
    said(sentence)
        What was done, or why it could not be.
    """

    held = Signal(bool)
    said = Signal(str)

    def __init__(self, session: Session) -> None:
        self._session = ref(session)  # weak: the hand must not keep a session alive
        self.engine = Engine()
        self.cells = CellKeys(lambda: self.session, self.ask, self.said.emit)
        self.on = False
        self.extends = False  # whether a brush stroke goes on to the border
        self.lines = CanvasLines()
        self._users = 0
        self._goes_on = False  # the image went away under the tool: with the next one it is in the hand again
        self._pointer: Pointer | None = None
        self._ahead: tuple[Answer, int] | None = None  # what is shown, and the revision of the map that it is for
        self._rest = QTimer(singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._look_ahead)

    @property
    def session(self) -> Session:
        """The session that is worked on."""
        session = self._session()
        assert session is not None  # its signals call only while it lives
        return session

    # ---- beginning and end ------------------------------------------------------------------------------

    def open(self) -> None:
        """A dock offers gestures from now on."""
        self._users += 1
        if self._users > 1:
            return
        if not isalive(self.lines):  # it went with the canvas of a window that was closed
            self.lines = CanvasLines()
        for signal, heard in self._heard():
            signal.connect(heard)
        for callbacks, heard in self._mouse():
            callbacks.append(heard)
        warm_up_with_a_layer(self.session.viewer)  # else the first map, of a click or a brush, waits for seconds

    def close(self) -> None:
        """A dock offers them no more."""
        self._users -= 1
        if self._users:
            return
        self.put_away()
        self.cells.forget()
        self.engine.leave()
        for signal, heard in self._heard():
            signal.disconnect(heard)
        for callbacks, heard in self._mouse():
            callbacks.remove(heard)
        if isalive(self.lines):
            self.lines.lay_over(None)

    def _heard(self) -> Iterator[tuple[Any, Callable[..., None]]]:
        """Signals, and what follows them while a dock offers gestures."""
        session = self.session
        yield session.commanded, self.run
        yield session.changed, self._forget_ahead
        yield session.images_changed, self._on_images
        yield session.shown_changed, self._on_shown
        yield session.viewer.scene.camera.events, self._forget_ahead

    def _mouse(self) -> Iterator[tuple[Any, Callable[..., Any]]]:
        """What stands in the lists of the viewer that the mouse calls, meanwhile."""
        viewer = self.session.viewer
        yield viewer.mouse_move_callbacks, self._on_move
        yield viewer.mouse_drag_callbacks, self._on_drag
        yield viewer.mouse_wheel_callbacks, self.cells.on_wheel

    def lay_over(self, canvas: QWidget | None) -> None:
        """Draw over the canvas beside a dock."""
        if canvas is not None and isalive(self.lines):
            self.lines.lay_over(canvas)

    # ---- the tool ---------------------------------------------------------------------------------------

    def run(self, name: str) -> None:
        """Do what a key or a button asks for."""
        if name == CLICK_CELL:
            self.put_away() if self.on else self.take_up()
        else:
            self.cells.run(name)

    def take_up(self) -> None:
        """Wait for clicks on cells; an image without a map gets an empty one."""
        self._try(self._take_up)

    def _take_up(self) -> None:
        session = self.session
        if session.blind is not None:
            raise LeukocyteError(_BLIND)
        if not session.images:
            session.open_layer(_image_layer(session))
        if session.state is None:
            session.start_empty()
        get_grip(session).take(self._on_lost, pans=True)
        self.on = True
        self.held.emit(True)
        # the first look through a network costs several times a later one
        self._ask(Stroke("cell", (np.array(session.images[session.index].shape) - 1) / 2), lambda _answer: self._hint())

    def put_away(self) -> None:
        """Let go of the canvas."""
        if self.on:
            get_grip(self.session).drop()

    def _on_lost(self) -> None:
        session = self.session
        self._goes_on = session.classes_layer is None or session.classes_layer not in session.viewer.layers
        self.on = False
        self._forget_ahead()
        self.held.emit(False)
        self.said.emit("")

    def _on_images(self) -> None:
        self.put_away()
        self.cells.forget()
        self._goes_on = False

    def _on_shown(self) -> None:
        self._forget_ahead()
        if self._goes_on:
            self._goes_on = False
            self.take_up()

    def _hint(self) -> None:
        if self.on:
            size = self.session.state.live.pixel_size if self.session.state is not None else None
            assumed = "" if size is None or size.um else " The pixel size is unknown: 0.1 µm is assumed."
            self.said.emit(_HINT + assumed)

    def _try(self, job: Callable[[], None]) -> None:
        try:
            job()
        except LeukocyteError as error:
            self.said.emit(str(error))

    # ---- the mouse --------------------------------------------------------------------------------------

    def _on_move(self, viewer: object, event: Any) -> None:  # noqa: ARG002  (napari passes the viewer)
        if not self.on or (self._pointer is not None and self._pointer.pos == tuple(event.pos)):
            return
        self._forget_ahead()
        self._pointer = Pointer(tuple(event.pos), tuple(event.position))
        self._rest.start()

    def _on_drag(self, viewer: object, event: Any) -> Iterator[None]:  # noqa: ARG002  (napari passes the viewer)
        if event.button != 1 or self.session.state is None:
            return
        if not self.on:
            yield from self._brush_stroke(event)
            return
        self._rest.stop()
        away = "Shift" in event.modifiers
        path, start = [self.session.layers.to_pixels(event.position)], event.pos
        moved = 0.0
        yield
        while event.type == "mouse_move":
            moved = max(moved, *np.abs(np.array(event.pos) - start))
            if away:
                path.append(self.session.layers.to_pixels(event.position))
                self.lines.add(*event.pos)
            yield
        if moved < _CLICK_PX:
            self.gesture(Stroke("background" if away else "cell", path[0]))
        elif away:
            self.gesture(Stroke("background", path))
        self.lines.clear()

    def _brush_stroke(self, event: Any) -> Iterator[None]:
        """A stroke of the plain brush passes; one that is to go on to the border is followed in its place."""
        layer = self.session.classes_layer
        kind = (
            None
            if layer is None
            else _KINDS.get((str(layer.mode), 0 if layer.mode == "erase" else layer.selected_label))
        )
        extends = (self.extends or tuple(event.modifiers) == ("Shift",)) and self.session.blind is None
        if layer is None or kind is None or not extends:
            return
        path: list[tuple[float, float]] = []
        layer.withholds = True
        try:
            while True:
                path.append(self.session.layers.to_pixels(event.position))
                self.lines.add(*event.pos)
                if event.type == "mouse_release":
                    break
                yield
        finally:
            layer.withholds = False
            self.lines.clear()
        self._try(lambda: self.gesture(Stroke(kind, path, min(layer.brush_size / 2, 100))))

    # ---- looking ahead ----------------------------------------------------------------------------------

    def _look_ahead(self) -> None:
        pointer, session = self._pointer, self.session
        if not self.on or pointer is None or session.state is None or session.viewer.dims.ndisplay != 2:
            return
        at = session.layers.to_pixels(pointer.position)
        if not all(-0.5 <= place < length for place, length in zip(at, session.state.classes.shape, strict=True)):
            return
        live = session.state.live
        revision = live.revision

        def show(answer: Answer) -> None:
            if self.on and self._pointer is pointer and live.revision == revision and session.state is not None:
                self._ahead = answer, revision
                outlines = [session.layers.on_canvas(session.index, line, pointer) for line in answer.outlines]
                self.lines.show_outlines(outlines)

        self._ask(Stroke("cell", at), show, ahead=True)

    def _forget_ahead(self) -> None:
        self._pointer = self._ahead = None
        self._rest.stop()
        self.engine.drop_ahead()
        if isalive(self.lines):
            self.lines.clear()

    # ---- following --------------------------------------------------------------------------------------

    def gesture(self, stroke: Stroke) -> None:
        """Follow a gesture on the shown image: at once where its outcome is on screen already, else a moment later."""
        state = self.session.state
        if state is None:
            return
        if self._ahead is not None and self._ahead[1] == state.live.revision and _same(self._ahead[0].stroke, stroke):
            self._take_over(self._ahead[0])
            return
        index, revision = self.session.index, state.live.revision

        def done(answer: Answer) -> None:
            if self.session.state is not state or self.session.index != index:
                self.said.emit("Another image was shown before the gesture was followed: make it again.")
            elif state.live.revision != revision:  # of a map that has changed since
                self.gesture(stroke)
            else:
                self._take_over(answer)

        self._ask(stroke, done)

    def _take_over(self, answer: Answer) -> None:
        self._try(lambda: self.said.emit(self._taken_over(answer)))

    def _taken_over(self, answer: Answer) -> str:
        session, state, change = self.session, self.session.state, answer.change
        assert state is not None  # whoever asked had one
        if not answer.found:
            return _NONE_THERE
        live = state.live
        marks = None
        if answer.stroke.kind == "cell" and change.cell in live.by_hand.marks:  # it is a white cell, then
            marks = {cell: mark for cell, mark in live.by_hand.marks.items() if cell != change.cell}
        revision, under = (
            live.revision,
            set(np.unique(state.cells[change.box][change.cells != state.cells[change.box]])),
        )
        session.take_over(change.box, change.classes, change.cells, marks=marks)
        if live.revision == revision:
            return "The map says so already."
        state.gestures.append(answer.stroke)
        touched = change.cell or max(under)  # of a gesture "background", what lost pixels
        measure = live.measure_of(touched)
        session.select(session.index, touched if measure is not None else 0)
        return f"Cell {touched} is taken away." if measure is None else in_words(measure)

    def _ask(self, stroke: Stroke, done: Callable[[Answer], None], *, ahead: bool = False) -> None:
        state = self.session.state
        assert state is not None  # callers have seen to it
        live, gestures = state.live, tuple(state.gestures)

        def work(looker: GestureSession) -> Answer:
            from napari_leukocyte.core.interactive.answer import answer  # loads scikit-image

            return answer(looker, live.classes, live.cells, stroke, gestures, new_cell=live.next_number)

        self.ask(work, done=done, failed=self.said.emit, ahead=ahead)

    def ask(
        self,
        work: Callable[[GestureSession], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[str], None],
        ahead: bool = False,
    ) -> None:
        """Let the network look at the shown image, see `Engine.ask`; the image has a map."""
        session, state = self.session, self.session.state
        assert state is not None  # callers have seen to it
        if session.blind is not None:
            failed(_BLIND)
            return
        about = Looked(session.images[session.index], state.live.pixel_size, state.result.binary, get_settings().device)
        if not self.engine.is_loaded:
            self.said.emit(_LOADING)
        self.engine.ask(about, work, done=done, failed=failed, ahead=ahead)


def _same(one: Stroke, other: Stroke) -> bool:
    both = one.is_click and other.is_click and one.kind == other.kind
    return both and bool((np.abs(one.line - other.line) < 0.5).all())


def _image_layer(session: Session) -> Any:
    """The image to work on, where none is open: the chosen layer, else the topmost."""
    from napari.layers import Image

    layers = session.viewer.layers
    images = [layer for layer in layers if isinstance(layer, Image)]
    if not images:
        raise LeukocyteError("There is no image: open one first.")
    return layers.selection.active if layers.selection.active in images else images[-1]


_HANDS: WeakKeyDictionary[Session, Hand] = WeakKeyDictionary()


def get_hand(session: Session) -> Hand:
    """The hand on the session's canvas, made at the first call."""
    if session not in _HANDS:
        _HANDS[session] = Hand(session)
    return _HANDS[session]
