"""The Measure dock. Ten seconds of work: see an outlier in the table, click it, paint its outline, read its new CNR."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QPushButton, QSizePolicy, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.plugin.measure.withheld_note import WithheldNote, summary_text
from napari_leukocyte.plugin.parts.docks import Dock, footer, note, row, stack
from napari_leukocyte.plugin.parts.shared_height import SharedHeight

if TYPE_CHECKING:
    import napari

    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.core.exchange.formats import ExportFormat
    from napari_leukocyte.core.results.choices import Choices
    from napari_leukocyte.plugin.measure.columns import CellRow

__all__ = ["MeasureWidget"]

_ALL, _THIS, _GROUP = "All images", "This image", "Group "
_REST_MS = 150  # what sums up many cells waits until the hand rests


class MeasureWidget(Dock):
    """Table over the image list, card of the chosen cell, repairs, histogram, export."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        # imported here: the manifest names this module, and opening napari must not wait for scipy
        from napari_leukocyte.plugin.cnr_text import get_cnr_text
        from napari_leukocyte.plugin.measure.canvas_tools import CanvasTools
        from napari_leukocyte.plugin.measure.cell_table import CellTable
        from napari_leukocyte.plugin.parts.canvas_lines import CanvasLines
        from napari_leukocyte.plugin.session import get_session

        self.session = get_session(napari_viewer)
        self.viewer = self.session.viewer
        get_cnr_text(self.session)
        self._line = CanvasLines()
        self.table = CellTable()
        self.session.marked = self._selected
        self.tools = CanvasTools(self.session, self._line, self._selected)
        self._told = ""  # what was said last of the cells as they were then
        self._choices: Choices | None = None  # of the segmentation that came last, when rows were compared with it
        self._build()
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._sum_up)

        self.tools.armed.connect(self._lay_line)
        self.tools.said.connect(self._tell)
        self.listen(self.session.images_changed, self._on_images)
        self.listen(self.session.images_added, self._refresh)
        self.listen(self.session.renamed, self._on_renamed)
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
        from napari_leukocyte.plugin.measure.cell_card import CellCard
        from napari_leukocyte.plugin.measure.output import Output
        from napari_leukocyte.plugin.measure.repair_buttons import RepairButtons
        from napari_leukocyte.plugin.measure.study_window import StudyWindow
        from napari_leukocyte.plugin.measure.type_menu import TypeButton
        from napari_leukocyte.plugin.parts.histogram import Histogram
        from napari_leukocyte.plugin.settings import get_settings, remember

        self.scope = QComboBox()
        self.scope.addItems([_ALL, _THIS])
        self.scope.setToolTip("Which cells the table, the figures and the export hold")
        self.scope.currentTextChanged.connect(self._on_scope)
        self.output = Output(self.session, self._indices, say=self._say)
        self.study_button = QPushButton("Study …", clicked=self.open_study)
        self.study_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.study_button.setToolTip("Patients and groups: the summary by type and group, and the report")
        self.summary = note()
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.withheld = WithheldNote(self.session)
        self.problem = note()
        self.problem.setStyleSheet("font-weight: bold;")
        self.table.hide_columns(name.strip() for name in get_settings().hidden_columns.split(","))
        self.table.columns_chosen.connect(lambda hidden: remember(hidden_columns=", ".join(hidden)))
        self.table.cell_chosen.connect(self._on_row)
        self.table.setMinimumHeight(150)  # the head and a few rows
        self.card = CellCard()
        self.histogram = Histogram()
        self.gestures = GestureBar(self.session, self, self._tell)
        self.gestures.used.connect(self.focus_canvas)
        self.type_button = TypeButton(self.session, self._selected, say=self._tell)
        self.table.type_asked.connect(self.type_button.ask)
        self.repairs = RepairButtons(self.tools, self.type_button)
        self.repairs.pressed.connect(self._lay_line)
        self.repairs.used.connect(self.focus_canvas)
        self.repairs.asking.connect(self.bring_forward)  # a key may have asked, with another dock in front
        self.status = note()
        self.study = StudyWindow(self.session, self)
        self.study.groups.changed.connect(self._on_groups)

        below = QWidget()
        stack(below, self.card, self.gestures, self.repairs, self.status, self.histogram)
        stack(
            self,
            row(self.scope, self.output),
            self.output.question,
            self.problem,
            row(self.summary, self.study_button),
            self.withheld,
            SharedHeight(self.table, below),
            footer(),
        )
        self.layout().setStretch(5, 1)
        self.layout().setContentsMargins(10, 10, 10, 10)

    # ---- following the session --------------------------------------------------------------------------

    def _on_images(self) -> None:
        self._say("")
        self.study.follow_images()  # and so fill the table
        self._on_shown()

    def _on_renamed(self) -> None:
        self.study.follow_images()  # groups may go by names; fills the table, too
        self._show_card()

    def _on_shown(self) -> None:
        self._forget_told()
        self.repairs.question.withdraw()
        if self.scope.currentText() == _THIS:
            self.table.show_only([self.session.index])
        self._show_card()
        self._refresh()

    def _on_groups(self) -> None:
        """The study knows groups, or others: they are columns, and the table can show one of them."""
        wanted = self.scope.currentText()
        self.scope.blockSignals(True)
        while self.scope.count() > len((_ALL, _THIS)):
            self.scope.removeItem(self.scope.count() - 1)
        self.scope.addItems([f"{_GROUP}{group}" for group in self.study.groups.samples.groups if group])
        self.scope.setCurrentIndex(max(0, self.scope.findText(wanted)))
        self.scope.blockSignals(False)
        self._fill_all()
        self._on_scope()

    def _on_changed(self, index: int) -> None:
        from napari_leukocyte.core.results.choices import choices_of

        self._forget_told()  # of a repair itself it is said afterwards
        self.repairs.question.withdraw()
        if choices_of(self.session.last_made) == self._choices:
            self.table.cells.set_rows(index, self._rows(index))
        else:  # the others were segmented with other choices now
            self._fill_all()
        self.study.follow_cells()
        if self.session.selection is not None and self.session.selection[0] == index:
            self._show_card()
        self._refresh()

    def _fill_all(self) -> None:
        from napari_leukocyte.core.results.choices import choices_of

        self._choices = choices_of(self.session.last_made)
        self.table.cells.set_all({index: self._rows(index) for index in self.session.states})

    def _rows(self, index: int) -> list[CellRow]:
        from napari_leukocyte.core.results.choices import choices_of, made_otherwise
        from napari_leukocyte.plugin.measure.cell_table import CellRow

        label, state = self.session.images[index].label, self.session.states[index]
        otherwise = made_otherwise(choices_of(state.result.provenance), self._choices)
        sample, groups = self.study.groups.of(index), self.study.groups.samples.groups
        place = groups.index(sample.group) if sample.group in groups else 0
        study = sample.patient, sample.group, place
        return [CellRow(index, label, measure, state.range_factor, otherwise, *study) for measure in state.measures]

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
        self.repairs.setEnabled(self.session.state is not None)
        self.output.refresh()

    def _indices(self) -> list[int]:
        """Images that the scope asks for, of those that are measured."""
        shown = self._shown_images()
        return sorted(self.session.states if shown is None else self.session.states.keys() & set(shown))

    def _shown_images(self) -> list[int] | None:
        """Images that the scope asks for, measured or not; None: all."""
        scope = self.scope.currentText()
        if scope == _THIS:
            return [self.session.index]
        if scope == _ALL:
            return None
        of = self.study.groups.of
        return [index for index in range(len(self.session.images)) if f"{_GROUP}{of(index).group}" == scope]

    def _measures(self) -> list[CellMeasure]:
        return [measure for index in self._indices() for measure in self.session.states[index].measures]

    def _on_scope(self, _scope: str = "") -> None:
        self.table.show_only(self._shown_images())
        self._refresh()

    def _follow_theme(self) -> None:
        self.histogram.set_theme(self.viewer.theme)

    def _say(self, sentence: str) -> None:
        self.status.setText(sentence)

    def _tell(self, sentence: str) -> None:
        """Say something of the cells as they are now: it goes with the next change, and with the image."""
        self._told = sentence
        self._say(sentence)

    def _forget_told(self) -> None:
        if self._told and self.status.text() == self._told:
            self._say("")
        self._told = ""

    # ---- the chosen cell --------------------------------------------------------------------------------

    def _selected(self) -> list[tuple[int, int]]:
        """Image and number of each selected cell; rows that nobody sees stand for nothing but the chosen cell."""
        seen, chosen = not self.table.visibleRegion().isEmpty(), self.session.selection
        return [cell for cell in self.table.selected_cells() if seen or cell == chosen]

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
            self._tell(str(error))
        if self.session.classes_layer is not None:
            self.viewer.layers.selection.active = self.session.classes_layer

    def _on_selected(self, index: int, cell: int) -> None:
        self.table.select_cell(index, cell or None)
        self._show_card()
        self._rest.start()

    def _on_command(self, name: str) -> None:
        if name == "type":
            self.type_button.ask(self.canvas)

    def _lay_line(self) -> None:
        self._line.lay_over(self.canvas)

    def open_study(self) -> None:
        """Show the study of the list in a window of its own."""
        self.study.show()
        self.study.raise_()
        self.study.activateWindow()

    # ---- files ------------------------------------------------------------------------------------------

    def export(self, path: Path) -> None:
        """Write the cells that the scope asks for as CSV."""
        self.output.export(path)

    def save(self, folder: Path) -> None:
        """Write class maps, cell labels and the table of the whole list into a folder."""
        self.output.save(folder)

    def export_as(self, to: ExportFormat, folder: Path) -> None:
        """Write the results of the whole list in a format of other programs."""
        self.output.export_as(to, folder)

    def release(self) -> None:
        """Let the canvas go; what is being saved is saved to its end."""
        self.output.leave()
        self.study.leave()
        self.withheld.leave()
        self.tools.close()
        self.session.marked = list
        self.gestures.leave()
        if isalive(self._line):  # or it is gone with the canvas of a closed window
            self._line.lay_over(None)
