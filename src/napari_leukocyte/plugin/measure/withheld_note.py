"""The line of the Measure dock that warns where the cells without a CNR are not random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel

from napari_leukocyte.plugin.background import Background

if TYPE_CHECKING:
    from napari_leukocyte.core.cells.flags import Flag
    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.plugin.session import Session

__all__ = ["WithheldNote"]


class WithheldNote(QLabel):  # type: ignore[misc]
    """Says where images, or the folders that they lie in, differ in what is withheld; hidden while there is nothing.

    Thousands of permutations are drawn for it, beside the window, and only when a cell has lost or got its CNR.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setObjectName("withheld")
        self.hide()
        self._session = session
        self._worker = Background("the look at what is withheld")
        self._known: tuple[object, ...] = ()
        self._again: list[tuple[int, str, CellMeasure]] | None = None  # what was asked for meanwhile

    def look(self, indices: list[int]) -> None:
        """Look at the cells of images of the list."""
        cells = [(i, self._folder(i), one) for i in indices for one in self._session.states[i].measures]
        known = tuple((i, folder, _reason(one)) for i, folder, one in cells)
        if known == self._known:
            return
        self._known = known
        if len({i for i, _, _ in cells}) < 2:
            self._show([])
        elif self._worker.running:
            self._again = cells
        else:
            self._start(cells)

    def _start(self, cells: list[tuple[int, str, CellMeasure]]) -> None:
        from napari_leukocyte.core.study.withheld import list_warnings

        self._again = None
        self._worker.start(lambda: list_warnings(cells), done=self._done, failed=lambda _: None)

    def _done(self, warnings: list[str]) -> None:
        if self._again is not None:
            self._start(self._again)
        else:
            self._show(warnings)

    def _show(self, warnings: list[str]) -> None:
        self._again = None
        self.setText("\n".join(warnings))
        self.setVisible(bool(warnings))

    def _folder(self, index: int) -> str:
        path = self._session.images[index].path
        return "" if path is None else path.parent.name

    def leave(self) -> None:
        """Look no more."""
        self._worker.leave()


def _reason(measure: CellMeasure) -> tuple[Flag | None, str]:
    """What the warnings rest on."""
    from napari_leukocyte.core.cells.summary import withheld_for

    return withheld_for(measure), measure.cell_type
