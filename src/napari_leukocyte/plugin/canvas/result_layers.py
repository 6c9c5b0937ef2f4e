"""The image that is worked on, its class map and its cell labels, as layers of a viewer. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, Pixels
from napari_leukocyte.plugin.canvas import layers as view
from napari_leukocyte.plugin.canvas.after_event import after_event
from napari_leukocyte.plugin.canvas.layer_watch import LayerWatch

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_leukocyte.core.imaging.image_list import ImageSource
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap
    from napari_leukocyte.plugin.image_state import ImageState

__all__ = ["Pointer", "ResultLayers"]

_OUTLINE_PX = 2
_ASIDE = "{} of {} (edited)"
_BRUSHES = {"cytoplasm": 1, "nucleus": 2}


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is: x and y on the canvas in its px, and the place in the world that lies there."""

    pos: tuple[float, float]
    position: tuple[float, ...]


class ResultLayers:
    """The layers of one image, or of a stack, whose planes share them. An ``index`` is a place in the image list.

    Parameters
    ----------
    viewer
        Whose layers they are.
    look, stepped
        Called when the class map may have changed, and after undo and redo; see ``LayerWatch``.
    commanded
        Called with the name of a command when one of the plugin's keys was pressed on the class map.

    Attributes
    ----------
    image, classes, cells
        The layers; None for one that is not there.
    first
        Where in the list the stack's first plane is.
    planes
        How many planes the stack has; 0: the image is no stack.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        look: Callable[[], None],
        ended: Callable[[], None],
        stepped: Callable[[bool], None],
        commanded: Callable[[str], None],
    ) -> None:
        self._viewer = ref(viewer)  # weak: the layers must not keep a closed viewer alive
        self.image: Image | None = None
        self.classes: ClassMap | None = None
        self.cells: Labels | None = None
        self.first = self.planes = 0
        self._brush: dict[str, Any] = {}
        self._leftover: list[Layer] = []  # to be taken out when napari is done with its event
        self._watch = LayerWatch(look, ended, stepped)
        self._commanded = commanded

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that shows the layers."""
        viewer = self._viewer()
        assert viewer is not None  # events reach the layers only while their viewer lives
        return viewer

    # ---- adding and taking away -------------------------------------------------------------------------

    def add(self, states: Mapping[int, ImageState], shown: int) -> None:
        """Add class map and cell labels over the image: of a stack those of all planes, else those of ``shown``."""
        assert self.image is not None
        classes, cells = self._maps(states, shown)
        self.classes = view.add_classes(self.viewer, classes.copy(), self.image)
        self.cells = view.add_cells(self.viewer, cells.copy(), self.image)
        self.viewer.layers.selection.active = self.classes
        view.take_brush(self.classes, self._brush)
        self._watch.start(self.classes)
        self.classes.commanded.connect(self._commanded)
        self._follow(states, shown)

    def _maps(self, states: Mapping[int, ImageState], shown: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Class map and cell labels as the layers hold them: of a stack all planes, else the maps of ``shown``."""
        if not self.planes:
            return states[shown].classes, states[shown].cells
        shape = self.shape_for(states[self._known(states)[0]])
        classes, cells = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
        for index in self._known(states):
            classes[index - self.first] = states[index].classes
            cells[index - self.first] = states[index].cells
        return classes, cells

    def _known(self, states: Mapping[int, ImageState]) -> list[int]:
        """The planes of the stack with results."""
        return [index for index in range(self.first, self.first + self.planes) if index in states]

    def _follow(self, states: Mapping[int, ImageState], shown: int) -> None:
        """Say what made the maps, and take up a class that they have."""
        some = states[shown if shown in states else self._known(states)[0]]
        if some.result.binary and self.classes is not None:
            self.classes.selected_label = 1
        self.describe(some)

    def shape_for(self, state: ImageState) -> tuple[int, ...]:
        """Shape of class map and cell labels as layers: of an image (Y, X), of a stack (N, Y, X)."""
        shape: tuple[int, ...] = state.classes.shape
        return (self.planes, *shape) if self.planes else shape

    def describe(self, state: ImageState) -> None:
        """Record in the layers what made them."""
        view.describe(self.classes, self.cells, state.result)

    def show(
        self, pixels: NDArray[np.generic], source: ImageSource, states: Mapping[int, ImageState], shown: int
    ) -> None:
        """Show an image of a list of files with what is known of it, in the layers that are there.

        To take a layer out costs napari a third of a second, to put one in as much.
        """
        self.settle()
        if self.image is None or not view.put_image(self.image, pixels, source):
            self.remove(*self.forget(image=True))
            self.image = view.add_image(self.viewer, pixels, source)
        self._show_maps(states, shown)

    def show_layer(self, states: Mapping[int, ImageState], shown: int) -> None:
        """Show what is known of a layer of the user's, which is ``image`` now, in the layers that are there."""
        self.settle()
        if self.classes is not None and self.classes.ndim != 2 + bool(self.planes):
            self.remove(*self.forget())
        self._show_maps(states, shown)
        above = [layer for layer in (self.classes, self.cells) if layer is not None]
        layers = self.viewer.layers
        if above and layers.index(self.image) > min(map(layers.index, above)):
            for layer in above:
                layers.move(layers.index(layer), len(layers))

    def _show_maps(self, states: Mapping[int, ImageState], shown: int) -> None:
        known = self._known(states) if self.planes else shown in states
        if not known or self.classes is None or self.cells is None:
            self.remove(*self.forget())
        if self.classes is not None:
            self._exchange(states, shown)
        elif known:
            self.add(states, shown)

    def _exchange(self, states: Mapping[int, ImageState], shown: int) -> None:
        """Fill class map and labels with those of another image."""
        assert self.image is not None
        assert self.classes is not None
        assert self.cells is not None
        classes, cells = self._maps(states, shown)
        with self._watch.paused():
            view.put_labels(self.classes, classes)
            self.classes.forget_undo()
        view.put_labels(self.cells, cells)
        self.cells.editable = False  # napari unlocks a layer with new data
        self.follow_image(self.image)
        self.viewer.layers.selection.active = self.classes
        self._follow(states, shown)

    def add_aside(self, image: Image, states: Mapping[int, ImageState], planes: int, name: str) -> None:
        """Leave the class maps of an image, or of a stack's planes by their numbers, to the user as a hidden layer."""
        some = next(iter(states.values())).classes
        data = np.zeros((planes, *some.shape), np.uint8) if planes else some.copy()
        for plane, state in states.items():
            (data[plane] if planes else data)[...] = state.classes
        active = self.viewer.layers.selection.active
        layer = view.add_classes(self.viewer, data, image)
        layer.name, layer.visible = _ASIDE.format(view.CLASSES, name), False
        if active in self.viewer.layers:
            self.viewer.layers.selection.active = active

    def set_aside(self, name: str) -> list[Layer]:
        """Leave the class map to the user as a hidden layer of its own, named after its image.

        Returned is what is left over of the layers, to be removed.
        """
        layer = self.classes
        rest = [one for one in self.forget() if one is not layer]
        if layer is not None:
            layer.name = _ASIDE.format(layer.name, name)
            layer.visible = False
        return rest

    def remove(self, *layers: Layer | None) -> None:
        """Take layers out of the viewer, where they are still there; never while napari itself takes layers out."""
        there = [layer for layer in layers if layer is not None and layer in self.viewer.layers]
        if there:
            with self.viewer.layers.batched_update():  # napari clears up once, not for each
                for layer in there:
                    self.viewer.layers.remove(layer)

    def remove_later(self, *layers: Layer | None) -> None:
        """Take layers out once napari is done with the event under way."""
        self._leftover += [layer for layer in layers if layer is not None]
        after_event(self.viewer, self.settle)

    def settle(self) -> None:
        """Take out what is left over of earlier events."""
        leftover, self._leftover = self._leftover, []
        self.remove(*leftover)

    def forget(self, *, image: bool = False) -> list[Layer]:
        """Let go of class map and labels, and with ``image`` of the image; returns their layers, which are still there.

        The next image is painted as this one was.
        """
        layers = [self.classes, self.cells, self.image if image else None]
        if self.classes is not None:
            self._brush = view.brush_of(self.classes)
            self._leave(self.classes)
        self.classes = self.cells = None
        if image:
            self.image = None
        return [layer for layer in layers if layer is not None]

    def _leave(self, layer: ClassMap) -> None:
        self._watch.stop(layer)
        layer.commanded.disconnect(self._commanded)

    # ---- reading and writing ----------------------------------------------------------------------------

    def unwatched(self) -> AbstractContextManager[None]:
        """While the program writes to the class map, and then follows what it wrote itself."""
        return self._watch.paused()

    def class_map(self, index: int, shape: tuple[int, ...]) -> NDArray[np.generic] | None:
        """The class map of an image as it is painted; None when it is not there, or has another shape than (Y, X)."""
        if self.classes is None:
            return None
        data = np.asarray(self.classes.data)
        plane = self._plane(data, index) if data.ndim == 2 + bool(self.planes) else data
        return plane if plane.shape == shape else None

    def write(self, index: int, state: ImageState, old: ImageState | None) -> bool:
        """Bring class map and labels of an image from ``old`` to ``state``; on screen, one step that can be undone.

        Returns whether the undo steps so far must be forgotten, because they would change planes that are not seen.
        """
        assert self.classes is not None
        forgets = False
        layer, plane = self.classes, self._plane(self.classes.data, index)
        rows, columns = np.nonzero(plane != state.classes)
        with self._watch.paused():
            if self.planes and index != self.plane_on_screen():
                # Ctrl+Z must not change a plane that is not seen: neither this step, nor one that was painted through
                # the planes, whose pixels would come back into the new map
                forgets = layer.n_edit_dimensions > 2 or bool(np.any(plane != (0 if old is None else old.classes)))
                if rows.size:
                    plane[...] = state.classes
                    layer.refresh()
            elif rows.size:
                layer.data_setitem(self.pixels((rows, columns), index), state.classes[rows, columns])
        self.write_cells(index, state)
        return forgets

    def write_cells(self, index: int, state: ImageState, box: Box | None = None) -> None:
        """Bring the cell labels of an image up to date, within a box where only that changed."""
        layer, cells = self.cells, state.cells
        if layer is None:
            return
        rows, columns = box or (slice(0, cells.shape[0]), slice(0, cells.shape[1]))
        y, x = np.nonzero(self._plane(layer.data, index)[rows, columns] != cells[rows, columns])
        if y.size:
            y, x = y + (rows.start or 0), x + (columns.start or 0)
            layer.data_setitem(self.pixels((y, x), index), cells[y, x])  # napari redraws only these pixels

    def _plane(self, data: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        plane: NDArray[np.generic] = data[index - self.first] if self.planes else data
        return plane

    def pixels(self, pixels: Pixels, index: int) -> tuple[NDArray[np.intp], ...]:
        """Indices of an image's pixels in its layers."""
        return (np.full_like(pixels[0], index - self.first), *pixels) if self.planes else pixels

    # ---- the canvas -------------------------------------------------------------------------------------

    def plane_at_slider(self) -> int:
        """The plane of the stack where the viewer's slider stands; outside the stack when another reaches further."""
        assert self.image is not None
        return int(np.round(self.image.world_to_data(self.viewer.dims.point)[0]))

    def plane_on_screen(self) -> int | None:
        """Where in the list the plane on screen is; None when the slider stands outside the stack."""
        plane = self.plane_at_slider()
        return self.first + plane if 0 <= plane < self.planes else None

    def show_plane(self, index: int) -> None:
        """Move the slider to a plane of the stack."""
        assert self.image is not None
        axis = self.viewer.dims.ndim - self.image.ndim  # other layers may have more axes
        self.viewer.dims.set_point(axis, self.image.data_to_world((index - self.first, 0, 0))[0])

    def centre_on(self, index: int, y: float, x: float, *, across: float | None = None) -> None:
        """Bring a pixel to the middle of the canvas; with ``across``, so many px of the image fill it."""
        if self.classes is not None:
            plane = (index - self.first,) if self.planes else ()
            centre = self.classes.data_to_world((*plane, y, x))[-2:]
            camera = self.viewer.scene.camera
            camera.center = (*camera.center[:-2], *centre)
            if across is not None:
                beside = self.classes.data_to_world((*plane, y + across, x))[-2:]
                camera.zoom = min(self.viewer.canvas.size) / float(np.hypot(*np.subtract(beside, centre)))

    def to_pixels(self, position: Sequence[float]) -> tuple[float, float]:
        """Row and column of an image at a position of the canvas (world coordinates)."""
        assert self.classes is not None  # callers have a class map
        y, x = self.classes.world_to_data(position)[-2:]
        return float(y), float(x)

    def on_canvas(self, index: int, points: NDArray[np.float64], pointer: Pointer) -> NDArray[np.float64]:
        """Where points (N, 2) of an image, rows and columns, lie on the canvas: (N, 2) x and y in its px."""
        assert self.classes is not None  # callers have a class map
        plane = (index - self.first,) if self.planes else ()
        origin, down, right = (np.array(self.classes.data_to_world((*plane, *at))) for at in ((0, 0), (1, 0), (0, 1)))
        world = origin + points[:, :1] * (down - origin) + points[:, 1:] * (right - origin)
        displayed = np.array(self.viewer.dims.displayed[-2:])
        away = world[:, displayed - self.viewer.dims.ndim] - np.array(pointer.position)[displayed]
        vertical, horizontal = (str(axis) for axis in self.viewer.scene.camera.orientation2d)
        signs = np.array([-1 if vertical == "up" else 1, -1 if horizontal == "left" else 1])
        on_canvas: NDArray[np.float64] = np.array(pointer.pos) + self.viewer.scene.camera.zoom * (away * signs)[:, ::-1]
        return on_canvas

    def follow_image(self, image: Image) -> bool:
        """Move the class map and the labels back over their image; returns whether that was needed."""
        moved = [view.place_like(layer, image) for layer in (self.classes, self.cells) if layer is not None]
        return any(moved)

    # ---- the brush --------------------------------------------------------------------------------------

    def take_brush(self, name: str, *, binary: bool) -> None:
        """Take up napari's brush in the colour of a class, or the eraser: nucleus, cytoplasm or background."""
        layer = self.classes
        if layer is None or (name == "nucleus" and binary):
            return
        self.viewer.layers.selection.active = layer
        if name != "background":
            layer.selected_label = _BRUSHES[name]
        layer.mode = "erase" if name == "background" else "paint"

    def toggle_outlines(self) -> None:
        """Show the classes as outlines, or filled again."""
        if self.classes is not None:
            self.classes.contour = 0 if self.classes.contour else _OUTLINE_PX
