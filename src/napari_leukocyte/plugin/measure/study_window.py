"""The study of the image list: who belongs to which group, the summary by type and group, and the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, QUrl
from qtpy.QtGui import QDesktopServices, QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.study.report.wording import group_name, interval, p_value, quartiles, ratio
from napari_leukocyte.core.study.study import Study, study_of
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.measure.study_groups import StudyGroups
from napari_leukocyte.plugin.parts.docks import footer, note, row, stack

if TYPE_CHECKING:
    from napari_leukocyte.plugin.session import Session

__all__ = ["StudyWindow"]

_NONE, _FOLDERS, _NAMES, _SHEET = "One group", "From folders", "From names", "Sample sheet …"
_PATTERN = "{group}/{patient}_{slide}"
_REST_MS = 500  # a summary of thousands of cells waits until the hand rests
_SUMMARY = ("Type", "Group", "Patients", "Cells", "CNR", "quartiles", "no CNR")
_WORDS = 2  # columns of either table that hold words; the others hold figures
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_FIGURE_PX = 64  # at least, of a column
_COMPARISONS = ("Type", "Groups", "Patients", "Ratio of CNR", "95 % interval", "p by Holm")


class StudyWindow(QWidget):  # type: ignore[misc]
    """A window of its own, beside the Measure dock; it follows the cells while it is open.

    Parameters
    ----------
    session
        The image list.
    parent
        The dock; the window goes with it.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("Study")
        self._session = session
        self.groups = StudyGroups(session)
        self.study: Study | None = None
        self._work = Background("the summary")
        self._writing = Background("the report")
        self._again = False
        self._how = _NONE  # what was chosen last
        self._report: Path | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._sum_up)
        self._build()

    def _build(self) -> None:
        self.how = QComboBox()
        self.how.addItems([_NONE, _FOLDERS, _NAMES, _SHEET])
        self.how.setToolTip("What tells the patient and the group of an image")
        self.how.textActivated.connect(self._choose)
        self.pattern = QLineEdit(_PATTERN)
        self.pattern.setToolTip(
            "How folders and names are built, from the end, without the extension; * stands for anything. Enter: apply"
        )
        self.pattern.returnPressed.connect(lambda: self.group_by(self.pattern.text().strip()))
        self.pattern.hide()
        self.said = note()
        self.summary = _table(_SUMMARY)
        self.comparisons = _table(_COMPARISONS)
        self.warnings = note()
        choice = row(QLabel("Groups"), self.how, self.pattern)
        choice.layout().setStretch(1, 1)
        choice.layout().setStretch(2, 1)
        self.report_button = QPushButton("Report …", clicked=self._choose_folder)
        self.report_button.setToolTip("Write the page with plots, methods and warnings, and the tables behind it")
        self.open_button = QPushButton("Open the report", clicked=self._open)
        self.open_button.setEnabled(False)
        self.status = note()
        stack(
            self,
            choice,
            self.said,
            self.summary,
            self.comparisons,
            self.warnings,
            row(self.report_button, self.open_button),
            self.status,
            footer(),
        )
        layout = self.layout()
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setStretch(2, 2)
        layout.setStretch(3, 1)
        self.resize(720, 560)

    # ---- groups -----------------------------------------------------------------------------------------

    def _choose(self, how: str) -> None:
        self.pattern.setVisible(how == _NAMES)
        if how == _SHEET:
            path, _ = QFileDialog.getOpenFileName(self, "Sample sheet", "", "Tables (*.csv *.tsv *.txt)")
            if not path:  # the groups are those of before, and so the choice says
                self.how.setCurrentText(self._how)
                self.pattern.setVisible(self._how == _NAMES)
                return
            self._how = how
            self.group_by(path)
        else:
            self._how = how
            self.group_by({_NONE: None, _FOLDERS: "folder", _NAMES: self.pattern.text().strip()}[how])

    def group_by(self, how: str | None) -> None:
        """Group the images, as ``core.study.samples.group_images`` takes it, and sum up anew."""
        try:
            self.groups.group_by(how)
        except LeukocyteError as error:
            self.said.setText(str(error))
            return
        self._say_groups()
        self._sum_up()

    def follow_images(self) -> None:
        """Group another image list in the same way; where that does not fit, not at all."""
        try:
            self.groups.group_by(self.groups.how)
        except LeukocyteError as error:
            self.groups.group_by(None)
            self._how = _NONE
            self.how.setCurrentText(_NONE)
            self.pattern.hide()
            self.said.setText(f"{error} They are one group now.")
        else:
            self._say_groups()
        self.follow_cells()

    def _say_groups(self) -> None:
        samples = self.groups.samples
        named = [group for group in samples.groups if group]
        patients = {(one.group, one.patient) for one in samples.of.values() if one.patient}
        text = f"{counted(len(samples.of), 'image')}"
        if self.groups.how is not None:
            names = f"{', '.join(named[:8])}{', …' if len(named) > 8 else ''}"
            text += f": {counted(len(named), 'group')} ({names})" if named else ": no groups"
            text += f", {counted(len(patients), 'patient')}"
        if samples.left_out:
            text += f". Left out, for {samples.how} do not fit: {', '.join(samples.left_out[:5])}"
            text += f" and {len(samples.left_out) - 5} more" if len(samples.left_out) > 5 else ""
        if samples.unused:
            text += f". Listed, and not among the images: {', '.join(samples.unused[:5])}"
        self.said.setText(f"{text}.")

    # ---- the summary ------------------------------------------------------------------------------------

    def follow_cells(self) -> None:
        """Sum up anew, once the hand rests; only while the window is open."""
        if self.isVisible():
            self._rest.start()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().showEvent(event)
        self.follow_images()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802, D102  (Qt's name)
        super().hideEvent(event)
        self._rest.stop()

    def _sum_up(self) -> None:
        if self._work.running:
            self._again = True
            return
        cells, samples = self.groups.cells(), self.groups.samples
        self.report_button.setEnabled(bool(cells) and not self._writing.running)
        if not cells:
            self.study = None
            self._show(None)
            self.status.setText("Nothing measured yet: press Segment in the Segment dock.")
            return
        self._work.start(lambda: study_of(cells, samples), done=self._summed_up, failed=self.status.setText)

    def _summed_up(self, study: Study) -> None:
        self.study = study
        if self.status.text().startswith("Nothing measured"):
            self.status.setText("")
        self._show(study)
        if self._again:
            self._again = False
            self._sum_up()

    def _show(self, study: Study | None) -> None:
        _fill(self.summary, [] if study is None else summary_lines(study))
        lines = [] if study is None else comparison_lines(study)
        _fill(self.comparisons, lines)
        self.comparisons.setVisible(bool(lines))
        warnings = [] if study is None else study.warnings
        self.warnings.setText("\n".join(f"• {sentence}" for sentence in warnings))
        self.warnings.setVisible(bool(warnings))

    # ---- the report -------------------------------------------------------------------------------------

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the report and its tables")
        if folder:
            self.write(Path(folder))

    def write(self, folder: Path) -> None:
        """Write the report on the cells as they are now."""
        cells, samples = self.groups.cells(), self.groups.samples
        self.report_button.setEnabled(False)
        self.status.setText("Writing …")
        self._writing.start(
            lambda: _write_study(study_of(cells, samples), folder), done=self._written, failed=self._not_written
        )

    def _written(self, files: Sequence[Path]) -> None:
        self._report = files[0]
        self.report_button.setEnabled(True)
        self.open_button.setEnabled(True)
        self.status.setText(f"{files[0]}, and {counted(len(files) - 1, 'table')} beside it.")

    def _not_written(self, sentence: str) -> None:
        self.report_button.setEnabled(True)
        self.status.setText(sentence)

    def _open(self) -> None:
        if self._report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._report.absolute())))

    def leave(self) -> None:
        """The dock goes: report nothing more."""
        self._rest.stop()
        self._work.leave()
        self._writing.leave()
        self.close()


def summary_lines(study: Study) -> list[list[str]]:
    """A line for each type and group: patients, cells with a CNR, its median and quartiles, cells without one."""
    of_cnr = {(one.kind, one.group): one for one in study.summary if one.quantity.key == "cnr"}
    lines = []
    for (kind, group), cells in study.parted.items():
        one = of_cnr.get((kind, group))
        patients = len({cell.patient for cell in cells if cell.sample.patient})
        q1, median, q3 = ("–", "–", "–") if one is None else one.texts()
        lines.append(
            [
                kind,
                group_name(group, len(study.groups)),
                str(patients) if patients else "–",
                str(len(cells)),
                median,
                quartiles(q1, q3),
                str(sum(math.isnan(cell.cell.measure.cnr) for cell in cells)),
            ]
        )
    return lines


def comparison_lines(study: Study) -> list[list[str]]:
    """A line for each comparison of two groups; what was not compared says why."""
    lines = []
    for _, own in groupby(study.comparisons, key=lambda one: one.kind):
        for one in own:
            patients = f"{one.patients[0]}, {one.patients[1]}"
            both = f"{one.second} / {one.first}"
            if one.reason:
                lines.append([one.kind, both, patients, "–", one.reason, "–"])
            else:
                ends = "fewer than 5 patients" if math.isnan(one.low) else interval(one.low, one.high)
                lines.append([one.kind, both, patients, ratio(one.ratio), ends, p_value(one.p_holm)])
    return lines


def _write_study(study: Study, folder: Path) -> list[Path]:
    from napari_leukocyte.core.study.report.files import write_study  # slow to load, and not before it is wanted

    return write_study(study, folder)


def _table(titles: Sequence[str]) -> QTableWidget:
    table = QTableWidget(0, len(titles))
    table.setHorizontalHeaderLabels(list(titles))
    header = table.horizontalHeader()
    header.setMinimumSectionSize(_FIGURE_PX)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    for column in range(len(titles)):
        if column < _WORDS:  # they take the room that is left, so that figures stand beside each other
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            table.horizontalHeaderItem(column).setTextAlignment(_LEFT)
        else:
            table.horizontalHeaderItem(column).setTextAlignment(_RIGHT)
    table.verticalHeader().hide()
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    return table


def _fill(table: QTableWidget, lines: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(lines))
    for i, line in enumerate(lines):
        for j, text in enumerate(line):
            item = QTableWidgetItem(text)
            if j >= _WORDS:
                item.setTextAlignment(_RIGHT)
            table.setItem(i, j, item)
