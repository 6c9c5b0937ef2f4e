"""What the Correct dock paints with: a brush for each class, the eraser, and what they leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QPushButton, QWidget

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.plugin.parts.docks import row, stack, swatch
from napari_leukocyte.plugin.settings import get_settings

if TYPE_CHECKING:
    from napari_leukocyte.plugin.canvas.class_map_layer import ClassMap
    from napari_leukocyte.plugin.gestures.hand import Hand
    from napari_leukocyte.plugin.session import Session

__all__ = ["Brushes"]

_BRUSHES = ((2, "nucleus", "Nucleus (Q)"), (1, "cytoplasm", "Cytoplasm (W)"), (0, "background", "Eraser (E)"))


class Brushes(QWidget):  # type: ignore[misc]
    """A button for each class, and the eraser; they follow napari's own keys.

    Below them: protect nuclei, fill holes, extend strokes.

    Signals
    -------
    used()
        A brush was taken up or changed: the keys belong to the canvas again.
    """

    used = Signal()

    def __init__(self, session: Session, hand: Hand) -> None:
        super().__init__()
        self._session, self._hand = session, hand
        self._layer: ClassMap | None = None  # the class-map layer that is followed
        group = QButtonGroup(self)
        self.buttons = []
        for _, name, text in _BRUSHES:
            button = QPushButton(text, checkable=True)
            button.setObjectName(name)
            button.clicked.connect(lambda _=False, name=name: self._take(name))
            group.addButton(button)
            self.buttons.append(button)
        group.setExclusive(False)  # napari's own keys can put the brush away, so that none is down
        self.protect = QCheckBox("Protect nuclei from cytoplasm")
        self.protect.setToolTip("The cytoplasm brush, fill and polygon leave nuclei as they are")
        self.protect.toggled.connect(self._on_protect)
        self.extend = QCheckBox("Extend strokes to the border")
        self.extend.setToolTip(
            "A stroke of nucleus, cytoplasm or eraser goes on to the border of its patch (or hold Shift while drawing)"
        )
        self.extend.toggled.connect(self._on_extend)
        self.holes_button = QPushButton("Fill holes")
        self.holes_button.setToolTip("All holes in the cells of this image become cytoplasm")
        extending = row(self.extend)
        extending.layout().addStretch(1)
        self._colour()
        session.recoloured.connect(self._colour)
        stack(self, row(*self.buttons), row(self.protect, self.holes_button), extending)

    def follow_layer(self) -> None:
        """Apply the choices made here to a new class-map layer, and show its brush."""
        layer = self._session.classes_layer
        if layer is not None and layer is not self._layer:
            layer.protects_nucleus = self.protect.isChecked()
            layer.events.mode.connect(self._show)
            layer.events.selected_label.connect(self._show)
        self._layer = layer
        self.holes_button.setEnabled(self._session.state is not None)
        self._show()

    def leave(self) -> None:
        """Stop following the layer; strokes are plain again."""
        self._hand.extends = False
        self._session.recoloured.disconnect(self._colour)
        if self._layer is not None:
            self._layer.events.mode.disconnect(self._show)
            self._layer.events.selected_label.disconnect(self._show)

    def _colour(self) -> None:
        colours = PALETTES[get_settings().palette]
        for button, (value, _, _) in zip(self.buttons, _BRUSHES, strict=True):
            if value:
                button.setIcon(swatch(colours[value]))

    def _take(self, name: str) -> None:
        self._session.take_brush(name)
        self._show()
        self.used.emit()

    def _on_protect(self, protects: bool) -> None:
        if self._session.classes_layer is not None:
            self._session.classes_layer.protects_nucleus = protects
        self.used.emit()

    def _on_extend(self, extends: bool) -> None:
        self._hand.extends = extends
        self.used.emit()

    def _show(self) -> None:
        layer, state = self._session.classes_layer, self._session.state
        mode, label = ("", 0) if layer is None else (str(layer.mode), layer.selected_label)
        painting = mode in ("paint", "fill", "polygon")
        on = {"nucleus": painting and label == 2, "cytoplasm": painting and label == 1, "background": mode == "erase"}
        binary = state is not None and state.result.binary
        for button in self.buttons:
            button.setChecked(on[button.objectName()])
            button.setEnabled(layer is not None and not (binary and button.objectName() == "nucleus"))
