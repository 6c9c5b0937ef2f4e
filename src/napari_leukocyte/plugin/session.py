"""The one place that knows the image list, what was found in it, and the layers that show it. No Qt.

A `Session` belongs to a viewer. It works on one image list at a time: an open layer (a single image, or a stack
whose planes are the list) or files, of which one is shown at a time in the same few layers. It alone listens to
the class-map layer, keeps a copy of it, finds what changed once, and says so with one event; whatever shows
numbers subscribes to that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_leukocyte.core.cells.boxes import Box, Pixels
from napari_leukocyte.core.cells.live import Change, LiveCells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.plugin.canvas import layers as view
from napari_leukocyte.plugin.canvas.layer_watch import LayerWatch
from napari_leukocyte.plugin.image_state import ImageState

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_leukocyte.core.results.segmentation import Segmentation
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

__all__ = ["Session", "get_session"]

BBox = tuple[int, int, int, int]
"""Rows and columns [y0, y1) x [x0, x1) of an image."""


_OUTLINE_PX = 2
_BRUSHES = {"cytoplasm": 1, "nucleus": 2}


class Session:
    """Image list, class maps, cell labels and measures of a viewer.

    Signals
    -------
    leaving()
        The image list, with what was painted on it, is about to go, or the user is asked whether it may.
    images_changed()
        Another image list was opened, or there is none any more.
    shown_changed(index)
        Another image of the list is shown.
    changed(index, bbox)
        The class map, labels or marks of an image changed within a bounding box; its measures are up to date.
    selected(index, cell)
        Another cell is the chosen one; cell 0: none.
    commanded(name)
        A key of the class-map layer, or a command of napari, asked for something (``class_map_layer.KEYS``).
    training_set_changed()
        Another training set is in use, or masks in it were accepted or revoked.
    model_changed()
        Another model of the user's is the one to segment with.
    """

    leaving = Signal()
    images_changed = Signal()
    shown_changed = Signal(int)
    changed = Signal(int, tuple)
    selected = Signal(int, int)
    commanded = Signal(str)
    training_set_changed = Signal()
    model_changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)  # weak: the session must not keep a closed viewer alive
        self.images: list[ImageSource] = []
        self.broken: list[BrokenImage] = []
        self.states: dict[int, ImageState] = {}
        self.drafted: set[int] = set()  # images whose edits a draft on disk holds
        self.index = 0
        self.generation = 0  # counts image lists, so that a late result of an earlier list is known as such
        self.own_image = False  # whether the image layer was made here (files) or belongs to the user
        self.image_layer: Image | None = None
        self.classes_layer: ClassMap | None = None
        self.cells_layer: Labels | None = None
        self.selection: tuple[int, int] | None = None  # image and cell
        self._brush: dict[str, Any] = {}
        self.training_set_folder: Path | None = None
        self.model_path: Path | None = None  # the user's own model that was accepted last
        self._source_data: Any = None
        self._layer_size = PixelSize(None)  # what the image layer's scale said when it was looked at last
        self._watch = LayerWatch(self.flush, self._on_stepped)
        viewer.layers.events.removed.connect(self._on_removed)
        # each alone misses a change of plane: planes between the slider's steps, a layer that was stretched
        viewer.dims.events.current_step.connect(self._on_dims)
        viewer.dims.events.point.connect(self._on_dims)

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that this session belongs to."""
        viewer = self._viewer()
        assert viewer is not None  # events reach a session only while its viewer lives
        return viewer

    # ---- the list ---------------------------------------------------------------------------------------

    def open_layer(self, layer: Image) -> None:
        """Work on an open layer; a stack's planes become the list.

        If it is open already, nothing happens but that a scale or place it was given since is taken over.

        Raises
        ------
        LeukocyteError
            When the layer is multiscale, or its axes have no single reading.
        """
        same_layer = self.image_layer is layer
        if self.images and same_layer and (self.own_image or layer.data is self._source_data):
            self._follow_image(layer)
            return
        if layer.multiscale:
            raise LeukocyteError(
                f"{layer.name} is multiscale, which napari cannot edit: segment a region, or use the command line."
            )
        size = view.pixel_size_of(layer)
        sources = sources_from_array(layer.data, name=layer.name, rgb=layer.rgb, pixel_size=size)
        self._leave()
        self.images, self.broken = sources, []
        self.image_layer, self.own_image = layer, False
        self._source_data, self._layer_size = layer.data, size
        self.index = min(max(self._plane_at_slider(), 0), len(sources) - 1) if self.is_stack else 0
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
            if self.is_stack and self.image_layer is not None:
                axis = self.viewer.dims.ndim - self.image_layer.ndim  # other layers may have more axes
                self.viewer.dims.set_point(axis, self.image_layer.data_to_world((index, 0, 0))[0])
            return
        source = self.images[index]
        pixels = source.read()
        self.flush()
        if self.state is not None:
            self.state.forget_undo()  # the layer's own undo stack goes with the layer
        self._remove(self.classes_layer, self.cells_layer, self.image_layer)
        self.index = index
        self.image_layer = view.add_image(self.viewer, pixels, source)
        self._layer_size = view.pixel_size_of(self.image_layer)
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
        """Let the list so far go; files' layers leave the viewer with it.

        The user's own image stays, and so does its class map where it holds edits, as a layer of its own.
        """
        self.flush()
        self.leaving.emit()
        if not self.own_image and any(state.edited for state in self.states.values()):
            self._set_edits_aside()
        self._remove(self.classes_layer, self.cells_layer, self.image_layer if self.own_image else None)
        self.images, self.broken, self.states = [], [], {}
        self.drafted = set()
        self.generation += 1
        self.image_layer = None
        self.index = 0
        self.selection = None

    # ---- results ----------------------------------------------------------------------------------------

    def put(self, index: int, result: Segmentation, *, keep_edits: bool = False) -> bool:
        """Take a segmentation of one image and show it if the image is on screen; returns whether it was taken.

        Over the class map on screen it is one step that Ctrl+Z undoes. With ``keep_edits`` an edited map that is
        on screen stays as a layer of its own beside the new one, and any other edited map, or a plane of a stack, is
        left as it is.
        """
        old = self.states.get(index)
        if old is not None and old.edited and keep_edits:
            if index != self.index or self.is_stack:
                return False
            self._set_edits_aside()
        self.states[index] = ImageState(result)
        if self.image_layer is not None and (index == self.index or self.is_stack):
            if self.classes_layer is not None and np.shape(self.classes_layer.data) != self._shape_of_layers():
                self._set_edits_aside()  # somebody gave it data of another size
            if self.classes_layer is None:
                self._add_result_layers()
            else:
                if index == self._on_screen() and old is not None:
                    self.states[index].before, old.after = old, self.states[index]
                self._write_layers(index, old)
                view.describe(self.classes_layer, self.cells_layer, result)
        self.changed.emit(index, (0, result.classes.shape[0], 0, result.classes.shape[1]))
        return True

    def edits_at_stake(self) -> int:
        """How many class maps of a list of files hold edits that no draft keeps: they go when the list goes."""
        if not self.own_image:
            return 0
        self.flush()
        self.leaving.emit()
        return sum(state.live.edited for index, state in self.states.items() if index not in self.drafted)

    def edited_images(self, indices: Sequence[int]) -> list[int]:
        """Those of ``indices`` whose class maps hold edits that a new segmentation would replace."""
        self.flush()
        return [i for i in indices if i in self.states and self.states[i].edited]

    def _set_edits_aside(self) -> None:
        if self.classes_layer is None and self.image_layer is not None:
            self._add_result_layers()  # the user took the layer away, but not what was painted
        layer, self.classes_layer = self.classes_layer, None
        if layer is not None:
            self._leave_layer(layer)
            layer.name = f"{layer.name} of {self.images[self.index].name} (edited)"
            layer.visible = False
        self._remove(self.cells_layer)

    def _add_result_layers(self) -> None:
        assert self.image_layer is not None
        shape = self._shape_of_layers()
        classes, cells = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
        for i, state in self.states.items():
            if self.is_stack or i == self.index:
                self._plane(classes, i)[...] = state.classes
                self._plane(cells, i)[...] = state.cells
        self.classes_layer = view.add_classes(self.viewer, classes, self.image_layer)
        self.cells_layer = view.add_cells(self.viewer, cells, self.image_layer)
        self.viewer.layers.selection.active = self.classes_layer
        view.take_brush(self.classes_layer, self._brush)
        self._follow_layer(self.classes_layer)
        some = self.states.get(self.index) or next(iter(self.states.values()))
        if some.result.binary:
            self.classes_layer.selected_label = 1
        view.describe(self.classes_layer, self.cells_layer, some.result)

    def _write_layers(self, index: int, old: ImageState | None) -> None:
        """Bring both layers to the state of an image, before ``old``; on screen the class map as one undoable step."""
        assert self.classes_layer is not None
        state, layer = self.states[index], self.classes_layer
        plane = self._plane(layer.data, index)
        rows, columns = np.nonzero(plane != state.classes)
        with self._watch.paused():
            if index != self._on_screen():
                # Ctrl+Z must not change a plane that is not seen: neither this step, nor one that was painted through
                # the planes, whose pixels would come back into the new map
                if layer.n_edit_dimensions > 2 or np.any(plane != (0 if old is None else old.classes)):
                    self._forget_undo()
                if rows.size:
                    plane[...] = state.classes
                    layer.refresh()
            elif rows.size:
                layer.data_setitem(self._in_layer((rows, columns), index), state.classes[rows, columns])
        self._write_cells(index)

    def _forget_undo(self) -> None:
        for state in self.states.values():
            state.forget_undo()
        if self.classes_layer is not None:
            self.classes_layer.forget_undo()

    def _write_cells(self, index: int, box: Box | None = None) -> None:
        layer, cells = self.cells_layer, self.states[index].cells
        if layer is None:
            return
        rows, columns = box or (slice(0, cells.shape[0]), slice(0, cells.shape[1]))
        y, x = np.nonzero(self._plane(layer.data, index)[rows, columns] != cells[rows, columns])
        if y.size:
            y, x = y + (rows.start or 0), x + (columns.start or 0)
            layer.data_setitem(self._in_layer((y, x), index), cells[y, x])  # draws no more than what changed

    # ---- following edits --------------------------------------------------------------------------------

    def flush(self) -> None:
        """Find what changed in the shown class map since the last time, and bring cells and measures up to date."""
        now = self._map_now()
        if now is not None and self.state is not None:
            self._announce(self.state.live.follow(now))

    def _map_now(self) -> NDArray[np.generic] | None:
        """The class map on screen; None when there is none, or it no longer has the image's size."""
        if self.state is None or self.classes_layer is None:
            return None
        data = np.asarray(self.classes_layer.data)
        plane = self._plane(data, self.index) if data.ndim == 2 + self.is_stack else data
        return plane if plane.shape == self.state.classes.shape else None

    def problem(self) -> str:
        """One sentence about a class map that cannot be what it should be; empty when all is well."""
        if self.state is None or self.classes_layer is None:
            return ""
        now = self._map_now()
        if now is None:
            return (
                f"The class map has the shape {np.shape(self.classes_layer.data)} and its image "
                f"{self.state.classes.shape}: the CNR shown is the last one that fitted; segment again."
            )
        highest, allowed = int(self.state.classes.max()), 1 if self.state.result.binary else 2
        if highest > allowed:
            meaning = "0 background, 1 cell" if allowed == 1 else "0 background, 1 cytoplasm, 2 nucleus"
            return f"The class map holds the value {highest}, but its classes are {meaning}: paint over it, or undo."
        return ""

    def edit_labels(self, edit: Callable[[LiveCells], Change | None]) -> None:
        """Change labels or marks of the shown image, as one step that Ctrl+Z undoes.

        Raises
        ------
        LeukocyteError
            When there is no class map, or the edit cannot be made.
        """
        layer, state = self._editable()
        change = edit(state.live)
        if change is not None:
            # The layer's undo stack is the one that the user knows: a step that leaves the map as it is stands there
            # for the labels.
            pixel = self._in_layer((np.zeros(1, np.intp), np.zeros(1, np.intp)), self.index)
            value = int(layer.data[pixel][0])
            with layer.block_history():
                layer.data_setitem(pixel, value ^ 1, refresh=False)
                layer.data_setitem(pixel, value, refresh=False)
            self._announce(change)

    def edit_map(self, edit: Callable[[LiveCells], Pixels], value: int) -> None:
        """Set pixels of the shown class map to a class, as one step that Ctrl+Z undoes.

        Raises
        ------
        LeukocyteError
            When there is no class map, or the edit cannot be made.
        """
        layer, state = self._editable()
        layer.data_setitem(self._in_layer(edit(state.live), self.index), value)

    def _editable(self) -> tuple[ClassMap, ImageState]:
        self.flush()
        if self.classes_layer is None or self.state is None:
            raise LeukocyteError("There is no class map yet: press Segment first.")
        if self._on_screen() is None:
            raise LeukocyteError("The slider stands outside this stack: move it to the plane that you want to edit.")
        return self.classes_layer, self.state

    def _announce(self, change: Change | None) -> None:
        if change is not None:
            self._write_cells(self.index, change.box)
            rows, columns = change.box
            self.changed.emit(self.index, (rows.start, rows.stop, columns.start, columns.stop))

    def _follow_layer(self, layer: ClassMap) -> None:
        self._watch.start(layer)
        layer.commanded.connect(self.command)

    def _leave_layer(self, layer: ClassMap) -> None:
        self._watch.stop(layer)
        layer.commanded.disconnect(self.command)

    def command(self, name: str) -> None:
        """Do what a key of the class map stands for (``class_map_layer.KEYS``), or let a dock do it."""
        layer = self.classes_layer
        if name == "outlines" and layer is not None:
            layer.contour = 0 if layer.contour else _OUTLINE_PX
        elif name in _BRUSHES:
            self.take_brush(name)
        self.commanded.emit(name)

    def take_brush(self, name: str) -> None:
        """Take up napari's brush in the colour of a class, or the eraser: nucleus, cytoplasm or background."""
        layer, state = self.classes_layer, self.state
        if layer is None or state is None or (name == "nucleus" and state.result.binary):
            return
        self.viewer.layers.selection.active = layer
        if name != "background":
            layer.selected_label = _BRUSHES[name]
        layer.mode = "erase" if name == "background" else "paint"

    def _on_stepped(self, back: bool) -> None:
        now, state = self._map_now(), self.state
        if now is None or state is None:
            return
        other = state.before if back else state.after
        if other is not None and np.array_equal(other.classes, now):  # the segmentation itself was undone
            self.states[self.index] = other
            self._write_cells(self.index)
            self.changed.emit(self.index, (0, now.shape[0], 0, now.shape[1]))
        else:
            self._announce(state.live.follow_undo(now, back=back))

    # ---- the chosen cell --------------------------------------------------------------------------------

    def select(self, index: int, cell: int) -> None:
        """Choose a cell of an image of the list (0: none)."""
        chosen = (index, cell) if cell else None
        if chosen != self.selection:
            self.selection = chosen
            self.selected.emit(index, cell)

    def go_to(self, index: int, cell: int) -> None:
        """Choose a cell, show its image and bring the cell to the middle of the canvas.

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
        if measure is not None and self.classes_layer is not None:
            at = (index, measure.y, measure.x) if self.is_stack else (measure.y, measure.x)
            centre = self.classes_layer.data_to_world(at)[-2:]
            camera = self.viewer.scene.camera
            camera.center = (*camera.center[:-2], *centre)

    def cell_at(self, position: Sequence[float]) -> int:
        """Number of the cell of the shown image at a position of the canvas (world coordinates); 0 for none."""
        if self.state is None or self.classes_layer is None:
            return 0
        y, x = (round(at) for at in self.to_pixels(position))
        cells = self.state.cells
        inside = 0 <= y < cells.shape[0] and 0 <= x < cells.shape[1]
        return int(cells[y, x]) if inside else 0

    def to_pixels(self, position: Sequence[float]) -> tuple[float, float]:
        """Row and column of the shown image at a position of the canvas (world coordinates)."""
        assert self.classes_layer is not None  # whoever asks has a class map to point at
        y, x = self.classes_layer.world_to_data(position)[-2:]
        return float(y), float(x)

    def _on_dims(self) -> None:
        if self.is_stack and self.image_layer in self.viewer.layers:
            plane = self._on_screen()
            if plane != self.index:
                self.flush()
                self._forget_undo()  # Ctrl+Z must not change a plane that is not seen
                if plane is not None:  # else it is another stack's, and the plane seen last stays the shown one
                    self.index = plane
                    self.flush()
                    self.shown_changed.emit(plane)

    # ---- the training set -------------------------------------------------------------------------------

    def set_training_set(self, folder: Path) -> None:
        """Note which training set is in use, or that its masks changed."""
        self.training_set_folder = folder
        self.training_set_changed.emit()

    def use_model(self, path: Path) -> None:
        """Segment with a model of the user's from now on."""
        self.model_path = path
        self.model_changed.emit()

    # ---- layers -----------------------------------------------------------------------------------------

    def _plane(self, data: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        plane: NDArray[np.generic] = data[index] if self.is_stack else data
        return plane

    def _in_layer(self, pixels: Pixels, index: int) -> tuple[NDArray[np.intp], ...]:
        """Indices of an image's pixels in the class-map layer."""
        return (np.full_like(pixels[0], index), *pixels) if self.is_stack else pixels

    def _shape_of_layers(self) -> tuple[int, ...]:
        """Shape of class map and cell labels as layers: of an image (Y, X), of a stack (N, Y, X)."""
        assert self.image_layer is not None
        if not self.is_stack:
            return self.states[self.index].classes.shape
        shape = self.image_layer.data.shape
        return tuple(shape[:-1] if self.image_layer.rgb else shape)

    def _plane_at_slider(self) -> int:
        """The plane of the stack where the viewer's slider stands; outside the stack when another reaches further."""
        assert self.image_layer is not None
        return int(np.round(self.image_layer.world_to_data(self.viewer.dims.point)[0]))

    def _on_screen(self) -> int | None:
        """Position of the image on screen; None when the slider stands outside the stack."""
        if not self.is_stack or self.image_layer is None:
            return self.index
        plane = self._plane_at_slider()
        return plane if 0 <= plane < len(self.images) else None

    def _follow_image(self, image: Image) -> None:
        """Take over the scale and place of the image layer: its overlays, areas and flags rest on them."""
        layers = [layer for layer in (self.classes_layer, self.cells_layer) if layer is not None]
        moved = [layer for layer in layers if view.place_like(layer, image)]
        self._on_dims()  # of a stretched stack, another plane may lie where the slider stands
        size = view.pixel_size_of(image)
        if not moved and size == self._layer_size:
            return
        indices = [self.index] if self.own_image else list(range(len(self.images)))
        if size != self._layer_size:
            self._layer_size = size
            for i in indices:
                if i in self.states:
                    self.states[i].follow_source(self.images[i].pixel_size, size)
                self.images[i] = replace(self.images[i], pixel_size=size)
            if self.state is not None:
                view.describe(self.classes_layer, self.cells_layer, self.state.result)
        for i in indices:
            if i in self.states:
                rows, columns = self.states[i].classes.shape
                self.changed.emit(i, (0, rows, 0, columns))

    def _remove(self, *layers: Image | Labels | None) -> None:
        for layer in layers:
            if layer is not None and layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def _on_removed(self, event: object) -> None:
        """A layer that the user (or we) took away is forgotten, and what rested on it too."""
        layer = event.value  # type: ignore[attr-defined]
        if self.classes_layer is not None and layer is self.classes_layer:
            self._brush = view.brush_of(layer)  # the next image is painted as this one was
            self._leave_layer(self.classes_layer)
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
