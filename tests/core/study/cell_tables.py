"""Tables of cells drawn as numbers, written as files."""

import numpy as np

from napari_leukocyte.core.cells.cells_csv import cell_rows, write_cells_csv
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure

NAN = float("nan")


def cell(number=1, cnr=1.0, *, flags=(), cell_type="", nucleus=400, y=50.0, x=50.0):
    """A cell with a CNR, or (NaN) one that is cut by the edge unless flags say otherwise."""
    if np.isnan(cnr):
        flags = flags or (Flag.CUT_BY_EDGE,)
        return CellMeasure(number, y, x, NAN, NAN, NAN, NAN, NAN, 300, nucleus, 3.0, nucleus / 100, flags, cell_type)
    cytoplasm = round(cnr * nucleus)
    own = cytoplasm / nucleus
    return CellMeasure(
        *(number, y, x, own, 0.9 * own, 1.1 * own, 1 / own, 1 / (1 + own), cytoplasm, nucleus),
        *(cytoplasm / 100, nucleus / 100, tuple(flags), cell_type),
    )


def write_results(folder, images, *, made_by=None):
    """Write the cells.csv of a results folder; ``images`` has the cells of each by label."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"pixel_size_um": "0.1", "model": "default", "engine": "torch", **(made_by or {})}
    rows = [row for label, cells in images.items() for row in cell_rows(cells, image=label, provenance=facts)]
    write_cells_csv(folder / "cells.csv", rows)
    return folder


def drawn_study(folder, *, patients=5, cells=40, ratio=1.0, seed=0, kinds=("lymphocyte",)):
    """Three groups; CNRs of the third are ``ratio`` times those of the first two."""
    rng = np.random.default_rng(seed)
    images = {}
    for group in ("A", "B", "C"):
        for patient in range(1, patients + 1):
            own = rng.normal(np.log(ratio if group == "C" else 1.0), 0.1)
            cnrs = np.exp(rng.normal(own, 0.3, cells))
            images[f"{group}/{group}{patient}_1.png"] = [
                cell(i + 1, float(cnr), cell_type=kinds[i % len(kinds)], nucleus=4000) for i, cnr in enumerate(cnrs)
            ]
    return write_results(folder, images)
