"""Which tool of the plugin has the canvas: one at a time, until it lets go or another tool is taken up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from napari_leukocyte.core.errors import LeukocyteError

if TYPE_CHECKING:
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap
    from napari_leukocyte.plugin.session import Session

__all__ = ["Grip", "get_grip"]


class Grip:
    """Puts the brush aside while a tool has the canvas, and back into the hand afterwards.

    To take up the brush, or another layer, is to put the tool away.
    """

    def __init__(self, session: Session) -> None:
        self._session = ref(session)  # weak: the canvas must not keep a session alive
        self._layer: ClassMap | None = None
        self._mode_before = "pan_zoom"
        self._lost: Callable[[], None] = lambda: None

    def take(self, lost: Callable[[], None], *, pans: bool) -> None:
        """Give the canvas to a tool; ``lost`` is called when it has it no more. With ``pans`` a drag moves the view.

        Raises
        ------
        LeukocyteError
            When there is no class map.
        """
        self.drop()
        session = self._session()
        layer = None if session is None else session.classes_layer
        if session is None or layer is None or session.state is None:
            raise LeukocyteError("There is no class map yet: press Segment first.")
        viewer = session.viewer
        viewer.layers.selection.active = layer
        self._mode_before = str(layer.mode)
        layer.mode = "pan_zoom"
        layer.mouse_pan = pans
        viewer.cursor.style = "crosshair"
        self._layer, self._lost = layer, lost
        layer.events.mode.connect(self.drop)
        viewer.layers.selection.events.active.connect(self.drop)

    def drop(self) -> None:
        """Put the tool away."""
        layer, session = self._layer, self._session()
        if layer is None or session is None:
            return
        self._layer = None
        viewer = session.viewer
        viewer.layers.selection.events.active.disconnect(self.drop)
        layer.events.mode.disconnect(self.drop)
        if str(layer.mode) == "pan_zoom":
            layer.mouse_pan = True
            viewer.cursor.style = "standard"
            if layer is session.classes_layer:
                layer.mode = self._mode_before
        self._lost()


_GRIPS: WeakKeyDictionary[Session, Grip] = WeakKeyDictionary()


def get_grip(session: Session) -> Grip:
    """The grip on the session's canvas, made at the first call."""
    if session not in _GRIPS:
        _GRIPS[session] = Grip(session)
    return _GRIPS[session]
