"""The part of the Segment dock that is about whole slides: find their cells, and go to one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFileDialog, QProgressBar, QPushButton, QWidget

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.canvas.layers import pixel_size_of
from napari_leukocyte.plugin.parts.docks import note, row, stack
from napari_leukocyte.plugin.segment.region import add_region, needs_region
from napari_leukocyte.plugin.segment.slide_job import FoundOnSlide, SlideJob, as_sentences
from napari_leukocyte.plugin.segment.slide_table import SlideTable
from napari_leukocyte.plugin.slide_layers import slide_from_layer

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_leukocyte.core.segmentation.parameters import SegmentParameters
    from napari_leukocyte.plugin.session import Session

__all__ = ["SlidePanel"]

_MAP_OPACITY = 0.35


class SlidePanel(QWidget):  # type: ignore[misc]
    """Hidden while the chosen image is no slide.

    Parameters
    ----------
    session
        Regions of the slide become its images.
    parameters
        Returns what the form of the dock says.
    """

    def __init__(self, session: Session, parameters: Callable[[], SegmentParameters]) -> None:
        super().__init__()
        self._session, self._parameters = session, parameters
        self._slide: Image | None = None
        self._found: FoundOnSlide | None = None
        self._of: Image | None = None  # the slide that was searched
        self._region: Image | None = None  # the part of it that was brought up last
        self.job = SlideJob()
        self.find_button = QPushButton("Find cells on the slide …", clicked=self.find)
        self.find_button.setToolTip(
            "Look the slide over, then find and measure all cells that lie in a single layer and in focus"
        )
        self.cancel_button = QPushButton("Cancel", clicked=self.job.cancel)
        self.whole_film = QCheckBox("Also thick film and out of focus")
        self.bar = QProgressBar()
        self.status = note()
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = SlideTable()
        buttons = row(self.find_button, self.cancel_button)
        stack(self, buttons, self.whole_film, self.bar, self.status, self.table)
        for hidden in (self.bar, self.cancel_button, self.table):
            hidden.hide()
        self.job.progress.connect(self._on_progress)
        self.job.said.connect(self._on_said)
        self.job.ended.connect(self._on_ended)
        self.table.chosen.connect(self._on_row)
        self.hide()

    def follow(self, layer: Image | None) -> None:
        """Another image is chosen: show what there is to do with a slide."""
        if layer is not None and layer.ndim == 2 and needs_region(layer):
            if layer is not self._slide:
                self._slide = layer
                self._say_how_coarse()
            self.show()
        elif self._found is None and not self.job.running:  # the table stays while its regions are worked on
            self._slide = None
            self.hide()

    def find(self) -> None:
        """Ask for a folder, and search the slide."""
        layer = self._slide
        if layer is None:
            return
        out = QFileDialog.getExistingDirectory(self, f"Folder for the results of {layer.name}")
        if not out:
            return
        from napari_leukocyte.core.slides.opening import slide_stem
        from napari_leukocyte.core.slides.run import SlideParameters

        try:
            parameters = SlideParameters(segment=self._parameters(), whole_film=self.whole_film.isChecked())
            slide = slide_from_layer(layer)
            self.job.start(slide, Path(out) / slide_stem(slide.name), parameters)
        except LeukocyteError as error:
            self.status.setText(str(error))
            return
        self._of = layer
        self.find_button.setEnabled(False)
        self.cancel_button.show()
        self.bar.show()

    def leave(self) -> None:
        """Stop the search, and report nothing more."""
        self.job.leave()

    # ---- the search ---------------------------------------------------------------------------------------

    def _say_how_coarse(self) -> None:
        from napari_leukocyte.core.slides.coarse import coarse_note

        assert self._slide is not None
        um = pixel_size_of(self._slide).um
        coarse = "" if um is None else coarse_note(um)
        self.status.setText(as_sentences([coarse]))

    def _on_said(self, sentence: str) -> None:
        self.status.setText(sentence)

    def _on_progress(self, done: int, total: int, text: str) -> None:
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self.bar.setFormat(text)

    def _on_ended(self, sentence: str, found: FoundOnSlide | None) -> None:
        self.bar.hide()
        self.cancel_button.hide()
        self.find_button.setEnabled(True)
        self.status.setText(sentence)
        if found is None:
            return
        self._found = found
        self.table.show_cells(found.rows)
        self.table.show()
        if self._of is not None and self._of in self._session.viewer.layers:
            self._show_map(self._of, found)

    def _show_map(self, layer: Image, found: FoundOnSlide) -> None:
        """The map that decided, over the slide."""
        from napari_leukocyte.core.slides.map_picture import place_colours

        picture = place_colours(found.places)
        patch = np.array(_size_of(layer)) / picture.shape[:2]
        # the middle of a patch's first pixel lies in the middle of the patch
        corner = layer.affine.inverse(layer.data_to_world((patch - 1) / 2))
        name = f"{layer.name}: film"
        viewer = self._session.viewer
        if name in viewer.layers:
            viewer.layers[name].data = picture
            return
        viewer.add_image(
            picture,
            name=name,
            rgb=True,
            opacity=_MAP_OPACITY,
            scale=np.array(layer.scale) * patch,
            translate=corner,
            rotate=layer.rotate,
            shear=layer.shear,
            affine=layer.affine.affine_matrix,
            units=layer.units,
        )
        viewer.layers.selection.active = layer

    # ---- one cell -----------------------------------------------------------------------------------------

    def _on_row(self, number: int) -> None:
        """Bring the cell's region at full resolution, as an image that can be corrected."""
        session, layer = self._session, self._of
        if layer is None or layer not in session.viewer.layers:
            self.status.setText("The slide is closed: open it again to see its cells.")
            return
        assert self._found is not None  # the table shows it
        cell, box = int(self._found.rows[number]["cell"]), self._found.region_of(number, _size_of(layer))
        if session.image_layer is self._region is not None and self._holds(cell):
            session.go_to(session.index, cell, close=True)
        else:
            self._open(layer, box, cell)

    def _holds(self, cell: int) -> bool:
        """Whether the region on screen has the whole of a cell."""
        state = self._session.state
        measure = None if state is None else state.live.measure_of(cell)
        return measure is not None and Flag.CUT_BY_EDGE not in measure.flags

    def _open(self, layer: Image, box: tuple[slice, slice], cell: int) -> None:
        """Make a part of the slide the image that is worked on, with what was found in it."""
        session, before, found = self._session, self._region, self._found
        assert found is not None
        try:
            result = found.segmentation(box)
            untouched = session.image_layer is before and session.state is not None and not session.state.edited
            region = add_region(session.viewer, layer, box)
            listed = session.is_in_list(region)
            session.open_layer(region)
            self._region = region
            if not listed or session.state is None:
                session.put(session.index, result)
            if untouched and before is not region and before in session.viewer.layers:
                session.viewer.layers.remove(before)  # it makes room
            session.go_to(session.index, cell, close=True)
        except LeukocyteError as error:
            self.status.setText(str(error))


def _size_of(layer: Image) -> tuple[int, int]:
    """Rows and columns of the finest level."""
    height, width = (layer.data[0] if layer.multiscale else layer.data).shape[:2]
    return int(height), int(width)
