"""Cells with a chosen CNR, as rows of the table."""

import math

import pytest

from napari_leukocyte.core.cells.measures import CellMeasure


@pytest.fixture
def measure():
    """Make a measure whose figures follow from its CNR; a withholding flag takes the CNR away."""

    def make(cell, cnr=1.0, *flags, um2=True, binary=False):
        nucleus_px, cytoplasm_px = (0, 1000) if binary else (1000, round(1000 * cnr))
        per_px = 0.01 if um2 else math.nan
        if binary or any(flag.withholds for flag in flags):
            figures = (math.nan,) * 5
        else:
            figures = (cnr, 0.8 * cnr, 1.3 * cnr, 1 / cnr, 1 / (1 + cnr))
        return CellMeasure(
            cell, 5.0, 5.0, *figures, cytoplasm_px, nucleus_px, cytoplasm_px * per_px, nucleus_px * per_px, flags
        )

    return make


@pytest.fixture
def row(measure):
    """Make a row of the table."""
    from napari_leukocyte.plugin.measure.cell_table import CellRow

    def make(image_index, cell, cnr=1.0, *flags, **options):
        return CellRow(image_index, f"smear_{image_index}.png", measure(cell, cnr, *flags, **options))

    return make
