"""A slide in windows of any size gives the cells that it gives in one piece."""

import numpy as np
import pytest
import zarr
from drawn_slides import draw, in_one_piece, run, scattered, slide_of, table

from napari_leukocyte.core.segmentation.predictor import Predictor

SHAPE = (1100, 1500)


@pytest.fixture(scope="module")
def network(model):
    return Predictor(model, device="cpu")


@pytest.fixture(scope="module")
def picture():
    return draw(SHAPE, scattered(SHAPE, 130), red_cells=900)


@pytest.fixture(scope="module")
def whole(picture, network):
    return in_one_piece(picture, network)


@pytest.mark.parametrize("windows", [1, 2, None])
def test_the_cells_are_those_of_one_piece(tmp_path, picture, whole, network, windows):
    events = run(slide_of(picture), tmp_path / "out", network, windows=windows, whole_film=True)
    result = events[-1]
    root = zarr.open_group(str(tmp_path / "out" / "cells.ome.zarr"), mode="r")
    assert result.cells == whole.cells.max() > 90
    assert np.array_equal(root["labels/cells/0"][:], whole.cells)
    assert np.array_equal(root["0"][:], whole.classes)
    assert np.array_equal(root["labels/nuclei/0"][:], np.where(whole.classes == 2, whole.cells, 0))
    for row, measure in zip(table(tmp_path / "out"), whole.measure(), strict=True):
        assert row["cell"] == str(measure.cell)
        assert (int(row["cytoplasm_px"]), int(row["nucleus_px"])) == (measure.cytoplasm_px, measure.nucleus_px)
        assert row["flags"] == ";".join(measure.flags)
        for name in ("y", "x", "cnr", "cnr_low", "cnr_high", "cytoplasm_um2"):
            expected = getattr(measure, name)
            assert row[name] == ("" if expected != expected else f"{expected:.8g}")
