"""The one place that knows the image list, what was found in it, and the layers that show it. No Qt.

A `Session` belongs to a viewer. It works on one image list at a time: open layers (single images, or stacks whose
planes are in the list) and files, of which one is shown at a time, with its results in the same few layers. It alone
listens to the class-map layer, keeps a copy of it, finds what changed once, and says so with one event; whatever shows
numbers subscribes to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_leukocyte.core.cells.boxes import Pixels, pixels_of
from napari_leukocyte.core.cells.live import Change, LiveCells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.plugin.canvas.layers import CLASSES, METADATA_KEY
from napari_leukocyte.plugin.chosen_cells import ChosenCells
from napari_leukocyte.plugin.image_state import ImageState, empty_segmentation
from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_leukocyte.core.cells.boxes import Box
    from napari_leukocyte.core.cells.flags import Flag
    from napari_leukocyte.core.results.segmentation import Segmentation
    from napari_leukocyte.core.training_set.training_set import TrainingSet
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap

__all__ = ["Session", "get_session"]

# what shows figures, the work of others, or what a network thinks: not for eyes that read blind
_NOT_BLIND = {"click_cell", "grow", "shrink", "next_doubtful", "next_cell", "truth", "difference"}

_KEPT = 10  # segmentations of an image that Ctrl+Z brings back with their labels and parameters


class Session(ChosenCells):
    """Image list, class maps, cell labels and measures of a viewer.

    Signals
    -------
    See `ChosenCells`, and:

    commanded(name)
        A key of the class-map layer, or a command of napari, asked for something (``class_map_layer.KEYS``); "blind":
        for something that a blind reading does not have.
    training_set_changed()
        Another training set is in use.
    masks_changed()
        Masks of the training set in use were accepted or revoked, or images excluded.
    model_changed()
        Another model of the user's is the one to segment with.
    """

    commanded = Signal(str)
    training_set_changed = Signal()
    masks_changed = Signal()
    model_changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.is_drafted: Callable[[int], bool] = lambda _index: False  # of an image: whether a draft holds its edits
        self.reader = ""  # who reads, as was said in this window; else the preferences know
        self.last_made: Mapping[str, str] = {}  # provenance of the segmentation that came last
        self.training_set: TrainingSet | None = None  # the one that all docks use
        self.model_path: Path | None = None  # the user's own model that was accepted last

    # ---- results ----------------------------------------------------------------------------------------

    def put(self, index: int, found: ImageState | Segmentation, *, keep_edits: bool = False) -> bool:
        """Take what was found in one image and show it if the image is on screen; returns whether it was taken.

        To make an `ImageState` measures all cells, so whoever works beside the window makes it there.
        Over the class map on screen it is one step that Ctrl+Z undoes. With ``keep_edits`` an edited map that is
        on screen stays as a layer of its own beside the new one, and any other edited map, or a plane of a stack, is
        left as it is.
        """
        old = self.states.get(index)
        if old is not None and old.edited and keep_edits:
            if index != self.index or self.is_stack:
                return False
            self._set_edits_aside()
        state = found if isinstance(found, ImageState) else ImageState(found)
        self.states[index], self.last_made = state, state.result.provenance
        if self.image_layer is not None and index in self.shown_together:
            if self.classes_layer is not None and np.shape(self.classes_layer.data) != self.layers.shape_for(state):
                self._set_edits_aside()  # somebody gave it data of another size
            if self.classes_layer is None:
                self.layers.add(self.states, self.index)
            else:
                if index == self._on_screen() and old is not None:
                    state.before, old.after = old, state
                    state.forget_steps_before(_KEPT)
                if self.layers.write(index, state, old):
                    self._forget_undo()
                self.layers.describe(state)
        rows, columns = state.live.maps[0].shape
        self.changed.emit(index, (0, rows, 0, columns))
        self.let_rest(index)
        return True

    def start_empty(self) -> None:
        """Give the shown image a class map without cells, to be worked on by hand."""
        source, default = self.images[self.index], get_settings().default_pixel_size
        size = source.pixel_size
        if size.um is None and default:
            size = PixelSize(default, "default for images that state none")
        self.put(self.index, empty_segmentation(source.shape, size))

    def edits_at_stake(self) -> int:
        """How many class maps of files hold edits that are kept nowhere: they go when the list goes.

        Those of the user's own layers stay as layers.
        """
        self.flush()
        files = [index for part in self.parts if part.layer is None for index in part.indices if index in self.states]
        if files:
            self.leaving.emit()
        return sum(self.states[index].at_stake for index in files if not self.is_drafted(index))

    def edited_images(self, indices: Sequence[int]) -> list[int]:
        """Those of ``indices`` whose class maps hold edits that a new segmentation would replace."""
        self.flush()
        return [i for i in indices if i in self.states and self.states[i].edited]

    # ---- following edits --------------------------------------------------------------------------------

    def flush(self) -> None:
        """Find what changed in the shown class map since the last time, and bring cells and measures up to date."""
        now = self._map_now()
        if now is not None and self.state is not None:
            self._announce(self.state.live.follow(now))

    def on_stroke_ended(self) -> None:
        """An edit of the class map is complete."""
        if self.state is not None:
            self.state.live.origin.end_stroke()

    def _map_now(self) -> NDArray[np.generic] | None:
        """The class map on screen; None when there is none, or it no longer has the image's size."""
        return None if self.state is None else self.layers.class_map(self.index, self.state.classes.shape)

    def problem(self) -> str:
        """One sentence about a class map that cannot be what it should be; empty when all is well."""
        if self.state is None:
            return ""
        if self.on_a_copy:
            name = self.viewer.layers.selection.active.name
            return f"{name} is a copy: what is painted on it changes no number. Choose {CLASSES} to go on."
        if self.classes_layer is None:
            return (
                "The class map was taken off the canvas: its numbers are the last ones. Segment makes it anew, and "
                "asks before edits go."
            )
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

    @property
    def on_a_copy(self) -> bool:
        """Whether the chosen layer is a duplicate of the class map or the labels, which nothing follows."""
        active = self.viewer.layers.selection.active
        ours = (self.classes_layer, self.cells_layer)
        return active is not None and active not in ours and METADATA_KEY in active.metadata and self.state is not None

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
            pixel = self.layers.pixels((np.zeros(1, np.intp), np.zeros(1, np.intp)), self.index)
            value = int(layer.data[pixel][0])
            with layer.block_history():
                layer.data_setitem(pixel, value ^ 1, refresh=False)
                layer.data_setitem(pixel, value, refresh=False)
            self._announce(change)

    def edit_labels_of(self, index: int, edit: Callable[[LiveCells], Change | None]) -> None:
        """Change labels or marks of any image of the list; of the one that is shown as `edit_labels` does.

        Raises
        ------
        LeukocyteError
            When there is no class map, or the edit cannot be made.
        """
        if index == self._on_screen() and self.classes_layer is not None:
            self.edit_labels(edit)
            return
        state = self.states.get(index)
        if state is None:
            raise LeukocyteError("There is no class map yet: press Segment first.")
        change = edit(state.live)
        if change is not None:
            rows, columns = change.box
            self.changed.emit(index, (rows.start, rows.stop, columns.start, columns.stop))
            self.let_rest(index)

    def edit_map(self, edit: Callable[[LiveCells], Pixels], value: int) -> None:
        """Set pixels of the shown class map to a class, as one step that Ctrl+Z undoes.

        Raises
        ------
        LeukocyteError
            When there is no class map, or the edit cannot be made.
        """
        layer, state = self._editable()
        layer.data_setitem(self.layers.pixels(edit(state.live), self.index), value)

    def take_over(
        self,
        box: Box,
        classes: NDArray[np.uint8],
        labels: NDArray[np.int32],
        *,
        marks: Mapping[int, Flag] | None = None,
    ) -> None:
        """Take over what a gesture gave: a part of the shown class map with its labels (``LiveCells.take_over``).

        It is one step that Ctrl+Z undoes.

        Raises
        ------
        LeukocyteError
            When there is no class map.
        """
        # A gesture must cost the same on a large image: the layer tells of every edit, so the map is not searched here.
        layer, state = self._editable(flush=False)
        changed = state.classes[box] != classes
        if changed.any():
            with self.layers.unwatched():
                layer.data_setitem(self.layers.pixels(pixels_of(changed, box), self.index), classes[changed])
            self._announce(state.live.take_over(box, classes, labels, marks=marks))
        elif marks is not None:
            self.edit_labels(lambda live: live.set_marks(marks))

    def _editable(self, *, flush: bool = True) -> tuple[ClassMap, ImageState]:
        if flush:
            self.flush()
        if self.classes_layer is None or self.state is None:
            raise LeukocyteError("There is no class map yet: press Segment first.")
        if self._on_screen() is None:
            raise LeukocyteError("The slider stands outside this stack: move it to the plane that you want to edit.")
        return self.classes_layer, self.state

    def _announce(self, change: Change | None) -> None:
        if change is not None:
            assert self.state is not None  # it is what changed
            self.layers.write_cells(self.index, self.state, change.box)
            rows, columns = change.box
            self.changed.emit(self.index, (rows.start, rows.stop, columns.start, columns.stop))

    def command(self, name: str) -> None:
        """Do what a key of the class map stands for (``class_map_layer.KEYS``), or let a dock do it."""
        if self.blind is not None and name in _NOT_BLIND:
            name = "blind"
        if name == "outlines":
            self.layers.toggle_outlines()
        elif name in ("nucleus", "cytoplasm"):
            self.take_brush(name)
        self.commanded.emit(name)

    def take_brush(self, name: str) -> None:
        """Take up napari's brush in the colour of a class, or the eraser: nucleus, cytoplasm or background."""
        if self.state is not None:
            self.layers.take_brush(name, binary=self.state.result.binary)

    def on_stepped(self, back: bool) -> None:
        """An edit of the class map, or a segmentation, was undone (True) or made again."""
        now, state = self._map_now(), self.state
        if now is None or state is None:
            return
        other = state.before if back else state.after
        if other is not None and np.array_equal(other.classes, now):  # the segmentation itself was undone
            self.states[self.index] = other
            self.layers.write_cells(self.index, other)
            self.changed.emit(self.index, (0, now.shape[0], 0, now.shape[1]))
        else:
            self._announce(state.live.follow_undo(now, back=back))

    # ---- the training set -------------------------------------------------------------------------------

    def use_training_set(self, training_set: TrainingSet) -> None:
        """Correct into a training set from now on, and train on it; what was painted goes into the one before."""
        self.leaving.emit()
        self.training_set = training_set
        self.training_set_changed.emit()

    def use_model(self, path: Path) -> None:
        """Segment with a model of the user's from now on."""
        self.model_path = path
        self.model_changed.emit()


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
