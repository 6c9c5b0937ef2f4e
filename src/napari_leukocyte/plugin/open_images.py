"""The images that are worked on: an open layer, a stack or files; which one is shown, and in which layers. No Qt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.plugin.canvas.gl_context import make_current
from napari_leukocyte.plugin.canvas.layers import pixel_size_of, sources_of
from napari_leukocyte.plugin.canvas.result_layers import ResultLayers
from napari_leukocyte.plugin.image_state import ImageState

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_leukocyte.core.training_set.blind_set import BlindList
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

__all__ = ["OpenImages"]


class OpenImages(ABC):
    """One image list at a time: an open layer, whose planes are the list, or files in the same few layers.

    Signals
    -------
    leaving()
        The image list with what was painted on it, or the training set, is about to go, or the user is asked whether
        the list may.
    images_changed()
        Another image list was opened, or there is none any more.
    shown_changed(index)
        Another image of the list is shown, or a layer of the shown one was taken away.
    changed(index, bbox)
        The class map, labels or marks of an image changed within a bounding box; its measures are up to date.
    """

    leaving = Signal()
    images_changed = Signal()
    shown_changed = Signal(int)
    changed = Signal(int, tuple)

    def __init__(self, viewer: ViewerModel) -> None:
        self.layers = ResultLayers(
            viewer,
            look=self.flush,
            ended=self.on_stroke_ended,
            stepped=self.on_stepped,
            commanded=self.command,
        )
        self.images: list[ImageSource] = []
        self.broken: list[BrokenImage] = []
        self.states: dict[int, ImageState] = {}
        self.index = 0
        self.generation = 0  # counts image lists, so that a late result of an earlier list is known as such
        self.blind: BlindList | None = None  # the blind reading that the list is of: then nothing tells of its images
        self.own_image = False  # whether the image layer was made here (files) or belongs to the user
        self._source_data: Any = None
        self._layer_size = PixelSize(None)  # what the image layer's scale said when it was looked at last
        viewer.layers.events.removing.connect(self._on_removing)
        viewer.layers.events.end_batch.connect(self._on_removing)
        # last: when everything of napari's own has let go of the layer
        viewer.layers.events.removed.connect(self._on_removed, position="last")
        # either event alone misses some changes of plane: planes between the slider's steps, or a stretched layer
        viewer.dims.events.current_step.connect(self._on_dims)
        viewer.dims.events.point.connect(self._on_dims)

    # ---- what the class map tells ------------------------------------------------------------------------

    @abstractmethod
    def flush(self) -> None:
        """Find what changed in the shown class map since the last time."""

    @abstractmethod
    def on_stroke_ended(self) -> None:
        """An edit of the class map is complete."""

    @abstractmethod
    def on_stepped(self, back: bool) -> None:
        """An edit of the class map was undone (True) or made again."""

    @abstractmethod
    def command(self, name: str) -> None:
        """A key of the class map was pressed."""

    # ---- what is shown ------------------------------------------------------------------------------------

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that this session belongs to."""
        return self.layers.viewer

    @property
    def image_layer(self) -> Image | None:
        """The layer of the shown image; None when there is none, or the user took it away."""
        return self.layers.image

    @property
    def classes_layer(self) -> ClassMap | None:
        """The layer of the class map, which the user paints."""
        return self.layers.classes

    @property
    def cells_layer(self) -> Labels | None:
        """The layer of the cell labels, which follow the class map."""
        return self.layers.cells

    @property
    def is_stack(self) -> bool:
        """Whether the list is the planes of one layer, which share one class-map layer (N, Y, X)."""
        return self.layers.planes > 0

    @property
    def state(self) -> ImageState | None:
        """What is known of the shown image; None before it is segmented."""
        return self.states.get(self.index)

    def _on_screen(self) -> int | None:
        """Position of the image on screen; None when the slider stands outside the stack."""
        if not self.is_stack or self.image_layer is None:
            return self.index
        return self.layers.plane_on_screen()

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
        size = pixel_size_of(layer)
        sources = sources_of(layer)
        self._leave()
        self.images, self.broken = sources, []
        self.layers.image, self.own_image = layer, False
        self.layers.planes = len(sources) if len(sources) > 1 else 0
        self._source_data, self._layer_size = layer.data, size
        self.index = min(max(self.layers.plane_at_slider(), 0), len(sources) - 1) if self.is_stack else 0
        self.images_changed.emit()

    def open_files(self, sources: Sequence[ImageSource | BrokenImage], *, blind: BlindList | None = None) -> None:
        """Work on files and show the first; ``blind`` is the blind reading that they are of.

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
        self.blind = blind
        self.own_image = True
        self._source_data = None
        self.images_changed.emit()
        self.show(0)

    def reopen(self) -> None:
        """Open the list anew, without what is known of its images: somebody else looks at them."""
        if self.own_image:
            self.open_files([*self.images, *self.broken])
        elif self.image_layer is not None:
            layer = self.image_layer
            self.close_list()
            self.open_layer(layer)

    def close_list(self) -> None:
        """Work on no images."""
        self._leave()
        self.images_changed.emit()

    def show(self, index: int) -> None:
        """Show an image of the list: a stack moves its slider, files change what the layers hold.

        Raises
        ------
        LeukocyteError
            When the file cannot be read any more; what is shown then stays.
        """
        if not self.own_image:
            if self.is_stack and self.image_layer is not None:
                self.layers.show_plane(index)
            return
        source = self.images[index]
        pixels = source.read()
        self.flush()
        if self.state is not None:
            self.state.forget_undo()  # as the layer does
        self.index = index
        self.layers.show(pixels, source, self.states, index)
        assert self.image_layer is not None  # it is shown
        self._layer_size = pixel_size_of(self.image_layer)
        self.viewer.reset_view()
        self.shown_changed.emit(index)

    def _leave(self) -> None:
        """Close the list; the layers of files leave the viewer with it.

        The user's own image stays, and so does its class map where it holds edits, as a layer of its own.
        """
        self.layers.remove(*self._close())

    def _close(self) -> list[Layer]:
        """Close the list; returns the layers that are left over of it, to be removed."""
        self.flush()
        self.leaving.emit()
        left = []
        if not self.own_image and any(state.edited for state in self.states.values()):
            left = self._aside()
        left += self.layers.forget(image=True) if self.own_image else self.layers.forget()
        self.images, self.broken, self.states = [], [], {}
        self.blind = None
        self.generation += 1
        self.layers.image, self.layers.planes = None, 0
        self.index = 0
        return left

    def _set_edits_aside(self) -> None:
        self.layers.remove(*self._aside())

    def _aside(self) -> list[Layer]:
        if self.classes_layer is None and self.image_layer is not None:
            self.layers.add(self.states, self.index)  # the user took the layer away, but not what was painted
        return self.layers.set_aside(self.images[self.index].name)

    def _forget_undo(self) -> None:
        for state in self.states.values():
            state.forget_undo()
        if self.classes_layer is not None:
            self.classes_layer.forget_undo()

    # ---- following the layers ---------------------------------------------------------------------------

    def _on_dims(self) -> None:
        if self.is_stack and self.image_layer in self.viewer.layers:
            plane = self._on_screen()
            if plane != self.index:
                self.flush()
                self._forget_undo()  # Ctrl+Z must not change a plane that is not on screen
                if plane is not None:  # else the slider is outside this stack, and the last plane stays the shown one
                    self.index = plane
                    self.flush()
                    self.shown_changed.emit(plane)

    def _follow_image(self, image: Image) -> None:
        """Adopt the scale and place of the image layer: overlays, areas and flags depend on them."""
        moved = self.layers.follow_image(image)
        self._on_dims()  # of a stretched stack, another plane may lie where the slider stands
        size = pixel_size_of(image)
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
                self.layers.describe(self.state)
        for i in indices:
            if i in self.states:
                rows, columns = self.states[i].classes.shape
                self.changed.emit(i, (0, rows, 0, columns))

    def _on_removing(self) -> None:
        make_current(self.viewer)

    def _on_removed(self, event: Any) -> None:
        """Let go of a layer that somebody took away; what lay over it goes when napari is done.

        Without the user's image the list is closed. A file's image, and a class map, come back when they are shown
        again: of those only the layer is gone.
        """
        layer = event.value
        if layer is self.image_layer and not self.own_image:
            self.layers.image = None
            self.layers.remove_later(*self._close())
            self.images_changed.emit()
        elif layer is self.image_layer or layer is self.classes_layer:
            self.flush()
            left = self.layers.forget(image=layer is self.image_layer)
            self.layers.remove_later(*(one for one in left if one is not layer))
            self.shown_changed.emit(self.index)
        elif layer is self.cells_layer:
            self.layers.cells = None
