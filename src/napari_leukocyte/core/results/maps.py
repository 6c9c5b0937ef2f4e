"""The files of one image's results: class map and cell labels, with what is recorded of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_leukocyte.core.cells.cells_csv import cell_rows
from napari_leukocyte.core.cells.left_out import BESIDE
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.shape import Shape
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png, write_class_tiff
from napari_leukocyte.core.results.cell_table import common
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.record import CELL_FIELDS, OPTIONAL_FIELDS, ListedImage, PlaneRecord
from napari_leukocyte.core.results.remarks import remarks_text
from napari_leukocyte.core.results.segmentation import Segmentation

__all__ = ["PlaneResult", "cells_of", "map_names", "write_maps"]

_LARGE = 100_000_000  # px above which a class map becomes a tiled TIFF: readers of PNG refuse larger ones


@dataclass(frozen=True)
class PlaneResult:
    """The result of one plane, or why it has none.

    Attributes
    ----------
    measures
        Of the cells as they are now.
    facts
        What hands changed; None for a map as a model made it.
    """

    result: Segmentation | None
    measures: Sequence[CellMeasure] = ()
    facts: MaskFacts | None = None
    reason: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether a hand has changed it, or said what its cells are."""
        return self.facts is not None and (self.facts.edited or bool(self.facts.types))

    def record(self) -> PlaneRecord:
        """What the record keeps of it."""
        if self.result is None:
            return PlaneRecord(reason=self.reason or "It was not segmented.")
        return PlaneRecord(
            provenance=dict(self.result.provenance),
            pixel_size=self.result.pixel_size,
            binary=self.result.binary,
            notes=self.result.notes,
            cells=cells_of(self.measures, self.result.provenance, self.result.shapes),
            pixels_changed=0 if self.facts is None else self.facts.pixels_changed,
            labels_edited=self.facts is not None and self.facts.labels_edited,
        )


def cells_of(
    measures: Sequence[CellMeasure], provenance: Mapping[str, str], shapes: Mapping[int, Shape] | None = None
) -> tuple[dict[str, str], ...]:
    """What the record keeps of the rows of one plane."""
    rows = cell_rows(measures, image="", provenance=provenance, shapes=shapes)
    return tuple({name: row[name] for name in (*CELL_FIELDS, *OPTIONAL_FIELDS) if row.get(name)} for row in rows)


def map_names(stem: str) -> tuple[str, ...]:
    """All names that files of an image can have."""
    return f"{stem}_classes.png", f"{stem}_classes.tif", f"{stem}_cells.tif"


def write_maps(folder: Path, listed: ListedImage, planes: Sequence[PlaneResult]) -> None:
    """Write the class map and the cell labels of an image or a stack; a plane without a result stays empty.

    Raises
    ------
    LeukocyteError
        When a file cannot be written.
    """
    done = [plane.result for plane in planes if plane.result is not None]
    provenance = {"image": listed.label, **common([result.provenance for result in done])}
    # an estimate is not written as the file's resolution: read again, it would pass for a measured one
    sizes = {result.pixel_size.for_areas for result in done}
    pixel_size = sizes.pop() if len(sizes) == 1 else None
    if len(planes) == 1:
        classes, cells = done[0].classes, done[0].cells
    else:
        empty = np.zeros_like(done[0].classes)
        classes = np.stack([empty if plane.result is None else plane.result.classes for plane in planes])
        cells = np.stack([empty if plane.result is None else plane.result.cells for plane in planes])
    png, tif, labels = (folder / name for name in map_names(listed.stem))
    if classes.ndim == 3 or classes.size > _LARGE:
        write_class_tiff(tif, classes, provenance=provenance, pixel_size=pixel_size)
    else:  # many programs open a palette as colours, not as 0, 1, 2
        write_class_png(png, classes, provenance=provenance, pixel_size=pixel_size, palette=False)
    write_cells_tiff(labels, cells, provenance={**provenance, **_remarks(planes)}, pixel_size=pixel_size)


def _remarks(planes: Sequence[PlaneResult]) -> dict[str, str | list[str]]:
    """What is to be said of cells; in a stack always a list with a text for each plane, so that each keeps its own."""
    texts = [
        {}
        if plane.result is None
        else remarks_text(
            {one.cell: one.flags for one in plane.measures},
            {one.cell: one.cell_type for one in plane.measures},
            {one.cell: BESIDE.intersection(one.flags) for one in plane.measures if one.cell in plane.result.beside},
        )
        for plane in planes
    ]
    keys = dict.fromkeys(key for text in texts for key in text)
    return {key: [text.get(key, "") for text in texts] if len(planes) > 1 else texts[0][key] for key in keys}
