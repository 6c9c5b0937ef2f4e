"""The list part of the Compare dock. Ten seconds of work: how good is all of it together, and what is worst?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QPushButton, QWidget

from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.compare.score_tables import ClassTable, ImageTable
from napari_leukocyte.plugin.compare.score_text import overview_lines
from napari_leukocyte.plugin.parts.docks import note, row, stack
from napari_leukocyte.plugin.parts.histogram import Histogram

if TYPE_CHECKING:
    from napari_leukocyte.core.scoring.evaluation import ImageScore
    from napari_leukocyte.plugin.compare.comparison import Comparison

__all__ = ["ListPanel"]

_REST_MS = 150  # what sums up many images waits until the hand rests


class ListPanel(QWidget):  # type: ignore[misc]
    """The figures of all images together, a row for each with the worst first, and their export.

    Only images whose score is new are looked at again. Hidden while the list has one image.
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self.comparison = comparison
        self.writer = Background("the export")
        self._new: set[int] = set()  # images whose score is not in the table yet
        self.title = note()
        self.figures = ClassTable()
        self.text = note()
        self.images = ImageTable()
        self.images.setMinimumHeight(150)
        self.histogram = Histogram("cell IoU_b", "image")
        self.csv_button = QPushButton("Export CSV …", clicked=self._choose_csv)
        self.csv_button.setToolTip("A row for each image: every figure of this dock")
        self.report_button = QPushButton("Report …", clicked=self._choose_report)
        self.report_button.setToolTip("One page with tables, plots and pictures of the errors, to pass on")
        self.status = note()  # what was written, or why not
        stack(
            self,
            self.title,
            self.figures,
            self.text,
            self.images,
            self.histogram,
            row(self.csv_button, self.report_button),
            self.status,
        )
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self.refresh)

    def forget(self) -> None:
        """The truths are others, or none: begin anew."""
        self._new = set()
        self.status.setText("")
        self.images.show_scores({}, among=())
        self._rest.start()

    def follow(self, index: int) -> None:
        """The score of an image is new; it is shown when the hand rests."""
        self._new.add(index)
        self._rest.start()

    def refresh(self) -> None:
        """Show what is new."""
        session = self.comparison.session
        several = len(session.images) > 1
        self.setVisible(several)
        if not several:
            return  # the figures of one image stand above, and nothing is resampled at each stroke
        scores = self.comparison.scores()
        self.images.show_scores({i: scores[i] for i in self._new if i in scores}, among=scores.keys())
        self._new = set()
        self.images.select_image(session.index)
        own = scores.get(session.index)
        values = [score.score("cell", "iou_b").value for score in scores.values()]
        self.histogram.set_values(values, None if own is None else own.score("cell", "iou_b").value)
        self._sum_up(list(scores.values()))

    def _sum_up(self, scores: list[ImageScore]) -> None:
        from napari_leukocyte.core.scoring.overview import overview

        for part in (self.figures, self.text, self.images, self.histogram, self.csv_button, self.report_button):
            part.setVisible(bool(scores))
        self._show_buttons()
        if not scores:
            self.title.setText("No image of the list is compared yet.")
            return
        found = overview(scores)
        number = len(self.comparison.session.images)
        self.title.setText(f"<b>{'All' if found.images == number else f'{found.images} of'} {number} images</b>")
        self.figures.show_overview(found)
        self.text.setText("\n".join(overview_lines(found)))

    # ---- files ------------------------------------------------------------------------------------------

    def _choose_csv(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Figures of the images", "scores.csv", "CSV (*.csv)")
        if path:
            self.export(Path(path))

    def export(self, path: Path) -> None:
        """Write a row for each image that has a score."""
        from napari_leukocyte.core.scoring.score_files import write_scores_csv

        scores = list(self.comparison.scores().values())
        said = f"The figures of {counted(len(scores), 'image')} are in {path}."
        self._write(partial(write_scores_csv, path, scores), said)

    def _choose_report(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Report", "report.html", "Web page (*.html)")
        if path:
            self.report(Path(path))

    def report(self, path: Path) -> None:
        """Write the report of ``napari-leukocyte evaluate`` on the images that have a score."""
        from napari_leukocyte.core.scoring.report import write_report

        scores = list(self.comparison.scores().values())
        write = partial(
            write_report, path, {"class map": scores}, self.comparison.case_reader(), self.comparison.parameters
        )
        self._write(write, f"The report on {counted(len(scores), 'image')} is {path}.")

    def _write(self, job: Callable[[], None], said: str) -> None:
        self.status.setText("Writing …")
        self.writer.start(job, done=lambda _: self._written(said), failed=self._written)
        self._show_buttons()

    def _written(self, sentence: str) -> None:
        self._show_buttons()
        self.status.setText(sentence)

    def _show_buttons(self) -> None:
        for button in (self.csv_button, self.report_button):
            button.setEnabled(not self.writer.running)

    def release(self) -> None:
        """What is being written is written to its end."""
        self._rest.stop()
        self.writer.leave()
