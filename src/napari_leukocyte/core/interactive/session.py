"""Gestures on one image: the network stays loaded, and each gesture costs one look through a window around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.boxes import Box, box_of, in_plane, joined, within
from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_same_shape
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize, check_typed
from napari_leukocyte.core.imaging.planes import get_plane
from napari_leukocyte.core.interactive.compose import Discs, compose, most_common
from napari_leukocyte.core.interactive.encode import INPUTS, map_channels, stroke_channels
from napari_leukocyte.core.interactive.stroke import Stroke, class_under, covered

if TYPE_CHECKING:  # torch loads with the network
    from napari_leukocyte.core.segmentation.predictor import Predictor

__all__ = ["ASSUMED", "Change", "GestureSession", "load_gesture_model"]

ASSUMED = PixelSize(0.1, "assumed: a 100x objective", estimated=True)
"""What is taken where no pixel size is known."""

_WINDOW = 160  # px at the working resolution, 27 um: as in training
_LARGEST = 2.25  # windows: 60 um
_MARGIN_UM = 2.0  # around a cell, at least


@dataclass(frozen=True)
class Change:
    """What a gesture leads to.

    Attributes
    ----------
    box
        Rows and columns of the window; beyond it nothing changes.
    classes, cells
        Its new class map, uint8, and cell labels, int32.
    cell
        Number of the cell that was touched, new ones too; 0: none is there (any more).
    """

    box: Box
    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    cell: int


def load_gesture_model(model: str | Path | None = None, *, device: str = "auto") -> "Predictor":
    """Load a network that follows gestures: a weight file, or the shipped one.

    Raises
    ------
    LeukocyteError
        When the file is damaged, or its model segments and follows no gestures.
    """
    from napari_leukocyte.core.model.weights import GESTURE_MODEL
    from napari_leukocyte.core.segmentation.predictor import Predictor

    return Predictor(GESTURE_MODEL if model is None else model, device=device, inputs=INPUTS)


class GestureSession:
    """Gestures on one image, with the network loaded.

    Parameters
    ----------
    image
        One plane: (Y, X) or (Y, X, 1, 3 or 4), of any ordinary type; it is read window by window.
    pixel_size
        um per px, 0.01 to 2; None: 0.1 um, and `notes` say so.
    model
        What `load_gesture_model` returned, a weight file, or None: the shipped network.
    rgb
        Whether the last axis holds colours; None: found from the shape.
    binary
        The map knows cells only, no nuclei.
    device
        Where a model that is loaded here runs: auto, cuda, mps or cpu.

    Raises
    ------
    LeukocyteError
        When it is no image, the pixel size is none, or the model follows no gestures.
    """

    def __init__(
        self,
        image: Any,
        *,
        pixel_size: float | PixelSize | None = None,
        model: "Predictor | str | Path | None" = None,
        rgb: bool | None = None,
        binary: bool = False,
        device: str = "auto",
    ) -> None:
        self.conversion = find_conversion(image, rgb=rgb)
        self.plane = get_plane(np.asarray(image) if not hasattr(image, "shape") else image, 0, rgb=rgb)
        known = pixel_size if isinstance(pixel_size, PixelSize) else PixelSize(pixel_size, "given")
        self.pixel_size = ASSUMED if known.um is None else known
        check_typed(self.um)
        if model is None or isinstance(model, str | Path):
            model = load_gesture_model(model, device=device)
        self.network = model
        self.binary = binary

    @property
    def um(self) -> float:
        """The pixel size in use, um per px."""
        assert self.pixel_size.um is not None
        return self.pixel_size.um

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        return int(self.plane.shape[0]), int(self.plane.shape[1])

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know."""
        notes = (*self.conversion.notes, *self.network.notes)
        return (*notes, f"pixel size {self.pixel_size}") if self.pixel_size.estimated else notes

    def refine(
        self, classes: npt.ArrayLike, strokes: Sequence[Stroke], *, cells: npt.ArrayLike | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Follow gestures on a whole map; what is handed over is not changed.

        Parameters
        ----------
        classes
            The map as it is now, (Y, X): 0 background, 1 cytoplasm, 2 nucleus; binary: 0, 1.
        strokes
            The gestures since the map was last accepted, in order. The last is followed; an earlier one only where
            the map does not say yet what it says, else it tells the network what is known.
        cells
            Its cell labels, (Y, X); None: found from the map.

        Returns
        -------
        classes, cells
            The new map and its labels: cells that were not touched keep their pixels and numbers, a new cell gets the
            next number.

        Raises
        ------
        LeukocyteError
            No map of this image; no labels of it; a gesture outside the image or larger than a cell.
        """
        now = check_class_map(classes, binary=self.binary)
        labels = label_cells(now, pixel_size=self.um) if cells is None else check_cell_labels(cells)
        self._check_sizes(now, labels)
        if bool(((labels > 0) != (now > 0)).any()):
            raise LeukocyteError("The cell labels and the class map do not cover the same pixels: label the map anew.")
        strokes = list(strokes)
        new_cell = int(labels.max()) + 1
        for i, stroke in enumerate(strokes):
            if i < len(strokes) - 1 and self._is_followed(now, stroke):
                continue
            change = self.follow(now, labels, stroke, strokes[:i], new_cell=new_cell)
            now[change.box], labels[change.box] = change.classes, change.cells
            new_cell = max(new_cell, change.cell + 1)
        return now, labels

    def _is_followed(self, classes: NDArray[np.uint8], stroke: Stroke) -> bool:
        """Whether the map says already what a gesture says."""
        box = self._window(self._extent(stroke), _LARGEST)
        under = classes[box][self._discs(stroke, box).covered]
        wanted = under > 0 if stroke.kind == "cell" else under == class_under(stroke.kind, binary=self.binary)
        return bool(wanted.all())

    def _check_sizes(self, classes: NDArray[np.uint8], cells: NDArray[np.int32] | None) -> None:
        check_same_shape(classes.shape, self.shape, names=("The class map", "the image"))
        if cells is not None:
            check_same_shape(cells.shape, self.shape, names=("The cell-label map", "the image"))

    def follow(
        self,
        classes: NDArray[np.uint8],
        cells: NDArray[np.int32] | None,
        stroke: Stroke,
        before: Sequence[Stroke] = (),
        *,
        new_cell: int | None = None,
    ) -> Change:
        """Follow one gesture; nothing that is handed over is changed.

        Parameters
        ----------
        classes
            The present map (Y, X), 0 background, 1 cytoplasm, 2 nucleus; binary: 0, 1.
        cells
            Its cell labels; None: found around the gesture.
        before
            The gestures that the map follows already, in order; their discs keep their class in the cell touched.
        new_cell
            Number for a cell that was not there; None: one more than the highest, for which all labels are read.

        Raises
        ------
        LeukocyteError
            When the map is of another size than the image, or the gesture lies outside it or spans over 40 um.
        """
        self._check_sizes(classes, cells)
        extent = self._extent(stroke)
        area = self._window(extent, _LARGEST)
        near = classes[area]
        labels = label_cells(near, pixel_size=self.um) if cells is None else np.asarray(cells[area], np.int32)
        line = covered(stroke.line - _corner(area), 0, near.shape)
        under = most_common(labels, line)
        if under:
            extent = joined(extent, _place_of(under, labels, area))
        if new_cell is None:
            new_cell = 1 + int(labels.max(initial=0) if cells is None else cells.max(initial=0))
        for _ in range(2):
            box = _moved_into(self._window(extent), area)
            inner = within(box, area)
            change = self._in_window(box, near[inner], labels[inner], stroke, before, new_cell)
            cut = self._cut(change, box)
            if cut is None:
                break
            extent = joined(extent, cut)  # the cell reaches out of the window: look again, around all of it
        return change

    def _extent(self, stroke: Stroke) -> Box:
        """Rows and columns that a gesture spans."""
        low, high = np.floor(stroke.line.min(axis=0) + 0.5), np.floor(stroke.line.max(axis=0) + 0.5)
        if (high < 0).any() or (low >= self.shape).any():
            raise LeukocyteError("The gesture lies outside the image: make it on a cell.")
        if (high - low).max() * self.um > 40:
            raise LeukocyteError(
                f"The gesture spans {(high - low).max() * self.um:.0f} um, more than any cell: make one for each cell."
            )
        return slice(int(low[0]), int(high[0]) + 1), slice(int(low[1]), int(high[1]) + 1)

    def _window(self, extent: Box, size: float = 1.0) -> Box:
        """A window around an extent, inside the image where that is large enough; at most `_LARGEST`."""
        side = _WINDOW * self.network.pixel_size / self.um
        slices = []
        for part, length in zip(extent, self.shape, strict=True):
            wanted = max(side * size, part.stop - part.start + 2 * _MARGIN_UM / self.um)
            wanted = min(round(min(wanted, side * _LARGEST)), length)
            start = min(max(round((part.start + part.stop - wanted) / 2), 0), length - wanted)
            slices.append(slice(start, start + wanted))
        return slices[0], slices[1]

    def _in_window(
        self,
        box: Box,
        classes: NDArray[np.uint8],
        cells: NDArray[np.int32],
        stroke: Stroke,
        before: Sequence[Stroke],
        new_cell: int,
    ) -> Change:
        gesture = self._discs(stroke, box)
        earlier = [self._discs(own, box) for own in before]
        new, owners = compose(
            classes,
            cells,
            self._ask(box, classes, [*before, stroke]),
            gesture,
            earlier,
            new_cell=new_cell,
            binary=self.binary,
            pixel_size=self.um,
            unprompted=None if stroke.kind == "cell" else self._ask(box, classes, before),
        )
        return Change(box, new, owners, most_common(owners, gesture.line))

    def _ask(self, box: Box, classes: NDArray[np.uint8], strokes: Sequence[Stroke]) -> NDArray[np.float32]:
        """What the network says of a window with this map and these gestures: (3, Y, X), summing to 1."""
        shape = classes.shape
        image = np.moveaxis(self.conversion(self.plane[box]), -1, 0)
        present = map_channels(classes, binary=self.binary)
        scale = self.um / self.network.pixel_size
        working = (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
        discs = stroke_channels(strokes, _corner(box), shape, pixel_size=self.um)
        window = np.moveaxis(np.concatenate([image, present, discs]), 0, -1)
        return self.network([window], working, shape)[0]

    def likelihood(
        self, classes: NDArray[np.uint8], cells: NDArray[np.int32], cell: int, extent: Box
    ) -> tuple[Box, NDArray[np.float32]]:
        """What the network says of a cell that the map has, asked as if it had it not yet, by one click on it.

        Parameters
        ----------
        classes, cells
            The present map (Y, X) and its cell labels.
        cell, extent
            Number of the cell, and the rows and columns that it spans.

        Returns
        -------
        box, probabilities
            A window around the cell, and (3, Y, X) of it, summing to 1.
        """
        box = self._window(extent)
        own = cells[box] == cell
        without = np.where(own, 0, classes[box]).astype(np.uint8)
        nucleus = own & (classes[box] == 2)
        depth = ndimage.distance_transform_edt(np.pad(nucleus if nucleus.any() else own, 1))[1:-1, 1:-1]
        innermost = np.unravel_index(int(depth.argmax()), own.shape)
        click = Stroke("cell", np.array(innermost, np.float64) + _corner(box))
        return box, self._ask(box, without, [click])

    def _discs(self, stroke: Stroke, box: Box) -> Discs:
        shape = (box[0].stop - box[0].start, box[1].stop - box[1].start)
        line = stroke.line - _corner(box)
        return Discs(stroke.kind, covered(line, stroke.radius, shape), covered(line, 0, shape), stroke.is_click)

    def _cut(self, change: Change, box: Box) -> Box | None:
        """Where the touched cell lies, if it reaches a side of the window that is no side of the image."""
        if not change.cell:
            return None
        own = _place_of(change.cell, change.cells, box)
        for part, side, length in zip(own, box, self.shape, strict=True):
            if (part.start == side.start > 0) or (part.stop == side.stop < length):
                return own
        return None


def _corner(box: Box) -> tuple[int, int]:
    return box[0].start, box[1].start


def _moved_into(box: Box, area: Box) -> Box:
    """The box where it lies in an area that is at least as large."""
    starts = (min(max(b.start, a.start), a.stop - (b.stop - b.start)) for b, a in zip(box, area, strict=True))
    rows, columns = (slice(start, start + b.stop - b.start) for start, b in zip(starts, box, strict=True))
    return rows, columns


def _place_of(number: int, labels: NDArray[np.int32], area: Box) -> Box:
    """Rows and columns of the plane that a number spans which the labels of an area hold."""
    box = box_of(labels == number)
    assert box is not None
    return in_plane(box, area)
