"""The parameters of a segmentation, as a form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox, FloatSpinBox
from qtpy.QtWidgets import QFileDialog, QFormLayout, QPushButton, QVBoxLayout, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize, pixel_size_from_diameter
from napari_leukocyte.core.imaging.presets import Preset
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.plugin.parts.docks import note, row
from napari_leukocyte.plugin.settings import get_own_models, get_presets, get_settings

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["SegmentForm"]

_MODELS = {
    "Default (three-class)": "default",
    "Thesis, three-class": "thesis-three-class",
    "Thesis, binary": "thesis-binary",
    "Default 4, the one before": "default-4",
    "Active contour": "active-contour",
}
_KEEP = {"Automatic": "auto", "All cells": "all", "Whole cells only": "whole", "Centre cell only": "centre"}
_THIS = "this image"
_NO_PRESET = "none"
_DECIMALS = 4  # of a pixel size


class SegmentForm(QWidget):  # type: ignore[misc]
    """Image, method and its parameters, which images of the list, and the pixel size in force.

    Parameters
    ----------
    images
        Returns the image layers to choose from.
    """

    def __init__(self, images: Callable[[object], list[Image]]) -> None:
        super().__init__()
        self._files: dict[str, str] = {}
        self._method = "default"
        self.image = ComboBox(label="Image", choices=images, tooltip="An open image, or a stack")
        self.mode = ComboBox(label="Classes", choices=["three-class", "binary"])
        self.model = ComboBox(label="Method", choices=list(_MODELS))
        self.file_button = QPushButton("File …", clicked=self._choose_file)
        self.file_button.setToolTip("A weight file: a model of your own, or of a colleague")
        self.device = ComboBox(label="Device", choices=["auto", "cuda", "mps", "cpu"], value=get_settings().device)
        self.pixel_size = FloatSpinBox(
            label="Pixel size",
            min=0,
            max=2,
            step=0.01,
            tooltip="Micrometres per pixel. 0 takes the image's own, else that of the preferences, or estimates it.",
        )
        self.pixel_size.native.setDecimals(_DECIMALS)
        self.pixel_size.native.setSuffix(" µm/px")
        self.pixel_size.native.setSpecialValueText("automatic")
        self.preset = ComboBox(
            label="Set-up",
            choices=self._presets,
            tooltip="A camera on a microscope whose pixel size was calibrated; Calibrate… makes one.",
        )
        self.calibrate_button = QPushButton("Calibrate …")
        self.calibrate_button.setToolTip("Draw a line on a picture of a stage micrometer")
        self.cell_diameter = FloatSpinBox(
            label="or a cell is",
            min=0,
            max=5000,
            step=10,
            tooltip="Diameter of a typical neutrophil (13 µm) in this image, in pixels: it gives the pixel size.",
        )
        self.cell_diameter.native.setDecimals(0)
        self.cell_diameter.native.setSuffix(" px wide")
        self.cell_diameter.native.setSpecialValueText("not measured")
        self.keep = ComboBox(
            label="Keep",
            choices=list(_KEEP),
            tooltip="Automatic keeps the centre cell of a crop of at most 50 µm, and all cells of anything larger.",
        )
        self.scope = ComboBox(label="Run on", choices=[_THIS])
        self.pixel_note = note()
        self._open_wanted = False
        self.whole_list = False  # whether all images of the list are wanted, where there are several
        self._lay_out()
        self.scope.changed.connect(self._on_scope)
        self.model.changed.connect(self._on_model)
        self.offer_own_models(get_own_models())
        self.cell_diameter.changed.connect(self._on_diameter)
        self.preset.changed.connect(self._on_preset)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for choice in (self.image, self.mode):
            rows.addRow(choice.label, choice.native)
        rows.addRow(self.model.label, row(self.model.native, self.file_button))
        for field in (self.device, self.pixel_size, self.cell_diameter):
            rows.addRow(field.label, field.native)
        rows.addRow(self.preset.label, row(self.preset.native, self.calibrate_button))
        for choice in (self.keep, self.scope):
            rows.addRow(choice.label, choice.native)
        column.addLayout(rows)
        column.addWidget(self.pixel_note)

    def parameters(self) -> SegmentParameters:
        """The form as parameters.

        Raises
        ------
        LeukocyteError
            For values that make no sense.
        """
        preset = self.preset_in_force
        size = (self.pixel_size.value or None, "typed") if preset is None else (preset.um, f"set-up {preset.name}")
        return SegmentParameters(
            model=_MODELS.get(self.model.value) or self._files[self.model.value],
            mode=self.mode.value,
            device=self.device.value,
            pixel_size=size[0],
            pixel_size_source=size[1],
            default_pixel_size=get_settings().default_pixel_size,
            keep=_KEEP[self.keep.value],  # type: ignore[arg-type]
        )

    # ---- which images -----------------------------------------------------------------------------------

    def offer_list(self, count: int, *, open_images: int = 0) -> None:
        """Offer to run on a list of so many images, and on so many as it has with the open ones beside it.

        The choice of the user stays while the layers are exchanged.
        """
        choices, wanted = [_THIS], _THIS
        if count > 1:
            choices.append(f"all {count} images")
            wanted = choices[-1] if self.whole_list else wanted
        if open_images > 1:
            choices.append(f"all {open_images} open images")
            wanted = choices[-1] if self._open_wanted else wanted
        with self.scope.changed.blocked():
            self.scope.choices = choices
            self.scope.value = wanted

    @property
    def all_open(self) -> bool:
        """Whether all open images are to become one list."""
        return str(self.scope.value).endswith("open images")

    @property
    def several(self) -> bool:
        """Whether more than the shown image is wanted."""
        return str(self.scope.value) != _THIS

    def _on_scope(self, chosen: str) -> None:
        self._open_wanted = self.all_open
        self.whole_list = chosen != _THIS and not self.all_open

    # ---- the method -------------------------------------------------------------------------------------

    def use_weight_file(self, path: Path) -> None:
        """Offer a weight file among the methods, and choose it."""
        self.offer_own_models([path])
        self.model.value = next(name for name, one in self._files.items() if one == str(path))

    def offer_own_models(self, paths: Iterable[Path]) -> None:
        """List weight files behind the methods that come with the plugin, by name and, where that is taken, folder."""
        for path in paths:
            if str(path) not in self._files.values():
                taken = path.name in self._files
                self._files[f"{path.name} ({path.parent.name})" if taken else path.name] = str(path)
        self.model.choices = [*_MODELS, *self._files]

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Weight file", "", "Weights (*.safetensors);;All files (*)")
        if path:
            self.use_weight_file(Path(path))

    def _on_model(self, choice: str) -> None:
        if _MODELS.get(choice) == "thesis-binary":
            self.mode.value = "binary"
        elif self._method == "thesis-binary":
            self.mode.value = "three-class"  # it was binary for that method's sake
        self._method = _MODELS.get(self.model.value, "")

    # ---- the pixel size ---------------------------------------------------------------------------------

    def _presets(self, _combo: object = None) -> list[str]:
        return [_NO_PRESET, *self._saved_presets()]

    def _saved_presets(self) -> dict[str, Preset]:
        try:
            return get_presets()
        except LeukocyteError:  # said when one is saved
            return {}

    @property
    def preset_in_force(self) -> Preset | None:
        """The chosen set-up, as long as the pixel size is its own."""
        preset = self._saved_presets().get(self.preset.value)
        if preset is None or abs(preset.um - self.pixel_size.value) > 0.51 * 10**-_DECIMALS:
            return None
        return preset

    def use_preset(self, name: str) -> None:
        """Choose a set-up that was saved just now."""
        self.preset.reset_choices()
        self.preset.value = name
        self._on_preset(name)  # also when it was chosen before, with another size

    def _on_preset(self, name: str) -> None:
        preset = self._saved_presets().get(name)
        self.pixel_size.value = 0 if preset is None else preset.um

    def _on_diameter(self, diameter: float) -> None:
        # while "130" is typed, "1" stands there for a moment
        self.pixel_size.value = min(pixel_size_from_diameter(diameter), self.pixel_size.max) if diameter else 0

    def show_pixel_size(self, size: PixelSize | None, *, in_force: bool = False) -> None:
        """Say which pixel size counts.

        Parameters
        ----------
        size
            What the image states, or what its segmentation rests on (``in_force``); None: there is no image.
        """
        if self.pixel_size.value:
            preset = self.preset_in_force
            text = f"Pixel size: {'as typed' if preset is None else f'set-up {preset.name}'}, for every image."
        elif size is None:
            text = "Open an image, or a folder of images."
        elif in_force or size.um:
            text = f"Pixel size: {size}."
        else:
            text = _of_preferences() + ("." if size.source == "unknown" else f" ({size.source}).")
        self.pixel_note.setText(text)


def _of_preferences() -> str:
    """Which pixel size an image gets that states none."""
    try:
        default = get_settings().default_pixel_size
    except LeukocyteError as error:
        return str(error).rstrip(".")
    known = "unknown, will be estimated from the cells" if default is None else f"{default:.6g} µm/px (preferences)"
    return f"Pixel size: {known}"
