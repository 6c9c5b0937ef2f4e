"""The one place that knows the image list, what was found in it, and the layers that show it. No Qt.

A `Session` belongs to a viewer. It works on one image list at a time: an open layer (a single image, or a stack
whose planes are the list) or files, of which one is shown at a time in the same few layers. It alone listens to
the class-map layer, keeps a copy of it, finds what changed once, and says so with one event; whatever shows
numbers subscribes to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_array
from napari_leukocyte.plugin import layers as view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_leukocyte.core.segmentation.segment import Segmentation

__all__ = ["ImageState", "Session", "get_session"]

BBox = tuple[int, int, int, int]
"""Rows and columns [y0, y1) x [x0, x1) of an image."""


@dataclass
class ImageState:
    """What is known of one image of the list.

    Attributes
    ----------
    classes
        The kept copy of the class map (Y, X) uint8; the layer holds its own, which napari paints in place.
    cells
        Cell labels (Y, X) int32.
    result
        The segmentation that the class map began with: model, pixel size, notes, provenance.
    edited
        Whether the class map differs from the segmentation.
    """

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    measures: list[CellMeasure]
    result: Segmentation
    edited: bool = False


class Session:
    """Image list, class maps, cell labels and measures of a viewer.

    Signals
    -------
    images_changed()
        Another image list was opened, or there is none any more.
    shown_changed(index)
        Another image of the list is shown.
    changed(index, bbox)
        The class map of an image changed within a bounding box; its cells and measures are up to date.
    touched()
        The shown class map may have changed; call `flush` when it suits, for instance after a short pause.
    """

    images_changed = Signal()
    shown_changed = Signal(int)
    changed = Signal(int, tuple)
    touched = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)  # weak: the session must not keep a closed viewer alive
        self.images: list[ImageSource] = []
        self.broken: list[BrokenImage] = []
        self.states: dict[int, ImageState] = {}
        self.index = 0
        self.generation = 0  # counts image lists, so that a late result of an earlier list is known as such
        self.own_image = False  # whether the image layer was made here (files) or belongs to the user
        self.image_layer: Image | None = None
        self.classes_layer: Labels | None = None
        self.cells_layer: Labels | None = None
        self._source_data: Any = None
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.dims.events.current_step.connect(self._on_dims)

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that this session belongs to."""
        viewer = self._viewer()
        assert viewer is not None  # events reach a session only while its viewer lives
        return viewer

    # ---- the list ---------------------------------------------------------------------------------------

    def open_layer(self, layer: Image) -> None:
        """Work on an open layer; a stack's planes become the list. Nothing happens if it is open already.

        Raises
        ------
        LeukocyteError
            When the layer is multiscale, or its axes have no single reading.
        """
        same_layer = self.image_layer is layer
        if self.images and same_layer and (self.own_image or layer.data is self._source_data):
            return
        if layer.multiscale:
            raise LeukocyteError(
                f"{layer.name} is multiscale, which napari cannot edit: segment a region, or use the command line."
            )
        sources = sources_from_array(layer.data, name=layer.name, rgb=layer.rgb, pixel_size=view.pixel_size_of(layer))
        self._leave()
        self.images, self.broken = sources, []
        self.image_layer, self.own_image = layer, False
        self._source_data = layer.data
        self.index = self._plane_on_screen()
        self.images_changed.emit()

    def open_files(self, sources: Sequence[ImageSource | BrokenImage]) -> None:
        """Work on files and show the first.

        Raises
        ------
        LeukocyteError
            When none of them can be read; the list so far then stays.
        """
        images = [s for s in sources if isinstance(s, ImageSource)]
        broken = [s for s in sources if isinstance(s, BrokenImage)]
        if not images:
            raise LeukocyteError(broken[0].reason if broken else "There is no image to open.")
        self._leave()
        self.images, self.broken = images, broken
        self.own_image = True
        self._source_data = None
        self.images_changed.emit()
        self.show(0)

    def show(self, index: int) -> None:
        """Show an image of the list: a stack moves its slider, files change what the layers hold.

        Raises
        ------
        LeukocyteError
            When the file cannot be read any more; what is shown then stays.
        """
        if not self.own_image:
            if len(self.images) > 1:
                self.viewer.dims.set_current_step(0, index)
            return
        source = self.images[index]
        pixels = source.read()
        self.flush()
        self._remove(self.classes_layer, self.cells_layer, self.image_layer)
        self.index = index
        self.image_layer = view.add_image(self.viewer, pixels, source)
        if index in self.states:
            self._add_result_layers()
        self.viewer.reset_view()
        self.shown_changed.emit(index)

    @property
    def is_stack(self) -> bool:
        """Whether the list is the planes of one layer, which share one class-map layer (N, Y, X)."""
        return not self.own_image and len(self.images) > 1

    @property
    def state(self) -> ImageState | None:
        """What is known of the shown image; None before it is segmented."""
        return self.states.get(self.index)

    def _leave(self) -> None:
        """Let the list so far go; files' layers leave the viewer with it, the user's own image stays."""
        self._remove(self.classes_layer, self.cells_layer, self.image_layer if self.own_image else None)
        self.images, self.broken, self.states = [], [], {}
        self.generation += 1
        self.image_layer = None
        self.index = 0

    # ---- results ----------------------------------------------------------------------------------------

    def put(self, index: int, result: Segmentation, *, keep_edits: bool = False) -> None:
        """Take a segmentation of one image and show it if the image is on screen.

        Over an existing class map it is one step that Ctrl+Z undoes. With ``keep_edits`` an edited map that is
        on screen stays as a layer of its own beside the new one, and any other edited map is left as it is.
        """
        old = self.states.get(index)
        if old is not None and old.edited and keep_edits:
            if index != self.index or self.is_stack:
                return
            self._set_edits_aside()
        pixel_size = result.pixel_size.for_areas
        measures = measure_cells(result.classes, result.cells, pixel_size=pixel_size, binary=result.binary)
        self.states[index] = ImageState(result.classes, result.cells, measures, result)
        if self.image_layer is not None and (index == self.index or self.is_stack):
            if self.classes_layer is None:
                self._add_result_layers()
            else:
                self._write_layers(index)
                view.describe(self.classes_layer, self.cells_layer, result)
        self.changed.emit(index, (0, result.classes.shape[0], 0, result.classes.shape[1]))

    def edited_images(self, indices: Sequence[int]) -> list[int]:
        """Those of ``indices`` whose class maps hold edits that a new segmentation would replace."""
        self.flush()
        return [i for i in indices if i in self.states and self.states[i].edited]

    def _set_edits_aside(self) -> None:
        layer, self.classes_layer = self.classes_layer, None
        if layer is not None:
            self._listen(layer, on=False)
            layer.name = f"{layer.name} (edited)"
            layer.visible = False
        self._remove(self.cells_layer)

    def _add_result_layers(self) -> None:
        assert self.image_layer is not None
        shape = self.states[self.index].classes.shape if not self.is_stack else self._stack_shape()
        classes, cells = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
        for i, state in self.states.items():
            if self.is_stack or i == self.index:
                self._plane(classes, i)[...] = state.classes
                self._plane(cells, i)[...] = state.cells
        self.cells_layer = view.add_cells(self.viewer, cells, self.image_layer)
        self.classes_layer = view.add_classes(self.viewer, classes, self.image_layer)
        self._listen(self.classes_layer, on=True)
        some = self.states.get(self.index) or next(iter(self.states.values()))
        view.describe(self.classes_layer, self.cells_layer, some.result)

    def _write_layers(self, index: int) -> None:
        """Bring both layers to the state of an image; the class map as one undoable step."""
        assert self.classes_layer is not None
        state, layer = self.states[index], self.classes_layer
        old = self._plane(layer.data, index)
        where = np.nonzero(old != state.classes)
        if len(where[0]):
            values = state.classes[where]
            if self.is_stack:
                where = (np.full_like(where[0], index), *where)
            layer.data_setitem(where, values)
        self._write_cells(index)

    def _write_cells(self, index: int) -> None:
        if self.cells_layer is not None:
            self._plane(self.cells_layer.data, index)[...] = self.states[index].cells
            self.cells_layer.refresh()

    # ---- following edits --------------------------------------------------------------------------------

    def flush(self) -> None:
        """Find what changed in the shown class map since the last time, and bring cells and measures up to date."""
        state, layer = self.state, self.classes_layer
        if state is None or layer is None:
            return
        now = self._plane(np.asarray(layer.data), self.index)
        different = now != state.classes
        rows = np.flatnonzero(different.any(axis=1))
        if not len(rows):
            return
        columns = np.flatnonzero(different[rows[0] : rows[-1] + 1].any(axis=0))
        state.classes = now.astype(np.uint8)
        state.edited = not np.array_equal(state.classes, state.result.classes)
        pixel_size = state.result.pixel_size
        classes = np.minimum(state.classes, 2)  # a value that is no class, painted by a slip, counts as nucleus
        state.cells = label_cells(classes, pixel_size=pixel_size.um)
        state.measures = measure_cells(
            classes, state.cells, pixel_size=pixel_size.for_areas, binary=state.result.binary
        )
        self._write_cells(self.index)
        self.changed.emit(self.index, (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1))

    def _listen(self, layer: Labels, *, on: bool) -> None:
        # paint covers strokes, fills and polygons; undo and redo emit only set_data
        for event in (layer.events.paint, layer.events.set_data):
            if on:
                event.connect(self._on_touched)
            else:
                event.disconnect(self._on_touched)

    def _on_touched(self) -> None:
        self.touched.emit()

    def _on_dims(self) -> None:
        if self.is_stack and self.image_layer in self.viewer.layers:
            plane = self._plane_on_screen()
            if plane != self.index:
                self.flush()
                self.index = plane
                self.shown_changed.emit(plane)

    # ---- layers -----------------------------------------------------------------------------------------

    def _plane(self, data: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        plane: NDArray[np.generic] = data[index] if self.is_stack else data
        return plane

    def _stack_shape(self) -> tuple[int, ...]:
        assert self.image_layer is not None
        shape = self.image_layer.data.shape
        return tuple(shape[:-1] if self.image_layer.rgb else shape)

    def _plane_on_screen(self) -> int:
        return int(self.viewer.dims.current_step[0]) if len(self.images) > 1 else 0

    def _remove(self, *layers: Image | Labels | None) -> None:
        for layer in layers:
            if layer is not None and layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def _on_removed(self, event: object) -> None:
        """A layer that the user (or we) took away is forgotten, and what rested on it too."""
        layer = event.value  # type: ignore[attr-defined]
        if layer is self.classes_layer:
            self._listen(layer, on=False)
            self.classes_layer = None
        elif layer is self.cells_layer:
            self.cells_layer = None
        elif layer is self.image_layer:
            self.image_layer = None
            if not self.own_image:
                self._leave()
                self.images_changed.emit()


_SESSIONS: WeakKeyDictionary[ViewerModel, Session] = WeakKeyDictionary()


def get_session(viewer: ViewerModel) -> Session:
    """The viewer's session, made at the first call.

    napari hands docks a proxy of the viewer; layers that come through it are proxies too, which are not
    identical to themselves. The session works on the viewer behind it.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _SESSIONS:
        _SESSIONS[viewer] = Session(viewer)
    return _SESSIONS[viewer]
