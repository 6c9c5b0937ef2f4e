"""The buttons that write: the table as CSV, other programs' formats, all results into a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.measure.export_menu import export_menu
from napari_leukocyte.plugin.parts.question import Question
from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari_leukocyte.core.exchange.formats import ExportFormat
    from napari_leukocyte.plugin.session import Session

__all__ = ["Output"]


class Output(QWidget):  # type: ignore[misc]
    """Writes in the background, and asks before it replaces what is not of this window.

    Parameters
    ----------
    session
        Whose results they are.
    wanted
        The images of the list whose cells the table is to hold, by number.
    say
        Called with a sentence: what was written, or why not.

    Attributes
    ----------
    question
        For the dock to place.
    """

    def __init__(self, session: Session, wanted: Callable[[], Sequence[int]], *, say: Callable[[str], None]) -> None:
        super().__init__()
        self._session, self._wanted, self._say = session, wanted, say
        self.writer = Background("the export")
        self.question = Question()
        self._saved: dict[Path, dict[str, str]] = {}  # hashes of the files that this dock wrote, by folder
        self.export_button = QPushButton("CSV …", clicked=self._choose_csv)
        self.export_button.setToolTip("Write the table as CSV")
        self.programs_button = QPushButton("Export")
        self.programs_button.setToolTip("Write all images for QuPath, ImageJ, Cellpose, Excel and others")
        self.programs_button.setMenu(export_menu(self.programs_button, self._choose_export))
        for button in (self.export_button, self.programs_button):  # no wider than their words: a dock is narrow
            button.setStyleSheet("min-width: 0px; padding-left: 6px; padding-right: 6px;")
        self.save_button = QPushButton("Save all …", clicked=self._choose_folder)
        self.save_button.setToolTip("Class maps, cell labels and the table, into a folder")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (self.export_button, self.programs_button, self.save_button):
            layout.addWidget(button)

    def refresh(self) -> None:
        """Enable the buttons when there is something to write, and nothing is being written."""
        for button in (self.export_button, self.programs_button, self.save_button):
            button.setEnabled(bool(self._session.states) and not self.writer.running)

    def leave(self) -> None:
        """Say nothing more; what is being saved is saved to its end."""
        self.writer.leave()

    # ---- what is written --------------------------------------------------------------------------------

    def _choose_csv(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Table of cells", "cells.csv", "CSV (*.csv)")
        if path:
            self.export(Path(path))

    def export(self, path: Path) -> None:
        """Write the cells that are wanted as CSV."""
        from napari_leukocyte.plugin.measure.saving import snapshots, write_table

        images, shapes = snapshots(self._session, self._wanted()), get_settings().shape_columns
        self._write(lambda: write_table(images, path, shapes=shapes))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for class maps, cell labels and the table")
        if folder:
            self.save(Path(folder))

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write class maps, cell labels and the table of the whole list into a folder.

        What was corrected there by somebody else, or is not of this program, is asked about before it is replaced.
        """
        from napari_leukocyte.plugin.measure.saving import note_saved, save_results, snapshots

        images = snapshots(self._session, range(len(self._session.images)))
        shapes = get_settings().shape_columns
        own = self._saved.setdefault(folder.absolute(), {})
        self._write_into(
            folder,
            lambda: save_results(images, folder, trusted=own, overwrite=overwrite, shapes=shapes),
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

        images = snapshots(self._session, range(len(self._session.images)))
        shapes = get_settings().shape_columns
        self._write_into(
            folder,
            lambda: export_as(images, to, folder, overwrite=overwrite, shapes=shapes),
            lambda: self.export_as(to, folder, overwrite=True),
        )

    # ---- writing ----------------------------------------------------------------------------------------

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
        self.refresh()

    def _on_written(self, sentence: str) -> None:
        self.refresh()
        self._say(sentence)
