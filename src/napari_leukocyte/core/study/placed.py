"""The cells of a study in their places: type, patient, group."""

from collections.abc import Iterable
from dataclasses import dataclass

from napari_leukocyte.core.study.kinds import kind_of
from napari_leukocyte.core.study.samples import Sample, Samples
from napari_leukocyte.core.study.tables import StudyCell

__all__ = ["PlacedCell", "place"]


@dataclass(frozen=True)
class PlacedCell:
    """A cell, the type that it counts under ("" for what is no cell), and where it comes from."""

    cell: StudyCell
    kind: str
    sample: Sample

    @property
    def patient(self) -> tuple[str, str]:
        """Group and patient; the patient is empty when nobody knows."""
        return self.sample.group, self.sample.patient


def place(cells: Iterable[StudyCell], samples: Samples, *, merge_bands: bool = True) -> list[PlacedCell]:
    """Put cells in their places; those of images that have none are left out."""
    return [
        PlacedCell(cell, kind_of(cell.measure, merge_bands=merge_bands), samples.of[cell.image])
        for cell in cells
        if cell.image in samples.of
    ]
