"""What a training changed, in words and figures, and the decision on it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QPushButton, QWidget

from napari_leukocyte.core.fine_tuning.before_after_rows import describe_basis
from napari_leukocyte.core.fine_tuning.gate import Finding, findings
from napari_leukocyte.plugin.parts.docks import note, row, stack
from napari_leukocyte.plugin.train.before_after_table import BeforeAfterTable
from napari_leukocyte.plugin.train.own_models import OwnModel

__all__ = ["Review", "finding_html"]

_SYMBOLS = {"worse": "⚠", "forgotten": "⚠", "too few": "?", "gestures": "?", "seen": "?", "fine": "✓"}
_NOT_COMPARED = Finding("too few", "Not compared: the training was stopped before that, so nothing is known of it.")


def finding_html(finding: Finding) -> str:
    """A sentence with its symbol, bold when it warns; without colours, which would judge more than the figures do."""
    text = f"{_SYMBOLS[finding.kind]}&nbsp; {escape(finding.text)}"
    return f"<b>{text}</b>" if finding.kind in ("worse", "forgotten") else text


class Review(QWidget):  # type: ignore[misc]
    """A choice among the user's models, the verdict, the table, and three buttons.

    Signals
    -------
    decided(path, choice)
        ``accepted``, ``rejected`` or ``candidate``.
    """

    decided = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._models: dict[str, OwnModel] = {}
        self._busy = False
        self.model = ComboBox(label="Trained model", tooltip="The models of this training set, the newest first")
        self.verdict = note()
        self.verdict.setTextFormat(Qt.TextFormat.RichText)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.basis = note()
        self.table = BeforeAfterTable()
        self.accept_button = QPushButton("Accept", clicked=lambda: self._decide("accepted"))
        self.accept_button.setToolTip("Segment uses this model from its next press")
        self.reject_button = QPushButton("Reject", clicked=lambda: self._decide("rejected"))
        self.reject_button.setToolTip("The file stays, and no training offers it as a start")
        self.keep_button = QPushButton("Keep as candidate", clicked=lambda: self._decide("candidate"))
        self.keep_button.setToolTip("Decide later")
        form = QWidget()
        rows = QFormLayout(form)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow(self.model.label, self.model.native)
        stack(
            self,
            form,
            self.verdict,
            row(self.accept_button, self.reject_button, self.keep_button),
            self.table,
            self.basis,
        )
        self.model.changed.connect(self._show)
        self.hide()

    def show_models(self, models: Sequence[OwnModel], chosen: Path | None = None) -> None:
        """Offer models; ``chosen`` is shown, or the one that was, or the newest."""
        before = self._models.get(self.model.value)
        self._models = {f"{model.name} ({model.state})": model for model in models}
        wanted = chosen if chosen is not None else before.path if before is not None else None
        with self.model.changed.blocked():
            self.model.choices = ()  # else the models that stay would keep their old places
            self.model.choices = list(self._models)
            for label, model in self._models.items():
                if model.path == wanted:
                    self.model.value = label
        self._refresh()
        self._show()

    def set_busy(self, busy: bool) -> None:
        """Hide the review while a training runs: the curves take its place."""
        self._busy = busy
        self._refresh()

    def _refresh(self) -> None:
        self.setVisible(bool(self._models) and not self._busy)

    def _show(self) -> None:
        model = self._models.get(self.model.value)
        before_after = None if model is None else model.before_after
        found = [_NOT_COMPARED] if before_after is None else findings(before_after)
        self.verdict.setText("<br>".join(finding_html(finding) for finding in found))
        self.table.show_figures(before_after)
        self.table.setVisible(before_after is not None)
        text = "" if before_after is None else describe_basis(before_after)
        if model is not None and model.validated_on == "training part":
            text += " The best epoch was chosen on the images that trained it, for they are few."
        self.basis.setText(text.strip())

    def _decide(self, choice: str) -> None:
        model = self._models.get(self.model.value)
        if model is not None:
            self.decided.emit(model.path, choice)
