"""Labels of another tool, open as layers, become the class map of their image; how they are read can be changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.label_layers import list_layers, own_labels
from napari_leukocyte.plugin.parts.docks import row, stack
from napari_leukocyte.plugin.parts.read_as import ReadAsChoice

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_leukocyte.core.imaging.image_list import ImageSource
    from napari_leukocyte.core.imaging.mask_reading import ReadAs
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["TakeLabels"]


class TakeLabels(QWidget):  # type: ignore[misc]
    """Which layer, which nuclei, and a button; there only while labels are open that are not the plugin's own.

    Parameters
    ----------
    image
        Returns the image that the labels are of; None: there is none.
    say
        Takes the sentence on what came of it.
    """

    def __init__(self, session: Session, image: Callable[[], Image | None], say: Callable[[str], None]) -> None:
        super().__init__()
        self._session, self._image, self._say = session, image, say
        self._reader = Background("the reading of the labels")
        self.cells = QComboBox()
        self.cells.setToolTip("Labels of another tool: classes 0, 1, 2, or a number for each cell")
        self.nuclei = QComboBox()
        self.nuclei.setToolTip("A second layer with a number for each nucleus, if there is one")
        self.button = QPushButton("Use them")
        self.button.setToolTip("Measure and correct these labels in place of a segmentation")
        self.button.clicked.connect(lambda: self.take())
        self.read_as = ReadAsChoice()
        self.read_as.chosen.connect(self.take)
        for combo in (self.cells, self.nuclei):
            combo.activated.connect(lambda _: self.read_as.forget())
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(6)
        which, inside = row(QLabel("Labels"), self.cells, self.button), row(QLabel("their nuclei"), self.nuclei)
        for line in (which, inside):
            line.layout().setStretch(1, 1)
        stack(self, self.read_as, which, inside)
        self.refresh()

    def refresh(self) -> None:
        """List the layers that are open now."""
        layers = own_labels(self._session)
        self.setVisible(bool(layers))
        list_layers(self.cells, layers)
        list_layers(self.nuclei, layers, nothing="none")

    def take(self) -> None:
        """Make the chosen labels the class map of their image; edits that are there stay."""
        try:
            self._take()
        except LeukocyteError as error:
            self._say(str(error))

    def _take(self) -> None:
        session, layer, nuclei = self._session, self.cells.currentData(), self.nuclei.currentData()
        image = self._image()
        if self._reader.running:
            return
        if layer is None or image is None:
            raise LeukocyteError("Open the image that the labels are of first.")
        session.open_layer(image)
        indices, generation = session.shown_together, session.generation
        if session.edited_images(indices):
            raise LeukocyteError("The class map of this image has edits, which stay: accept or save them first.")
        sources, read_as = [session.images[index] for index in indices], self.read_as.read_as
        planes, inside = _planes(layer, len(indices)), _planes(nuclei, len(indices))
        name = layer.name  # of the window's thread
        self._say(f"Reading {name} …")

        def done(read: _Read) -> None:
            if read.others:
                self.read_as.offer(read.others)
            elif session.generation == generation:
                for index, state in zip(indices, read.states, strict=True):
                    session.put(index, state)
                for one in (layer, nuclei):
                    if one is not None:
                        one.visible = False  # the class map lies in its place
                self.read_as.setVisible(nuclei is None)  # how it was read can be changed
            self._say(read.said)

        self._reader.start(lambda: _read(sources, planes, inside, name, read_as), done=done, failed=self._say)

    def leave(self) -> None:
        """Read no further: the dock is about to go."""
        self._reader.leave()


@dataclass(frozen=True)
class _Read:
    """What came of labels: measured cells by place, or the readings that they may have instead, and a sentence."""

    said: str
    states: tuple[ImageState, ...] = ()
    others: tuple[str, ...] = ()


def _planes(layer: Labels | None, count: int) -> list[NDArray[np.generic] | None]:
    """The planes (Y, X) of a layer."""
    if layer is None:
        return [None] * count
    data = np.asarray(layer.data)
    planes: list[NDArray[np.generic] | None] = list(data) if data.ndim == 3 else [data]
    if len(planes) != count or data.ndim > 3:
        raise LeukocyteError(f'The layer "{layer.name}" has {counted(len(planes), "plane")}, and the image {count}.')
    return planes


def _read(
    sources: Sequence[ImageSource],
    planes: Sequence[NDArray[np.generic] | None],
    nuclei: Sequence[NDArray[np.generic] | None],
    name: str,
    read_as: ReadAs,
) -> _Read:
    """Read labels, beside the window."""
    from napari_leukocyte.core.exchange.label_layers import maps_of_labels, segmentation_of_labels
    from napari_leukocyte.core.imaging.mask_reading import DoubtfulMaskError
    from napari_leukocyte.plugin.image_state import ImageState  # loads scipy

    states, notes, readings = [], dict[str, None](), dict[str, None]()
    for source, plane, inside in zip(sources, planes, nuclei, strict=True):
        assert plane is not None  # a layer is chosen
        size = source.pixel_size.for_areas
        try:
            maps = maps_of_labels(plane, inside, name=f'The layer "{name}"', pixel_size=size, read_as=read_as)
        except DoubtfulMaskError as error:
            return _Read(f"{error.doubt} Choose above how it is to be read.", others=error.others)
        states.append(ImageState(segmentation_of_labels(maps, source, name, {})))
        notes |= dict.fromkeys(maps.notes)
        readings[maps.reading] = None
    cells = sum(len(state.measures) for state in states)
    said = f"{name}: {counted(cells, 'cell')}, read as {'; '.join(readings)}."
    return _Read(said + "".join(f" Note: {note}." for note in notes), tuple(states))
