"""The images that are worked on: open layers, stacks and files; which one is shown, and in which layers. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.plugin.canvas.after_event import after_event
from napari_leukocyte.plugin.canvas.gl_context import make_current
from napari_leukocyte.plugin.canvas.layers import pixel_size_of, sources_of
from napari_leukocyte.plugin.list_parts import Part, kept_of, part_at, part_of, without
from napari_leukocyte.plugin.shown_images import ShownImages

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_leukocyte.core.training_set.blind_set import BlindList

__all__ = ["OpenImages"]


class OpenImages(ShownImages):
    """One image list at a time: open layers, each an image or a stack, and files in a layer of the session's own.

    A layer that is opened while there are results joins the list behind the others. One image is shown at a time, and
    class map and labels are exchanged with it.

    Signals
    -------
    leaving()
        The image list with what was painted on it, or the training set, is about to go, or the user is asked whether
        the list may.
    images_changed()
        Another image list was opened, images went out of it, or there is none any more.
    images_added(first)
        The list has further images from this place on; what was in it is as it was.
    renamed(indices)
        The layer of these images has another name.
    """

    leaving = Signal()
    images_changed = Signal()
    images_added = Signal(int)
    renamed = Signal(range)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.blind: BlindList | None = None  # the blind reading that the list is of: then nothing tells of its images
        viewer.layers.events.removing.connect(self._on_removing)
        viewer.layers.events.end_batch.connect(self._on_removing)
        viewer.layers.events.renamed.connect(self._on_renamed)
        # last: when everything of napari's own has let go of the layer
        viewer.layers.events.removed.connect(self._on_removed, position="last")

    # ---- the list ---------------------------------------------------------------------------------------

    def open_layer(self, layer: Image) -> None:
        """Work on an open layer; a stack's planes become images of the list.

        It joins the list where that has results, else it becomes the list. If it is in it already, it is shown, and a
        scale or place that it was given since is taken over.

        Raises
        ------
        LeukocyteError
            When the layer is multiscale, or its axes have no single reading.
        """
        part = part_of(self.parts, layer)
        if self.is_in_list(layer) or (self.own_image and layer is self.image_layer):
            if part is not None and (part is not part_at(self.parts, self.index) or self.image_layer is not layer):
                self._show_part(part)
            self._follow_image(layer)
            return
        self._join([_read(layer)])
        self._show_part(self.parts[-1])

    def open_layers(self, layers: Sequence[Image]) -> None:
        """Make open layers one list, behind what has results already; those that cannot be read are `broken`.

        Raises
        ------
        LeukocyteError
            When none of them can be read.
        """
        read, broken = [], []
        for layer in layers:
            if not self.states or not self.is_in_list(layer):
                try:
                    read.append(_read(layer))
                except LeukocyteError as error:
                    broken.append(BrokenImage(layer.name, Path(layer.name), str(error)))
        if broken and not read and not self.states:
            raise LeukocyteError(broken[0].reason)
        if read:
            self._join(read)
            self._show_part(self.parts[-len(read)])
        self.broken += broken

    def is_in_list(self, layer: Image) -> bool:
        """Whether the list has a layer with the pixels that it had when it was opened."""
        part = part_of(self.parts, layer)
        return part is not None and layer.data is part.data

    def _join(self, read: Sequence[tuple[Image, PixelSize, list[ImageSource]]], *, behind: bool | None = None) -> None:
        """Put layers ``behind`` the list, or in its place; None: behind it where it has results and is no blind one."""
        for layer, _, _ in read:
            if (part := part_of(self.parts, layer)) is not None:  # it was given other pixels
                self._drop(part)
        fresh = not behind if behind is not None else not self.states or self.blind is not None
        if fresh:
            self._leave()
        first = len(self.images)
        for layer, size, sources in read:
            self.parts.append(Part(layer, len(self.images), len(sources), layer.data, size, layer.name))
            name = self._free_name(self.parts[-1])
            self.images += [replace(source, name=name) for source in sources]
        if fresh:
            self._enter(self.parts[0])
            self.images_changed.emit()
        else:
            self.images_added.emit(first)

    def _free_name(self, part: Part) -> str:
        """What tables call the images of a layer: by its name, and no other image by the same."""
        name, others = part.called, {image.name for i, image in enumerate(self.images) if i not in part.indices}
        while name in others:  # as of a file
            name += " (2)"
        return name

    def open_files(self, sources: Sequence[ImageSource | BrokenImage], *, blind: BlindList | None = None) -> None:
        """Work on files, in place of the list so far, and show the first; ``blind``: the blind reading they are of.

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
        self.parts = [Part(None, 0, len(images))]
        self.images_changed.emit()
        self.show(0)

    def reopen(self) -> None:
        """Open the list anew, without what is known of its images: somebody else looks at them."""
        layers = [part.layer for part in self.parts if part.layer is not None]
        files = [self.images[i] for part in self.parts if part.layer is None for i in part.indices]
        if files:
            self.open_files([*files, *self.broken])
        else:
            self.close_list()
        read = [_read(layer) for layer in layers]
        if read:
            self._join(read, behind=bool(files))
            if not files:
                self._show_part(self.parts[0])

    def close_list(self) -> None:
        """Work on no images."""
        self._leave()
        self.images_changed.emit()

    def _leave(self) -> None:
        """Close the list; the layer of files leaves the viewer with it.

        The user's own images stay, and so do their class maps where they hold edits, as layers of their own.
        """
        shown = part_at(self.parts, self.index)
        self.flush()
        for part in self.parts:
            if part is not shown:
                self._keep_aside(part)
        self.layers.remove(*self._close())

    def _close(self) -> list[Layer]:
        """Close the list; returns the layers that are left over of it, to be removed."""
        self.flush()
        self.leaving.emit()
        left = self._let_go()
        self.parts, self.images, self.broken, self.states = [], [], [], {}
        self.blind = None
        self.generation += 1
        self.layers.image, self.layers.first, self.layers.planes = None, 0, 0
        self.index = 0
        return left

    def _let_go(self) -> list[Layer]:
        """Let go of what shows the shown image; returns the layers that are left over of it."""
        left: list[Layer] = []
        own = self.own_image
        if not own and any(self.states[i].edited for i in self.shown_together if i in self.states):
            left = self._aside()
        return left + self.layers.forget(image=own)

    def _drop(self, part: Part) -> None:
        """Take the images of a layer out of the list; its class map stays as a layer of its own where it has edits."""
        if len(self.parts) == 1:
            self.layers.remove(*self._close())
            self.images_changed.emit()
            return
        self.flush()
        self.leaving.emit()
        shown = part is part_at(self.parts, self.index)
        if shown:
            self.layers.image = None  # napari may be taking it out: nothing is laid over it any more
            self.layers.remove_later(*self._let_go())
            self.layers.first = self.layers.planes = 0
        else:
            self._keep_aside(part)
        self.images[part.first : part.first + part.count] = []
        self.states = kept_of(self.states, part)
        self.index = min(part.first, len(self.images) - 1) if shown else self.index
        self.index -= part.count if self.index >= part.first and not shown else 0
        self.parts = without(self.parts, part)
        now = part_at(self.parts, self.index)
        if not shown and now is not None:
            self.layers.first = now.first if now.layer is not None else 0
        self.generation += 1
        self.images_changed.emit()
        if shown:
            after_event(self.viewer, self._show_again)

    def _show_again(self) -> None:
        if self.image_layer is None and self.images:
            self.show(self.index)

    def _keep_aside(self, part: Part) -> None:
        """Leave an edited class map that is not on screen to the user, as a hidden layer of its own."""
        if part.layer is None or not any(self.states[i].edited for i in part.indices if i in self.states):
            return
        image, name = part.layer, self.images[part.first].name
        states = {index - part.first: self.states[index] for index in part.indices if index in self.states}

        def add() -> None:
            if len(self.viewer.layers):  # else the user has taken everything away
                self.layers.add_aside(image, states, part.planes, name)

        after_event(self.viewer, add)

    def _set_edits_aside(self) -> None:
        self.layers.remove(*self._aside())

    def _aside(self) -> list[Layer]:
        if self.classes_layer is None and self.image_layer is not None:
            self.layers.add(self.states, self.index)  # the user took the layer away, but not what was painted
        return self.layers.set_aside(self.images[self.index].name)

    # ---- following the layers ---------------------------------------------------------------------------

    def _on_removing(self) -> None:
        make_current(self.viewer)

    def _on_renamed(self) -> None:
        """Call the images of a layer by the name that it was given."""
        for part in self.parts:
            if part.layer is not None and part.layer.name != part.called:
                part.called = part.layer.name
                name = self._free_name(part)
                for index in part.indices:
                    self.images[index] = replace(self.images[index], name=name)
                self.renamed.emit(part.indices)

    def _on_removed(self, event: Any) -> None:
        """Let go of a layer that somebody took away; what lay over it goes when napari is done.

        Without the user's image the list is closed. A file's image, and a class map, come back when they are shown
        again: of those only the layer is gone.
        """
        layer = event.value
        part = part_of(self.parts, layer)
        if part is not None and len(self.parts) > 1:
            self._drop(part)
        elif part is not None:
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


def _read(layer: Image) -> tuple[Image, PixelSize, list[ImageSource]]:
    """A layer, its pixel size and its images."""
    if layer.multiscale:
        raise LeukocyteError(
            f"{layer.name} is multiscale, which napari cannot edit: segment a region, or use the command line."
        )
    return layer, pixel_size_of(layer), sources_of(layer)
