"""Which image of the list is shown, and in which layers: of a file in the session's own, else in the user's. No Qt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.plugin.canvas.layers import covering, fit, follow_palette, look_at, overlap, pixel_size_of
from napari_leukocyte.plugin.canvas.result_layers import ResultLayers
from napari_leukocyte.plugin.image_state import ImageState
from napari_leukocyte.plugin.list_parts import Part, part_at
from napari_leukocyte.plugin.settings import get_settings, saved_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

__all__ = ["ShownImages"]


class ShownImages(ABC):
    """The image list as far as one of its images is shown: class map and labels are exchanged with it.

    Signals
    -------
    shown_changed(index)
        Another image of the list is shown, or a layer of the shown one was taken away.
    changed(index, bbox)
        The class map, labels or marks of an image changed within a bounding box; its measures are up to date.
    recoloured()
        The classes have other colours on screen.
    """

    shown_changed = Signal(int)
    changed = Signal(int, tuple)
    recoloured = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self.layers = ResultLayers(
            viewer,
            look=self.flush,
            ended=self.on_stroke_ended,
            stepped=self.on_stepped,
            commanded=self.command,
        )
        self.parts: list[Part] = []
        self.images: list[ImageSource] = []
        self.broken: list[BrokenImage] = []
        self.states: dict[int, ImageState] = {}
        self.index = 0
        self._palette = get_settings().palette
        saved = saved_settings()
        if saved is not None:
            saved.events.connect(self._follow_settings)
        self.generation = 0  # counts image lists, so that a late result of an earlier list is known as such
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
    def own_image(self) -> bool:
        """Whether the layer of the shown image is the session's own, as of a file; else it belongs to the user."""
        part = part_at(self.parts, self.index)
        return part is not None and part.layer is None

    @property
    def is_stack(self) -> bool:
        """Whether the shown image is a plane of a layer, whose planes share one class-map layer (N, Y, X)."""
        return self.layers.planes > 0

    @property
    def shown_together(self) -> range:
        """The images that the layers hold: the shown one, of a stack all planes."""
        part = part_at(self.parts, self.index)
        return part.indices if part is not None and self.is_stack else range(self.index, self.index + 1)

    @property
    def state(self) -> ImageState | None:
        """What is known of the shown image; None before it is segmented."""
        return self.states.get(self.index)

    def _on_screen(self) -> int | None:
        """Position of the image on screen; None when the slider stands outside the stack."""
        if not self.is_stack or self.image_layer is None:
            return self.index
        return self.layers.plane_on_screen()

    # ---- showing another ------------------------------------------------------------------------------------

    def show(self, index: int) -> None:
        """Show an image of the list: a stack moves its slider, other layers and files change what the layers hold.

        Raises
        ------
        LeukocyteError
            When the file cannot be read any more; what is shown then stays.
        """
        part, now = part_at(self.parts, index), part_at(self.parts, self.index)
        if part is None:
            return
        if part.layer is None:
            self._show_file(part, index)
        elif part is not now or self.image_layer is not part.layer:
            self._show_part(part, index)
        elif self.is_stack:
            self.layers.show_plane(index)

    def _show_file(self, part: Part, index: int) -> None:
        before, source = self.index, self.images[index]
        pixels = source.read()
        self._put_by()
        if not self.own_image:  # a layer of the user's is left
            self.layers.remove(*self.layers.forget())
            self.layers.image, self.layers.first, self.layers.planes = None, 0, 0
        self.index = index
        self.layers.show(pixels, source, self.states, index)
        assert self.image_layer is not None  # it is shown
        part.size = pixel_size_of(self.image_layer)
        self._uncover(self.image_layer)
        fit(self.viewer, self.image_layer)
        self.shown_changed.emit(index)
        self.let_rest(before)

    def _show_part(self, part: Part, index: int | None = None) -> None:
        """Show a layer of the user's; of a stack a plane, without ``index`` the one at the slider."""
        before = self.index
        another = self.image_layer is not None and self.image_layer is not part.layer
        self._put_by()
        own = self.image_layer if self.own_image else None
        self._enter(part, index)
        self.layers.show_layer(self.states, self.index)
        self.layers.remove(own)
        assert part.layer is not None  # callers see to it
        self._uncover(part.layer)
        if another:
            look_at(self.viewer, part.layer)
        if part.planes and index is not None:
            self.layers.show_plane(index)
        self.shown_changed.emit(self.index)
        self.let_rest(before)

    def _enter(self, part: Part, index: int | None = None) -> None:
        self.layers.image, self.layers.first, self.layers.planes = part.layer, part.first, part.planes
        if index is None:
            plane = self.layers.plane_at_slider() if part.planes else 0
            index = part.first + min(max(plane, 0), part.count - 1)
        self.index = index

    def _put_by(self) -> None:
        """See what was painted on the shown image, before another one is shown."""
        self.flush()
        if self.is_stack:
            self._forget_undo()
        elif self.state is not None:
            self.state.forget_undo()  # as the layer does

    def let_rest(self, index: int) -> None:
        """Compress the maps of an image that were asked for, unless it is the shown one."""
        if index != self.index and index in self.states:
            self.states[index].rest()

    def _uncover(self, layer: Image) -> None:
        """Let a layer be seen: others of the list that overlap it are hidden, and whatever image covers it."""
        layer.visible = True
        listed = [part.layer for part in self.parts if part.layer is not None]
        for other in {*listed, *covering(self.viewer, layer)} - {layer}:
            if overlap(other, layer):
                other.visible = False

    def _forget_undo(self) -> None:
        for state in self.states.values():
            state.forget_undo()
        if self.classes_layer is not None:
            self.classes_layer.forget_undo()

    # ---- following the layer --------------------------------------------------------------------------------

    def _on_dims(self) -> None:
        if self.is_stack and self.image_layer in self.viewer.layers:
            plane = self._on_screen()
            if plane != self.index:
                self.flush()
                self._forget_undo()  # Ctrl+Z must not change a plane that is not on screen
                if plane is not None:  # else the slider is outside this stack, and the last plane stays the shown one
                    before, self.index = self.index, plane
                    self.flush()
                    self.shown_changed.emit(plane)
                    self.let_rest(before)

    def _follow_settings(self) -> None:
        """Show the classes in the palette that the preferences have now."""
        palette = get_settings().palette
        if palette != self._palette:
            self._palette = palette
            follow_palette(self.viewer, palette)
            self.recoloured.emit()

    def _follow_image(self, image: Image) -> None:
        """Adopt the scale and place of the shown image's layer: overlays, areas and flags depend on them."""
        moved = self.layers.follow_image(image)
        self._on_dims()  # of a stretched stack, another plane may lie where the slider stands
        size, part = pixel_size_of(image), part_at(self.parts, self.index)
        if part is None or (not moved and size == part.size):
            return
        if size != part.size:
            part.size = size
            for i in self.shown_together:
                if i in self.states:
                    self.states[i].follow_source(self.images[i].pixel_size, size)
                self.images[i] = replace(self.images[i], pixel_size=size)
            if self.state is not None:
                self.layers.describe(self.state)
        for i in self.shown_together:
            if i in self.states:
                rows, columns = self.states[i].classes.shape
                self.changed.emit(i, (0, rows, 0, columns))
                self.let_rest(i)
