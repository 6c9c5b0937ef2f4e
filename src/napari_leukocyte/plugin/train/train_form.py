"""The parameters of a training, as a form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox, FloatSpinBox, LineEdit, SpinBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QFormLayout, QPushButton, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.plugin.parts.docks import row

if TYPE_CHECKING:
    from napari_leukocyte.plugin.train.own_models import OwnModel

__all__ = ["TrainForm"]

_SHIPPED = {
    "Default (three-class)": "default",
    "Thesis, three-class": "thesis-three-class",
    "Thesis, binary": "thesis-binary",
    "Default 4, the one before": "default-4",
}
_BARRED = set('/\\:*?"<>|.')


class TrainForm(QWidget):  # type: ignore[misc]
    """Start, epochs, patience, learning rate, device and name.

    Signals
    -------
    start_changed()
        Another model is chosen to start from.
    file_chosen(path)
        A weight file from elsewhere is to be offered, too.
    """

    start_changed = Signal()
    file_chosen = Signal(object)

    def __init__(self, device: str) -> None:
        super().__init__()
        usual = FineTuneParameters(out=Path())
        self._starts: dict[str, str] = dict(_SHIPPED)
        self._suggested = ""  # the name that the dock put there, not the user
        self._touched = False  # whether the user chose the start
        self.start = ComboBox(label="Start from", choices=list(_SHIPPED), tooltip="The model that is made better")
        self.file_button = QPushButton("File …", clicked=self._choose_file)
        self.file_button.setToolTip("A weight file from elsewhere to start from")
        self.epochs = SpinBox(
            label="Epochs", min=1, max=1000, value=usual.epochs, tooltip="At most; each takes the same time"
        )
        self.patience = SpinBox(
            label="Patience",
            min=0,
            max=1000,
            value=usual.patience,
            tooltip="Epochs without a better score after which the training stops by itself; 0: never",
        )

        self.learning_rate = FloatSpinBox(
            label="Learning rate", min=0.00001, max=0.1, step=0.0001, tooltip="Of the first step; it falls to zero"
        )
        self.learning_rate.native.setDecimals(5)
        self.learning_rate.value = usual.learning_rate
        self.device = ComboBox(label="Device", choices=["auto", "cuda", "mps", "cpu"], value=device)
        self.name = LineEdit(label="New model", tooltip="It will lie in the training set's folder models")
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow(self.start.label, row(self.start.native, self.file_button))
        for field in (self.epochs, self.patience, self.learning_rate, self.device, self.name):
            rows.addRow(field.label, field.native)
        self.start.changed.connect(self._on_start)

    @property
    def start_model(self) -> str:
        """Name of a shipped model, or the path of a weight file."""
        return self._starts[self.start.value]

    def offer(self, models: Sequence[OwnModel], *, folder: Path, sensible: str, name: str) -> None:
        """Offer the models of a folder and those from elsewhere, accepted ones first, and a name for the new one.

        ``sensible`` is chosen unless the user has chosen another one; likewise the name.
        """
        before = self._starts.get(self.start.value, "default") if self._touched else sensible
        ordered = sorted((m for m in models if m.state != "rejected"), key=lambda model: model.state != "accepted")
        self._starts = dict(_SHIPPED)
        for model in ordered:
            label = f"{model.name} ({model.state})" if model.path.parent == folder else model.path.name
            self._starts[label] = str(model.path)
        with self.start.changed.blocked():
            self.start.choices = ()  # else the models that stay would keep their old places
            self.start.choices = list(self._starts)
            label = next((label for label, start in self._starts.items() if start == before), next(iter(_SHIPPED)))
            self.start.value = label
        if self.name.value in ("", self._suggested):
            self.name.value = name
        self._suggested = name

    def choose(self, start: str) -> None:
        """Start from a model that is offered."""
        label = next((label for label, one in self._starts.items() if one == start), None)
        if label is not None:
            self.start.value = label

    def parameters(self, models_folder: Path) -> FineTuneParameters:
        """The form as parameters.

        Raises
        ------
        LeukocyteError
            For a value that makes no sense.
        """
        name = self.name.value.strip()
        if not name or set(name) & _BARRED:
            raise LeukocyteError('Give the new model a name, without any of / \\ : * ? " < > | and full stops.')
        return FineTuneParameters(
            out=models_folder / f"{name}.safetensors",
            start=self.start_model,
            name=name,
            epochs=self.epochs.value,
            patience=self.patience.value,
            learning_rate=self.learning_rate.value,
            device=self.device.value,
        )

    def _on_start(self) -> None:
        self._touched = True
        self.start_changed.emit()

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Weight file", "", "Weights (*.safetensors);;All files (*)")
        if path:
            self.file_chosen.emit(Path(path))
