"""What is known about the masks of a data set: where nuclei are drawn apart, and which outlines not to believe.

A data folder's ``index.csv`` names one mask an image. Notes, a JSON file, say what an expert would add:

    {"nuclei": {"SOURCE": {"folder": "three_class", "tolerance_um": 0.25}},
     "tight": {"tolerance_um": 1.0, "images": ["SOURCE/images/002.jpg"]}}

``nuclei``: masks with cytoplasm and nucleus, of the same file names, in a folder beside that of the whole-cell masks;
their nuclear outline is right to within the tolerance. ``tight``: the outline is drawn inside the cell, along its
nucleus; up to the tolerance outside it nothing is known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import read_mask

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
            unknown = ~cell & (ndimage.distance_transform_edt(~cell) * pixel_size <= self.tight_um)
        drawn = self.nuclei.get(source)
        if drawn is None or not whole_cell:
            return BelievedMask(classes, whole_cell, unknown)
        with_nuclei = read_mask(path.parent.parent / drawn.folder / path.name).classes
        if with_nuclei.shape != classes.shape:
            raise LeukocyteError(f"The mask of {name} and its mask with nuclei differ in size.")
        nucleus = (with_nuclei == 2) & (classes > 0)
        inside = ndimage.distance_transform_edt(nucleus)
        outside = ndimage.distance_transform_edt(~nucleus)
        near = np.where(nucleus, inside, outside) * pixel_size <= drawn.tolerance_um
        # the outline of the cell is the whole-cell mask's; the nuclei are laid into it
        both = np.where(nucleus, np.uint8(2), (classes > 0).astype(np.uint8))
        return BelievedMask(both, False, unknown, near)


NO_NOTES = MaskNotes()


def read_mask_notes(path: Path) -> MaskNotes:
    """Read notes from a JSON file.

    Raises
    ------
    LeukocyteError
        When the file cannot be read or is not made as the module says.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        nuclei = {
            str(source): DrawnNuclei(str(given["folder"]), float(given["tolerance_um"]))
            for source, given in content.get("nuclei", {}).items()
        }
        tight = content.get("tight", {"images": [], "tolerance_um": 0})
        return MaskNotes(nuclei, frozenset(map(str, tight["images"])), float(tight["tolerance_um"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LeukocyteError(
            f"{path} holds no notes on masks: see the module mask_notes for what they look like."
        ) from error
