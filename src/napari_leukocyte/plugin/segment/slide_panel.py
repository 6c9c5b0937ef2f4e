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
from napari_leukocyte.core.files import real_path
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.canvas.layers import pixel_size_of
from napari_leukocyte.plugin.parts.colour_key import ColourKey
from napari_leukocyte.plugin.parts.docks import bring_into_view, note, row, stack
from napari_leukocyte.plugin.segment.region import add_region, needs_region
from napari_leukocyte.plugin.segment.slide_corrections import RegionWriter
from napari_leukocyte.plugin.segment.slide_job import SlideJob, as_sentences
from napari_leukocyte.plugin.segment.slide_table import SlideTable
from napari_leukocyte.plugin.slide_layers import SLIDE_KEY, add_slide, slide_from_layer

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_leukocyte.core.cells.boxes import Box
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters
    from napari_leukocyte.core.slides.found import FoundOnSlide
    from napari_leukocyte.core.slides.merging import Maps2
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["SlidePanel"]

_READ_WHOLE = "napari has read all of it into memory; Open slide …, or a drop on this dock, reads what is in view"
_MAP_OPACITY = 0.35
_AROUND_UM = 60.0  # of the slide, each way, that a row of the table brings up


class SlidePanel(QWidget):  # type: ignore[misc]
    """Hidden while the chosen image is no slide.

    Parameters
    ----------
    session
        Regions of the slide become its images.
    parameters
        Returns what the form of the dock says.
    choose
        Makes a layer the image that the form is about.
    """

    def __init__(
        self, session: Session, parameters: Callable[[], SegmentParameters], choose: Callable[[Image], None]
    ) -> None:
        super().__init__()
        self._session, self._parameters, self._choose = session, parameters, choose
        self._slide: Image | None = None
        self._found: FoundOnSlide | None = None
        self._of: Image | None = None  # the slide that was searched
        self._reader = Background("the reading of the region")
        self._wanted = -1  # the row that was chosen last
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
        self.film_key = ColourKey()  # of the film that lies over the slide
        self.table = SlideTable()
        self.writer = RegionWriter(session)
        self.write_button = QPushButton("Write corrections into the results", clicked=self.write)
        self.write_button.setToolTip(
            "What was corrected in regions changes the slide's label maps and its table; cells that a region cuts "
            "stay as they are"
        )
        buttons = row(self.find_button, self.cancel_button)
        stack(self, buttons, self.whole_film, self.bar, self.status, self.film_key, self.table, self.write_button)
        self.layout().setStretchFactor(self.table, 1)
        for hidden in (self.bar, self.cancel_button, self.table, self.write_button):
            hidden.hide()
        self.job.progress.connect(self._on_progress)
        self.job.said.connect(self._on_said)
        self.job.ended.connect(self._on_ended)
        self.table.chosen.connect(self._on_row)
        self.writer.written.connect(self._on_written)
        self.writer.ended.connect(self._on_all_written)
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

    def choose_slide(self) -> str:
        """Ask for a slide, and open it as a layer; returns what went wrong."""
        path, _ = QFileDialog.getOpenFileName(self, "Whole slide")
        return self.open(Path(path)) if path else ""

    def open(self, path: Path) -> str:
        """Open a slide as a layer, which is read as it is looked at; returns what went wrong."""
        try:
            self._choose(add_slide(self._session.viewer, path))
        except LeukocyteError as error:
            return str(error)
        return ""

    def reopen(self, found: FoundOnSlide) -> str:
        """Show results that were saved, over their slide, which is opened unless it is; returns what went wrong."""
        layers = self._session.viewer.layers
        try:
            path = found.find_slide()
            self._spare_corrections(found.folder)
            names = {one: one.metadata.get(SLIDE_KEY) for one in layers}
            there = [one for one, name in names.items() if name and real_path(name) == real_path(path)]
            layer = there[0] if there else add_slide(self._session.viewer, path)
        except LeukocyteError as error:
            return str(error)
        self._choose(layer)
        self._say_how_coarse()  # what stood there was of another search
        self._of = layer
        self._show(found)
        return ""

    def _spare_corrections(self, folder: Path) -> None:
        """Refuse to go over to other results while regions of these have corrections that are not written."""
        if self._found is not None and folder != self._found.folder and (left := self.writer.unwritten()):
            regions = counted(len(left), "region")
            then = "they are being written" if self.writer.running else "write them first, or take the layers away"
            raise LeukocyteError(
                f"Corrections of {regions} of {self._found.image.image.label} are not in its results yet: {then}."
            )

    def write(self) -> None:
        """Write what was corrected in regions into the results."""
        assert self._found is not None  # the button stands below its table
        if self.writer.running:
            return
        try:
            self.writer.start(self._found)
        except LeukocyteError as error:
            self.status.setText(str(error))
            return
        self.write_button.setEnabled(False)

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
            folder = Path(out) / slide_stem(slide.name)
            try:
                self._spare_corrections(folder)
                self.job.start(slide, folder, parameters)
            except LeukocyteError:
                slide.close()
                raise
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
        self._reader.leave()
        self.writer.leave()

    # ---- the search ---------------------------------------------------------------------------------------

    def _say_how_coarse(self) -> None:
        from napari_leukocyte.core.slides.coarse import coarse_note

        assert self._slide is not None
        um = pixel_size_of(self._slide).um
        coarse = "" if um is None else coarse_note(um)
        whole = "" if self._slide.multiscale or not self._slide.source.path else _READ_WHOLE
        self.status.setText(as_sentences([coarse, whole]))

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
        if found is not None:
            self._show(found)

    def _show(self, found: FoundOnSlide) -> None:
        """The table of the cells, and the film over the slide."""
        if self._found is None or found.image != self._found.image:
            self.writer.regions.clear()
        self._found = found
        self.table.show_cells(found.rows)
        self.table.show()
        self.write_button.show()
        bring_into_view(self.table)
        room = self.parentWidget().layout()
        room.setStretchFactor(self, 10)  # the table takes what is left of the dock
        if self._of is not None and self._of in self._session.viewer.layers:
            self._show_map(self._of, found)

    def _show_map(self, layer: Image, found: FoundOnSlide) -> None:
        """The map that decided, over the slide."""
        from napari_leukocyte.core.slides.map_picture import film_key, place_colours

        self.film_key.show_entries(film_key(found.places, whole_film=found.whole_film))
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

    # ---- corrections ---------------------------------------------------------------------------------------

    def _on_written(self, found: FoundOnSlide) -> None:
        """The table has what was corrected."""
        self._found = found
        self.table.renew(found.rows)

    def _on_all_written(self, sentence: str) -> None:
        self.write_button.setEnabled(True)
        self.status.setText(sentence)

    # ---- one cell -----------------------------------------------------------------------------------------

    def _on_row(self, number: int) -> None:
        """Bring the cell's region at full resolution, as an image that can be corrected."""
        self._wanted = number
        if self._reader.running:
            return  # its end comes back to what is wanted then
        session, layer = self._session, self._of
        if layer is None or layer not in session.viewer.layers:
            self.status.setText("The slide is closed: open it again to see its cells.")
            return
        assert self._found is not None  # the table shows it
        row = self._found.rows[number]
        cell, box = int(row["cell"]), self._found.region_around(float(row["y"]), float(row["x"]), _AROUND_UM)
        region = self.writer.of(session.image_layer)
        here = cell if region is None else region.here(cell)
        if region is not None and self._holds(here):
            session.go_to(session.index, here, close=True)
        else:
            self._read(number, layer, box, cell)

    def _holds(self, cell: int) -> bool:
        """Whether the region on screen has the whole of a cell."""
        state = self._session.state
        measure = None if state is None else state.live.measure_of(cell)
        return measure is not None and Flag.CUT_BY_EDGE not in measure.flags

    def _read(self, number: int, layer: Image, box: Box, cell: int) -> None:
        """Read and measure what was found in a part of the slide, and then open it."""
        found = self._found
        assert found is not None

        def done(read: tuple[ImageState, Maps2]) -> None:
            if self._wanted != number:
                self._on_row(self._wanted)
            elif self._found is found and layer in self._session.viewer.layers:
                self._open(layer, box, cell, *read)

        def failed(sentence: str) -> None:
            self.status.setText(sentence)
            if self._wanted != number:
                self._on_row(self._wanted)

        self._reader.start(lambda: _measured(found, box), done=done, failed=failed)

    def _open(self, layer: Image, box: Box, cell: int, state: ImageState, seen: Maps2) -> None:
        """Make a part of the slide the image that is worked on, with what was found in it."""
        session = self._session
        try:
            before = self.writer.of(session.image_layer)
            session.flush()
            untouched = before is not None and session.state is not None and not session.state.at_stake
            region = add_region(session.viewer, layer, box)
            listed = session.is_in_list(region)
            session.open_layer(region)
            if not listed or session.state is None:
                self.writer.add(region, box, seen)
                session.put(session.index, state)
            if (
                untouched
                and before is not None
                and before.layer is not region
                and before.layer in session.viewer.layers
            ):
                session.viewer.layers.remove(before.layer)  # it makes room
            known = self.writer.of(region)
            session.go_to(session.index, cell if known is None else known.here(cell), close=True)
        except LeukocyteError as error:
            self.status.setText(str(error))


def _measured(found: FoundOnSlide, box: Box) -> tuple[ImageState, Maps2]:
    """What was found in a part of a slide, its cells measured, and its maps."""
    from napari_leukocyte.plugin.image_state import ImageState  # loads scipy

    result = found.segmentation(box)
    return ImageState(result), (result.classes, result.cells)


def _size_of(layer: Image) -> tuple[int, int]:
    """Rows and columns of the finest level."""
    height, width = (layer.data[0] if layer.multiscale else layer.data).shape[:2]
    return int(height), int(width)
