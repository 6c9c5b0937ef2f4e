"""The rows of a slide's cells: the usual columns, and where on the slide and on the film each cell lies."""

from collections.abc import Callable, Mapping, Sequence

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.results.maps import cells_of
from napari_leukocyte.core.slides.film import Place

__all__ = ["slide_rows"]


def slide_rows(
    measures: Sequence[CellMeasure],
    place_at: Callable[[float, float], Place],
    *,
    um: float,
    provenance: Mapping[str, str],
) -> tuple[dict[str, str], ...]:
    """What the record keeps of cells.

    Parameters
    ----------
    measures
        With coordinates of the slide, px.
    place_at
        What lies at a place (y, x), px.
    um
        Of a pixel.
    """
    return tuple(
        {**row, "y_um": f"{one.y * um:.8g}", "x_um": f"{one.x * um:.8g}", "place": place_at(one.y, one.x).words}
        for row, one in zip(cells_of(measures, provenance), measures, strict=True)
    )
