"""Each cell's CNR on the canvas: a small dark badge at the top of the cell, legible on dark and on light."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.measures import CellMeasure, cnr_text
from napari_leukocyte.plugin.layers import placed_like
from napari_leukocyte.plugin.session import Session

if TYPE_CHECKING:
    from napari.layers import Image, Points

__all__ = ["CNR", "CnrText", "get_cnr_text"]

CNR = "CNR"
_BADGE = 30  # gives a bar of 45 x 25 px on screen, at any zoom: room for "0.44"
_BADGE_COLOUR = (0.1, 0.1, 0.14, 0.8)
_TEXT_SIZE = 10


class CnrText:
    """Keeps a Points layer in step with the session: one point for each cell, its text the CNR.

    A withheld CNR shows a dash; the reason stands in the point's features, which napari's status bar and
    feature table show.
    """

    def __init__(self, session: Session) -> None:
        self._session = ref(session)  # weak: the badges must not keep a session alive
        self.layer: Points | None = None
        self._over: Image | None = None  # the image whose scale and place the layer has
        session.changed.connect(self.refresh)
        session.shown_changed.connect(self.refresh)
        session.images_changed.connect(self.refresh)

    @property
    def session(self) -> Session:
        """The session that is shown."""
        session = self._session()
        assert session is not None  # its signals call only while it lives
        return session

    def refresh(self) -> None:
        """Bring the badges in step with what the session shows."""
        session = self.session
        if session.classes_layer is None or session.image_layer is None:
            self._remove()
            return
        indices = sorted(session.states) if session.is_stack else [session.index]
        points, features = self._badges([i for i in indices if i in session.states])
        if self.layer is not None and self.layer in session.viewer.layers and self._over is session.image_layer:
            # In place: to take a layer out and put one in costs a third of a second, far more than a stroke may.
            self.layer.data = points
            self.layer.features = features
            return
        visible = self.layer is None or self.layer.visible
        self._remove()
        self._add(points, features, visible=visible)

    def _add(self, points: NDArray[np.float64], features: dict[str, list[object]], *, visible: bool) -> None:
        session = self.session
        assert session.image_layer is not None  # refresh has seen to it
        assert session.classes_layer is not None
        active = session.viewer.layers.selection.active
        self.layer = session.viewer.add_points(
            points,
            name=CNR,
            features=features,
            text={"string": "{cnr}", "color": "white", "size": _TEXT_SIZE, "anchor": "center"},
            size=1,  # as large as a pixel, so that the badges do not widen what "reset view" shows
            canvas_size_limits=(_BADGE, _BADGE),
            symbol="hbar",
            face_color=list(_BADGE_COLOUR),
            border_color=list(_BADGE_COLOUR),
            border_width=0,
            visible=visible,
            **placed_like(session.image_layer, session.classes_layer.ndim),
        )
        self.layer.editable = False
        self._over = session.image_layer
        if active is not None and active in session.viewer.layers:
            session.viewer.layers.selection.active = active  # the class map stays what the brush paints on

    def _badges(self, indices: list[int]) -> tuple[NDArray[np.float64], dict[str, list[object]]]:
        points: list[tuple[float, ...]] = []
        features: dict[str, list[object]] = {"cell": [], "cnr": [], "flags": []}
        for index in indices:
            state = self.session.states[index]
            boxes = ndimage.find_objects(state.cells)
            for measure in state.measures:
                at = (_top(state.cells, boxes[measure.cell - 1], measure), measure.x)
                points.append((index, *at) if self.session.is_stack else at)
                features["cell"].append(measure.cell)
                features["cnr"].append(cnr_text(measure, short=True))
                features["flags"].append("; ".join(flag.words for flag in measure.flags))
        return np.array(points, float).reshape(len(points), 3 if self.session.is_stack else 2), features

    def _remove(self) -> None:
        layers = self.session.viewer.layers
        if self.layer is not None and self.layer in layers:
            layers.remove(self.layer)
        self.layer = None


def _top(cells: NDArray[np.int32], box: tuple[slice, slice], measure: CellMeasure) -> float:
    """Row where the cell begins above its centre: the top of a bent cell's box may lie far from the cell."""
    column = cells[box[0], round(measure.x)] == measure.cell
    return float(box[0].start + (int(column.argmax()) if column.any() else 0))


_TEXTS: WeakKeyDictionary[Session, CnrText] = WeakKeyDictionary()


def get_cnr_text(session: Session) -> CnrText:
    """The session's badges, made at the first call: two docks must not write them twice."""
    if session not in _TEXTS:
        _TEXTS[session] = CnrText(session)
    return _TEXTS[session]
