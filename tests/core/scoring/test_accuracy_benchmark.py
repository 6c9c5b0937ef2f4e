"""The cells behind the accuracy tables carry the flags that their user sees."""

import numpy as np
from PIL import Image

import accuracy
from accuracy import Options, score
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.results.segmentation import Segmentation

PIXEL_SIZE = 0.25


def test_what_the_network_doubts_is_a_flag_of_the_pair(tmp_path, monkeypatch):
    y, x = np.mgrid[:150, :150]
    classes = np.zeros((150, 150), np.uint8)
    for column in (40, 110):
        distance = np.hypot(y - 75, x - column)
        classes[distance <= 16] = 1
        classes[distance <= 9] = 2
    Image.fromarray(classes).save(tmp_path / "m.png")
    cells = label_cells(classes, pixel_size=PIXEL_SIZE)
    unsure = int(cells[75, 110])
    made = Segmentation(classes, cells, False, PixelSize(PIXEL_SIZE), "all", (), {}, unsure_cells=frozenset({unsure}))
    monkeypatch.setattr(accuracy, "segment", lambda row, model, options: made)
    row = IndexRow("lab/a.png", "lab", tmp_path / "a.png", tmp_path / "m.png", PIXEL_SIZE, "neutrophil", "")
    pairs = score(row, None, Options("all", ())).pairs
    told = {cell.cell: cell.flags for cell in made.measure()}
    assert {pair.predicted.cell: pair.predicted.flags for pair in pairs} == told
    assert Flag.LOW_CONFIDENCE in told[unsure]
