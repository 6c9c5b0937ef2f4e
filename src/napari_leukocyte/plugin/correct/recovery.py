"""The question about a draft of an earlier session: go on with it, look at it first, or drop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QPushButton, QWidget

from napari_leukocyte.plugin.parts.docks import note, row, stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Labels

    from napari_leukocyte.core.training_set.draft import Draft
    from napari_leukocyte.plugin.correct.corrections import Corrections

__all__ = ["Recovery"]


class Recovery(QWidget):  # type: ignore[misc]
    """Restore, Compare, Discard; hidden while there is nothing to ask."""

    def __init__(self, corrections: Corrections) -> None:
        super().__init__()
        self._corrections = corrections
        self._index = 0
        self._draft: Draft | None = None
        self._layer: Labels | None = None
        self.text = note()
        self.restore_button = QPushButton("Restore", clicked=self._restore)
        self.restore_button.setToolTip("Go on with it; what is painted on screen is kept as a draft, too")
        self.compare_button = QPushButton("Compare", checkable=True, toggled=self._compare)
        self.compare_button.setToolTip("Show the outlines of the draft over the image")
        self.discard_button = QPushButton("Discard", clicked=self._discard)
        stack(self, self.text, row(self.restore_button, self.compare_button, self.discard_button))
        self.hide()

    def show_drafts(self, index: int, drafts: Sequence[Draft]) -> None:
        """Ask about the first draft of the shown image, if there is one."""
        draft = drafts[0] if drafts else None
        if draft is not self._draft or index != self._index:
            self.compare_button.setChecked(False)
        self._index, self._draft = index, draft
        if draft is not None:
            others = len(drafts) - 1
            self.text.setText(
                f"A draft of {draft.saved.astimezone():%Y-%m-%d %H:%M:%S} was not accepted "
                f"({draft.facts.pixels_changed} px changed). It is kept until you restore or discard it, also when you "
                "paint or accept meanwhile."
                + (f" After it, {others} more {'is' if others == 1 else 'are'} asked about." * bool(others))
            )
        self.setVisible(draft is not None)

    def _restore(self) -> None:
        self.compare_button.setChecked(False)
        self._corrections.restore_draft(self._index)

    def _discard(self) -> None:
        self.compare_button.setChecked(False)
        self._corrections.discard_draft(self._index)

    def _compare(self, on: bool) -> None:
        from napari_leukocyte.plugin.canvas.layers import add_draft

        session = self._corrections.session
        draft = self._corrections.entry(self._index).draft
        if on and draft is not None and session.image_layer is not None:
            self._layer = add_draft(session.viewer, draft.classes.astype(np.uint8), session.image_layer)
            if session.classes_layer is not None:
                session.viewer.layers.selection.active = session.classes_layer
        elif self._layer is not None:
            session.layers.remove_later(self._layer)  # napari may be taking layers out just now
            self._layer = None
