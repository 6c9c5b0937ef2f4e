"""Each cell's CNR on the canvas: a small dark badge at the top of the cell, legible on dark and on light."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.short_text import is_doubtful, short_cnr
from napari_leukocyte.plugin.canvas.layers import place_like, placed_like
from napari_leukocyte.plugin.canvas.pixel_ratio import pixel_ratio
from napari_leukocyte.plugin.session import Session

if TYPE_CHECKING:
    from napari.layers import Points

__all__ = ["CNR", "CnrText", "get_cnr_text"]

CNR = "CNR"
# On screen, at any zoom, a bar of 51 x 28 px has room for "0.44?", one of 60 x 33 px for "overlap"; all have one size
_BADGE, _TEXT_SIZE = 34, 10
_WIDE_BADGE, _SMALL_TEXT_SIZE = 40, 8
_LONGEST = 5  # letters on the smaller one
_COLOUR = (0.1, 0.1, 0.14, 0.8)
_DOUBTFUL_COLOUR = (0.45, 0.26, 0.0, 0.9)  # dark enough for white letters, on every ground
_CHOSEN_COLOUR = (0.0, 0.35, 0.75, 1.0)
_DOUBT = "?"


class _Badge(NamedTuple):
    """One cell's badge: where (row, column), and what napari's status bar says of it."""

    at: tuple[float, float]
    cell: int
    cnr: str
    badge: str
    flags: str


class CnrText:
    """Keeps a Points layer in step with the session: one point for each cell, its text the CNR.

    A withheld CNR shows a word that says why; the sentence stands in the point's features, which napari's status bar
    and feature table show. A number that should be looked at has a question mark and another colour, and so has the
    badge of the chosen cell.
    """

    def __init__(self, session: Session) -> None:
        self._session = ref(session)  # weak: the badges must not keep a session alive
        self.layer: Points | None = None
        self._badges: dict[int, list[_Badge]] = {}
        self._made: dict[int, dict[int, tuple[CellMeasure, _Badge]]] = {}  # of each image and cell, from which measure
        session.changed.connect(self._on_changed)
        session.shown_changed.connect(self.refresh)
        session.images_changed.connect(self._on_images)
        session.selected.connect(self._colour)

    @property
    def session(self) -> Session:
        """The session that is shown."""
        session = self._session()
        assert session is not None  # its signals call only while it lives
        return session

    def _on_images(self) -> None:
        self._badges, self._made = {}, {}
        self.refresh()

    def _on_changed(self, index: int) -> None:
        self._badges.pop(index, None)
        if self.layer is None or self.layer in self.session.viewer.layers:
            self.refresh()  # else the user took the badges away: they come back with the next image

    def refresh(self) -> None:
        """Bring the badges in step with what the session shows."""
        session = self.session
        if session.classes_layer is None or session.image_layer is None or session.blind is not None:
            session.layers.remove_later(self.layer)  # napari may be taking layers out just now
            self.layer = None
            return
        first = session.shown_together.start
        shown = {i - first: self._badges_of(i) for i in session.shown_together if i in session.states}
        points, features = _as_points(shown, stack=session.is_stack)
        fits = self.layer is not None and self.layer.ndim == session.classes_layer.ndim
        if self.layer is not None and fits and self.layer in session.viewer.layers:
            place_like(self.layer, session.image_layer)
            self._lift()
            # In place: to take a layer out and put one in costs a third of a second, far more than a stroke may.
            # And new positions cost more than all the rest of a stroke.
            if not np.array_equal(self.layer.data, points):
                self.layer.data = points
            # Features lay every text out anew, which is worth a stroke's time in a field of 200 cells.
            if self.layer.features.to_dict("list") != features:
                self.layer.features = features
            self._fit()
        else:
            visible = self.layer is None or self.layer.visible
            session.layers.remove(self.layer)
            self._add(points, features, visible=visible)
        self._colour()

    def _lift(self) -> None:
        """Bring the badges over the layers of an image that is above them."""
        layers, classes = self.session.viewer.layers, self.session.classes_layer
        if layers.index(self.layer) < layers.index(classes):
            layers.move(layers.index(self.layer), len(layers))

    def _add(self, points: NDArray[np.float64], features: dict[str, list[object]], *, visible: bool) -> None:
        session = self.session
        assert session.image_layer is not None  # refresh has seen to it
        assert session.classes_layer is not None
        active = session.viewer.layers.selection.active
        self.layer = session.viewer.add_points(
            points,
            name=CNR,
            features=features,
            text={"string": "{badge}", "color": "white", "size": _TEXT_SIZE, "anchor": "center"},
            size=1,  # as large as a pixel, so that the badges do not widen what "reset view" shows
            canvas_size_limits=(_BADGE, _BADGE),
            symbol="hbar",
            face_color=list(_COLOUR),
            border_color=list(_COLOUR),
            border_width=0,
            visible=visible,
            **placed_like(session.image_layer, session.classes_layer.ndim),
        )
        self.layer.editable = False
        self._fit()
        if active is not None and active in session.viewer.layers:
            session.viewer.layers.selection.active = active  # the class map stays what the brush paints on

    def _fit(self) -> None:
        """Make the badges as large as their text: a screen of many pixels draws letters larger, and points not."""
        layer = self.layer
        assert layer is not None  # called when there is one
        wide = any(len(text) > _LONGEST for text in layer.features["badge"])
        size = round((_WIDE_BADGE if wide else _BADGE) * pixel_ratio(self.session.viewer))
        if tuple(layer.canvas_size_limits) != (size, size):
            layer.canvas_size_limits = (size, size)
        text_size = _SMALL_TEXT_SIZE if wide else _TEXT_SIZE
        if layer.text.size != text_size:
            layer.text.size = text_size

    def _badges_of(self, index: int) -> list[_Badge]:
        """The badges of an image; a cell that was not measured anew keeps its own."""
        if index not in self._badges:
            live = self.session.states[index].live
            before, now = self._made.get(index, {}), {}
            for measure in live.measures:
                known = before.get(measure.cell)
                if known is None or known[0] is not measure:
                    known = measure, _badge(live.cells, live.boxes[measure.cell], measure)
                now[measure.cell] = known
            self._made[index] = now
            self._badges[index] = [badge for _, badge in now.values()]
            self.session.let_rest(index)
        return self._badges[index]

    def _colour(self) -> None:
        """Show which cell is the chosen one."""
        layer, session = self.layer, self.session
        if layer is None or not len(layer.data):
            return
        cells = np.asarray(layer.features["cell"])
        chosen = np.zeros(len(cells), bool)
        if session.selection is not None:
            index, cell = session.selection
            if session.is_stack:
                chosen = (cells == cell) & (np.asarray(layer.data)[:, 0] == index - session.shown_together.start)
            elif index == session.index:
                chosen = cells == cell
        doubtful = np.array([str(text).endswith(_DOUBT) for text in layer.features["badge"]])
        colours = np.where(doubtful[:, None], _DOUBTFUL_COLOUR, _COLOUR)
        colours[chosen] = _CHOSEN_COLOUR
        if not np.array_equal(layer.face_color, colours.astype(np.float32)):
            layer.face_color = layer.border_color = colours  # napari draws a bar by its border alone


def _as_points(badges: dict[int, list[_Badge]], *, stack: bool) -> tuple[NDArray[np.float64], dict[str, list[object]]]:
    """Positions and features of a Points layer, of badges by plane; in a stack the plane comes first."""
    every = [(plane, badge) for plane, own in badges.items() for badge in own]
    points = [(plane, *badge.at) if stack else badge.at for plane, badge in every]
    features: dict[str, list[object]] = {
        "cell": [badge.cell for _, badge in every],
        "cnr": [badge.cnr for _, badge in every],
        "badge": [badge.badge for _, badge in every],
        "flags": [badge.flags for _, badge in every],
    }
    return np.array(points, np.float64).reshape(-1, 2 + stack), features


def _badge(cells: NDArray[np.int32], box: Box, measure: CellMeasure) -> _Badge:
    flags = "; ".join(flag.words for flag in measure.flags)
    short = short_cnr(measure)
    badge = short + _DOUBT * is_doubtful(measure)
    return _Badge(_place(cells, box, measure), measure.cell, short, badge, flags)


def _place(cells: NDArray[np.int32], box: Box, measure: CellMeasure) -> tuple[float, float]:
    """The pixel where the cell begins above its centre: the top of a bent cell's box may lie far from the cell."""
    x = round(measure.x)
    column = cells[box[0], x] == measure.cell
    return float(box[0].start + (int(column.argmax()) if column.any() else 0)), float(x)


_TEXTS: WeakKeyDictionary[Session, CnrText] = WeakKeyDictionary()


def get_cnr_text(session: Session) -> CnrText:
    """The session's badges, made at the first call: two docks must not write them twice."""
    if session not in _TEXTS:
        _TEXTS[session] = CnrText(session)
    return _TEXTS[session]
