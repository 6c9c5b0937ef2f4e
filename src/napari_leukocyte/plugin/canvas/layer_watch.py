"""When to look at a class-map layer: at the end of an edit at once, during a stroke now and then, at undo and redo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

__all__ = ["LayerWatch"]

_PAUSE = 0.08  # seconds at least between two looks while a stroke is drawn


class LayerWatch:
    """Watches one layer at a time.

    napari tells of painting by events that differ in what they mean: ``paint`` at the end of a stroke (but of an
    edit by program before the data is set), ``labels_update`` for each bit of a stroke and after the data of any
    edit is set, ``set_data`` for a change by program; undo and redo are told only by our own layer.

    Parameters
    ----------
    look
        Called when the class map may have changed.
    ended
        Called when an edit is complete, after ``look``.
    stepped
        Called with True after an undo, with False after a redo; ``look`` was called right before the undo.
    """

    def __init__(self, look: Callable[[], None], ended: Callable[[], None], stepped: Callable[[bool], None]) -> None:
        self._look, self._tell_end, self._stepped = look, ended, stepped
        self._layer: ClassMap | None = None
        self._paused = False
        self._ended = True  # whether the last event was the end of an edit
        self._due = 0.0

    def start(self, layer: ClassMap) -> None:
        """Watch a layer."""
        self._layer = layer
        layer.events.paint.connect(self._on_end)
        layer.events.labels_update.connect(self._on_bit)
        layer.events.set_data.connect(self._on_data)
        layer.stepping.connect(self._on_stepping)
        layer.stepped.connect(self._on_stepped)

    def stop(self, layer: ClassMap) -> None:
        """Stop watching a layer."""
        layer.events.paint.disconnect(self._on_end)
        layer.events.labels_update.disconnect(self._on_bit)
        layer.events.set_data.disconnect(self._on_data)
        layer.stepping.disconnect(self._on_stepping)
        layer.stepped.disconnect(self._on_stepped)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Ignore events while the program itself writes to the layer."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def _on_end(self) -> None:
        self._ended = True
        if not self._paused:
            self._look()
            self._tell_end()

    def _on_bit(self) -> None:
        if self._paused:
            return
        if self._ended or perf_counter() >= self._due:
            self._ended = False
            start = perf_counter()
            self._look()
            # following a stroke takes at most half of its time
            self._due = perf_counter() + max(_PAUSE, perf_counter() - start)
            self._end_unless_drawing()

    def _on_data(self) -> None:
        if not self._paused:
            self._look()
            self._end_unless_drawing()

    def _end_unless_drawing(self) -> None:
        """Of an edit by program the event ``paint`` came before its data: it ends here."""
        if self._layer is not None and not self._layer.in_stroke:
            self._tell_end()

    def _on_stepping(self) -> None:
        self._look()
        self._paused = True

    def _on_stepped(self, back: bool) -> None:
        self._paused = False
        self._stepped(back)
