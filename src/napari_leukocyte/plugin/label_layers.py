"""The Labels layers that are not the plugin's own, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_leukocyte.plugin.session import Session

__all__ = ["list_layers", "own_labels"]


def own_labels(session: Session) -> list[Labels]:
    """The user's own Labels layers, also maps that were set aside."""
    from napari.layers import Labels

    from napari_leukocyte.plugin.canvas.class_map_layer import LockedLabels

    ours = (session.classes_layer, session.cells_layer)
    return [
        layer
        for layer in session.viewer.layers
        if isinstance(layer, Labels) and not isinstance(layer, LockedLabels) and layer not in ours
    ]


def list_layers(combo: QComboBox, layers: Sequence[Labels], *, nothing: str = "", chosen: Labels | None = None) -> None:
    """List layers by the names that they have now; the chosen one stays chosen as long as it is open.

    Parameters
    ----------
    nothing
        What the first entry says, which stands for no layer; empty: there is none.
    chosen
        Chosen in place of the one that is.
    """
    kept = combo.currentData() if chosen is None else chosen
    combo.blockSignals(True)
    combo.clear()
    if nothing:
        combo.addItem(nothing, None)
    for layer in layers:
        combo.addItem(layer.name, layer)
        if layer is kept:
            combo.setCurrentIndex(combo.count() - 1)
    combo.blockSignals(False)
