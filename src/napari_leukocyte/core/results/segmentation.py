"""The result of a segmentation, fresh from a model or read back from a training set; light to import."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.left_out import BESIDE
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.cells.shape import Shape
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts

__all__ = ["Segmentation", "remark_fields"]


@dataclass(frozen=True)
class Segmentation:
    """Result for one plane.

    Attributes
    ----------
    classes
        Class map (Y, X) uint8 with the kept cells only.
    cells
        Cell labels (Y, X) int32, 1..n.
    keep
        The rule that was in force, after ``auto`` was decided.
    notes
        What was done or happened that the user should know.
    provenance
        Model, hash, device, parameters, pixel size and its source: goes into every file and layer.
    unsure_cells
        Numbers of the cells that the network is unsure of.
    unsure_shares
        Share of the pixels, 0-1, that the network is unsure of, by cell; empty for a map that no model has just made.
    blurred_cells
        Numbers of the cells that are out of focus.
    uncertainty
        0-1, see `uncertainty.uncertainty`; NaN for a map that no model has just made.
    marks
        Cells marked as not a WBC: in a map that was corrected before, or because they look like giant platelets.
    edited_cells
        Numbers of the cells edited by hand, in such a map.
    types
        What type a person said that cells are, in such a map.
    origin
        What is known of such a map, with the version that it is or began with as its parent; None for a fresh one.
    makers
        What made each pixel (Y, X) of such a map, see ``core.cells.origin.MAKERS``; None: the model, all of it.
    beside
        Flags that cells have for neighbours which the keep rule left out, see ``core.cells.left_out``.
    shapes
        The optional columns of the table, by cell, where they were asked for; None: they were not.
    is_draft
        Whether it holds edits that no accepted version has: a draft, or a result that was corrected and saved.
    """

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    binary: bool
    pixel_size: PixelSize
    keep: str
    notes: tuple[str, ...]
    provenance: dict[str, str]
    unsure_cells: frozenset[int] = frozenset()
    unsure_shares: Mapping[int, float] = field(default_factory=dict)
    blurred_cells: frozenset[int] = frozenset()
    uncertainty: float = math.nan
    marks: Mapping[int, Flag] = field(default_factory=dict)
    edited_cells: frozenset[int] = frozenset()
    types: Mapping[int, str] = field(default_factory=dict)
    origin: MaskFacts | None = None
    makers: NDArray[np.uint8] | None = None
    is_draft: bool = False
    beside: Mapping[int, frozenset[Flag]] = field(default_factory=dict)
    shapes: Mapping[int, Shape] | None = None

    def measure(self) -> list[CellMeasure]:
        """Measure the cells; areas in um2 only where the pixel size is more than an estimate."""
        return measure_cells(
            self.classes,
            self.cells,
            pixel_size=self.pixel_size.for_areas,
            binary=self.binary,
            remarks=self.remarks,
            types=self.types,
        )

    @property
    def remarks(self) -> dict[int, frozenset[Flag]]:
        """What `measure_cells` should know of the cells beside the maps."""
        found: dict[int, set[Flag]] = {cell: {Flag.LOW_CONFIDENCE} for cell in self.unsure_cells}
        for cell in self.blurred_cells:
            found.setdefault(cell, set()).add(Flag.OUT_OF_FOCUS)
        for cell, flags in self.beside.items():
            if cell not in self.edited_cells:  # whoever edited the cell has looked at it
                found.setdefault(cell, set()).update(flags)
        for cell, mark in self.marks.items():
            found.setdefault(cell, set()).add(mark)
        for cell in self.edited_cells:
            found.setdefault(cell, set()).add(Flag.EDITED)
        if self.pixel_size.doubt:
            for cell in np.unique(self.cells[self.cells > 0]).tolist():
                found.setdefault(cell, set()).add(Flag.PIXEL_SIZE_DOUBTFUL)
        return {cell: frozenset(flags) for cell, flags in found.items()}


class RemarkFields(TypedDict):
    """The fields of a `Segmentation` that hold remarks on cells."""

    unsure_cells: frozenset[int]
    blurred_cells: frozenset[int]
    marks: dict[int, Flag]
    edited_cells: frozenset[int]
    beside: dict[int, frozenset[Flag]]


def remark_fields(remarks: Mapping[int, Collection[Flag]]) -> RemarkFields:
    """Sort the remarks that were kept with a map, by cell number, into the fields of a `Segmentation`."""

    def cells(flag: Flag) -> frozenset[int]:
        return frozenset(cell for cell, flags in remarks.items() if flag in flags)

    return {
        "unsure_cells": cells(Flag.LOW_CONFIDENCE),
        "blurred_cells": cells(Flag.OUT_OF_FOCUS),
        "marks": {cell: flag for cell, flags in remarks.items() for flag in flags if flag in NOT_A_WBC},
        "edited_cells": cells(Flag.EDITED),
        "beside": {cell: BESIDE & set(flags) for cell, flags in remarks.items() if not BESIDE.isdisjoint(flags)},
    }
