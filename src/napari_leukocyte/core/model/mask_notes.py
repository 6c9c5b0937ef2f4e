"""What is known about the masks of a data set: where nuclei are drawn apart, and which outlines not to believe.

A data folder's ``index.csv`` names one mask an image. Notes, a JSON file, say what an expert would add:

    {"nuclei": {"SOURCE": {"folder": "three_class", "tolerance_um": 0.25}},
     "tight": {"tolerance_um": 1.0, "images": ["SOURCE/images/002.jpg"]}}

``nuclei``: masks with cytoplasm and nucleus, of the same file names, in a folder beside that of the whole-cell masks;
their nuclear outline is right to within the tolerance, and of a cell without a nucleus no part is known. ``tight``: the
outline is drawn inside the cell, along its nucleus; up to the tolerance outside it nothing is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.schema import Fields, read_object

__all__ = ["NO_NOTES", "BelievedMask", "DrawnNuclei", "MaskNotes", "read_mask_notes"]


@dataclass(frozen=True)
class BelievedMask:
    """A class map and what of it is not to be believed.

    ``classes`` (Y, X) uint8; ``unknown`` (Y, X) bool: nothing is known there; ``part_unknown`` (Y, X) bool: a cell's
    pixel may be cytoplasm or nucleus. None: there is no such pixel.
    """

    classes: NDArray[np.uint8]
    whole_cell: bool
    unknown: NDArray[np.bool_] | None = None
    part_unknown: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class DrawnNuclei:
    """Where a source's nuclei are drawn, and how far (um) their outlines may be off."""

    folder: str
    tolerance_um: float


@dataclass(frozen=True)
class MaskNotes:
    """Notes on the masks of a data folder, see the module; ``tight`` holds names as the index gives them."""

    nuclei: Mapping[str, DrawnNuclei] = field(default_factory=dict)
    tight: frozenset[str] = frozenset()
    tight_um: float = 0.0

    def nuclei_mask(self, source: str, mask: Path) -> Path | None:
        """Where the nuclei of a mask of that source are drawn, if they are drawn apart."""
        drawn = self.nuclei.get(source)
        return None if drawn is None else mask.parent.parent / drawn.folder / mask.name

    def believed(
        self,
        name: str,
        source: str,
        path: Path,
        classes: NDArray[np.uint8],
        whole_cell: bool,
        *,
        pixel_size: float,
    ) -> BelievedMask:
        """The mask (Y, X) that was read from ``path``, with what the notes say of it.

        Raises
        ------
        LeukocyteError
            When a mask with nuclei that the notes speak of is missing, or of another size.
        """
        unknown = None
        if name in self.tight:
            cell = classes > 0
            unknown = ~cell & (_distance_to(cell) * pixel_size <= self.tight_um)
        nuclei = self.nuclei_mask(source, path)
        if nuclei is None or not whole_cell:
            return BelievedMask(classes, whole_cell, unknown)
        with_nuclei = read_mask(nuclei).classes
        if with_nuclei.shape != classes.shape:
            raise LeukocyteError(f"The mask of {name} and its mask with nuclei differ in size.")
        cell = classes > 0
        nucleus = (with_nuclei == 2) & cell
        distance = np.where(nucleus, _distance_to(~nucleus), _distance_to(nucleus))
        cells, _ = ndimage.label(cell)
        without = cell & ~np.isin(cells, cells[nucleus])
        # the outline of the cell is the whole-cell mask's; the nuclei are laid into it
        both = np.where(nucleus, np.uint8(2), cell.astype(np.uint8))
        rim = distance * pixel_size <= self.nuclei[source].tolerance_um
        return BelievedMask(both, False, unknown, cell & rim | without)


def _distance_to(where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far (px) each pixel is from the nearest one ``where``; infinite when there is none."""
    if not where.any():
        return np.full(where.shape, np.inf)
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~where)
    return distance


NO_NOTES = MaskNotes()


def read_mask_notes(path: Path) -> MaskNotes:
    """Read notes from a JSON file.

    Raises
    ------
    LeukocyteError
        When the file cannot be read or is not made as the module says.
    """
    notes = read_object(path, mend="correct it, the module mask_notes says what notes look like")
    notes.only("nuclei", "tight")
    nuclei, tight = {}, None
    if "nuclei" in notes:
        sources = notes.within("nuclei")
        nuclei = {source: _drawn_nuclei(sources.within(source)) for source in sources.keys()}  # noqa: SIM118
    if "tight" in notes:
        tight = notes.within("tight")
        tight.only("tolerance_um", "images")
    return MaskNotes(
        nuclei,
        frozenset() if tight is None else frozenset(tight.texts("images")),
        0.0 if tight is None else tight.number("tolerance_um", low=0),
    )


def _drawn_nuclei(given: Fields) -> DrawnNuclei:
    given.only("folder", "tolerance_um")
    return DrawnNuclei(given.text("folder", filled=True), given.number("tolerance_um", low=0))
