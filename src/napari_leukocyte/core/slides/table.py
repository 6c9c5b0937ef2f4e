"""The table of a slide's cells: the usual columns, and where on the slide and on the film each cell lies."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_leukocyte.core.cells.cells_csv import cell_rows, write_cells_csv
from napari_leukocyte.core.slides.measuring import SlideCell
from napari_leukocyte.core.slides.overview import Overview

__all__ = ["SLIDE_COLUMNS", "write_slide_table"]

SLIDE_COLUMNS = ("y_um", "x_um", "place")
"""Behind the usual columns, in which y and x are px of the slide at full resolution."""


def write_slide_table(
    path: Path,
    cells: Sequence[SlideCell],
    overview: Overview,
    *,
    image: str,
    um: float,
    provenance: Mapping[str, str],
) -> None:
    """Write the table, and what made it beside it.

    Raises
    ------
    LeukocyteError
        When it cannot be written.
    """
    rows = cell_rows((cell.measure for cell in cells), image=image, provenance=provenance)
    for row, cell in zip(rows, cells, strict=True):
        y, x = cell.measure.y, cell.measure.x
        row |= {"y_um": f"{y * um:.8g}", "x_um": f"{x * um:.8g}", "place": overview.place_at(y, x).words}
    write_cells_csv(path, rows, provenance=dict(provenance), further=SLIDE_COLUMNS)
