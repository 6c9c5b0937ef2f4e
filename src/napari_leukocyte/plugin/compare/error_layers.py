"""Truth outline, difference image and border band as layers of the canvas, kept in step with the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, pixels_of
from napari_leukocyte.core.colours import DIFFERENCE_PALETTES, TRUTH_COLOURS
from napari_leukocyte.core.scoring.difference import Difference, difference_classes
from napari_leukocyte.core.scoring.live_comparison import LiveComparison
from napari_leukocyte.plugin.canvas.layers import TRUTH, place_like, placed_like

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.utils.colormaps import DirectLabelColormap

    from napari_leukocyte.plugin.compare.comparison import Comparison

__all__ = ["BAND", "DIFFERENCE", "SCHEMES", "ErrorLayers"]

DIFFERENCE, BAND = "difference", "border band"
SCHEMES = ("colour-blind safe", "thesis")
_Palette = Mapping[int, tuple[float, float, float, float]]
_BAND_PALETTE: _Palette = {0: (0.0, 0.0, 0.0, 0.0), 1: (1.0, 1.0, 0.4, 1.0)}
_OUTLINE_PX = 2


class ErrorLayers:
    """Makes each layer when it is first shown, and changes it in place from then on.

    They lie over the shown image; a stack's layers show the plane on screen.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.wanted: set[str] = set()
        self.scheme = SCHEMES[0]
        self._layers: dict[str, Labels] = {}
        self._palettes: dict[str, _Palette] = {}  # what each layer is coloured by
        self._over: Image | None = None  # the image that the layers lie over
        session = comparison.session
        comparison.scored.connect(self._on_scored)
        comparison.cleared.connect(self._on_cleared)
        session.shown_changed.connect(self._on_shown)

    def close(self) -> None:
        """Remove the layers, and stop following the comparison."""
        self.comparison.scored.disconnect(self._on_scored)
        self.comparison.cleared.disconnect(self._on_cleared)
        self.comparison.session.shown_changed.disconnect(self._on_shown)
        self._remove()

    def show(self, name: str, *, on: bool) -> None:
        """Show or hide one of `TRUTH`, `DIFFERENCE` and `BAND`."""
        (self.wanted.add if on else self.wanted.discard)(name)
        self.refresh()

    def set_scheme(self, scheme: str) -> None:
        """Choose one of `SCHEMES` for the difference image."""
        self.scheme = scheme
        self.refresh()

    def refresh(self, box: Box | None = None) -> None:
        """Bring the wanted layers in step; only within a box when only that has changed."""
        session = self.comparison.session
        known = self.comparison.of(session.index)
        if known is None or session.classes_layer is None:
            for layer in self._layers.values():
                layer.visible = False
            return
        if self._over is not session.image_layer:  # of another place and scale, and above these layers
            self._remove()
            self._over = session.image_layer
        for name in (TRUTH, DIFFERENCE, BAND):
            if name in self.wanted:
                self._write(name, known, box)
            elif name in self._layers:
                self._layers[name].visible = False

    def _write(self, name: str, known: LiveComparison, box: Box | None) -> None:
        session = self.comparison.session
        layer = self._layers.get(name)
        if layer is None or layer not in session.viewer.layers:
            if layer is not None and box is not None:
                return  # the user took it away: it comes back with the next image, not during a stroke
            layer = self._layers[name] = self._make(name, known)
            box = None
        elif layer.data.shape != known.truth.classes.shape:
            layer.data = np.zeros(known.truth.classes.shape, np.uint8)
            layer.editable = False  # napari unlocks a layer with new data
            box = None
        palette = self._palette(name, known)
        if palette is not self._palettes.get(name):
            self._palettes[name] = palette
            layer.colormap = _colormap(palette)
        place_like(layer, session.image_layer)
        layer.visible = True
        box = box or (slice(0, layer.data.shape[0]), slice(0, layer.data.shape[1]))
        now = self._pixels(name, known, box)
        changed = layer.data[box] != now
        if changed.any():
            layer.data_setitem(pixels_of(changed, box), now[changed])

    def _pixels(self, name: str, known: LiveComparison, box: Box) -> NDArray[np.uint8]:
        if name == TRUTH:
            return known.kept_truth.classes[box]
        if name == BAND:
            return known.band[box].astype(np.uint8)
        # the thesis's schemes show every error, whether in the band or not
        band = known.band[box] if self.scheme == SCHEMES[0] else None
        truth = known.kept_truth.classes[box]
        return difference_classes(known.prediction[box], truth, band, whole_cell=known.cell_only)

    def _make(self, name: str, known: LiveComparison) -> Labels:
        from napari_leukocyte.plugin.canvas.class_map_layer import LockedLabels

        session = self.comparison.session
        assert session.image_layer is not None  # there is a comparison of the shown image
        palette = self._palettes[name] = self._palette(name, known)
        layer = LockedLabels(
            np.zeros(known.truth.classes.shape, np.uint8),
            name=name,
            opacity=0.5 if name == BAND else 1.0,
            colormap=_colormap(palette),
            **placed_like(session.image_layer, 2),
        )
        if name == TRUTH:
            layer.contour = _OUTLINE_PX
        active = session.viewer.layers.selection.active
        layers = session.viewer.layers
        # over the class map and under the badges
        place = layers.index(session.cells_layer) + 1 if session.cells_layer in layers else len(layers)
        layers.insert(place, layer)
        layer.editable = False
        if active is not None and active in session.viewer.layers:
            session.viewer.layers.selection.active = active  # the class map stays what the brush paints on
        return layer

    def _palette(self, name: str, known: LiveComparison) -> _Palette:
        if name == BAND:
            return _BAND_PALETTE
        if name == TRUTH:
            return TRUTH_COLOURS
        if self.scheme == SCHEMES[0]:
            return DIFFERENCE_PALETTES["on the screen"]
        return DIFFERENCE_PALETTES["thesis, binary" if known.cell_only else "thesis, three-class"]

    def key(self) -> list[tuple[tuple[float, float, float, float], str]]:
        """Colour (RGBA, 0-1) and meaning of what is drawn of the shown image: of one scheme, and of what can occur."""
        known = self.comparison.of(self.comparison.session.index)
        cell_only = known is not None and known.cell_only
        found = []
        if TRUTH in self.wanted:
            found.append((TRUTH_COLOURS[1], "truth, around cells"))
            found += [] if cell_only else [(TRUTH_COLOURS[2], "truth, around nuclei")]
        if DIFFERENCE in self.wanted and self.scheme == SCHEMES[0]:
            palette = DIFFERENCE_PALETTES["on the screen"]
            codes = [code for code in Difference if code and not (cell_only and code == Difference.WRONG_CLASS)]
            found += [(palette[code], code.words) for code in codes]
        elif DIFFERENCE in self.wanted:
            palette = DIFFERENCE_PALETTES["thesis, binary" if cell_only else "thesis, three-class"]
            codes = [Difference.CORRECT, Difference.FALSE_POSITIVE, *[Difference.FALSE_NEGATIVE] * cell_only]
            found += [(palette[code], code.words if cell_only or not code else "wrong") for code in codes]
        if BAND in self.wanted:
            found.append((_BAND_PALETTE[1], "border band"))
        return found

    def _on_scored(self, index: int, box: Box | None) -> None:
        if index == self.comparison.session.index and self.wanted:
            self.refresh(box)

    def _on_shown(self) -> None:
        if self.wanted:
            self.refresh()

    def _on_cleared(self) -> None:
        # it may be cleared because napari is taking the layer of the truth out
        self.comparison.session.layers.remove_later(*self._layers.values())
        self._layers = {}

    def _remove(self) -> None:
        self._take_away(list(self._layers))

    def _take_away(self, names: list[str]) -> None:
        gone = [self._layers.pop(name, None) for name in names]
        self.comparison.session.layers.remove(*gone)


def _colormap(palette: _Palette) -> DirectLabelColormap:
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, NDArray[np.float32]] = {v: np.array(rgba, np.float32) for v, rgba in palette.items()}
    return DirectLabelColormap(color_dict={**colours, None: np.zeros(4, np.float32)})
