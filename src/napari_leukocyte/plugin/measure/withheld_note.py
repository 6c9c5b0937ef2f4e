"""What the Measure dock says of all cells together, and where those without a CNR are not random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel

from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.plugin.session import Session

__all__ = ["WithheldNote", "summary_text"]


def summary_text(session: Session, measures: list[CellMeasure], *, of_all: bool) -> str:
    """The summary of cells; ``of_all``: they are of all images of the list."""
    from napari_leukocyte.core.cells.summary import summarise

    images, done = len(session.images), len(session.states)
    if not done:
        return "Nothing measured yet: press Segment in the Segment dock."
    return summarise(measures).text + f" ({done} of {images} images segmented)" * (of_all and done < images)


class WithheldNote(QLabel):  # type: ignore[misc]
    """Says where images, or the folders that they lie in, differ in what is withheld; hidden while there is nothing.

    Thousands of permutations are drawn for it, beside the window, and only when a cell has lost or got its CNR.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.hide()
        self._session = session
        self._worker = Background("the look at what is withheld")
        self._reasons: list[object] = []  # those that the sentences shown are about
        self._again: list[int] | None = None  # images that were asked for meanwhile

    def look(self, indices: list[int]) -> None:
        """Look at the cells of images of the list."""
        if self._worker.running:
            self._again = indices
            return
        self._again = None
        states = self._session.states
        cells = [(i, self._folder(i), states[i].measures) for i in indices if i in states]
        known = self._reasons
        self._worker.start(lambda: _look(cells, known), done=self._done, failed=self._show)

    def _done(self, found: tuple[list[object], list[str]] | None) -> None:
        if found is not None:
            self._reasons, warnings = found
            self._show("\n".join(warnings))
        if self._again is not None:
            self.look(self._again)

    def _show(self, sentences: str) -> None:
        self.setText(sentences)
        self.setVisible(bool(sentences))

    def _folder(self, index: int) -> str:
        path = self._session.images[index].path
        return "" if path is None else path.parent.name

    def leave(self) -> None:
        """Look no more."""
        self._worker.leave()


def _look(
    cells: list[tuple[int, str, list[CellMeasure]]], known: list[object]
) -> tuple[list[object], list[str]] | None:
    """Return what the sentences rest on, and the sentences; None where that is as known."""
    from napari_leukocyte.core.cells.summary import withheld_for
    from napari_leukocyte.core.study.withheld import list_warnings

    reasons: list[object] = [
        (index, folder, withheld_for(one), one.cell_type) for index, folder, own in cells for one in own
    ]
    if reasons == known:
        return None
    return reasons, list_warnings([(index, folder, one) for index, folder, own in cells for one in own])
