"""The Measure dock. Ten seconds of work: see an outlier in the table, click it, paint its outline, read its new CNR."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QFileDialog, QMenu, QPushButton, QSizePolicy, QSplitter, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.measure.withheld_note import WithheldNote, summary_text
from napari_leukocyte.plugin.parts.docks import Dock, footer, note, row, scrolling, stack
from napari_leukocyte.plugin.parts.question import Question

if TYPE_CHECKING:
    import napari

    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.core.exchange.formats import ExportFormat

__all__ = ["MeasureWidget"]

_ALL, _THIS = "All images", "This image"
_REST_MS = 150  # what sums up many cells waits until the hand rests


class MeasureWidget(Dock):
    """Table over the image list, card of the chosen cell, repairs, histogram, export."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        # imported here: the manifest names this module, and opening napari must not wait for scipy
        from napari_leukocyte.plugin.cnr_text import get_cnr_text
        from napari_leukocyte.plugin.measure.canvas_tools import CanvasTools
        from napari_leukocyte.plugin.parts.canvas_lines import CanvasLines
        from napari_leukocyte.plugin.session import get_session

        self.session = get_session(napari_viewer)
        self.viewer = self.session.viewer
        get_cnr_text(self.session)
        self.writer = Background("the export")
        self._saved: dict[Path, dict[str, str]] = {}  # hashes of the files that this dock wrote, by folder
        self._line = CanvasLines()
        self.tools = CanvasTools(self.session, self._line)
        self._told = ""  # what was said last of a repair
        self._build()
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._sum_up)

        self.tools.armed.connect(self._on_armed)
        self.tools.said.connect(self._on_tool)
        self.listen(self.session.images_changed, self._on_images)
        self.listen(self.session.images_added, self._refresh)
        self.listen(self.session.shown_changed, self._on_shown)
        self.listen(self.session.changed, self._on_changed)
        self.listen(self.session.selected, self._on_selected)
        self.listen(self.session.commanded, self._on_command)
        self.listen(self.viewer.layers.selection.events.active, self._refresh)
        self.listen(self.viewer.events.theme, self._follow_theme)
        self._follow_theme()
        self._on_images()
        self.cover_when_blind(self.session)

    # ---- building ---------------------------------------------------------------------------------------

    def _build(self) -> None:
        from napari_leukocyte.plugin.gestures.bar import GestureBar
        from napari_leukocyte.plugin.measure.canvas_tools import MARKS
        from napari_leukocyte.plugin.measure.cell_card import CellCard
        from napari_leukocyte.plugin.measure.cell_table import CellTable
        from napari_leukocyte.plugin.measure.export_menu import export_menu
        from napari_leukocyte.plugin.measure.study_window import StudyWindow
        from napari_leukocyte.plugin.measure.type_menu import TypeButton
        from napari_leukocyte.plugin.parts.histogram import Histogram

        self.scope = QComboBox()
        self.scope.addItems([_ALL, _THIS])
        self.scope.setToolTip("Which cells the table, the figures and the export hold")
        self.scope.currentTextChanged.connect(self._on_scope)
        self.export_button = QPushButton("CSV …", clicked=self._choose_csv)
        self.export_button.setToolTip("Write the table as CSV")
        self.programs_button = QPushButton("Export")
        self.programs_button.setToolTip("Write all images for QuPath, ImageJ, Cellpose, Excel and others")
        self.programs_button.setMenu(export_menu(self.programs_button, self._choose_export))
        for button in (self.export_button, self.programs_button):  # no wider than their words: a dock is narrow
            button.setStyleSheet("min-width: 0px; padding-left: 6px; padding-right: 6px;")
        self.save_button = QPushButton("Save all …", clicked=self._choose_folder)
        self.save_button.setToolTip("Class maps, cell labels and the table, into a folder")
        self.study_button = QPushButton("Study …", clicked=self.open_study)
        self.study_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.study_button.setToolTip("Patients and groups: the summary by type and group, and the report")
        self.question = Question()
        self.summary = note()
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.withheld = WithheldNote(self.session)
        self.problem = note()
        self.problem.setStyleSheet("font-weight: bold;")
        self.table = CellTable()
        self.table.cell_chosen.connect(self._on_row)
        self.table.clicked.connect(lambda: self.focus_canvas())  # but the arrow keys stay in the table
        self.table.setMinimumHeight(90)
        self.card = CellCard()
        self.histogram = Histogram()

        self.gestures = GestureBar(self.session, self, self._say)
        self.gestures.used.connect(self.focus_canvas)
        self.stroke_buttons = {
            name: self._tool_button(text, tip, name, checkable=True)
            for name, text, tip in (
                ("split", "Split", "Draw a line between two cells (Y)"),
                ("join", "Join", "Draw a line from one cell into the other, or select rows of one image first (J)"),
                ("split_off", "Split off", "Draw a line that cuts a platelet off; it becomes background (Shift+Y)"),
            )
        }
        self.fill_button = self._tool_button(
            "Fill hole", "Holes of the cell become cytoplasm; without one, its deepest indent (G)", "fill"
        )
        self.mark_button = QPushButton("Not a WBC")
        self.mark_button.setToolTip("Withhold the CNR of the selected cells and say why (R: next kind)")
        menu = QMenu(self.mark_button)
        for flag, words in MARKS.items():
            menu.addAction(words.capitalize(), lambda flag=flag: self._mark(flag))
        menu.addSeparator()
        menu.addAction("A white cell after all", lambda: self._mark(None))
        self.mark_button.setMenu(menu)
        self.type_button = TypeButton(self.session, self.table.selected_cells, say=self._say)
        self.table.type_asked.connect(self.type_button.ask)
        self.status = note()
        self.study = StudyWindow(self.session, self)

        below = QWidget()
        stack(
            below,
            self.card,
            self.gestures,
            row(*self.stroke_buttons.values()),
            row(self.fill_button, self.mark_button, self.type_button),
            self.status,
            self.histogram,
        )
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(scrolling(below))
        split.setChildrenCollapsible(False)
        split.setStretchFactor(0, 1)
        split.setSizes([below.sizeHint().height() // 2, below.sizeHint().height()])
        stack(
            self,
            row(self.scope, self.export_button, self.programs_button, self.save_button),
            self.question,
            self.problem,
            row(self.summary, self.study_button),
            self.withheld,
            split,
            footer(),
        )
        self.layout().setStretch(5, 1)
        self.layout().setContentsMargins(10, 10, 10, 10)
        self.setMinimumWidth(340)

    def _tool_button(self, text: str, tip: str, name: str, *, checkable: bool = False) -> QPushButton:
        button = QPushButton(text, checkable=checkable)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self._press(name))
        return button

    # ---- following the session --------------------------------------------------------------------------

    def _on_images(self) -> None:
        self.table.cells.clear()
        self.study.follow_images()
        for index in self.session.states:
            self._fill_rows(index)
        self._on_shown()

    def _on_shown(self) -> None:
        self._forget_told()
        if self.scope.currentText() == _THIS:
            self.table.show_only(self.session.index)
        self._show_card()
        self._refresh()

    def _on_changed(self, index: int) -> None:
        self._forget_told()  # of a repair itself it is said afterwards
        self._fill_rows(index)
        self.study.follow_cells()
        if self.session.selection is not None and self.session.selection[0] == index:
            self._show_card()
        self._refresh()

    def _fill_rows(self, index: int) -> None:
        from napari_leukocyte.plugin.measure.cell_table import CellRow

        label = self.session.images[index].label
        state = self.session.states[index]
        rows = [CellRow(index, label, measure, state.range_factor) for measure in state.measures]
        self.table.cells.set_rows(index, rows)

    def _refresh(self) -> None:
        self.problem.setText(self.session.problem())
        self.problem.setVisible(bool(self.problem.text()))
        self._rest.start()

    def _sum_up(self) -> None:
        measures = self._measures()
        chosen = self._chosen()
        self.histogram.set_values(
            [m.cnr for m in measures if not math.isnan(m.cnr)],
            None if chosen is None or math.isnan(chosen.cnr) else chosen.cnr,
        )
        self.summary.setText(summary_text(self.session, measures, of_all=self.scope.currentText() == _ALL))
        self.withheld.look(self._indices())
        self._show_buttons()

    def _show_buttons(self) -> None:
        for button in (*self.stroke_buttons.values(), self.fill_button, self.mark_button, self.type_button):
            button.setEnabled(self.session.state is not None)
        for button in (self.export_button, self.programs_button, self.save_button):
            button.setEnabled(bool(self.session.states) and not self.writer.running)

    def _indices(self) -> list[int]:
        """Images that the scope asks for, of those that are measured."""
        if self.scope.currentText() == _THIS:
            return [self.session.index] if self.session.state is not None else []
        return sorted(self.session.states)

    def _measures(self) -> list[CellMeasure]:
        return [measure for index in self._indices() for measure in self.session.states[index].measures]

    def _on_scope(self, scope: str) -> None:
        self.table.show_only(self.session.index if scope == _THIS else None)
        self._refresh()

    def _follow_theme(self) -> None:
        self.histogram.set_theme(self.viewer.theme)

    def _say(self, sentence: str) -> None:
        self.status.setText(sentence)

    def _on_tool(self, sentence: str) -> None:
        self._told = sentence
        self._say(sentence)

    def _forget_told(self) -> None:
        """Take back what was said of a repair: it may be undone, or of another image."""
        if self._told and self.status.text() == self._told:
            self._say("")
        self._told = ""

    # ---- the chosen cell --------------------------------------------------------------------------------

    def _chosen(self) -> CellMeasure | None:
        if self.session.selection is None:
            return None
        index, cell = self.session.selection
        state = self.session.states.get(index)
        return None if state is None else state.live.measure_of(cell)

    def _show_card(self) -> None:
        selection = self.session.selection
        if selection is None or selection[0] not in self.session.states:
            self.card.show_cell(None)
            return
        index = selection[0]
        self.card.show_cell(self._chosen(), self.session.images[index].label, self.session.states[index].range_factor)

    def _on_row(self, index: int, cell: int) -> None:
        try:
            self.session.go_to(index, cell)
        except LeukocyteError as error:
            self.status.setText(str(error))
        if self.session.classes_layer is not None:
            self.viewer.layers.selection.active = self.session.classes_layer

    def _on_selected(self, index: int, cell: int) -> None:
        self.table.select_cell(index, cell or None)
        self._show_card()
        self._rest.start()

    # ---- repairs ----------------------------------------------------------------------------------------

    def _press(self, name: str) -> None:
        self._line.lay_over(self.canvas)
        selected = [cell for index, cell in self.table.selected_cells() if index == self.session.index]
        if name == "join" and len(selected) > 1:
            self.stroke_buttons["join"].setChecked(False)
            self.tools.join(selected)
        else:
            self.tools.run(name)
        self.focus_canvas()

    def _mark(self, flag: Any) -> None:
        cells = [cell for index, cell in self.table.selected_cells() if index == self.session.index]
        self.tools.mark(cells, flag)
        self.focus_canvas()

    def _on_command(self, name: str) -> None:
        if name == "type":
            self.type_button.ask(self.canvas)

    def _on_armed(self, name: str) -> None:
        self._line.lay_over(self.canvas)
        for key, button in self.stroke_buttons.items():
            button.setChecked(key == name)

    def open_study(self) -> None:
        """Show the study of the list in a window of its own."""
        self.study.show()
        self.study.raise_()
        self.study.activateWindow()

    # ---- files ------------------------------------------------------------------------------------------

    def _choose_csv(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Table of cells", "cells.csv", "CSV (*.csv)")
        if path:
            self.export(Path(path))

    def export(self, path: Path) -> None:
        """Write the cells that the scope asks for as CSV."""
        from napari_leukocyte.plugin.measure.saving import snapshots, write_table

        images = snapshots(self.session, self._indices())
        self._write(lambda: f"{write_table(images, path)} cells are in {path}.")

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for class maps, cell labels and the table")
        if folder:
            self.save(Path(folder))

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write class maps, cell labels and the table of the whole list into a folder.

        What was corrected there by somebody else, or is not of this program, is asked about before it is replaced.
        """
        from napari_leukocyte.plugin.measure.saving import note_saved, save_results, snapshots

        images = snapshots(self.session, range(len(self.session.images)))
        own = self._saved.setdefault(folder.absolute(), {})
        self._write_into(
            folder,
            lambda: save_results(images, folder, trusted=own, overwrite=overwrite),
            lambda: self.save(folder, overwrite=True),
            lambda: note_saved(images),
        )

    def _choose_export(self, to: ExportFormat) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the export")
        if folder:
            self.export_as(to, Path(folder))

    def export_as(self, to: ExportFormat, folder: Path, *, overwrite: bool = False) -> None:
        """Write the results of the whole list in a format of other programs; asks before it replaces files."""
        from napari_leukocyte.plugin.measure.saving import export_as, snapshots

        images = snapshots(self.session, range(len(self.session.images)))
        self._write_into(
            folder,
            lambda: export_as(images, to, folder, overwrite=overwrite),
            lambda: self.export_as(to, folder, overwrite=True),
        )

    def _write_into(
        self,
        folder: Path,
        job: Callable[[], str],
        replace: Callable[[], None],
        written: Callable[[], None] = lambda: None,
    ) -> None:
        """Write into a folder in the background, and ask whether what is in the way may be replaced."""
        from napari_leukocyte.core.results.in_place import InTheWayError

        def write() -> str | InTheWayError:
            try:
                return job()
            except InTheWayError as error:
                return error

        def done(said: str | InTheWayError) -> None:
            self._on_written(str(said))
            if isinstance(said, InTheWayError):
                answers = {"Leave it": lambda: None, "Replace it": replace}
                self.question.ask(f"Replace {', '.join(said.names[:3])} in {folder.name}?", answers)
            else:
                written()

        self._write(write, done)

    def _write(self, job: Callable[[], Any], done: Callable[[Any], None] | None = None) -> None:
        """Write in the background; the sentence at the end says what, or why not."""
        self.question.withdraw()
        self._say("Saving …")
        self.writer.start(job, done=done or self._on_written, failed=self._on_written)
        self._show_buttons()

    def _on_written(self, sentence: str) -> None:
        self._show_buttons()
        self._say(sentence)

    def release(self) -> None:
        """Let the canvas go; what is being saved is saved to its end."""
        self.writer.leave()
        self.study.leave()
        self.withheld.leave()
        self.tools.close()
        self.gestures.leave()
        if isalive(self._line):  # or it is gone with the canvas of a closed window
            self._line.lay_over(None)
