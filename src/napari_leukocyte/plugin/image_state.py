"""What a session knows of one image of its list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.calibrated import range_factor
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.history import Fingerprint
from napari_leukocyte.core.cells.live import LiveCells
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.origin import Origin, OriginMap
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.interactive.stroke import Stroke
from napari_leukocyte.core.packed import Packed
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.segmentation import Segmentation

__all__ = ["ImageState", "empty_segmentation"]


@dataclass
class ImageState:
    """The segmentation that the class map began with, and its cells as they are now.

    To make one measures all cells, a hundredth of a second each: beside the window, where there may be many.

    Attributes
    ----------
    result
        The segmentation without its maps, which are of no size here: model, pixel size, notes, provenance. `began` has
        the maps.
    live
        Class map, labels, marks, types and measures, followed through the edits.
    saved
        What it was when it was last saved among results; None: never.
    before, after
        The states that an undo of the segmentation itself leads back to, and a redo leads forward to.
    gestures
        Those that were made since the map was accepted last, in order; some may have been undone.
    """

    result: Segmentation
    live: LiveCells = field(init=False)
    saved: Fingerprint | None = None
    before: ImageState | None = None
    after: ImageState | None = None
    gestures: list[Stroke] = field(default_factory=list)
    _cells_began: Packed[np.int32] = field(init=False)
    _counts: tuple[int, int, Origin] | None = None  # of a revision: pixels changed, and what made the mask

    def __post_init__(self) -> None:
        known = None if self.result.origin is None else self.result.origin.made_with
        self.live = LiveCells(
            self.result.classes,
            self.result.cells,
            pixel_size=self.result.pixel_size,
            binary=self.result.binary,
            unsure=self.result.unsure_cells,
            blurred=self.result.blurred_cells,
            marks=self.result.marks,
            edited=self.result.edited_cells,
            origin=OriginMap(self.result.classes, self.result.makers, None if known is None else known.strokes),
            types=self.result.types,
            beside=self.result.beside,
        )
        # the only places of the maps are those that `rest` puts away
        self._cells_began = Packed(self.result.cells)
        nothing = np.zeros((0, 0), np.uint8)
        self.result = replace(self.result, classes=nothing, cells=nothing.astype(np.int32), makers=None)

    @property
    def began(self) -> Segmentation:
        """The segmentation that the class map began with, with its maps."""
        origin = self.live.origin
        makers = None if origin.first is None else origin.first.array
        return replace(self.result, classes=origin.began.array, cells=self._cells_began.array, makers=makers)

    def rest(self) -> None:
        """Compress all maps, also of the states that can be undone: nobody looks at the image now."""
        self._counted()  # is asked of all images of a list at once
        for state in self._steps():
            for one in (*state.live.maps, state._cells_began):
                one.pack()
            state.live.origin.pack()

    @property
    def nbytes(self) -> int:
        """What its maps take of the memory as they are now."""
        origin = self.live.origin
        maps = (*self.live.maps, self._cells_began, origin.began, origin.first, origin.packed_makers)
        return sum(one.nbytes for one in maps if one is not None)

    @property
    def classes(self) -> NDArray[np.uint8]:
        """Class map (Y, X); the layer holds a copy of its own, which napari paints in place."""
        return self.live.classes

    @property
    def cells(self) -> NDArray[np.int32]:
        """Cell labels (Y, X)."""
        return self.live.cells

    @property
    def measures(self) -> list[CellMeasure]:
        """The measures of all cells, by rising number."""
        return self.live.measures

    @property
    def range_factor(self) -> float:
        """The factor of the calibrated range of the model that made the map; NaN without one."""
        return range_factor(self.result.provenance)

    @property
    def edited(self) -> bool:
        """Whether it holds edits that are in no accepted version: made now, or read back as a draft."""
        return self.live.edited or self.result.is_draft

    @property
    def at_stake(self) -> bool:
        """Whether edits go with it that are neither accepted nor saved among results."""
        return self.live.edited and self.live.fingerprint != self.saved

    @property
    def pixels_changed(self) -> int:
        """How many pixels were changed by hand since a model made the map."""
        origin = self.result.origin
        return self._counted()[0] + (origin.pixels_changed if origin else 0)

    def _counted(self) -> tuple[int, Origin]:
        """How many pixels differ from the map that it began with, and what made the mask; of each revision once."""
        revision = self.live.revision
        if self._counts is None or self._counts[0] != revision:
            changed = int(np.count_nonzero(self.classes != self.live.origin.began.array))
            self._counts = revision, changed, self.live.origin.count(self.classes)
        return self._counts[1:]

    @property
    def labels_edited(self) -> bool:
        """Whether cells were split, joined or marked by hand since a model made them."""
        by_hand, origin = self.live.by_hand, self.result.origin
        changed = (by_hand.marks, by_hand.edited) != (self.result.marks, self.result.edited_cells)
        return changed or (origin is not None and origin.labels_edited)

    @property
    def remarks(self) -> dict[int, frozenset[Flag]]:
        """The remarks kept with the map: cells marked, edited, unsure, out of focus, or beside others left out."""
        kept = {Flag.LOW_CONFIDENCE, Flag.OUT_OF_FOCUS, Flag.EDITED, *self.live.by_hand.marks.values()}
        flags = {one.cell: frozenset(kept & set(one.flags)) | self.live.beside(one.cell) for one in self.measures}
        return {cell: found for cell, found in flags.items() if found}

    @property
    def types(self) -> dict[int, str]:
        """What type a person said that cells are, by cell number."""
        return {measure.cell: measure.cell_type for measure in self.measures if measure.cell_type}

    def facts(self, difficulty: int | None) -> MaskFacts:
        """What a draft or an accepted version keeps of the map as it is now; ``difficulty`` is what was judged."""
        provenance, origin = self.result.provenance, self.result.origin
        return MaskFacts(
            model=provenance.get("model", ""),
            model_sha256=provenance.get("model_sha256", ""),
            pixels_changed=self.pixels_changed,
            labels_edited=self.labels_edited,
            pixel_size=self.result.pixel_size,
            whole_cell=self.result.binary,
            difficulty=difficulty,
            parent=None if origin is None else origin.parent,
            remarks=self.remarks,
            made_with=self._counted()[1],
            types=self.types,
        )

    def accepted_as(self, version: int) -> None:
        """Note that the map, as ``live`` keeps it, was accepted as a version."""
        self.gestures.clear()
        origin = self.result.origin or MaskFacts()
        self.result = replace(self.result, origin=replace(origin, parent=version), is_draft=False)

    def follow_source(self, before: PixelSize, now: PixelSize) -> None:
        """Measure at the pixel size that the image states now, together with the states that can be undone.

        A size that was typed or recorded stays; one that was only estimated gives way.
        """
        for step in self._steps():
            size = step.result.pixel_size
            if size == before or (size.estimated and now.um is not None):
                step.result = replace(step.result, pixel_size=now, provenance={**step.result.provenance, **now.facts})
                step.live.measure_at(now)

    def _steps(self) -> list[ImageState]:
        """All states that undo and redo lead to, in their order, and this one among them."""
        steps = [self]
        while steps[0].before is not None:
            steps.insert(0, steps[0].before)
        while steps[-1].after is not None:
            steps.append(steps[-1].after)
        return steps

    def forget_steps_before(self, most: int) -> None:
        """Forget all states but the last ``most`` that an undo leads back to: each holds maps of its own."""
        step = self
        for _ in range(most):
            if step.before is None:
                return
            step = step.before
        if step.before is not None:
            step.before.after = None
            step.before = None

    def forget_undo(self) -> None:
        """Forget the undo steps, as the layer does."""
        self.live.history.clear()
        self.before = self.after = None


def empty_segmentation(shape: tuple[int, int], pixel_size: PixelSize) -> Segmentation:
    """Return a class map without cells, to be painted by hand."""
    provenance = {
        "napari-leukocyte": __version__,
        "model": "",
        "made": "by hand",
        **pixel_size.facts,
    }
    return Segmentation(np.zeros(shape, np.uint8), np.zeros(shape, np.int32), False, pixel_size, "all", (), provenance)
